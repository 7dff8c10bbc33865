"""The result of a run as one JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sisyphus.case.model import ABSENT
from sisyphus.wire import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sisyphus.case.model import Output
    from sisyphus.results import CaseResult, ErrorInfo, RunResult, StepResult
    from sisyphus.values.validate import CheckResult


def render(result: RunResult, *, engine_version: str, indent: int | None = 2) -> str:
    """The document as text, with a line break at its end; its fields are described in ``docs/result.md``."""
    return dumps(document(result, engine_version=engine_version), indent=indent) + "\n"


def document(result: RunResult, *, engine_version: str) -> dict[str, Any]:
    """The document as plain values."""
    counts = result.counts()
    return {
        "run_id": result.run_id,
        "status": result.status,
        "engine_version": engine_version,
        "started_at": result.started_at.isoformat(timespec="milliseconds"),
        "duration": round(result.duration, 6),
        "summary": {
            "cases": {"total": len(result.cases)}
            | {status: counts[status] for status in ("passed", "failed", "error", "skipped", "cancelled")},
            "steps": {
                "total": sum(case.total_steps for case in result.cases),
                "passed": sum(case.passed_steps for case in result.cases),
                "failed": sum(case.failed_steps for case in result.cases),
                "skipped": sum(case.skipped_steps for case in result.cases),
            },
        },
        "cases": [_case(case) for case in result.cases],
    }


def _case(case: CaseResult) -> dict[str, Any]:
    return {
        "id": case.id,
        "name": case.name,
        "file": case.file,
        "description": case.description,
        "tags": list(case.tags),
        "config": dict(case.about),
        "status": case.status,
        "reason": case.reason,
        "started_at": case.started_at.isoformat(timespec="milliseconds") if case.started_at else None,
        "duration": round(case.duration, 6),
        "total_steps": case.total_steps,
        "passed_steps": case.passed_steps,
        "failed_steps": case.failed_steps,
        "skipped_steps": case.skipped_steps,
        "error": _error(case.error),
        "warnings": list(case.warnings),
        **{role: [_step(step, case.output) for step in steps] for role, steps in _hooks(case) if steps},
        "steps": [_step(step, case.output) for step in case.steps],
    }


def _hooks(case: CaseResult) -> tuple[tuple[str, tuple[StepResult, ...]], ...]:
    return ("setup", case.setup), ("teardown", case.teardown)


def _step(step: StepResult, output: Output) -> dict[str, Any]:
    children = [_step(child, output) for child in step.children]
    return step_document(step, output) | ({"children": children} if children else {})


def step_document(step: StepResult, output: Output) -> dict[str, Any]:
    """One step as plain values, without those inside it."""
    response = dict(step.response) if step.response is not None else None
    request = response.pop("request", None) if response is not None else step.sent
    return {
        "name": step.name,
        "id": step.id,
        "type": step.type,
        "index": step.index,
        "description": step.description,
        "where": str(step.where),
        "status": step.status,
        "reason": step.reason,
        "started_at": step.started_at.isoformat(timespec="milliseconds"),
        "duration": round(step.duration, 6),
        "retry_count": step.retry_count,
        "attempts": [
            {
                "number": attempt.number,
                "began": round(attempt.began, 6),
                "duration": round(attempt.duration, 6),
                "status": attempt.status,
                "reason": attempt.reason,
                "delay": attempt.delay,
            }
            for attempt in step.attempts
        ],
        "request": request if output.include_request else None,
        "response": response if output.include_response else None,
        "validations": _checks(step.checks),
        "extracted": dict(step.extracted),
        "warnings": list(step.warnings),
        "error": _error(step.error),
        **({"path": step.path, "iteration": step.iteration, "role": step.role} if step.parent is not None else {}),
    }


def _checks(checks: Iterable[CheckResult]) -> list[dict[str, Any]]:
    return [
        {
            "type": check.op,
            "path": check.path,
            **_given("expect", check.expect),
            **_given("actual", check.actual),
            "status": check.status,
            "message": check.message,
            "description": check.description,
            "where": str(check.where),
            **({"checks": _checks(check.checks)} if check.checks else {}),
        }
        for check in checks
    ]


def _given(key: str, value: Any) -> dict[str, Any]:
    """Null is a value; what was not there has no key."""
    return {} if value is ABSENT else {key: value}


def _error(error: ErrorInfo | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "type": error.type,
        "category": error.category,
        "message": error.message,
        "suggestion": error.suggestion,
    }
