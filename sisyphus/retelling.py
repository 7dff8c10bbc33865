"""Results rebuilt from events, for those who have nothing else of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from sisyphus.events import CaseFinished, CaseStarted, ErrorOccurred, Logged, StepFinished, StepStarted
from sisyphus.results import Attempt, CaseResult, ErrorInfo, RunResult, StepResult

if TYPE_CHECKING:
    import datetime as dt

    from sisyphus.events import Event

Key = tuple[str | None, str]


class Retelling:
    """Gives the events of a watched run the results that they have where the run is, as far as they tell them."""

    def __init__(self) -> None:
        self._steps: dict[Key, tuple[StepStarted, dt.datetime]] = {}
        self._errors: dict[tuple[str | None, str | None], ErrorInfo] = {}
        self._said: dict[tuple[str | None, str | None], str] = {}  # why a step is skipped stands in the log
        self._starts: dict[str | None, tuple[CaseStarted, dt.datetime]] = {}
        self._cases: dict[str, CaseResult] = {}
        self._first: dt.datetime | None = None
        self._last: dt.datetime | None = None

    def retold(self, event: Event) -> Event:
        """The event with the result of what it ends, if it ends anything."""
        self._first, self._last = self._first or event.timestamp, event.timestamp
        data, case = event.data, event.test_case_id
        if isinstance(data, CaseStarted):
            self._starts[case] = (data, event.timestamp)
        elif isinstance(data, StepStarted):
            self._steps[case, data.path or str(data.step_index)] = (data, event.timestamp)
        elif isinstance(data, ErrorOccurred):
            self._errors[case, data.step_name] = ErrorInfo(
                type=data.error_type, category=data.error_category, message=data.message, suggestion=data.suggestion
            )
        elif isinstance(data, Logged) and data.level == "info":
            self._said[case, event.step_name] = data.message
        elif isinstance(data, StepFinished):
            result = self._step(event, data)
            self._said.pop((case, event.step_name), None)
            return evolve(event, result=result)
        elif isinstance(data, CaseFinished):
            ended = self._case(event, data)
            self._cases[ended.id] = ended
            return evolve(event, result=ended)
        return event

    def result(self, run_id: str) -> RunResult:
        """What came of the run, as far as it was watched."""
        cases = dict(self._cases)
        for case, (start, began) in self._starts.items():
            if case is not None and case not in cases:
                cases[case] = CaseResult(
                    id=case, name=start.test_name, file="", status="cancelled", total_steps=start.total_steps,
                    started_at=began,
                )  # fmt: skip
        first, last = self._first, self._last
        if first is None or last is None:
            raise ValueError("nothing was watched")
        return RunResult(
            run_id=run_id, started_at=first, duration=(last - first).total_seconds(), cases=tuple(cases.values())
        )

    def _step(self, event: Event, data: StepFinished) -> StepResult:
        case = event.test_case_id
        start = self._started(case, data)
        begun, at = start if start is not None else (None, event.timestamp)
        attempts = tuple(
            Attempt(number=number + 1, began=0.0, duration=0.0, status=data.status)
            for number in range(data.retry_count + 1)
        )
        return StepResult(
            name=data.step_name, type=begun.step_type if begun is not None else "request",
            index=begun.step_index if begun is not None else 0, status=data.status, started_at=at,
            duration=data.duration, attempts=attempts,
            error=self._errors.pop((case, event.step_name), None) if data.has_error else None,
            path=data.path or (str(begun.step_index) if begun is not None else ""), parent=data.parent,
            iteration=data.iteration, role=data.role, reason=self._reason(event, data),
        )  # fmt: skip

    def _reason(self, event: Event, data: StepFinished) -> str | None:
        if data.status != "skipped":
            return None
        return self._said.get((event.test_case_id, event.step_name), "").partition(": ")[2] or None

    def _started(self, case: str | None, data: StepFinished) -> tuple[StepStarted, dt.datetime] | None:
        if data.path is not None:
            return self._steps.pop((case, data.path), None)
        # A step of the case itself: there is one at a time.
        key = next((key for key, (start, _) in self._steps.items() if key[0] == case and start.path is None), None)
        return self._steps.pop(key) if key is not None else None

    def _case(self, event: Event, data: CaseFinished) -> CaseResult:
        case = event.test_case_id
        start, at = self._starts.pop(case, (None, event.timestamp))
        return CaseResult(
            id=case or "", name=start.test_name if start is not None else case or "", file="", status=data.status,
            total_steps=data.total_steps, passed_steps=data.passed_steps, failed_steps=data.failed_steps,
            skipped_steps=data.skipped_steps, started_at=at, duration=data.duration,
            error=self._errors.pop((case, None), None),
        )  # fmt: skip
