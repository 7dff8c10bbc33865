"""Open connections of HTTP/1.1, each lent to one request at a time.

httpcore's own pool looks at every connection for every request, which is what a pool with a limit, a queue and HTTP/2
has to do: with 100 requests at once it spends more time looking than sending. Ours has no limit, so it has no queue.
What is spoken on the connections is httpcore's.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import httpcore
import trio

from sisyphus.http.dialing import CLOSING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sisyphus.http.dialing import Dialer
    from sisyphus.http.network import Stream

# Shorter than the 5 s after which many servers close an idle connection, which would race with a request being sent.
KEEP_IDLE: Final = 4.0
MAX_IDLE: Final = 100


Key = tuple[bytes, bytes, int]


def key_of(origin: httpcore.Origin) -> Key:
    return (origin.scheme, origin.host, origin.port)


class Connections:
    """Connections that are made alike."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer: Final = dialer
        self._idle: Final[defaultdict[Key, list[httpcore.AsyncHTTP11Connection]]] = defaultdict(list)
        self._lent: Final[set[httpcore.AsyncHTTP11Connection]] = set()

    def __len__(self) -> int:
        return len(self._lent) + sum(map(len, self._idle.values()))

    async def send(self, request: httpcore.Request) -> httpcore.Response:
        """Sends a request over an idle connection or a new one, and returns when the head of the answer is there.

        The connection is lent until the stream of the answer is closed. On failure and on cancellation it is closed.
        """
        connection = await self._take_idle(request.url.origin)
        if connection is None:
            return await self.send_over(await self._dialer.dial(request), request)
        return await self._send(connection, request)

    async def send_over(self, stream: Stream, request: httpcore.Request) -> httpcore.Response:
        """As `send`, over a connection that was just made."""
        connection = httpcore.AsyncHTTP11Connection(request.url.origin, stream, keepalive_expiry=KEEP_IDLE)
        return await self._send(connection, request)

    async def aclose(self) -> None:
        """Closes every connection, lent ones too."""
        for connection in [*self._lent, *(each for idle in self._idle.values() for each in idle)]:
            await _close(connection)
        self._lent.clear()
        self._idle.clear()

    async def _send(self, connection: httpcore.AsyncHTTP11Connection, request: httpcore.Request) -> httpcore.Response:
        self._lent.add(connection)
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            self._lent.discard(connection)
            with trio.move_on_after(CLOSING, shield=True):
                await connection.aclose()
            raise
        stream = _Lent(self, request.url.origin, connection, response.stream)
        return httpcore.Response(
            response.status, headers=response.headers, content=stream, extensions=response.extensions
        )

    async def _take_idle(self, origin: httpcore.Origin) -> httpcore.AsyncHTTP11Connection | None:
        idle = self._idle[key_of(origin)]
        while idle:
            connection = idle.pop()  # the one used last: it is the least likely to have been closed meanwhile
            if not connection.has_expired():
                return connection
            await _close(connection)
        return None

    async def give_back(self, origin: httpcore.Origin, connection: httpcore.AsyncHTTP11Connection) -> None:
        """Takes a connection whose answer was read, or given up, back; keeps it if it can be used again.

        A cancellation does not hinder it: where it waits, it waits for a connection that is closed, which is shielded.
        """
        if connection not in self._lent:  # closed with all others meanwhile
            return
        self._lent.discard(connection)
        idle = self._idle[key_of(origin)]
        if connection.is_idle() and not _said_too_much(connection) and len(idle) < MAX_IDLE:
            idle.append(connection)
        else:
            await _close(connection)


class _Lent:
    """The body of an answer; closing it gives its connection back."""

    def __init__(
        self,
        owner: Connections,
        origin: httpcore.Origin,
        connection: httpcore.AsyncHTTP11Connection,
        stream: Any,
    ) -> None:
        self._owner: Final = owner
        self._origin: Final = origin
        self._connection: Final = connection
        self._stream: Final = stream

    def __aiter__(self) -> AsyncIterator[bytes]:
        chunks: AsyncIterator[bytes] = self._stream.__aiter__()
        return chunks

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            await self._owner.give_back(self._origin, self._connection)  # noqa: ASYNC102 - where it waits, it shields


def _said_too_much(connection: httpcore.AsyncHTTP11Connection) -> bool:
    """Whether more came than the answer: the next request must not take that for its own.

    httpcore keeps it in h11's buffer and tells nobody, hence the look into its private parts.
    """
    parser = getattr(connection, "_h11_state", None)
    return parser is not None and bool(parser.trailing_data[0])


async def _close(connection: httpcore.AsyncHTTP11Connection) -> None:
    """Closes, whatever is cancelled meanwhile: the server is owed the end of a connection that nobody will use."""
    with trio.move_on_after(CLOSING, shield=True):
        await connection.aclose()
