"""The watchers of a run: let in, waited for, seen off."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sisyphus.live.server import Serving
    from sisyphus.live.serving import LiveSettings
    from sisyphus.record import Record
    from sisyphus.sinks import Announcer

# Seconds after the run's end without a word; who waits longer is told what for.
PATIENCE: Final = 0.5


class Audience:
    """What the live server has to do with a run, if there is to be one.

    Args:
        live: where watchers connect; None for nowhere.
        announcers: those who say what is being waited for, as they are at the moment.

    Attributes:
        serving: where watchers connect, once the server listens.
    """

    def __init__(self, live: LiveSettings | None, announcers: Callable[[], Iterable[Announcer]]) -> None:
        self.serving: Serving | None = None
        self._live = live
        self._announcers = announcers

    @property
    def lingers(self) -> bool:
        """Whether the finished run is still shown."""
        return self._live is not None and bool(self._live.linger)

    async def let_in(self, record: Record, nursery: trio.Nursery, *, cases_total: int) -> None:
        """Has the server listen, in a task of the nursery that ends when the last watcher has left.

        Raises:
            StartError: its address cannot be used.
        """
        if self._live is None:
            return
        from sisyphus.details import Details
        from sisyphus.journal import Journal
        from sisyphus.live.run_state import RunState
        from sisyphus.live.server import serve

        record.journal = Journal(max_events=self._live.keep_events, max_bytes=self._live.keep_bytes)
        record.details = Details()
        record.state = RunState(run_id=record.run_id, cases_total=cases_total)
        started = partial(serve, record.journal, self._live, log=record.log, run=record.state, details=record.details)
        self.serving = await nursery.start(started)
        for announcer in self._announcers():
            announcer.serving(self.serving)

    async def gather(self) -> None:
        """Returns when as many watchers are there as the run is to wait for, or have kept it waiting too long."""
        live, serving = self._live, self.serving
        if live is None or serving is None or not live.wait_clients:
            return
        for announcer in self._announcers():
            announcer.gathering(live.wait_clients)
        with trio.move_on_after(math.inf if live.wait_timeout is None else live.wait_timeout) as patience:
            await serving.wait_for_watchers(live.wait_clients)
        if patience.cancelled_caught:
            for announcer in self._announcers():
                announcer.gave_up_gathering(live.wait_clients)

    async def explain_waiting(self, *, in_a_hurry: bool) -> None:
        """Says why a finished run is not gone yet; cancelled when the last watcher has left."""
        if self._live is None:
            return
        if self._live.linger and self.serving is not None and not in_a_hurry:
            for announcer in self._announcers():
                announcer.lingering(self._live.linger, self.serving)
            await trio.sleep(self._live.linger)
        await trio.sleep(PATIENCE)
        for announcer in self._announcers():
            announcer.draining(max(self._live.drain - PATIENCE, 0))

    def linger_no_longer(self) -> None:
        """Sees off who has had the end of the run."""
        if self.serving is not None:
            self.serving.end_lingering()
