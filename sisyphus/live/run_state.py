"""How it is with the run that is watched, in a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from attrs import define, field

from sisyphus.events import CaseFinished, CaseStarted, StepFinished
from sisyphus.version import __version__

if TYPE_CHECKING:
    from sisyphus.events import Event


@define(kw_only=True)
class RunState:
    """What the server tells about the run as a whole; who carries the run out keeps it up to date.

    Attributes:
        run_id: the run's UUID.
        state: `waiting` for watchers, `running`, or `finished`.
        cases_total: how many cases the run has.
        cases_started: how many have begun.
        cases: how many ended, by status.
        steps: how many ended, by status.
    """

    run_id: str = ""
    state: Literal["waiting", "running", "finished"] = "waiting"
    cases_total: int = 0
    cases_started: int = 0
    cases: dict[str, int] = field(factory=lambda: dict.fromkeys(("passed", "failed", "error", "cancelled"), 0))
    steps: dict[str, int] = field(factory=lambda: dict.fromkeys(("success", "failure", "error", "skipped"), 0))

    def handle(self, event: Event) -> None:
        """Counts an event."""
        match event.data:
            case StepFinished(status=status):
                self.steps[status] += 1
            case CaseStarted():
                self.cases_started += 1
            case CaseFinished(status=status):
                self.cases[status] += 1
            case _:
                pass

    def as_json(self) -> dict[str, Any]:
        """The same as values of JSON."""
        return {
            "run_id": self.run_id,
            "run_state": self.state,
            "engine_version": __version__,
            "cases": {"total": self.cases_total, "started": self.cases_started, **self.cases},
            "steps": dict(self.steps),
        }
