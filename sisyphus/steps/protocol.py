"""What a step type is, and what it gets to work with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

from sisyphus.comparable import Comparable
from sisyphus.errors import StepError
from sisyphus.results import ErrorInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Self

    from sisyphus.canned.turns import Turns
    from sisyphus.case.draft import Draft, Findings
    from sisyphus.case.model import Case, Step
    from sisyphus.database.sessions import CaseDatabases
    from sisyphus.database.target import Target
    from sisyphus.events import Level
    from sisyphus.http.session import Session
    from sisyphus.results import StepResult


@frozen(kw_only=True, eq=False, repr=False)
class Outcome(Comparable):
    """What one attempt came to, before validations.

    Attributes:
        view: the response as validations, extractors and templates see it.
        failure: why the step failed by its own measure (a wait that ran out of time), or None.
        error: why it could not be carried out though there is a view; as information if that is a step inside.
        warnings: what the user should know about it.
    """

    view: Mapping[str, Any]
    failure: str | None = None
    error: StepError | ErrorInfo | None = None
    warnings: tuple[str, ...] = ()


class StepType(Protocol):
    """A module that says how steps of a type are spelt, and carries out their attempts.

    Attributes:
        SPEC: the class of what the type does, an attrs one under `StepSpec`.
        KEYS: from each key the type has of its own to the field of `SPEC`, or to a `Fate`.
        INNER: those fields of `SPEC` that hold steps.
        DEFAULT_LIMIT: whether the case's `timeout` limits an attempt when the step gives none of its own.
        ANSWERS: whether what it comes to is the `response` of the steps after it.
    """

    # Constants of a module.
    @property
    def SPEC(self) -> type: ...  # noqa: N802
    @property
    def KEYS(self) -> Mapping[str, str]: ...  # noqa: N802
    @property
    def INNER(self) -> tuple[str, ...]: ...  # noqa: N802
    @property
    def DEFAULT_LIMIT(self) -> bool: ...  # noqa: N802
    @property
    def ANSWERS(self) -> bool: ...  # noqa: N802

    def finish(self, draft: Draft, found: Findings) -> Draft:
        """Completes what the type does, whose keys are the fields of `SPEC` already; the steps inside are drafts."""
        ...

    async def execute(self, spec: Any, context: StepContext) -> Outcome:
        """Does what `spec` says.

        Raises:
            StepError: it could not be carried out.

        Cancelled by the step's limit at any await; it must leave nothing behind then.
        """
        ...


class StepContext(Protocol):
    """What an attempt gets besides its spec.

    Attributes:
        names: what templates of this step can name.
        base_url: what relative URLs are joined with; may hold templates.
        response: what the step before came to.
        databases: those of the case.
        stopping: why no further step inside is to begin, once something said so (``on_failure: stop``).
        environ: the environment of the run.
        turns: what made-up answers of the case depend on.
    """

    @property
    def case(self) -> Case: ...
    @property
    def step(self) -> Step: ...
    @property
    def step_name(self) -> str: ...
    @property
    def names(self) -> Mapping[str, Any]: ...
    @property
    def base_url(self) -> str | None: ...
    @property
    def session(self) -> Session: ...
    @property
    def variables(self) -> Mapping[str, Any]: ...
    @property
    def databases(self) -> CaseDatabases: ...
    @property
    def stopping(self) -> str | None: ...
    @property
    def environ(self) -> Mapping[str, str]: ...
    @property
    def turns(self) -> Turns: ...

    def render(self, value: Any) -> Any:
        """`value` with its templates evaluated once; in the lenient dialect what is undefined is empty."""
        ...

    def render_whole(self, value: Any) -> Any:
        """As `render`, but what is undefined is an error in the lenient dialect too."""
        ...

    def resolve_file(self, written: str) -> Path:
        """The file that the case means by a path.

        Raises:
            FieldError: it does not exist, or leads outside the project.
        """
        ...

    def database(self, written: Any) -> Target:
        """The database that a map, a URL, or the name of a variable or of `config.connections` means.

        Raises:
            StepError: it means none.
        """
        ...

    async def log(self, level: Level, message: str, **context: Any) -> None:
        """Sends a `log` event about this step."""
        ...

    async def set(self, name: str, value: Any) -> None:
        """Gives a variable of the case a value, and tells the watchers."""
        ...

    def keep(self, so_far: Callable[[], Mapping[str, Any]]) -> None:
        """Has `so_far` asked for what came until then, should this attempt be cancelled from outside."""
        ...

    def sends(self, request: Callable[[], Mapping[str, Any]]) -> None:
        """Has `request` asked for what was sent, should no answer to it come."""
        ...

    def inside(
        self,
        *,
        iteration: int | None = None,
        names: Mapping[str, Any] | None = None,
        forked: bool = False,
        why: Callable[[], ErrorInfo | None] | None = None,
    ) -> Inside:
        """Where steps inside this one run.

        Args:
            iteration: which round it is, from 0; None if there are no rounds.
            names: names that only the steps inside know (`item`, `index`), over the case's variables.
            forked: whether they get a copy of the variables, which `merge` brings back.
            why: says why, once they are cancelled from where this is called.
        """
        ...

    def trial(self, step: Step) -> Trial:
        """A step inside this one to be tried many times, for numbers only; each task needs one of its own."""
        ...

    def lanes(self, steps: Sequence[Step], *, why: Callable[[], ErrorInfo | None]) -> Sequence[Lane]:
        """Where steps inside this one run at the same time: a fork of the variables for each, in the order given.

        Args:
            steps: what is to run.
            why: says why, once some of them are cancelled; those that begin after that are skipped.
        """
        ...


class Trial(Protocol):
    """A step that is tried again and again, without events: each try has its time limit and its validations.

    Attributes:
        view: what came of the last try, as validations see it; None if nothing came.
        error: why it could not be carried out.
        failure: why it is not what was expected.
    """

    view: Mapping[str, Any] | None
    error: ErrorInfo | None
    failure: str | None

    async def run(self, **names: Any) -> None:
        """Tries once; `names` are those that only this try knows. Cancelled, nothing is left behind."""
        ...


class Inside(Protocol):
    """Where steps inside another one run: each has its own events, with the outer one's path as `parent`."""

    @property
    def names(self) -> Mapping[str, Any]:
        """What templates can name here, as it is now."""
        ...

    async def run(self, steps: Sequence[Step], *, until_failure: bool = True) -> list[StepResult]:
        """Runs steps one after the other.

        Args:
            steps: what to run.
            until_failure: whether the first step that fails is the last to run.

        Returns:
            The results of those that ran. Cancelled, the running step ends as an `error` that says why, its
            teardown runs, and the cancellation goes on.
        """
        ...

    def set(self, name: str, value: Any) -> None:
        """Gives one of the names that only the steps inside know another value."""
        ...

    def merge(self) -> None:
        """Brings what the steps of a fork set back to the variables of the step around."""
        ...


class Lane(Protocol):
    """Where one of several steps runs that run at the same time."""

    @property
    def step(self) -> Step: ...

    async def run(self) -> StepResult:
        """Runs the step, as `Inside.run` does."""
        ...

    def follow(self, other: Self) -> None:
        """Takes over what came of another step that has ended: what it set, and its outcome for `depends_on`."""
        ...

    def merge(self) -> None:
        """As `Inside.merge`."""
        ...
