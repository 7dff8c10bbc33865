"""One step: its conditions, its attempts with the rests between them, and what is extracted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import trio
from attrs import define, field

from sisyphus.case.model import ABSENT
from sisyphus.engine.attempt import Tried, attempt, limit_of
from sisyphus.engine.bench import Bench
from sisyphus.engine.clean_up import see_through
from sisyphus.engine.retry import rest_before, worth_another
from sisyphus.errors import StepError
from sisyphus.events import ErrorOccurred, Logged, StepFinished, StepStarted, VariableSet
from sisyphus.results import Attempt, ErrorInfo, StepResult
from sisyphus.steps import STEP_TYPES
from sisyphus.steps.fields import as_written, flag
from sisyphus.values.extract import extract
from sisyphus.values.template import condition_holds
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sisyphus.case.model import Step
    from sisyphus.engine.context import CaseContext
    from sisyphus.engine.frame import Frame, Place
    from sisyphus.events import Data
    from sisyphus.results import StepStatus

# Long enough for a busy dispatcher to take the last words of a cancelled step, short against the 10 s in which
# an interrupted run has to be gone.
FAREWELL: Final = 2.0


async def run_step(step: Step, place: Place, context: CaseContext, frame: Frame) -> StepResult:
    """Carries out one step and sends its events.

    Args:
        step: what to do.
        place: where it stands in the run of the case.
        context: what it shares with all steps of the case.
        frame: what it shares with those of its list; gets its outcome and what it extracts.

    Cancelled at any await, it ends as an `error` with that reason, its teardown runs (see `clean_up`), it says so to
    the watchers (shielded, at most `FAREWELL` seconds), and lets the cancellation go on.
    """
    run = _StepRun(step=step, place=place, context=context, frame=frame, name=step.name, began=trio.current_time())
    try:
        try:
            await run.start()
            await run.carry_out()
        except StepError as exc:
            run.tried.error = ErrorInfo.of(exc)
        return await run.finish()
    except BaseException as exc:
        # Not handled, only told: the watchers and the result are owed the end of a step that was begun.
        if run.result is None:
            run.tried.error = (frame.why_cancelled() if only_cancelled(exc) else None) or context.explain(exc)
        with trio.move_on_after(FAREWELL, shield=True):
            await run.finish()
        raise


@define(kw_only=True, eq=False, repr=False)
class _StepRun:
    step: Step
    place: Place
    context: CaseContext
    frame: Frame
    name: str
    began: float
    veto: str | None = None
    tried: Tried = field(factory=Tried)
    attempts: list[Attempt] = field(factory=list)
    extracted: dict[str, Any] = field(factory=dict)
    warnings: list[str] = field(factory=list)
    trouble: ErrorInfo | None = None  # of the setup or the teardown
    result: StepResult | None = None
    last_words: list[tuple[Data, StepResult | None]] = field(factory=list)

    async def start(self) -> None:
        unnamed: StepError | None = None
        try:
            self.name = as_written(self.frame.scope.render(self.step.name, self.frame.scope.names()))
        except StepError as exc:
            unnamed = exc
        place = self.place
        await self._emit(
            StepStarted(
                step_name=self.name, step_type=self.step.type, step_index=place.index, total_steps=place.total,
                **self._inner_place(),
            )
        )  # fmt: skip
        message = tr(
            "step {number} of {total} begins: {name}", number=place.index + 1, total=place.total, name=self.name
        )
        await self._emit(Logged(level="debug", message=message, context={"step_type": self.step.type}))
        if unnamed is not None:
            raise unnamed

    def _inner_place(self) -> dict[str, Any]:
        place = self.place
        if place.parent is None:
            return {}
        return {"path": place.path, "parent": place.parent, "iteration": place.iteration, "role": place.role}

    async def carry_out(self) -> None:
        names = self.frame.scope.names(self.step.variables)
        self.veto = self._vetoed_by(names)
        if self.veto is not None:
            return
        bench = Bench(
            shared=self.context, frame=self.frame, step=self.step, step_name=self.name, place=self.place, names=names,
            run_step=run_step,
        )  # fmt: skip
        try:
            if await self._is_set_up(bench):
                await self._attempt_until_enough(bench)
                await self._extract(bench)
        except BaseException:  # a cancellation, alone or of several tasks
            if bench.so_far is not None:
                self.tried = Tried(view=bench.so_far())
            elif bench.sent is not None:
                self.tried = Tried(sent=bench.sent())
            raise
        finally:
            if self.step.teardown:
                await see_through(partial(self._tear_down, bench), self.context.run)  # noqa: ASYNC102 - it shields, with a deadline

    async def _is_set_up(self, bench: Bench) -> bool:
        if self.step.setup:
            self.trouble = await bench.run_hook(self.step.setup, "setup")
            bench.refresh()
        return self.trouble is None

    async def _tear_down(self, bench: Bench) -> None:
        bench.limit = None
        trouble = await bench.run_hook(self.step.teardown, "teardown")
        self.trouble = self.trouble or trouble

    def _vetoed_by(self, names: Mapping[str, Any]) -> str | None:
        """Why the step is skipped, or None if it is not."""
        step, context, frame = self.step, self.context, self.frame
        # What is under way ends as it would have: only a step of the case itself is not begun after --fail-fast.
        stopping = context.stopping or (context.run.stopping if frame.parent is None else None)
        if stopping is not None and frame.role != "teardown":
            return stopping
        if frame.role != "teardown" and (why := frame.why_cancelled()) is not None:
            return why.message
        if step.enabled is not True and not flag(frame.scope.render_whole(step.enabled, names), "enabled"):
            return tr("enabled: false")
        if step.skip_if is not None and condition_holds(step.skip_if, names):
            return tr("skip_if holds: {condition}", condition=as_written(step.skip_if))
        if step.only_if is not None and not condition_holds(step.only_if, names):
            return tr("only_if does not hold: {condition}", condition=as_written(step.only_if))
        for name in step.depends_on:
            status = frame.outcomes.get(name)
            if status != "success":
                return tr("'{name}', on which it depends, ended as {status}", name=name, status=status)
        return None

    async def _attempt_until_enough(self, context: Bench) -> None:
        policy = self.step.retry
        if policy is None and STEP_TYPES[self.step.type].DEFAULT_LIMIT:  # steps with steps inside leave it to these
            policy = self.context.case.config.retry
        limit = limit_of(self.step, context)
        while True:
            began = trio.current_time()
            self.tried = tried = await attempt(self.step, context, limit)
            number, setback, delay = len(self.attempts) + 1, tried.setback, None
            if setback is not None and policy is not None and number <= policy.max_attempts:
                delay = rest_before(policy, number, tried.view) if worth_another(policy, setback) else None
            self.attempts.append(
                Attempt(
                    number=number,
                    began=began - self.began,
                    duration=trio.current_time() - began,
                    status=tried.status,
                    reason=setback.reason if setback is not None and (setback.failed or delay is not None) else None,
                    delay=delay,
                )
            )
            for warning in tried.warnings:
                if warning not in self.warnings:
                    await self._warn(warning)
            if delay is None or setback is None or policy is None:
                return
            message = tr(
                "attempt {number} of {most}: {reason}; next in {delay:g} s",
                number=number, most=policy.max_attempts + 1, reason=setback.reason, delay=round(delay, 3),
            )  # fmt: skip
            await context.log("warning", message, attempt=number, delay=delay)
            await trio.sleep(delay)

    async def _extract(self, bench: Bench) -> None:
        view, wanted = self.tried.view, self.step.extractors
        if self.tried.status != "success":
            wanted = tuple(extractor for extractor in wanted if extractor.always)
        if not wanted or view is None:
            return
        for item in extract(wanted, bench.seen(view), bench.names.plus(response=view)):
            if item.warning is not None:
                await self._warn(item.warning)
            value, name = item.value, item.extractor.name
            if value is ABSENT:
                continue
            self.extracted[name] = value
            self.context.emitter.redactor.learn_found(item.extractor, value)
            if item.extractor.scope == "case":
                self.frame.scope.set(name, value)
            await self._emit(VariableSet(variable_name=name, variable_value=value, source="extracted"))

    async def finish(self) -> StepResult:
        """Sends the events that end the step; called again after a cancellation, it sends what is missing."""
        if self.result is None:
            taken = dict.fromkeys(self.frame.scope.take_warnings())  # each once, however often it was rendered
            late = [warning for warning in taken if warning not in self.warnings]
            self.warnings += late
            self.result = self._result()
            self._remember(self.result)
            self.last_words = self._last_words(self.result, late)
        while self.last_words:
            data, result = self.last_words[0]
            await self._emit(data, result)
            del self.last_words[0]  # not before it is sent: the sending may be cancelled
        return self.result

    def _result(self) -> StepResult:
        tried, step, place = self.tried, self.step, self.place
        return StepResult(
            name=self.name, type=step.type, index=place.index, status=self._status(),
            started_at=self.context.emitter.clock.at(self.began), duration=trio.current_time() - self.began,
            id=step.id, description=step.description, reason=self.veto, attempts=tuple(self.attempts),
            response=tried.view, sent=tried.sent, checks=tuple(tried.checks), extracted=self.extracted, warnings=tuple(self.warnings),
            error=tried.error or self.trouble or _unmet(tried.failure), path=place.path, parent=place.parent,
            iteration=place.iteration, role=place.role, where=step.where,
        )  # fmt: skip

    def _status(self) -> StepStatus:
        if self.trouble is not None:
            return "error"
        return self.tried.status if self.veto is None or self.tried.error is not None else "skipped"

    def _remember(self, result: StepResult) -> None:
        step, frame, status = self.step, self.frame, result.status
        builtins = frame.scope.builtins
        if frame.parent is None:
            self.context.tally.count(status)
        if status in {"failure", "error"} and step.on_failure == "stop" and frame.role != "teardown":
            self.context.stopping = tr("'{name}' failed, and says on_failure: stop", name=self.name)
        frame.outcomes[step.name] = status
        if status != "skipped" and STEP_TYPES[step.type].ANSWERS:
            builtins["response"] = result.response
        if step.id:
            frame.outcomes[step.id] = status
            builtins["steps"][step.id] = {
                "response": result.response, "status": status, "duration": result.duration, "name": self.name,
            }  # fmt: skip

    def _last_words(self, result: StepResult, warnings: Iterable[str]) -> list[tuple[Data, StepResult | None]]:
        words: list[Data] = [Logged(level="warning", message=warning) for warning in warnings]
        if result.reason is not None:
            words.append(Logged(level="info", message=tr("skipped: {reason}", reason=result.reason)))
        if (error := result.error) is not None:
            words.append(
                ErrorOccurred(
                    error_type=error.type, error_category=error.category, message=error.message,
                    suggestion=error.suggestion, step_name=self.name,
                )
            )  # fmt: skip
        end = StepFinished(
            step_name=self.name, status=result.status, duration=round(result.duration, 6),
            retry_count=result.retry_count, has_error=error is not None, **self._inner_place(),
        )  # fmt: skip
        ends: list[tuple[Data, StepResult | None]] = [*((data, None) for data in words), (end, result)]
        return ends if self.frame.parent is not None else [*ends, (self.context.progress(), None)]

    async def _warn(self, message: str) -> None:
        self.warnings.append(message)
        await self._emit(Logged(level="warning", message=message))

    async def _emit(self, data: Data, result: StepResult | None = None) -> None:
        await self.context.emitter.emit(data, step_name=self.name, result=result)


def _unmet(failure: str | None) -> ErrorInfo | None:
    if failure is None:
        return None
    return ErrorInfo(
        type="AssertionError",
        category="assertion",
        message=failure,
        suggestion=tr("Compare what was expected with what came; if the API changed on purpose, change the case."),
    )


def only_cancelled(exc: BaseException) -> bool:
    """Whether nothing but a cancellation came out of a nursery, as itself or as a group."""
    if isinstance(exc, BaseExceptionGroup):
        return exc.split(trio.Cancelled)[1] is None
    return isinstance(exc, trio.Cancelled)
