"""Who sees a run: the facts one by one, the result, and, if it wants to, how it is with the run as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sisyphus.events import Event
    from sisyphus.live.server import Serving
    from sisyphus.results import RunResult


class Sink(Protocol):
    """Sees every event in order, from one task, and the result at the end; it must not block."""

    def handle(self, event: Event) -> None: ...

    def finish(self, result: RunResult) -> None: ...


class Announcer:
    """What a sink inherits that also wants to hear how it is with the run as a whole; it overrides what it cares for."""

    def serving(self, serving: Serving) -> None:
        """Watchers can connect there."""

    def gathering(self, count: int) -> None:
        """The run begins when so many watchers are there."""

    def gave_up_gathering(self, count: int) -> None:
        """The run begins without so many watchers: the time for them is over."""

    def interrupted(self) -> None:
        """A signal came; the next one will end the process at once."""

    def log_ended(self, reason: str) -> None:
        """The event log ends before the run."""

    def lingering(self, seconds: float, serving: Serving) -> None:
        """The run is over, and can be watched for so long."""

    def draining(self, seconds: float) -> None:
        """The run is over, and watchers have so long to read the end of it."""
