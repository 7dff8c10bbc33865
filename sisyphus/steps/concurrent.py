"""`concurrent`: runs the steps inside it at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import trio
from attrs import define, field, frozen

from sisyphus.case._shapes import require, whole
from sisyphus.case.draft import spellings
from sisyphus.case.model import NOWHERE, Flag, Number, Step, StepSpec
from sisyphus.errors import Mark
from sisyphus.results import ErrorInfo
from sisyphus.steps.fields import count, flag
from sisyphus.steps.troubles import Troubles
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sisyphus.case.draft import Draft, Findings
    from sisyphus.results import StepResult
    from sisyphus.steps.protocol import Lane, Outcome, StepContext


@frozen(kw_only=True, eq=False, repr=False)
class Concurrent(StepSpec):
    """What a `concurrent` step runs, and how much of it at the same time."""

    concurrent_steps: tuple[Step, ...]
    max_concurrency: Number = 3
    fail_fast: Flag = False
    where: Mark = NOWHERE


SPEC: Final = Concurrent
KEYS: Final = spellings("concurrent_steps", "max_concurrency", "fail_fast", steps="concurrent_steps")
INNER: Final = ("concurrent_steps",)
DEFAULT_LIMIT: Final = False
ANSWERS: Final = False


def finish(draft: Draft, found: Findings) -> Draft:
    """Completes a concurrent step whose keys are the model's already."""
    draft["where"] = Mark(*draft.place)
    whole(draft, "max_concurrency", found, least=1)
    form = "concurrent_steps: [{name: A, url: /a}, {name: B, url: /b}]"
    require(draft, "concurrent_steps", tr("a concurrent step needs steps to run"), form, found)
    return draft


async def execute(spec: Concurrent, context: StepContext) -> Outcome:
    """Runs the steps, each with a copy of the variables; what they set is merged in the order of the file.

    Cancelled, the steps under way end as an `error`, those not begun do not begin, and what was set is kept.
    """
    most = count(context.render_whole(spec.max_concurrency), "max_concurrency", least=1)
    fail_fast = flag(context.render_whole(spec.fail_fast), "fail_fast")
    group = _Group(limiter=trio.CapacityLimiter(most), fail_fast=fail_fast)
    lanes = context.lanes(spec.concurrent_steps, why=group.why)
    group.runners = _runners(lanes)
    try:
        await group.run()
    finally:
        for lane in lanes:
            lane.merge()
    return group.outcome()


@define(eq=False, repr=False)
class _Runner:
    """One of the steps, and those of its siblings that `depends_on` names: it begins when these have ended."""

    lane: Lane
    after: Sequence[_Runner]
    ended: trio.Event = field(factory=trio.Event)
    scope: trio.CancelScope | None = None  # while it runs
    result: StepResult | None = None


def _runners(lanes: Sequence[Lane]) -> list[_Runner]:
    runners: list[_Runner] = []
    named: dict[str, _Runner] = {}
    for lane in lanes:
        step = lane.step
        runners.append(_Runner(lane, [named[name] for name in step.depends_on if name in named]))
        named.update((name, runners[-1]) for name in (step.name, step.id) if name is not None)
    return runners


@define(kw_only=True, eq=False, repr=False)
class _Group:
    limiter: trio.CapacityLimiter
    fail_fast: bool
    runners: Sequence[_Runner] = ()
    failed_first: str | None = None

    def why(self) -> ErrorInfo | None:
        """Why steps of this group are cancelled, or not begun."""
        if not self.fail_fast or self.failed_first is None:
            return None
        message = tr("'{name}' failed, and fail_fast ends the others", name=self.failed_first)
        suggestion = tr("See why that step failed; without fail_fast the others would go on.")
        return ErrorInfo(type="Cancelled", category="system", message=message, suggestion=suggestion)

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            for runner in self.runners:
                # Here and not in the task, so that steps begin in the order of the file; one that depends on another
                # takes no place from those after it while it waits.
                if not runner.after:
                    await self.limiter.acquire_on_behalf_of(runner)
                nursery.start_soon(self._run_one, runner)

    async def _run_one(self, runner: _Runner) -> None:
        for other in runner.after:
            await other.ended.wait()
            runner.lane.follow(other.lane)
        if runner.after:
            await self.limiter.acquire_on_behalf_of(runner)
        try:
            with trio.CancelScope() as runner.scope:
                runner.result = await runner.lane.run()
        finally:
            runner.scope = None
            runner.ended.set()
            self.limiter.release_on_behalf_of(runner)
        result = runner.result
        if self.fail_fast and result is not None and result.status in {"failure", "error"}:
            self._end_others(result.name)

    def _end_others(self, name: str) -> None:
        if self.failed_first is None:
            self.failed_first = name
            for runner in self.runners:
                if runner.scope is not None:  # those to come are not begun: `why` says so
                    runner.scope.cancel(f"{name} failed")

    def outcome(self) -> Outcome:
        troubles = Troubles()
        for runner in self.runners:
            if runner.result is not None:
                troubles.take(runner.result)
        statuses = [runner.result.status if runner.result is not None else "cancelled" for runner in self.runners]
        view: dict[str, Any] = {
            "total": len(statuses),
            "passed": statuses.count("success"),
            "failed": troubles.count,
            "skipped": statuses.count("skipped"),
            "cancelled": statuses.count("cancelled"),
            "steps": [
                {"name": _name(runner), "id": runner.lane.step.id, "status": status, "duration": _duration(runner)}
                for runner, status in zip(self.runners, statuses, strict=True)
            ],
        }
        return troubles.outcome(
            view,
            lambda first: tr(
                "{failed} of {total} steps failed; {first}", failed=troubles.count, total=len(statuses), first=first
            ),
        )


def _name(runner: _Runner) -> str:
    return runner.result.name if runner.result is not None else runner.lane.step.name


def _duration(runner: _Runner) -> float | None:
    return round(runner.result.duration, 6) if runner.result is not None else None
