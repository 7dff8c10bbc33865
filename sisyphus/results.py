"""What came of a run, its cases and their steps, as immutable values.

Durations are seconds on the monotonic clock; points in time are aware `datetime`s in UTC.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from sisyphus.case.model import NOWHERE, Config, Output
from sisyphus.comparable import Comparable
from sisyphus.errors import Category, Mark, StepError
from sisyphus.values.validate import CheckResult

StepStatus = Literal["success", "failure", "error", "skipped"]
Role = Literal["setup", "teardown"]
CaseStatus = Literal["passed", "failed", "error", "skipped", "cancelled"]


@frozen(kw_only=True, eq=False, repr=False)
class ErrorInfo(Comparable):
    """Why a step or a case did not succeed, and what to do; `category` is one of the contract's six."""

    type: str
    category: Category
    message: str
    suggestion: str

    @classmethod
    def of(cls, error: StepError) -> ErrorInfo:
        return cls(type=type(error).__name__, category=error.category, message=str(error), suggestion=error.suggestion)


@frozen(kw_only=True, eq=False, repr=False)
class Attempt(Comparable):
    """One try of a step: when it began (seconds after the step's begin), how long it took, what came of it.

    `reason` says why it was not enough, `delay` how long the engine then rested before the next.
    """

    number: int
    began: float
    duration: float
    status: StepStatus
    reason: str | None = None
    delay: float | None = None


@frozen(kw_only=True, eq=False, repr=False)
class StepResult(Comparable):
    """What came of one step.

    Attributes:
        path: where it stands in the run of its case: ``2``, the third step; ``2/0``, the first that ran inside it.
        parent: the path of the step around it; ``setup`` or ``teardown`` for the case's own; None in the case's steps.
        iteration: the round of the step around it, from 0.
        role: whether it is part of a setup or a teardown.
        children: what came of the steps inside it, in the order of the file and of the rounds.
        response: what the step saw, as templates and validations see it; None if nothing came.
        sent: the request to which nothing came; what is answered stands with its answer.
        reason: why it was skipped, or is an error.
        retry_count: tries after the first.
    """

    name: str
    type: str
    index: int
    status: StepStatus
    started_at: dt.datetime
    duration: float = 0.0
    id: str | None = None
    description: str | None = None
    reason: str | None = None
    attempts: tuple[Attempt, ...] = ()
    response: Mapping[str, Any] | None = None
    sent: Mapping[str, Any] | None = None
    checks: tuple[CheckResult, ...] = ()
    extracted: Mapping[str, Any] = field(factory=dict)
    warnings: tuple[str, ...] = ()
    error: ErrorInfo | None = None
    path: str = ""
    parent: str | None = None
    iteration: int | None = None
    role: Role | None = None
    children: tuple[StepResult, ...] = ()
    where: Mark = NOWHERE

    @property
    def depth(self) -> int:
        """How many steps are around it; the case's own setup and teardown count as one."""
        return self.path.count("/")

    @property
    def retry_count(self) -> int:
        return max(len(self.attempts) - 1, 0)


@frozen(kw_only=True, eq=False, repr=False)
class CaseResult(Comparable):
    """What came of one case; `steps` may lack those that were kept nowhere (see `sisyphus.report.fold`).

    Attributes:
        about: what its settings say for reports: `name`, `description`, `version`, `author`.
    """

    id: str
    name: str
    file: str
    status: CaseStatus
    total_steps: int
    passed_steps: int = 0
    failed_steps: int = 0
    skipped_steps: int = 0
    description: str | None = None
    tags: tuple[str, ...] = ()
    about: Mapping[str, str | None] = field(factory=dict)
    started_at: dt.datetime | None = None
    duration: float = 0.0
    reason: str | None = None
    error: ErrorInfo | None = None
    warnings: tuple[str, ...] = ()
    setup: tuple[StepResult, ...] = ()
    steps: tuple[StepResult, ...] = ()
    teardown: tuple[StepResult, ...] = ()
    output: Output = field(factory=Output)


def about(config: Config) -> dict[str, str | None]:
    """What settings say for reports."""
    return {key: getattr(config, key) for key in ("name", "description", "version", "author")}


@frozen(kw_only=True, eq=False, repr=False)
class RunResult(Comparable):
    """What came of a whole run; `cases` stand in the order of the input."""

    run_id: str
    started_at: dt.datetime
    duration: float
    cases: tuple[CaseResult, ...]
    interrupted: bool = False

    @property
    def status(self) -> CaseStatus:
        """The worst that came of any case."""
        seen = {case.status for case in self.cases}
        if self.interrupted:
            return "cancelled"
        for status in ("error", "failed", "cancelled", "passed"):
            if status in seen:
                return status
        return "skipped"

    @property
    def passed(self) -> bool:
        """Whether nothing failed: every case passed or was skipped."""
        return self.status in {"passed", "skipped"}

    @property
    def exit_code(self) -> int:
        """The process's exit code: 0 passed or skipped, 1 something failed, 130 interrupted."""
        if self.interrupted:
            return 130
        return 0 if self.passed else 1

    def counts(self) -> Counter[str]:
        """How many cases have each status."""
        return Counter(case.status for case in self.cases)
