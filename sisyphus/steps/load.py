"""A request as a load: many at a time, summed up in numbers (`parallel:` on a step)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import trio
from attrs import define, field, frozen

from sisyphus.case._shapes import whole
from sisyphus.case.model import NOWHERE, Number, Step, StepSpec
from sisyphus.errors import FieldError, Mark
from sisyphus.steps.durations import Durations
from sisyphus.steps.fields import count, seconds
from sisyphus.steps.protocol import Outcome
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sisyphus.case.draft import Draft, Findings
    from sisyphus.results import ErrorInfo
    from sisyphus.steps.protocol import StepContext, Trial


@frozen(kw_only=True, eq=False, repr=False)
class Load(StepSpec):
    """Which step is tried how often: each of `threads` tasks tries it `iterations` times.

    Attributes:
        load_steps: the one step.
        ramp_up: seconds over which the tasks begin.
        think_time: seconds that a task rests between two tries.
        tolerant: whether validations of the step say how many failures there may be, so that one is none.
    """

    load_steps: tuple[Step, ...]
    threads: Number = 1
    iterations: Number = 1
    ramp_up: Number = 0.0
    think_time: Number = 0.0
    tolerant: bool = False
    where: Mark = NOWHERE


SPEC: Final = Load
KEYS: Final[Mapping[str, str]] = {}  # `sisyphus.case._wrapping` makes it of `parallel:`
INNER: Final = ("load_steps",)
DEFAULT_LIMIT: Final = False
ANSWERS: Final = False

# Each of the threads is a task and mostly a connection; all of them begin in one go, in which nothing else happens.
_MOST: Final = {"threads": 10_000, "iterations": 1_000_000_000}
_REASONS: Final = 10  # different reasons of failures that are told
_REPORTED: Final = 1.0  # seconds between two reports of how far it is


def finish(draft: Draft, found: Findings) -> Draft:
    """Completes a load whose keys are the model's already."""
    draft["where"] = Mark(*draft.place)
    for key, most in _MOST.items():
        whole(draft, key, found, least=1)
        value = draft.get(key)
        if isinstance(value, int | float) and value > most:
            found.wrong(draft.place_of(key), _too_many(draft.key_of(key), most))
            draft.discard(key)
    return draft


def _too_many(key: str, most: int) -> str:
    return tr("{field} may be {most} at most", field=key, most=most)


def _count(written: Number, key: str, context: StepContext) -> int:
    number = count(context.render_whole(written), key, least=1)
    if number > _MOST[key]:
        raise FieldError(_too_many(key, _MOST[key]))
    return number


async def execute(spec: Load, context: StepContext) -> Outcome:
    """Makes the requests; there are no events of each, but a `log` event per second with the numbers so far.

    A request that fails ends nothing. Cancelled, those under way are given up, and the numbers are of those that ended.
    """
    threads = _count(spec.threads, "threads", context)
    load = _Run(
        context=context,
        step=spec.load_steps[0],
        threads=threads,
        iterations=_count(spec.iterations, "iterations", context),
        apart=seconds(context.render_whole(spec.ramp_up), "ramp_up") / threads,
        think_time=seconds(context.render_whole(spec.think_time), "think_time"),
    )
    context.keep(load.so_far)
    await load.run()
    return load.outcome(tolerant=spec.tolerant)


@define(kw_only=True, eq=False, repr=False)
class _Run:
    context: StepContext
    step: Step
    threads: int
    iterations: int
    apart: float
    think_time: float
    began: float = field(factory=trio.current_time)
    duration: float = 0.0
    begun: int = 0
    count: int = 0
    failures: int = 0
    durations: Durations = field(factory=Durations)
    by_status: Counter[str] = field(factory=Counter)
    reasons: Counter[str] = field(factory=Counter)
    answer: Mapping[str, Any] | None = None
    first_error: ErrorInfo | None = None

    async def run(self) -> None:
        async with trio.open_nursery() as reporting:
            reporting.start_soon(self._report)
            async with trio.open_nursery() as nursery:
                for thread in range(self.threads):
                    if thread and self.apart:
                        await trio.sleep(self.apart)
                    nursery.start_soon(self._thread, thread)
            self.duration = trio.current_time() - self.began
            reporting.cancel_scope.cancel("the load is done")

    async def _thread(self, thread: int) -> None:
        trial = self.context.trial(self.step)
        for iteration in range(self.iterations):
            if iteration and self.think_time:
                await trio.sleep(self.think_time)
            index, self.begun = self.begun, self.begun + 1
            began = trio.current_time()
            await trial.run(index=index, thread=thread, iteration=iteration)
            self._take(trial, trio.current_time() - began)

    def _take(self, trial: Trial, took: float) -> None:
        self.count += 1
        view, error = trial.view, trial.error
        status = view.get("status_code") if view is not None else None
        self.by_status[str(status) if status is not None else error.category if error is not None else "none"] += 1
        if view is not None:
            self.durations.add(view.get("elapsed", took))
        reason = error.message if error is not None else trial.failure
        if reason is None and not self.step.checks and isinstance(status, int) and status >= 400:
            reason = tr("status {status}", status=status)
        if reason is None:
            self.answer = view
            return
        self.failures += 1
        self.first_error = self.first_error or error
        if reason in self.reasons or len(self.reasons) < _REASONS:
            self.reasons[reason] += 1

    async def _report(self) -> None:
        while True:
            await trio.sleep(_REPORTED)
            now = self.so_far()["performance"]
            message = tr(
                "{count} of {total} requests, {failures} failed, {rate:g} per second, p95 {p95} ms",
                count=self.count, total=self.threads * self.iterations, failures=self.failures,
                rate=now["requests_per_second"], p95=now["p95"],
            )  # fmt: skip
            await self.context.log("info", message, performance=now)

    def so_far(self) -> dict[str, Any]:
        self.duration = trio.current_time() - self.began
        return {"performance": self.performance()}

    def performance(self) -> dict[str, Any]:
        """The numbers so far; times are those of answers, in milliseconds."""
        names, ranks = ("p50", "p90", "p95", "p99"), self.durations.percentiles(50, 90, 95, 99)
        return {
            "threads": self.threads,
            "count": self.count,
            "failures": self.failures,
            "error_rate": round(self.failures / self.count, 6) if self.count else 0.0,
            "duration": round(self.duration, 6),
            "requests_per_second": round(self.count / self.duration, 1) if self.duration else None,
            "min": _ms(self.durations.min),
            "mean": _ms(self.durations.mean),
            **{name: _ms(value) for name, value in zip(names, ranks, strict=True)},
            "max": _ms(self.durations.max),
            "by_status": dict(sorted(self.by_status.items())),
            "reasons": [{"reason": reason, "count": times} for reason, times in self.reasons.most_common()],
        }

    def outcome(self, *, tolerant: bool) -> Outcome:
        view = {**(self.answer or {}), "performance": self.performance()}
        if self.durations.count == 0 and self.first_error is not None:
            return Outcome(view=view, error=self.first_error)
        if self.failures and not tolerant:
            told = {"failures": self.failures, "count": self.count, "reason": next(iter(self.reasons))}
            return Outcome(view=view, failure=tr("{failures} of {count} requests failed; the first: {reason}", **told))
        return Outcome(view=view)


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value * 1000, 3)
