"""When watchers are served: at once after a rest, and then at a pace that leaves the machine to the run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from sisyphus.journal import Journal

# The share of one core that goes to watchers who keep up: one part serving, this many parts resting.
REST_RATIO: Final = 100

# A pause no person sees, in which a busy run makes a few events more: one write then carries them all.
SHORTEST_REST: Final = 0.01

# Longer than this a progress bar looks stuck.
LONGEST_REST: Final = 0.25

# Between two checkpoints; some hundred microseconds, so that the run's own answers are not measured too late.
_SERVED_AT_A_STRETCH: Final = 32


class Served(Protocol):
    """A watcher, as the pulse sees it."""

    def push(self) -> None:
        """Writes what is pending if that needs no waiting; else leaves it to the watcher's own task."""

    def finish(self) -> None:
        """Says that the journal is closed."""


def rest_after(spent: float) -> float:
    """How long to rest after a round that took `spent` seconds of CPU."""
    return min(max(SHORTEST_REST, REST_RATIO * spent), LONGEST_REST)


class Pulse:
    """Serves all watchers of a journal in rounds.

    A task per watcher that wakes for each event would cost a run of some thousand events a second more than the run
    itself. One task that writes to all of them costs a system call per watcher and round, and rests in between.

    Args:
        journal: whose events are served.
        cpu_time: seconds of CPU this thread has used.
    """

    def __init__(self, journal: Journal, *, cpu_time: Callable[[], float] = time.thread_time) -> None:
        self._journal = journal
        self._cpu_time = cpu_time
        self._watchers: set[Served] = set()
        self._gathering = trio.lowlevel.ParkingLot()

    @property
    def watchers(self) -> int:
        """How many there are."""
        return len(self._watchers)

    def join(self, watcher: Served) -> None:
        self._watchers.add(watcher)
        self._gathering.unpark_all()

    def leave(self, watcher: Served) -> None:
        self._watchers.discard(watcher)

    async def wait_for(self, count: int) -> None:
        """Returns when so many watchers are there."""
        while len(self._watchers) < count:
            await self._gathering.park()

    async def run(self) -> None:
        """Serves until the journal is closed; then the watchers' own tasks see to what is left."""
        served = 0
        while not self._journal.closed:
            await self._journal.wait_beyond(served)
            served = self._journal.last_seq
            spent = await self._serve()
            with trio.move_on_after(rest_after(spent)):
                await self._journal.wait_closed()
        for watcher in self._watchers:
            watcher.finish()

    async def _serve(self) -> float:
        spent = 0.0
        watchers = list(self._watchers)
        for first in range(0, len(watchers), _SERVED_AT_A_STRETCH):
            began = self._cpu_time()
            for watcher in watchers[first : first + _SERVED_AT_A_STRETCH]:
                watcher.push()
            spent += self._cpu_time() - began
            await trio.lowlevel.checkpoint()
        return spent
