"""What checking case files found, as one JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sisyphus.wire import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sisyphus.case.model import Case
    from sisyphus.errors import Problem


def render_cases(cases: Iterable[Case]) -> str:
    """The document of files that are right."""
    return _render(cases=[_case(case) for case in cases])


def render_problems(problems: Iterable[Problem]) -> str:
    """The document of files that are not."""
    return _render(problems=[_problem(problem) for problem in problems])


def _render(cases: Iterable[Any] = (), problems: Iterable[Any] = ()) -> str:
    problems = list(problems)
    return dumps({"valid": not problems, "cases": list(cases), "problems": problems}, indent=2) + "\n"


def _case(case: Case) -> dict[str, Any]:
    return {
        "name": case.name,
        "file": case.file,
        "tags": list(case.tags),
        "steps": len(case.steps),
        "warnings": list(case.warnings),
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.mark.file,
        "line": problem.mark.line,
        "column": problem.mark.column,
        "message": problem.message,
        "hint": problem.hint,
    }
