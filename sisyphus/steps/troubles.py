"""What the failures of steps inside say of the step around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, evolve

from sisyphus.steps.protocol import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from sisyphus.results import ErrorInfo, StepResult


@define(eq=False, repr=False)
class Troubles:
    """Counts the steps inside that failed; keeps the first of each kind alone, however many there are."""

    count: int = 0
    _failure: str | None = None
    _error: ErrorInfo | None = None
    _error_of: str = ""

    def take(self, result: StepResult) -> bool:
        """Takes note of how a step inside ended; returns whether it failed."""
        if result.status not in {"failure", "error"} or result.error is None:
            return False
        self.count += 1
        told = told_inside(result)
        if result.status == "failure" and self._failure is None:
            self._failure = told
        if result.status == "error" and self._error is None:
            self._error, self._error_of = result.error, told
        return True

    def outcome(self, view: Mapping[str, Any], describe: Callable[[str], str]) -> Outcome:
        """How the step around ends: as an `error` if one inside did, else as a `failure` if one did.

        Args:
            view: what validations of the step around see.
            describe: makes the message of what is told of the first that failed.
        """
        if self._error is not None:
            return Outcome(view=view, error=evolve(self._error, message=describe(self._error_of)))
        if self._failure is not None:
            return Outcome(view=view, failure=describe(self._failure))
        return Outcome(view=view)


def told_inside(result: StepResult) -> str:
    """A step inside and why it failed, in a few words."""
    name = f"'{result.name}'" if result.iteration is None else f"#{result.iteration + 1} '{result.name}'"
    return f"{name}: {result.error.message}" if result.error is not None else name
