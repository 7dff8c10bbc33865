"""A stream that several may write to, one of them without waiting."""

from __future__ import annotations

import math
import os
import select
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

# What a peer may still send after it was told that the connection ends.
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 1024 * 1024


class SharedStream(trio.abc.Stream):
    """Wraps the transport of one connection.

    - What was already read from the transport, to find out what it wants, is handed out again first.
    - All writers share one lock, since a transport refuses two senders at once.
    - `send_nowait` writes without a checkpoint where the transport is a socket. What the socket does not take of it is
      kept and goes out before anything else, so that no frame is ever torn apart by another writer.

    Cancelling a `send_all` leaves a torn frame behind: close the stream then.
    """

    def __init__(self, transport: trio.abc.Stream, already_read: bytes = b"") -> None:
        self._transport = transport
        self._already_read = already_read
        self._unsent = b""
        self._ended = False
        self._room: float = math.inf
        self._turn = trio.StrictFIFOLock()
        self._write = _writer_of(transport)

    @property
    def unsent(self) -> bool:
        """Whether `flush` has something to do."""
        return bool(self._unsent)

    def allow(self, more_bytes: int) -> None:
        """From now on, a peer that sends more than this is taken for gone; what was read before does not count."""
        self._room = more_bytes + len(self._already_read)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await self._receive(max_bytes)
        self._room -= len(data)
        if self._room < 0:
            raise trio.BrokenResourceError("the peer talks and talks")
        return data

    async def _receive(self, max_bytes: int | None) -> bytes | bytearray:
        if self._already_read:
            await trio.lowlevel.checkpoint()
            data, self._already_read = (
                self._already_read[:max_bytes],
                self._already_read[len(self._already_read[:max_bytes]) :],
            )
            return data
        received = await self._transport.receive_some(max_bytes)
        self._ended = not received
        return received

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        async with self._turn:
            await self._send_unsent()
            await self._transport.send_all(data)

    async def flush(self) -> None:
        """Waits until what `send_nowait` could not write is written."""
        async with self._turn:
            await self._send_unsent()

    async def wait_send_all_might_not_block(self) -> None:
        async with self._turn:
            await self._send_unsent()
            await self._transport.wait_send_all_might_not_block()

    def send_nowait(self, data: bytes) -> bool:
        """Takes `data` to be sent.

        Returns:
            Whether all of it is on its way; if not, somebody has to `flush`.

        Raises:
            trio.WouldBlock: nothing was taken: another writer is at it, the peer is slow, or the transport is no socket.
            trio.BrokenResourceError: the peer is gone.
        """
        if self._write is None or self._unsent or self._turn.locked():
            raise trio.WouldBlock
        try:
            written = self._write(data)
        except BlockingIOError:
            raise trio.WouldBlock from None
        except OSError as error:
            raise trio.BrokenResourceError("the peer is gone") from error
        self._unsent = data[written:]
        return not self._unsent

    async def take_leave(self) -> None:
        """Says that nothing more comes, and listens a little longer.

        Closing a socket with unread data in it resets the connection, and the peer may lose the last that it was sent,
        which is the very sentence that says why.
        """
        if self._ended:
            return
        with trio.move_on_after(_LINGER_SECONDS):
            try:
                async with self._turn:
                    if not await self._said_that_nothing_comes():
                        return
                left = _LINGER_BYTES
                while left > 0 and (data := await self._transport.receive_some()):
                    left -= len(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass

    async def _said_that_nothing_comes(self) -> bool:
        if isinstance(self._transport, trio.abc.HalfCloseableStream):
            await self._transport.send_eof()
            return True
        if isinstance(self._transport, trio.SSLStream):
            # TLS has no half of a connection to close; what says that no more comes closes both, and is answered.
            await self._transport.unwrap()
        return False

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _send_unsent(self) -> None:
        if self._unsent:
            await self._transport.send_all(self._unsent)
            self._unsent = b""


def has_left(transport: trio.abc.Stream) -> bool:
    """Whether the peer will say nothing more, as far as that can be known without reading (Linux)."""
    if not isinstance(transport, trio.SocketStream) or not hasattr(select, "POLLRDHUP"):
        return False
    poll = select.poll()
    poll.register(transport.socket.fileno(), select.POLLRDHUP)
    return bool(poll.poll(0))


def _writer_of(transport: trio.abc.Stream) -> Callable[[bytes], int] | None:
    """Trio has no way to send without a checkpoint; on POSIX a socket is a file that never blocks."""
    if os.name != "posix" or not isinstance(transport, trio.SocketStream):
        return None
    socket = transport.socket
    # The number is asked for each time: that of a closed socket is -1, and never one that now belongs to another.
    return lambda data: os.write(socket.fileno(), data)
