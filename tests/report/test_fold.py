"""A result folded from events."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sisyphus.case.model import Case, Step
from sisyphus.events import CaseFinished, CaseStarted, Event, StepFinished
from sisyphus.report.fold import Fold
from sisyphus.results import CaseResult, RunResult, StepResult
from sisyphus.steps.wait import Wait

MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
WAIT = Step(name="rest", type="wait", spec=Wait(seconds=0))


def a_case(name: str = "a", **fields: Any) -> Case:
    return Case(name=name, file=f"{name}.yaml", root="/", steps=(WAIT, WAIT), **fields)


def step_ended(case_id: str, name: str) -> Event:
    result = StepResult(name=name, type="wait", index=0, status="success", started_at=MOMENT)
    data = StepFinished(step_name=name, status="success", duration=0.0, retry_count=0, has_error=False)
    return Event(data=data, timestamp=MOMENT, test_case_id=case_id, step_name=name, result=result)


def case_ended(case_id: str, status: Any = "passed", name: str = "a") -> Event:
    result = CaseResult(id=case_id, name=name, file="", status=status, total_steps=2, passed_steps=2, started_at=MOMENT)
    data = CaseFinished(status=status, total_steps=2, passed_steps=2, failed_steps=0, skipped_steps=0, duration=0.0)
    return Event(data=data, timestamp=MOMENT, test_case_id=case_id, result=result)


def folded(fold: Fold, *events: Event, **how: Any) -> RunResult:
    for event in events:
        fold.handle(event)
    return fold.result(run_id="r", started_at=MOMENT, duration=1.0, **how)


def test_cases_stand_in_the_order_of_the_input_whatever_ended_first() -> None:
    fold = Fold({"case-1": a_case("a"), "case-2": a_case("b")})

    result = folded(fold, case_ended("case-2", name="b"), case_ended("case-1"))

    assert [case.name for case in result.cases] == ["a", "b"]


def test_each_case_has_its_own_steps_in_their_order_though_cases_run_side_by_side() -> None:
    fold = Fold({"case-1": a_case("a"), "case-2": a_case("b")})

    result = folded(
        fold,
        step_ended("case-1", "a1"), step_ended("case-2", "b1"), step_ended("case-1", "a2"), step_ended("case-2", "b2"),
        case_ended("case-1"), case_ended("case-2"),
    )  # fmt: skip

    assert [[step.name for step in case.steps] for case in result.cases] == [["a1", "a2"], ["b1", "b2"]]


def test_steps_are_not_kept_where_nobody_wants_them() -> None:
    fold = Fold({"case-1": a_case()}, keep_steps=False)

    (case,) = folded(fold, step_ended("case-1", "a1"), case_ended("case-1")).cases

    assert case.steps == ()
    assert case.passed_steps == 2


def test_events_that_end_nothing_change_nothing() -> None:
    begun = Event(
        data=CaseStarted(test_name="a", total_steps=2, description=None), timestamp=MOMENT, test_case_id="case-1"
    )

    (case,) = folded(Fold({"case-1": a_case()}), begun, case_ended("case-1")).cases

    assert case.status == "passed"


def test_a_case_that_never_began_is_cancelled_after_an_interruption() -> None:
    result = folded(Fold({"case-1": a_case()}), interrupted=True)

    assert [(case.status, case.started_at, case.skipped_steps) for case in result.cases] == [("cancelled", None, 2)]
    assert result.status == "cancelled"
    assert result.exit_code == 130


def test_a_case_that_never_began_is_else_skipped_with_the_reason() -> None:
    (case,) = folded(Fold({"case-1": a_case()}), reason="stopped at the first failure").cases

    assert (case.status, case.reason) == ("skipped", "stopped at the first failure")


def test_a_disabled_case_is_skipped_also_in_an_interrupted_run() -> None:
    (case,) = folded(Fold({"case-1": a_case(enabled=False)}), interrupted=True).cases

    assert (case.status, case.reason) == ("skipped", "enabled: false")


def test_the_worst_that_came_of_any_case_is_what_came_of_the_run() -> None:
    planned = {f"case-{number}": a_case() for number in range(1, 4)}

    def status(*statuses: str) -> tuple[str, int]:
        events = [case_ended(f"case-{number}", status) for number, status in enumerate(statuses, 1)]
        result = folded(Fold(dict(list(planned.items())[: len(statuses)])), *events)
        return result.status, result.exit_code

    assert status("passed", "passed") == ("passed", 0)
    assert status("passed", "failed") == ("failed", 1)
    assert status("failed", "error", "passed") == ("error", 1)
    assert status("passed", "skipped") == ("passed", 0)
    assert status("skipped") == ("skipped", 0)
