"""The run as facts: one class for each of the eight event types of the live protocol.

The fields are the `data` of the wire contract (``docs/live-protocol.md``). What reports need beyond it travels in
`Event.result`, which never goes over the wire.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, Literal

from attrs import field, frozen

from sisyphus.comparable import Comparable
from sisyphus.errors import Category
from sisyphus.results import CaseResult, Role, StepResult

Level = Literal["debug", "info", "warning", "error", "critical"]
Source = Literal["extracted", "profile", "global", "step"]


@frozen(kw_only=True, eq=False, repr=False)
class CaseStarted(Comparable):
    """A case began."""

    type: ClassVar[str] = "test_start"
    test_name: str
    total_steps: int
    description: str | None = None


@frozen(kw_only=True, eq=False, repr=False)
class CaseFinished(Comparable):
    """A case ended; every case that was started gets this, whatever happened."""

    type: ClassVar[str] = "test_complete"
    status: Literal["passed", "failed", "error", "cancelled"]
    total_steps: int
    passed_steps: int
    failed_steps: int
    skipped_steps: int
    duration: float


@frozen(kw_only=True, eq=False, repr=False)
class StepStarted(Comparable):
    """A step's turn came.

    A step inside another, or of a setup or teardown, has its `path` and the `parent`'s; `step_index` and `total_steps`
    are then about the list that it stands in. `iteration` is the round of the parent, from 0.
    """

    type: ClassVar[str] = "step_start"
    step_name: str
    step_type: str
    step_index: int
    total_steps: int
    path: str | None = None
    parent: str | None = None
    iteration: int | None = None
    role: Role | None = None


@frozen(kw_only=True, eq=False, repr=False)
class StepFinished(Comparable):
    """A step ended, or was skipped; see `StepStarted` for those inside others."""

    type: ClassVar[str] = "step_complete"
    step_name: str
    status: Literal["success", "failure", "error", "skipped"]
    duration: float
    retry_count: int
    has_error: bool
    path: str | None = None
    parent: str | None = None
    iteration: int | None = None
    role: Role | None = None


@frozen(kw_only=True, eq=False, repr=False)
class Progressed(Comparable):
    """How far a case is; the two `cases_` fields are sent only when the run has several."""

    type: ClassVar[str] = "progress"
    current_step: int
    total_steps: int
    percentage: float
    passed_steps: int
    failed_steps: int
    estimated_remaining: float | None
    cases_completed: int | None = None
    cases_total: int | None = None


@frozen(kw_only=True, eq=False, repr=False)
class Logged(Comparable):
    """Something worth reading happened."""

    type: ClassVar[str] = "log"
    level: Level
    message: str
    context: dict[str, Any] = field(factory=dict)


@frozen(kw_only=True, eq=False, repr=False)
class ErrorOccurred(Comparable):
    """A step failed or could not be carried out."""

    type: ClassVar[str] = "error"
    error_type: str
    error_category: Category
    message: str
    suggestion: str
    step_name: str | None = None


@frozen(kw_only=True, eq=False, repr=False)
class VariableSet(Comparable):
    """A variable got a value."""

    type: ClassVar[str] = "variable_update"
    variable_name: str
    variable_value: Any
    source: Source


Data = CaseStarted | CaseFinished | StepStarted | StepFinished | Progressed | Logged | ErrorOccurred | VariableSet
DATA_TYPES: tuple[type[Data], ...] = Data.__args__


@frozen(kw_only=True, eq=False, repr=False)
class Event(Comparable):
    """One fact, and what it is about.

    Attributes:
        timestamp: aware, in UTC.
        result: the whole outcome, on the events that end a step or a case.
        sent: whether watchers get it; the `send_…` settings of its case may say no. It is counted all the same.
    """

    data: Data
    timestamp: dt.datetime
    test_case_id: str | None = None
    step_name: str | None = None
    result: StepResult | CaseResult | None = None
    sent: bool = True
