"""One watcher: a task that reads, so that its leaving is noticed, beside one that writes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream
from wsproto.utilities import ProtocolError

from sisyphus.journal import Overtaken
from sisyphus.live.head import HEAD_SECONDS

if TYPE_CHECKING:
    from sisyphus.journal import Journal
    from sisyphus.live.frames import Batches
    from sisyphus.live.pulse import Pulse
    from sisyphus.live.stream import SharedStream

MAX_MESSAGE_BYTES: Final = 64 * 1024

# Close codes: 1000 is RFC 6455's; those from 4000 on are free for applications.
NORMAL: Final = 1000
SLOW_CONSUMER: Final = 4408

# How long a watcher may take to read why it is closed. At the end of the run, the server's drain is what limits it.
_GOODBYE_SECONDS: Final = {NORMAL: math.inf, SLOW_CONSUMER: 30.0}


async def watch(stream: SharedStream, journal: Journal, batches: Batches, pulse: Pulse) -> None:
    """Serves one WebSocket, from its handshake (which must be next in `stream`) to its close.

    Returns when the watcher has everything and was told so, or is gone, however rudely. `stream` may be closed then or
    not: who opened it closes it.
    """
    try:
        async with trio.open_nursery() as nursery:
            connection = await _shake_hands(nursery, stream)
            if connection is not None:
                await _deliver_and_close(nursery, connection, Delivery(stream, journal, batches), pulse)
            nursery.cancel_scope.cancel("the watcher has everything or is gone")
    # What trio-websocket's reader raises at a peer that breaks the protocol, or leaves, at the wrong moment: a ping
    # after our close frame is enough. None of it concerns anyone but this watcher.
    except* (ProtocolError, ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
        pass


async def _shake_hands(nursery: trio.Nursery, stream: SharedStream) -> WebSocketConnection | None:
    with trio.move_on_after(HEAD_SECONDS):
        request = await wrap_server_stream(nursery, stream, max_message_size=MAX_MESSAGE_BYTES)
        return await request.accept()
    return None


async def _deliver_and_close(
    nursery: trio.Nursery, connection: WebSocketConnection, delivery: Delivery, pulse: Pulse
) -> None:
    nursery.start_soon(_read_until_it_leaves, connection, delivery)
    pulse.join(delivery)
    try:
        code, reason = await delivery.run()
    finally:
        pulse.leave(delivery)
    # Without effect if the watcher has closed already.
    with trio.move_on_after(_GOODBYE_SECONDS[code]):
        await connection.aclose(code, reason)


async def _read_until_it_leaves(connection: WebSocketConnection, delivery: Delivery) -> None:
    try:
        while True:
            await connection.get_message()
    except ConnectionClosed:
        delivery.stop()


class Delivery:
    """Brings one watcher from the oldest kept event to the end of the journal.

    Two write for it, never at once: the pulse as long as the watcher keeps up and its socket takes all, and `run`, in
    the watcher's own task, when it is behind.
    """

    def __init__(self, stream: SharedStream, journal: Journal, batches: Batches) -> None:
        self._stream = stream
        self._journal = journal
        self._batches = batches
        self._cursor = journal.floor
        self._scope = trio.CancelScope()
        self._keeps_up = False
        self._needed = trio.Event()

    async def run(self) -> tuple[int, str | None]:
        """Delivers until all is delivered, the watcher is too slow, or `stop`.

        Returns:
            Close code and reason.

        Raises:
            trio.BrokenResourceError: the watcher is gone.
        """
        with self._scope:
            try:
                while not await self._catch_up():
                    await self._leave_it_to_the_pulse()
            except Overtaken:
                return SLOW_CONSUMER, f"slow consumer; resume with after={self._cursor}"
        return NORMAL, None

    def stop(self) -> None:
        """Ends `run` at once: there is nobody to deliver to."""
        self._scope.cancel("the watcher is gone")

    def push(self) -> None:
        if not self._keeps_up:
            return
        try:
            batch = self._batches.after(self._cursor)
            if batch is None:
                return
            sent = self._stream.send_nowait(batch.data)
        except (trio.WouldBlock, Overtaken):
            self._call_own_task()
        except trio.BrokenResourceError:
            self.stop()
        else:
            self._cursor = batch.cursor
            if not sent or batch.cursor < self._journal.last_seq:
                self._call_own_task()

    def finish(self) -> None:
        self._call_own_task()

    async def _catch_up(self) -> bool:
        """Sends all that is pending; returns whether that was the last.

        No checkpoint lies between finding nothing pending and the return, or an event might come unnoticed.
        """
        while True:
            while batch := self._batches.after(self._cursor):
                await self._stream.send_all(batch.data)
                self._cursor = batch.cursor
            if not self._stream.unsent:
                return self._journal.closed
            await self._stream.flush()

    async def _leave_it_to_the_pulse(self) -> None:
        self._needed = trio.Event()
        self._keeps_up = True
        await self._needed.wait()

    def _call_own_task(self) -> None:
        self._keeps_up = False
        self._needed.set()
