"""Brings one watcher from where it begins to the end of the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio
from attrs import frozen

from sisyphus.journal import Overtaken
from sisyphus.live import control
from sisyphus.live.beginning import Place, place_for

if TYPE_CHECKING:
    from sisyphus.live.asking import Wish
    from sisyphus.live.batches import Batch
    from sisyphus.live.manners import Manner
    from sisyphus.live.show import Show
    from sisyphus.live.stream import SharedStream

# Close codes: 1000 is RFC 6455's; those from 4000 on are free for applications.
NORMAL: Final = 1000
SLOW_CONSUMER: Final = 4408

# How much of what memory keeps a watcher is behind when it is told, and when that counts as over.
LAG: Final = 0.5
LAG_OVER: Final = 0.25


@frozen
class End:
    """How a delivery ended: the code and the reason of the close frame."""

    code: int = NORMAL
    reason: str = ""


class Delivery:
    """Brings one watcher from where it begins to the end of the journal.

    Two write for it, never at once: the pulse as long as the watcher keeps up and its socket takes all, and `run`, in
    the watcher's own task, when it is behind.

    Args:
        stream: where it is reached.
        show: what it watches.
        manner: how it is spoken to.
        wish: what it asked for.
    """

    def __init__(self, stream: SharedStream, show: Show, manner: Manner, wish: Wish) -> None:
        self._stream = stream
        self._show = show
        self._journal = show.journal
        self._word = manner.word
        self._only = wish.only
        self._batches = show.batches(manner.events, wish.only)
        self._place = place_for(wish, floor=show.floor, newest=show.newest) or Place(show.floor)
        self._cursor = self._place.cursor
        # Until a watcher has once had everything, what memory has lost is read for it from the event log. Afterwards it
        # is too slow if that happens, and has to come back.
        self._catching_up = True
        if self._place.gap is not None and self._word is None:
            # Who understands no word about a gap gets none over it: the first look finds the watcher overtaken.
            self._cursor, self._catching_up = self._place.gap[0] - 1, False
        self._allowance = show.allowance
        self._has_taken = False
        self._lagging = False
        self._scope = trio.CancelScope()
        self._keeps_up = False
        self._needed = trio.Event()

    async def run(self) -> End:
        """Delivers until all is delivered, the watcher is too slow, or `stop`.

        Raises:
            trio.BrokenResourceError: the watcher is gone.
        """
        with self._scope:
            try:
                await self._greet()
                while not await self._catch_up():
                    await self._leave_it_to_the_pulse()
            except Overtaken:
                await self._mention_lag()
                return End(SLOW_CONSUMER, f"slow consumer; resume with after={self._cursor}")
        return End()

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
            sent = self._stream.send_nowait(batch.data) if batch.data else True
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

    async def _greet(self) -> None:
        show = self._show
        words = [control.hello(show.run, first_seq=show.first_seq, last_seq=show.newest)]
        if self._place.resumed:
            words.append(control.recovered(self._place.gap))
        await self._say(*words)

    async def _catch_up(self) -> bool:
        """Sends all that is pending; returns whether that was the last.

        No checkpoint lies between finding nothing pending and the return, or an event might come unnoticed.
        """
        while True:
            while batch := await self._next():
                if not batch.data:
                    await trio.lowlevel.checkpoint()
                elif self._catching_up:
                    await self._send_on_account(batch.data)
                else:
                    await self._stream.send_all(batch.data)
                self._cursor = batch.cursor
            self._catching_up = False
            if not self._stream.unsent:
                return self._journal.closed
            await self._stream.flush()

    async def _next(self) -> Batch | None:
        try:
            batch = await self._taken_on_account() if self._catching_up else self._batches.after(self._cursor)
        except Overtaken:
            if not self._catching_up:
                raise
            return self._batches.of(await self._show.read_log(self._cursor, self._only))
        backlog = self._journal.backlog(self._cursor)
        if backlog > LAG and not self._lagging and not self._catching_up:
            await self._mention_lag()
        elif backlog < LAG_OVER:
            self._lagging = False
        return batch

    async def _taken_on_account(self) -> Batch | None:
        # What it lacks is mostly little, and the visit is paid for: only who takes much more has to wait for it.
        if self._has_taken:
            await self._allowance.wait()
        began = self._allowance.cpu_time()
        try:
            batch = self._batches.after(self._cursor)
        finally:
            self._allowance.charge(self._allowance.cpu_time() - began)
        self._has_taken = self._has_taken or batch is not None
        return batch

    async def _send_on_account(self, data: bytes) -> None:
        # What it costs to write can be told only where nothing else runs meanwhile.
        began = self._allowance.cpu_time()
        try:
            all_sent = self._stream.send_nowait(data)
        except trio.WouldBlock:
            await self._stream.send_all(data)
            return
        self._allowance.charge(self._allowance.cpu_time() - began)
        if all_sent:
            await trio.lowlevel.checkpoint()
        else:
            await self._stream.flush()

    async def _mention_lag(self) -> None:
        if not self._lagging:
            self._lagging = True
            await self._say(control.lag(self._journal.last_seq - self._cursor))

    async def _say(self, *words: control.Word) -> None:
        if self._word is not None:
            await self._stream.send_all(b"".join(self._word(each.type, each.encode(self._show.run)) for each in words))

    async def _leave_it_to_the_pulse(self) -> None:
        self._needed = trio.Event()
        self._keeps_up = True
        await self._needed.wait()

    def _call_own_task(self) -> None:
        self._keeps_up = False
        self._needed.set()
