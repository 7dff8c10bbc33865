"""Results rebuilt from events, for who has nothing else of a run."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from sisyphus.events import CaseFinished, CaseStarted, ErrorOccurred, Logged, StepFinished, StepStarted, VariableSet
from sisyphus.results import Attempt, CaseResult, ErrorInfo, RunResult, StepResult

if TYPE_CHECKING:
    import datetime as dt

    from sisyphus.events import Event

_AFTER_COLON: Final = re.compile("[:：] ?(.*)", re.DOTALL)  # the run may speak another language than its watcher

StepKey = tuple[str | None, str | None]
"""A case and the name of a step in it, which is all that errors, log messages and variables say about their step."""


class Retelling:
    """Gives the events of a watched run the results that they have where the run is, as far as they tell them."""

    def __init__(self) -> None:
        self._starts: dict[str | None, CaseStarted] = {}
        self._steps: dict[tuple[str | None, str], StepStarted] = {}
        # Of steps with one name that run at the same time, the first that ends gets what came first.
        self._errors: defaultdict[StepKey, list[ErrorInfo]] = defaultdict(list)
        self._said: dict[StepKey, str] = {}
        self._variables: defaultdict[StepKey, dict[str, Any]] = defaultdict(dict)
        self._cases: dict[str | None, CaseResult] = {}
        self._first: dt.datetime | None = None
        self._last: dt.datetime | None = None

    def retold(self, event: Event) -> Event:
        """The event with the result of what it ends, if it ends anything."""
        self._first, self._last = self._first or event.timestamp, event.timestamp
        data, key = event.data, (event.test_case_id, event.step_name)
        match data:
            case CaseStarted():
                self._starts[event.test_case_id] = data
            case StepStarted():
                self._steps[event.test_case_id, data.path or str(data.step_index)] = data
            case ErrorOccurred():
                error = ErrorInfo(
                    type=data.error_type, category=data.error_category, message=data.message,
                    suggestion=data.suggestion,
                )  # fmt: skip
                self._errors[key].append(error)
            case Logged(level="info"):
                self._said[key] = data.message
            case VariableSet(source="extracted"):
                self._variables[key][data.variable_name] = data.variable_value
            case StepFinished():
                return evolve(event, result=self._step(event, data))
            case CaseFinished():
                ended = self._cases[event.test_case_id] = self._case(event, data)
                return evolve(event, result=ended)
            case _:
                pass
        return event

    def result(self, run_id: str) -> RunResult | None:
        """What came of the run, as far as it was watched; None if nothing was.

        A case that has begun ends as `cancelled` only when its run is interrupted.
        """
        if self._first is None or self._last is None:
            return None
        return RunResult(
            run_id=run_id, started_at=self._first, duration=(self._last - self._first).total_seconds(),
            cases=tuple(self._cases.values()),
            interrupted=any(case.status == "cancelled" for case in self._cases.values()),
        )  # fmt: skip

    def _step(self, event: Event, data: StepFinished) -> StepResult:
        key = event.test_case_id, event.step_name
        start = self._begun(event.test_case_id, data)
        attempts = tuple(
            Attempt(number=number + 1, began=0.0, duration=0.0, status=data.status)
            for number in range(data.retry_count + 1)
        )
        errors = self._errors.get(key)
        said = self._said.pop(key, None)
        index = 0 if start is None else start.step_index
        return StepResult(
            name=data.step_name, type="" if start is None else start.step_type, index=index, status=data.status,
            started_at=event.timestamp, duration=data.duration, attempts=attempts,
            error=errors.pop(0) if data.has_error and errors else None,
            reason=_reason(said) if data.status == "skipped" else None,
            extracted=self._variables.pop(key, {}),
            path=data.path or str(index), parent=data.parent, iteration=data.iteration, role=data.role,
        )  # fmt: skip

    def _begun(self, case: str | None, data: StepFinished) -> StepStarted | None:
        if data.path is not None:
            return self._steps.pop((case, data.path), None)
        # A step of the case itself: one is under way at a time.
        key = next((key for key, start in self._steps.items() if key[0] == case and start.path is None), None)
        return None if key is None else self._steps.pop(key)

    def _case(self, event: Event, data: CaseFinished) -> CaseResult:
        case = event.test_case_id
        start = self._starts.pop(case, None)
        errors = self._errors.get((case, None))
        for key in [key for key in (*self._errors, *self._said, *self._variables) if key[0] == case]:
            for known in (self._errors, self._said, self._variables):
                known.pop(key, None)
        return CaseResult(
            id=case or "", name=case or "" if start is None else start.test_name, file="", status=data.status,
            total_steps=data.total_steps, passed_steps=data.passed_steps, failed_steps=data.failed_steps,
            skipped_steps=data.skipped_steps, started_at=event.timestamp, duration=data.duration,
            error=errors[0] if errors else None,
        )  # fmt: skip


def _reason(said: str | None) -> str | None:
    """Why a step is skipped: its log has it behind a colon."""
    if said is None:
        return None
    found = _AFTER_COLON.search(said)
    return said if found is None else found[1]
