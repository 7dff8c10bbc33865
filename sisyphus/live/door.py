"""Where each connection says what it wants, and gets it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import trio

from sisyphus.live.frames import Batches
from sisyphus.live.handshake import refusal, wants_websocket
from sisyphus.live.head import HEAD_SECONDS, BadHead, Head, read_head
from sisyphus.live.plain import Answer, answer_plain
from sisyphus.live.pulse import Pulse
from sisyphus.live.stream import SharedStream
from sisyphus.live.watcher import watch

if TYPE_CHECKING:
    from sisyphus.journal import Journal

# After the end of the run, for connections that have not said what they want; browsers open some in advance, and say
# nothing until somebody clicks.
LAST_CALL_SECONDS: Final = 0.2


class Door:
    """The way into one server.

    Args:
        journal: what is shown behind it.
    """

    def __init__(self, journal: Journal) -> None:
        self.pulse = Pulse(journal)
        self._journal = journal
        self._batches = Batches(journal)
        self._unheard: set[trio.CancelScope] = set()

    async def receive(self, transport: trio.abc.Stream) -> None:
        """Serves one connection to its end, and closes it."""
        async with transport:
            # Gone in the middle of something: its own affair.
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self._serve(transport)

    def last_call(self) -> None:
        """The run is over: who has not yet said what it wants must do so now."""
        for scope in self._unheard:
            scope.deadline = min(scope.deadline, trio.current_time() + LAST_CALL_SECONDS)

    async def _serve(self, transport: trio.abc.Stream) -> None:
        try:
            head = await self._hear(transport)
        except BadHead as bad:
            await _answer(SharedStream(transport), Answer(status=bad.status, sentence=str(bad)))
            return
        if head is None:
            return
        stream = SharedStream(transport, head.received)
        if not wants_websocket(head):
            await answer_plain(head, stream, self._journal)
            await stream.take_leave()
        elif refused := refusal(head):
            await _answer(stream, refused)
        else:
            await watch(stream, self._journal, self._batches, self.pulse)
            await stream.take_leave()

    async def _hear(self, transport: trio.abc.Stream) -> Head | None:
        with trio.move_on_after(LAST_CALL_SECONDS if self._journal.closed else HEAD_SECONDS) as scope:
            self._unheard.add(scope)
            try:
                return await read_head(transport)
            finally:
                self._unheard.discard(scope)
        return None


async def _answer(stream: SharedStream, answer: Answer) -> None:
    await stream.send_all(answer.encode())
    await stream.take_leave()
