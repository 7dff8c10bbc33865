"""The step types: one module each, behind one protocol, in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from sisyphus.engine.steps import request, wait

if TYPE_CHECKING:
    from sisyphus.engine.context import Outcome, StepContext


class StepType(Protocol):
    """Carries out one attempt of a step.

    Attributes:
        DEFAULT_LIMIT: whether the case's `timeout` limits an attempt when the step gives none of its own.
        ANSWERS: whether what it comes to is the `response` of the steps after it.
    """

    @property
    def DEFAULT_LIMIT(self) -> bool: ...  # noqa: N802 - a constant of a module

    @property
    def ANSWERS(self) -> bool: ...  # noqa: N802 - a constant of a module

    async def execute(self, spec: Any, context: StepContext) -> Outcome:
        """Does what `spec` says.

        Raises:
            StepError: it could not be carried out.

        Cancelled by the step's limit at any await; it must leave nothing behind then.
        """
        ...


STEP_TYPES: Final[dict[str, StepType]] = {
    "request": request,
    "wait": wait,
}
