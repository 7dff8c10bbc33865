"""What watchers who come may cost while a run is on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from sisyphus.journal import Journal
    from sisyphus.live.run_state import RunState

SHARE: Final = 0.02  # of one core

# Seconds of CPU that may be had at once after a rest: some seven hundred watchers come in the same moment, or some
# fifty get sixty thousand events each, without waiting.
SAVED: Final = 2.0

# Seconds of CPU from accepting a connection to forgetting it (docs/reliability.md). It is not measured each time: a dozen
# tasks have a hand in it, and others work in between.
VISIT: Final = 0.003


class Allowance:
    """A share of the CPU for those who come, so that coming again and again costs nobody but who does it.

    Before a run begins, and when it is over, there is nothing to slow down, and no limit.

    Args:
        journal: whose end is the run's.
        run: how it is with the run.
        cpu_time: seconds of CPU this thread has used.
    """

    def __init__(self, journal: Journal, run: RunState, *, cpu_time: Callable[[], float] = time.thread_time) -> None:
        self.cpu_time: Final = cpu_time
        self._journal = journal
        self._run = run
        self._left = SAVED
        self._as_of = -float("inf")
        self._turn = trio.StrictFIFOLock()

    def charge(self, seconds: float) -> None:
        """Takes note of CPU that was used, or will be."""
        if self._limits():
            self._left = self._balance() - seconds

    async def wait(self) -> bool:
        """Returns when there is something left to use up, to each in turn; says whether that took time."""
        if not self._limits() or (self._balance() > 0 and not self._turn.locked()):
            return False
        async with self._turn:
            while self._limits() and (short := -self._balance()) >= 0:
                # A little more than lacks, or rounding would have it come back at once.
                with trio.move_on_after(short / SHARE + 0.001):
                    await self._journal.wait_closed()
        return True

    def _limits(self) -> bool:
        return self._run.state == "running" and not self._journal.closed

    def _balance(self) -> float:
        now = trio.current_time()
        if self._as_of < now:
            self._left = min(SAVED, self._left + (now - self._as_of) * SHARE)
            self._as_of = now
        return self._left
