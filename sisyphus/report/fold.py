"""A result folded from events."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from attrs import evolve

from sisyphus.results import CaseResult, RunResult, StepResult, about

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from sisyphus.case.model import Case
    from sisyphus.events import Event


class Fold:
    """Sees every event and knows, at the end, what came of the run.

    Args:
        planned: the cases of the run, by their `test_case_id`, in the order of the input.
        keep_steps: whether the results of steps are kept; without them a run of any length needs no memory for them.
    """

    def __init__(self, planned: Mapping[str, Case], *, keep_steps: bool = True) -> None:
        self._planned = planned
        self._keep_steps = keep_steps
        self._steps: defaultdict[tuple[str, str | None], list[StepResult]] = defaultdict(list)  # by case and parent
        self._cases: dict[str, CaseResult] = {}

    def handle(self, event: Event) -> None:
        """Takes one event; only the ones that end something matter."""
        result, case_id = event.result, event.test_case_id
        if isinstance(result, StepResult) and case_id is not None:
            if self._keep_steps:
                self._keep(case_id, result)
        elif isinstance(result, CaseResult):
            case = result.id
            self._cases[case] = evolve(
                result, setup=self._take(case, "setup"), steps=self._take(case, None),
                teardown=self._take(case, "teardown"),
            )  # fmt: skip

    def _keep(self, case: str, result: StepResult) -> None:
        # Steps inside end before the one around them.
        children = self._take(case, result.path) if (case, result.path) in self._steps else ()
        self._steps[case, result.parent].append(evolve(result, children=children) if children else result)

    def _take(self, case: str, parent: str | None) -> tuple[StepResult, ...]:
        steps = self._steps.pop((case, parent), [])
        if parent is not None:  # of those at the same time the first to end need not be the first of the file
            steps.sort(key=lambda step: int(step.path.rpartition("/")[2]))
        return tuple(steps)

    def result(
        self,
        *,
        run_id: str,
        started_at: dt.datetime,
        duration: float,
        interrupted: bool = False,
        reason: str | None = None,
    ) -> RunResult:
        """The whole run; a case that never began is `cancelled` after an interruption, else `skipped` for `reason`."""
        cases = (
            self._cases.get(case_id) or _not_begun(case_id, case, interrupted=interrupted, reason=reason)
            for case_id, case in self._planned.items()
        )
        return RunResult(
            run_id=run_id, started_at=started_at, duration=duration, cases=tuple(cases), interrupted=interrupted
        )


def _not_begun(case_id: str, case: Case, *, interrupted: bool, reason: str | None) -> CaseResult:
    cancelled = interrupted and case.enabled
    return CaseResult(
        id=case_id,
        name=case.name,
        file=case.file,
        status="cancelled" if cancelled else "skipped",
        total_steps=len(case.steps),
        skipped_steps=len(case.steps),
        description=case.description,
        tags=case.tags,
        reason=reason if case.enabled else "enabled: false",
        warnings=case.warnings,
        about=about(case.config),
        output=case.config.output,
    )
