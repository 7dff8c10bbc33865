"""The result of a run as one JSON document."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from attrs import evolve

from sisyphus.case.load import loads
from sisyphus.case.model import ABSENT
from sisyphus.errors import Mark, Problem
from sisyphus.report.json_result import document, render
from sisyphus.report.json_validation import render_cases, render_problems
from sisyphus.results import Attempt, CaseResult, ErrorInfo, RunResult, StepResult
from sisyphus.values.validate import CheckResult

MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, 678_912, tzinfo=dt.UTC)
RESPONSE = {
    "status_code": 200,
    "body": {"id": 7},
    "timings": {"dns": None, "total": 12.5},
    "request": {"method": "GET", "url": "http://127.0.0.1/", "headers": {"Accept": "*/*"}, "body": None},
}
CHECK = CheckResult(
    op="eq", path="$.id", expect=8, actual=7, status="failed", message="expected 8, got 7", description="the id",
    where=Mark("a.yaml", 9, 5),
)  # fmt: skip
STEP = StepResult(
    name="get", type="request", index=0, status="failure", started_at=MOMENT, duration=0.123456789, id="g",
    attempts=(
        Attempt(number=1, began=0.0, duration=0.1, status="error", reason="refused", delay=1.0),
        Attempt(number=2, began=1.1, duration=0.1, status="failure", reason="expected 8, got 7"),
    ),
    response=RESPONSE, checks=(CHECK,), extracted={"token": None}, warnings=("careful",),
    error=ErrorInfo(type="AssertionError", category="assertion", message="expected 8, got 7", suggestion="compare"),
    where=Mark("a.yaml", 5, 3),
)  # fmt: skip
CASE = CaseResult(
    id="case-1", name="a", file="a.yaml", status="failed", total_steps=2, passed_steps=0, failed_steps=1,
    skipped_steps=1, tags=("smoke",), started_at=MOMENT, duration=0.2, steps=(STEP,),
)  # fmt: skip
SKIPPED = CaseResult(
    id="case-2", name="b", file="b.yaml", status="skipped", total_steps=3, skipped_steps=3, reason="enabled: false"
)
RUN = RunResult(run_id="r", started_at=MOMENT, duration=0.25, cases=(CASE, SKIPPED))


def told(result: RunResult = RUN) -> Any:
    return json.loads(render(result, engine_version="1.2.3"))


def the_check(check: CheckResult) -> Any:
    return told(evolve(RUN, cases=(evolve(CASE, steps=(evolve(STEP, checks=(check,)),)),)))["cases"][0]["steps"][0][
        "validations"
    ][0]


def test_the_run_is_told_with_its_cases_and_steps_in_numbers() -> None:
    run = told()

    assert {key: run[key] for key in ("run_id", "status", "engine_version", "started_at", "duration")} == {
        "run_id": "r",
        "status": "failed",
        "engine_version": "1.2.3",
        "started_at": "2026-01-02T03:04:05.678+00:00",
        "duration": 0.25,
    }
    assert run["summary"] == {
        "cases": {"total": 2, "passed": 0, "failed": 1, "error": 0, "skipped": 1, "cancelled": 0},
        "steps": {"total": 5, "passed": 0, "failed": 1, "skipped": 4},
    }


def test_a_case_is_told_with_everything_that_is_known_of_it() -> None:
    case = told()["cases"][0]
    case["steps"] = []

    assert case == {
        "id": "case-1", "name": "a", "file": "a.yaml", "description": None, "tags": ["smoke"], "config": {}, "status": "failed",
        "reason": None, "started_at": "2026-01-02T03:04:05.678+00:00", "duration": 0.2, "total_steps": 2,
        "passed_steps": 0, "failed_steps": 1, "skipped_steps": 1, "error": None, "warnings": [], "steps": [],
    }  # fmt: skip


def test_a_step_is_told_with_everything_that_is_known_of_it() -> None:
    step = told()["cases"][0]["steps"][0]

    assert step == {
        "name": "get", "id": "g", "type": "request", "index": 0, "description": None, "where": "a.yaml:5:3",
        "status": "failure", "reason": None, "started_at": "2026-01-02T03:04:05.678+00:00", "duration": 0.123457,
        "retry_count": 1,
        "attempts": [
            {"number": 1, "began": 0.0, "duration": 0.1, "status": "error", "reason": "refused", "delay": 1.0},
            {"number": 2, "began": 1.1, "duration": 0.1, "status": "failure", "reason": "expected 8, got 7",
             "delay": None},
        ],
        "request": RESPONSE["request"],
        "response": {"status_code": 200, "body": {"id": 7}, "timings": {"dns": None, "total": 12.5}},
        "validations": [
            {"type": "eq", "path": "$.id", "expect": 8, "actual": 7, "status": "failed",
             "message": "expected 8, got 7", "description": "the id", "where": "a.yaml:9:5"},
        ],
        "extracted": {"token": None},
        "warnings": ["careful"],
        "error": {"type": "AssertionError", "category": "assertion", "message": "expected 8, got 7",
                  "suggestion": "compare"},
    }  # fmt: skip


def test_the_step_itself_keeps_its_request() -> None:
    document(RUN, engine_version="1")

    assert "request" in RESPONSE


def test_a_step_without_an_answer_has_null_for_it() -> None:
    run = told(evolve(RUN, cases=(evolve(CASE, steps=(evolve(STEP, response=None, checks=()),)),)))

    step = run["cases"][0]["steps"][0]
    assert (step["request"], step["response"], step["validations"]) == (None, None, [])


def test_what_was_not_there_has_no_key_and_null_is_a_value() -> None:
    absent = the_check(evolve(CHECK, expect=ABSENT, actual=ABSENT))
    null = the_check(evolve(CHECK, expect=None, actual=None))

    assert "expect" not in absent
    assert "actual" not in absent
    assert (null["expect"], null["actual"]) == (None, None)


def test_checks_within_a_check_are_told_within_it() -> None:
    outer = CheckResult(op="or", status="failed", checks=(CHECK,))

    assert [inner["path"] for inner in the_check(outer)["checks"]] == ["$.id"]
    assert "checks" not in the_check(CHECK)


def test_a_case_that_never_began_has_no_beginning_and_its_reason() -> None:
    case = told()["cases"][1]

    assert (case["started_at"], case["reason"], case["steps"]) == (None, "enabled: false", [])


def test_values_that_json_lacks_do_not_spoil_the_document() -> None:
    odd = evolve(STEP, extracted={"nan": float("nan"), "bytes": b"\xff", "half": "\ud800", "when": MOMENT})

    text = render(evolve(RUN, cases=(evolve(CASE, steps=(odd,)),)), engine_version="1")

    extracted = json.loads(text, parse_constant=_refuse)["cases"][0]["steps"][0]["extracted"]
    assert extracted["nan"] == "nan"
    assert extracted["bytes"] == "/w=="
    text.encode()  # no half characters either


def test_the_document_is_for_people_too() -> None:
    text = render(evolve(RUN, cases=(evolve(CASE, name="结账"),)), engine_version="1")

    assert '\n      "name": "结账",\n' in text
    assert text.endswith("}\n")


def test_files_that_are_right_are_told_with_their_steps_and_warnings() -> None:
    case = evolve(loads("name: a\nsteps:\n  - {name: rest, type: wait, seconds: 0}\n", name="a.yaml"), warnings=("w",))

    assert json.loads(render_cases([case])) == {
        "valid": True,
        "cases": [{"name": "a", "file": "a.yaml", "tags": [], "steps": 1, "warnings": ["w"]}],
        "problems": [],
    }


def test_problems_are_told_with_their_places_in_parts() -> None:
    problem = Problem(Mark("a.yaml", 14, 9), "unknown key 'metod'", "did you mean 'method'?")

    assert json.loads(render_problems([problem])) == {
        "valid": False,
        "cases": [],
        "problems": [
            {
                "file": "a.yaml", "line": 14, "column": 9, "message": "unknown key 'metod'",
                "hint": "did you mean 'method'?",
            }
        ],
    }  # fmt: skip


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")
