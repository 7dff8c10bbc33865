"""One request on an HTTP/2 connection, and what has come of it so far."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import httpcore
import trio

from sisyphus.http.network import GivenUp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    Headers = list[tuple[bytes, bytes]]


class Exchange:
    """What the connection's reader puts in, and the request's task takes out.

    Attributes:
        number: of its stream.
        head: the headers of the answer, `:status` among them.
        ended: no more of the answer will come.
        sent: no more of the request will go.
        failure: why there will be no whole answer.
    """

    def __init__(self, number: int) -> None:
        self.number: Final = number
        self.head: Headers | None = None
        self.ended = False
        self.sent = False
        self.failure: Exception | None = None
        self._chunks: Final[deque[tuple[bytes, int]]] = deque()
        self._news: Final = trio.lowlevel.ParkingLot()

    def put_head(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        if self.head is None:
            self.head = [(bytes(name), bytes(value)) for name, value in headers]
            self._news.unpark_all()

    def put(self, data: bytes, size: int) -> None:
        """Keeps some of the body; `size` is what it counts for flow control."""
        self._chunks.append((data, size))
        self._news.unpark_all()

    def end(self) -> None:
        self.ended = True
        self._news.unpark_all()

    def fail(self, failure: Exception) -> None:
        """Ends it without a whole answer; what came already can still be taken, the first failure counts."""
        if not self.ended and self.failure is None:
            self.failure = failure
        self._news.unpark_all()

    def clear(self) -> int:
        """Forgets what nobody will take; returns what it counts for flow control."""
        size = sum(size for _, size in self._chunks)
        self._chunks.clear()
        return size

    async def arrived(self) -> Headers:
        """The head of the answer, when it has come."""
        while self.head is None:
            await self._more()
        return self.head

    async def next_chunk(self) -> tuple[bytes, int] | None:
        """The next piece of the body and what it counts for flow control; None at its end."""
        while not self._chunks:
            if self.ended:
                return None
            await self._more()
        return self._chunks.popleft()

    async def _more(self) -> None:
        if self.failure is not None:
            raise self.failure
        if self.ended:
            raise httpcore.RemoteProtocolError("it ended before its headers")
        await self._news.park()


class Answer:
    """The body of an answer; closed before its end, it is given up."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        taken: Callable[[Exchange, int], None],
        leave: Callable[[Exchange], None],
        trace: Callable[[str, Any], Awaitable[None]],
    ) -> None:
        self._exchange: Final = exchange
        self._taken: Final = taken
        self._leave: Final = leave
        self._trace: Final = trace
        self._begun = False

    def __aiter__(self) -> Answer:
        return self

    async def __anext__(self) -> bytes:
        if not self._begun:
            self._begun = True
            await self._trace("http2.receive_response_body.started", {})
        chunk = await self._exchange.next_chunk()
        if chunk is None:
            await self._trace("http2.receive_response_body.complete", {})
            raise StopAsyncIteration
        data, size = chunk
        self._taken(self._exchange, size)
        return data

    async def aclose(self) -> None:
        self._exchange.fail(GivenUp("CANCEL"))
        self._leave(self._exchange)


def status_of(head: Headers) -> int:
    """The status of an answer.

    Raises:
        httpcore.RemoteProtocolError: it has none.
    """
    for name, value in head:
        if name == b":status" and value.isdigit() and len(value) == 3:
            return int(value)
    raise httpcore.RemoteProtocolError("it has no status")
