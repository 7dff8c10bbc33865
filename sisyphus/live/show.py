"""What is shown to the watchers of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import trio

from sisyphus.details import Details
from sisyphus.journal import Overtaken
from sisyphus.live.allowance import Allowance
from sisyphus.live.batches import BATCH_BYTES, Batches
from sisyphus.live.pulse import Pulse
from sisyphus.live.run_state import RunState

if TYPE_CHECKING:
    from collections.abc import Callable

    from sisyphus.event_log import EventLog
    from sisyphus.journal import Interest, Journal, Pending


class Show:
    """The events of a run, in memory and in the event log, and how it is with the run.

    Args:
        journal: the newest events.
        log: all of them, if there is one.
        run: how it is with the run.
        details: what came of the newest steps.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        log: EventLog | None = None,
        run: RunState | None = None,
        details: Details | None = None,
    ) -> None:
        self.journal = journal
        self.run = RunState() if run is None else run
        self.details = Details() if details is None else details
        self.pulse = Pulse(journal)
        self.allowance = Allowance(journal, self.run)
        self._log = log
        self._batches: WeakValueDictionary[object, Batches] = WeakValueDictionary()

    @property
    def floor(self) -> int:
        """The cursor before the oldest event that can still be had."""
        return self.journal.floor if self._log is None or self._log.failed else 0

    @property
    def newest(self) -> int:
        """The newest event, 0 if there is none yet."""
        return self.journal.last_seq

    @property
    def first_seq(self) -> int:
        """The oldest event that can still be had; greater than the newest if there is none."""
        if self.floor < self.journal.floor or self.journal.first_seq is None:
            return self.floor + 1
        return self.journal.first_seq

    def batches(self, encode: Callable[[Pending], bytes], only: Interest) -> Batches:
        """What watchers are sent who want the same in the same manner; shared by them as long as one is there."""
        key = (encode, only)
        batches = self._batches.get(key)
        if batches is None:
            batches = self._batches[key] = Batches(self.journal, encode, only)
        return batches

    async def read_log(self, cursor: int, only: Interest) -> Pending:
        """What follows a cursor that memory no longer has.

        Raises:
            sisyphus.journal.Overtaken: there is no log, or it does not have it.
        """
        if self._log is None:
            await trio.lowlevel.checkpoint()
            raise Overtaken(cursor, self.first_seq)
        return await self._log.read(cursor, max_bytes=BATCH_BYTES * 4, only=only)
