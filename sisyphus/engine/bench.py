"""What the attempts of one step work with: its names, its way to the watchers, and the steps inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio
from attrs import define, evolve

from sisyphus.engine.attempt import attempt, limit_of
from sisyphus.engine.context import inside_project
from sisyphus.errors import StepError, StepTimeout
from sisyphus.events import VariableSet
from sisyphus.results import ErrorInfo
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from pathlib import Path

    from sisyphus.canned.turns import Turns
    from sisyphus.case.model import Case, Step
    from sisyphus.database.sessions import CaseDatabases
    from sisyphus.database.target import Target
    from sisyphus.engine.context import CaseContext
    from sisyphus.engine.frame import Frame, Place, Why
    from sisyphus.engine.scope import Names
    from sisyphus.events import Level
    from sisyphus.http.session import Session
    from sisyphus.results import Role, StepResult

    RunStep = Callable[[Step, Place, CaseContext, Frame], Coroutine[Any, Any, StepResult]]


@define(kw_only=True, eq=False, repr=False)
class Bench:
    """The `sisyphus.steps.protocol.StepContext` of one step.

    Attributes:
        limit: the scope of the attempt that is under way, whose deadline may cancel the steps inside.
        so_far: what that attempt would come to if it were cut off now; None if it does not say.
        sent: what it has sent without having had an answer yet; None if that is nothing.
    """

    shared: CaseContext
    frame: Frame
    step: Step
    step_name: str
    place: Place
    names: Names
    run_step: RunStep
    limit: trio.CancelScope | None = None
    so_far: Callable[[], Mapping[str, Any]] | None = None
    sent: Callable[[], Mapping[str, Any]] | None = None
    _below: Frame | None = None

    @property
    def case(self) -> Case:
        return self.shared.case

    @property
    def base_url(self) -> str | None:
        return self.shared.base_url

    @property
    def session(self) -> Session:
        return self.shared.session

    @property
    def variables(self) -> Mapping[str, Any]:
        return self.frame.scope.variables

    @property
    def databases(self) -> CaseDatabases:
        return self.shared.databases

    @property
    def stopping(self) -> str | None:
        return self.shared.stopping if self.frame.role != "teardown" else None

    @property
    def environ(self) -> Mapping[str, str]:
        return self.shared.run.environ

    @property
    def turns(self) -> Turns:
        return self.shared.turns

    def render(self, value: Any) -> Any:
        return self.frame.scope.render(value, self.names)

    def render_whole(self, value: Any) -> Any:
        return self.frame.scope.render_whole(value, self.names)

    def resolve_file(self, written: str) -> Path:
        return inside_project(self.case, written)

    def database(self, written: Any) -> Target:
        from sisyphus.database.sessions import described
        from sisyphus.database.target import target_of

        own = {name: self.names[name] for name in self.step.variables if name in self.names}
        found = described(self.render_whole(written), self.case.config.connections, own, self.variables)
        return target_of(self.render_whole(found))

    async def log(self, level: Level, message: str, **context: Any) -> None:
        await self.shared.emitter.log(level, message, step_name=self.step_name, **context)

    async def set(self, name: str, value: Any) -> None:
        self.frame.scope.set(name, value)
        self.names[name] = value
        update = VariableSet(variable_name=name, variable_value=value, source="step")
        await self.shared.emitter.emit(update, step_name=self.step_name)

    def keep(self, so_far: Callable[[], Mapping[str, Any]]) -> None:
        self.so_far = so_far

    def sends(self, request: Callable[[], Mapping[str, Any]]) -> None:
        self.sent = request

    def inside(
        self,
        *,
        iteration: int | None = None,
        names: Mapping[str, Any] | None = None,
        forked: bool = False,
        why: Why | None = None,
    ) -> Chamber:
        below = self._frame_below(None)
        own = {**self._own_names(), **(names or {})}
        return Chamber(self, below.round(iteration, own, forked=forked, why=why))

    def trial(self, step: Step) -> Trial:
        frame = self._frame_below(None).round(None, self._own_names(), forked=False)
        return Trial(evolve(self, step=step, frame=frame, names=frame.scope.names(), below=None))

    def lanes(self, steps: Sequence[Step], *, why: Why) -> list[Lane]:
        below, own = self._frame_below(None), self._own_names()
        frames = [below.round(None, own, forked=True, why=why) for _ in steps]
        return [
            Lane(self, step, frame, frame.place(index, len(steps)))
            for index, (step, frame) in enumerate(zip(steps, frames, strict=True))
        ]

    async def run_hook(self, steps: Sequence[Step], role: Role) -> ErrorInfo | None:
        """Runs the step's setup or teardown, and returns why it failed; a setup ends at the first failure."""
        frame = self._frame_below(role)
        chamber = Chamber(self, frame.round(None, self._own_names(), forked=False))
        return first_trouble(await chamber.run(steps, until_failure=role == "setup"), role)

    def refresh(self) -> None:
        """Takes in what the steps inside and the setup set, beside the step's own variables as they were."""
        self.names = self.frame.scope.names().plus(**self._own_names())

    def seen(self, view: Mapping[str, Any]) -> Mapping[str, Any]:
        """What validations and extractors look at: what came, and what the case's mock server was asked."""
        mock = self.frame.scope.builtins.get("mock")
        return view if mock is None else {"mock": dict(mock), **view}

    def _own_names(self) -> dict[str, Any]:
        """The step's own variables, as they were when it began."""
        return {name: self.names[name] for name in self.step.variables if name in self.names}

    def _frame_below(self, role: Role | None) -> Frame:
        # One for all attempts, rounds and hooks: it numbers what runs inside this step.
        if self._below is None:
            self._below = self.frame.below(self.place.path, why=self._why)
        return self._below if role is None else self._below.as_part_of(role)

    def _why(self) -> ErrorInfo | None:
        if self.limit is None or not self.limit.cancel_called:
            return None
        return ErrorInfo.of(
            StepTimeout(tr("the step '{name}' around this one reached its time limit", name=self.step_name))
        )


