"""One HTTP/2 connection: any number of requests at once, each of which can be given up without harm to the others.

httpcore has one too, but there a request that is cancelled takes bytes with it that h2 believes to be sent, which ends the
connection for all others, and does not tell the server. Here two tasks of the connection's own read and write, whatever
becomes of the requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpcore
import trio

from sisyphus.http.conversation import Conversation
from sisyphus.http.dialing import CLOSING, untraced
from sisyphus.http.exchange import Answer, Exchange, status_of
from sisyphus.http.network import Unprocessed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sisyphus.http.network import Stream

_READ: Final = 64 * 1024

# Turns of the loop in which the reader's task can notice what has come; two are enough, if it does not come in pieces.
_LOOKS: Final = 5


class Http2:
    """A connection on which HTTP/2 was agreed; `run` has to run as long as it is used."""

    def __init__(self, stream: Stream) -> None:
        self._stream: Final = stream
        self._talk: Final = Conversation()
        self._scope: Final = trio.CancelScope()
        self._outgoing = bytearray()
        self._queued = 0  # bytes ever given to the writer
        self._written = 0  # bytes that it has passed on
        self._fault: Exception | None = None
        self._work: Final = trio.lowlevel.ParkingLot()  # where the writer waits
        self._flushed: Final = trio.lowlevel.ParkingLot()
        self._room: Final = trio.lowlevel.ParkingLot()  # for another request, or for more of a body
        self._push()

    def is_usable(self) -> bool:
        """Whether it takes another request."""
        return not (self._talk.over or self._talk.leaving)

    def is_open(self) -> bool:
        return not self._talk.over

    def close(self) -> None:
        """Ends `run`, and every request with it."""
        self._scope.cancel()

    async def run(self) -> None:
        """Reads and writes until either side has enough; then no request on it goes on.

        On cancellation the connection is closed.
        """
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._until_failure, self._write)
                    nursery.start_soon(self._until_failure, self._read)
        finally:
            self._talk.end(self._fault)
            self._flushed.unpark_all()
            self._room.unpark_all()
            with trio.move_on_after(CLOSING, shield=True):
                await self._stream.aclose()

    async def send(self, request: httpcore.Request) -> httpcore.Response:
        """Sends a request, and returns when the head of the answer is there.

        Raises:
            Unprocessed: the server has done nothing for it.
            httpcore.NetworkError, httpcore.ProtocolError: there is no whole answer.

        On failure and on cancellation the server is told that nobody wants the answer any more.
        """
        trace = request.extensions.get("trace") or untraced
        body = b"".join([chunk async for chunk in request.stream])  # type: ignore[union-attr]  # iterated either way
        await self._look()
        while self.is_usable() and self._talk.is_full():
            await self._room.park()
        if not self.is_usable():
            raise Unprocessed("the connection takes no more requests")
        exchange = self._talk.open(request, ends=not body)
        try:
            await trace("http2.send_request_headers.started", {})
            await self._flush()
            await self._send_body(exchange, body)
            await trace("http2.receive_response_headers.started", {})
            head = await exchange.arrived()
            await trace("http2.receive_response_headers.complete", {})
            status = status_of(head)
        except BaseException:
            self._leave(exchange)
            raise
        answer = Answer(exchange, taken=self._acknowledge, leave=self._leave, trace=trace)
        return httpcore.Response(
            status,
            headers=[(name, value) for name, value in head if not name.startswith(b":")],
            content=answer,
            # Of a connection that is not shared this is the connection: closing it gives up the answer.
            extensions={"http_version": b"HTTP/2", "network_stream": answer},
        )

    # ---- for the requests' tasks

    async def _look(self) -> None:
        """Lets the reader see what came while nothing was under way: it may be the end of the connection."""
        for _ in range(_LOOKS):
            if self._talk.exchanges or self._talk.over or not self._stream.get_extra_info("is_readable"):
                return
            await trio.lowlevel.checkpoint()

    async def _send_body(self, exchange: Exchange, body: bytes) -> None:
        rest = memoryview(body)
        # A server that has answered needs no more of the request (RFC 9113 section 8.1), nor one that will not.
        while rest and not exchange.ended and exchange.failure is None:
            room = self._talk.room_for(exchange)
            if room <= 0:  # below zero where the server has made its windows smaller (RFC 9113 section 6.9.2)
                await self._room.park()
                continue
            self._talk.send(exchange, bytes(rest[:room]), ends=room >= len(rest))
            rest = rest[room:]
            await self._flush()

    async def _flush(self) -> None:
        """Waits until what there is to be written has been, or the connection is over."""
        self._push()
        mark = self._queued
        while self._written < mark and self.is_open():
            await self._flushed.park()

    def _acknowledge(self, exchange: Exchange, size: int) -> None:
        self._talk.acknowledge(exchange, size)
        self._push()

    def _leave(self, exchange: Exchange) -> None:
        self._talk.leave(exchange)
        self._push()
        self._room.unpark_all()
        self._close_if_left()

    # ---- the connection's own tasks

    async def _until_failure(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (httpcore.NetworkError, httpcore.ProtocolError) as exc:
            self._fault = self._fault or exc
            self._scope.cancel()

    def _push(self) -> None:
        """Gives the writer what is to be said."""
        data = self._talk.data_to_send()
        self._outgoing += data
        self._queued += len(data)
        self._work.unpark()

    async def _write(self) -> None:
        while True:
            while not self._outgoing:
                await self._work.park()
            data, self._outgoing = bytes(self._outgoing), bytearray()
            await self._stream.write(data)
            self._written += len(data)
            self._flushed.unpark_all()

    async def _read(self) -> None:
        while data := await self._stream.read(_READ):
            self._talk.receive(data)
            self._push()
            self._room.unpark_all()
            self._close_if_left()
        raise httpcore.ReadError("the server closed the connection")

    def _close_if_left(self) -> None:
        if self._talk.leaving and not self._talk.exchanges:
            self.close()
