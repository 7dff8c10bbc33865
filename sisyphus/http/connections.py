"""Open connections of one kind, each lent to one request at a time.

httpcore's own pool looks at every connection for every request, which is what a pool with a limit, a queue and HTTP/2
has to do: with 100 requests at once it spends more time looking than sending. Ours has no limit, so it has no queue.
The connections themselves are httpcore's.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import httpcore
import trio

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from sisyphus.http.network import Network

# Shorter than the 5 s after which many servers close an idle connection, which would race with a request being sent.
KEEP_IDLE: Final = 4.0
MAX_IDLE: Final = 100

# Closing a connection never waits (see `Stream.aclose`); a bound all the same, since it happens in a shielded scope.
CLOSING: Final = 1.0


_Key = tuple[bytes, bytes, int]


def _key(origin: httpcore.Origin) -> _Key:
    return (origin.scheme, origin.host, origin.port)


class Connections:
    """Connections that share a TLS context.

    Args:
        tls: for https; None where only http is spoken.
        network: makes the TCP connections.
    """

    def __init__(self, tls: ssl.SSLContext | None, network: Network) -> None:
        self._tls: Final = tls
        self._network: Final = network
        self._idle: Final[defaultdict[_Key, list[httpcore.AsyncHTTPConnection]]] = defaultdict(list)
        self._lent: Final[set[httpcore.AsyncHTTPConnection]] = set()

    def __len__(self) -> int:
        return len(self._lent) + sum(map(len, self._idle.values()))

    async def send(self, request: httpcore.Request) -> httpcore.Response:
        """Sends a request over an idle connection or a new one, and returns when the head of the answer is there.

        The connection is lent until the stream of the answer is closed. On failure and on cancellation it is closed.
        """
        origin = request.url.origin
        connection = await self._take(origin)
        self._lent.add(connection)
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            self._lent.discard(connection)
            with trio.move_on_after(CLOSING, shield=True):
                await connection.aclose()
            raise
        stream = _Lent(self, origin, connection, response.stream)
        return httpcore.Response(
            response.status, headers=response.headers, content=stream, extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Closes every connection, lent ones too."""
        for connection in [*self._lent, *(each for idle in self._idle.values() for each in idle)]:
            await _close(connection)
        self._lent.clear()
        self._idle.clear()

    async def _take(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        idle = self._idle[_key(origin)]
        while idle:
            connection = idle.pop()  # the one used last: it is the least likely to have been closed meanwhile
            if not connection.has_expired():
                return connection
            await _close(connection)
        return httpcore.AsyncHTTPConnection(
            origin, ssl_context=self._tls, keepalive_expiry=KEEP_IDLE, network_backend=self._network
        )

    async def give_back(self, origin: httpcore.Origin, connection: httpcore.AsyncHTTPConnection) -> None:
        """Takes a connection whose answer was read, or given up, back; keeps it if it can be used again."""
        if connection not in self._lent:  # closed with all others meanwhile
            return
        self._lent.discard(connection)
        idle = self._idle[_key(origin)]
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
        connection: httpcore.AsyncHTTPConnection,
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
            with trio.move_on_after(CLOSING, shield=True):
                await self._owner.give_back(self._origin, self._connection)


def _said_too_much(connection: httpcore.AsyncHTTPConnection) -> bool:
    """Whether more came than the answer: the next request must not take that for its own.

    httpcore keeps it in h11's buffer and tells nobody, hence the look into its private parts.
    """
    parser = getattr(getattr(connection, "_connection", None), "_h11_state", None)
    return parser is not None and bool(parser.trailing_data[0])


async def _close(connection: httpcore.AsyncHTTPConnection) -> None:
    """Closes, whatever is cancelled meanwhile: the server is owed the end of a connection that nobody will use."""
    with trio.move_on_after(CLOSING, shield=True):
        await connection.aclose()