@define(eq=False, repr=False)
class Chamber:
    """The `sisyphus.steps.protocol.Inside` of one round."""

    _bench: Bench
    _frame: Frame

    @property
    def names(self) -> Names:
        return self._frame.scope.names()

    async def run(self, steps: Sequence[Step], *, until_failure: bool = True) -> list[StepResult]:
        shared, frame = self._bench.shared, self._frame
        results = []
        for index, step in enumerate(steps):
            result = await self._bench.run_step(step, frame.place(index, len(steps)), shared, frame)
            results.append(result)
            if until_failure and result.status in {"failure", "error"}:
                break
        return results

    def set(self, name: str, value: Any) -> None:
        self._frame.scope.set_local(name, value)

    def merge(self) -> None:
        self._bench.frame.scope.merge(self._frame.scope)


@define(eq=False, repr=False)
class Trial:
    """The `sisyphus.steps.protocol.Trial` of one task."""

    _bench: Bench
    view: Mapping[str, Any] | None = None
    error: ErrorInfo | None = None
    failure: str | None = None
    _limit: float | None = None

    async def run(self, **names: Any) -> None:
        bench, self.view, self.error, self.failure = self._bench, None, None, None
        try:
            if bench.step.variables:  # evaluated anew each time, and with the names of this try
                bench.names = bench.frame.scope.inner(names).names(bench.step.variables)
            else:
                bench.names.update(names)
            if self._limit is None:
                self._limit = limit_of(bench.step, bench)
            tried = await attempt(bench.step, bench, self._limit)
        except StepError as exc:
            self.error = ErrorInfo.of(exc)
        else:
            self.view, self.error, self.failure = tried.view, tried.error, tried.failure
        if self.view is None:  # it may not have waited for anything
            await trio.lowlevel.checkpoint()


@define(eq=False, repr=False)
class Lane:
    """The `sisyphus.steps.protocol.Lane` of one step; its place is given out beforehand, so that the order is the file's."""

    _bench: Bench
    step: Step
    _frame: Frame
    _place: Place

    async def run(self) -> StepResult:
        return await self._bench.run_step(self.step, self._place, self._bench.shared, self._frame)

    def follow(self, other: Lane) -> None:
        self._frame.scope.follow(other._frame.scope)
        self._frame.outcomes.update(other._frame.outcomes)

    def merge(self) -> None:
        self._bench.frame.scope.merge(self._frame.scope)


def first_trouble(results: Sequence[StepResult], role: Role) -> ErrorInfo | None:
    """What the first failure of a hook says of what it belongs to."""
    failed = next((result for result in results if result.status in {"failure", "error"}), None)
    if failed is None or failed.error is None:
        return None
    error, told = failed.error, {"name": failed.name, "reason": failed.error.message}
    message = (
        tr("the setup failed: '{name}': {reason}", **told)
        if role == "setup"
        else tr("the teardown failed: '{name}': {reason}", **told)
    )
    return evolve(error, message=message)
