"""One step: its conditions, its attempts with their limit and rests, its validations and extractions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import trio
from attrs import define, field

from sisyphus.case.model import ABSENT
from sisyphus.engine.context import CaseContext, StepContext, text_of
from sisyphus.engine.retry import (
    Setback,
    rest_before,
    setback_of_checks,
    setback_of_error,
    setback_of_status,
    worth_another,
)
from sisyphus.engine.steps import STEP_TYPES
from sisyphus.errors import FieldError, StepError, StepTimeout
from sisyphus.events import ErrorOccurred, StepFinished, StepStarted, VariableSet
from sisyphus.results import Attempt, ErrorInfo, StepResult
from sisyphus.values.extract import extract
from sisyphus.values.template import condition_holds
from sisyphus.values.validate import validate
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sisyphus.case.model import Step
    from sisyphus.engine.scope import Names
    from sisyphus.results import StepStatus
    from sisyphus.values.validate import CheckResult

# Long enough for a busy dispatcher to take the last words of a cancelled step, short against the 10 s in which
# an interrupted run has to be gone.
FAREWELL: Final = 2.0


async def run_step(step: Step, index: int, context: CaseContext, why_cancelled: Callable[[], ErrorInfo]) -> StepResult:
    """Carries out one step and sends its events.

    Args:
        step: what to do.
        index: its place in the case, from 0.
        context: what it shares with the other steps; gets its outcome and what it extracts.
        why_cancelled: tells, when the step is cancelled from outside, what the reason was.

    Cancelled at any await, it ends as an `error` with that reason, says so to the watchers (shielded, at most
    `FAREWELL` seconds), and lets the cancellation go on.
    """
    progress = _StepRun(step=step, index=index, context=context, name=step.name, began=trio.current_time())
    try:
        try:
            await progress.start()
            await progress.carry_out()
        except StepError as exc:
            progress.error = ErrorInfo.of(exc)
        return await progress.finish()
    except trio.Cancelled:
        progress.error = why_cancelled()
        # The watchers and the result are owed the end of a step that was begun.
        with trio.move_on_after(FAREWELL, shield=True):
            await progress.finish()
        raise


@define(kw_only=True)
class _StepRun:
    step: Step
    index: int
    context: CaseContext
    name: str
    began: float
    veto: str | None = None
    error: ErrorInfo | None = None
    failure: str | None = None
    view: Mapping[str, Any] | None = None
    checks: list[CheckResult] = field(factory=list)
    attempts: list[Attempt] = field(factory=list)
    extracted: dict[str, Any] = field(factory=dict)
    warnings: list[str] = field(factory=list)
    finished: StepResult | None = None

    async def start(self) -> None:
        names = self.context.scope.names()
        unnamed: StepError | None = None
        try:
            self.name = str(self.context.render(self.step.name, names))
        except StepError as exc:
            unnamed = exc
        total = self.context.tally.total
        data = StepStarted(step_name=self.name, step_type=self.step.type, step_index=self.index, total_steps=total)
        await self.context.emitter.emit(data, step_name=self.name)
        if unnamed is not None:
            raise unnamed

    async def carry_out(self) -> None:
        step, context = self.step, self.context
        names = context.scope.names(step.variables)
        self.veto = self._vetoed_by(names)
        if self.veto is not None:
            return
        await self._attempt_until_enough(StepContext(context, names, self.name))
        await self._extract(names)

    def _vetoed_by(self, names: Mapping[str, Any]) -> str | None:
        """Why the step is skipped, or None if it is not."""
        step, context = self.step, self.context
        stopping = context.stopping or context.run.stopping
        if stopping is not None:
            return stopping
        if step.enabled is not True and not _truth(context.render(step.enabled, names), "enabled"):
            return tr("enabled: false")
        if step.skip_if is not None and condition_holds(step.skip_if, names):
            return tr("skip_if holds: {condition}", condition=step.skip_if)
        if step.only_if is not None and not condition_holds(step.only_if, names):
            return tr("only_if does not hold: {condition}", condition=step.only_if)
        for name in step.depends_on:
            status = context.outcomes.get(name)
            if status != "success":
                return tr("'{name}', on which it depends, ended as {status}", name=name, status=status)
        return None

    async def _attempt_until_enough(self, context: StepContext) -> None:
        policy = self.step.retry or self.context.case.config.retry
        limit = self._limit(context)
        while True:
            number = len(self.attempts) + 1
            began = trio.current_time()
            setback = await self._attempt(context, limit)
            again = (
                policy is not None
                and setback is not None
                and number <= policy.max_attempts
                and worth_another(policy, setback)
            )
            delay = rest_before(policy, number, self.view) if policy is not None and again else None
            self.attempts.append(
                Attempt(
                    number=number,
                    began=began - self.began,
                    duration=trio.current_time() - began,
                    status=self._status(),
                    reason=setback.reason if setback is not None and (setback.failed or again) else None,
                    delay=delay,
                )
            )
            if delay is None or setback is None or policy is None:
                return
            await context.log(
                "warning",
                tr(
                    "attempt {number} of {most}: {reason}; next in {delay:g} s",
                    number=number, most=policy.max_attempts + 1, reason=setback.reason, delay=round(delay, 3),
                ),
                attempt=number, delay=delay,
            )  # fmt: skip
            await trio.sleep(delay)

    async def _attempt(self, context: StepContext, limit: float) -> Setback | None:
        """Makes one attempt; what speaks against it, or None."""
        self.error, self.failure, self.view, self.checks = None, None, None, []
        kind = STEP_TYPES[self.step.type]
        try:
            with trio.move_on_after(limit) as scope:
                outcome = await kind.execute(self.step.spec, context)
                self.view = outcome.view
            if scope.cancelled_caught:
                raise StepTimeout(tr("no end within the timeout of {limit:g} s", limit=limit))
        except StepError as exc:
            self.error = ErrorInfo.of(exc)
            return setback_of_error(exc, self.view)
        for warning in outcome.warnings:
            if warning not in self.warnings:
                self.warnings.append(warning)
                await context.log("warning", warning)
        self.failure = outcome.failure
        return self._validate(context)

    def _validate(self, context: StepContext) -> Setback | None:
        view = self.view or {}
        if self.step.checks:
            names = context.names.plus(response=view)
            self.checks = validate(self.step.checks, view, names, resolve_file=partial(text_of, self.context.case))
        broken = [check for check in self.checks if check.status == "error"]
        unmet = [check for check in self.checks if check.status == "failed"]
        if broken:
            self.error = ErrorInfo(
                type="ValidationError",
                category="parsing",
                message=_summary(broken),
                suggestion=tr("The validation itself could not be carried out; check its path, pattern and templates."),
            )
            return Setback(kinds=frozenset({"validation"}), reason=self.error.message, retryable=False)
        if unmet:
            self.failure = _summary(unmet)
        if self.failure is not None:
            return setback_of_checks(self.failure, view)
        return setback_of_status(view, tr("status {status}", status=view.get("status_code")))

    def _limit(self, context: StepContext) -> float:
        """Seconds that one attempt may take; infinite if nothing limits it."""
        written = self.step.timeout
        if written is ABSENT:
            if not STEP_TYPES[self.step.type].DEFAULT_LIMIT:
                return float("inf")
            written = self.context.case.config.timeout
        value = context.render(written) if isinstance(written, str) else written
        if value is None:
            return float("inf")
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            raise FieldError(
                tr("{field} must be a number of seconds, got {value!r}", field="timeout", value=value)
            ) from None
        return seconds if seconds > 0 else float("inf")

    async def _extract(self, names: Names) -> None:
        wanted = self.step.extractors
        if self.error is not None or self.failure is not None:
            wanted = tuple(extractor for extractor in wanted if extractor.always)
        if not wanted or self.view is None:
            return
        for item in extract(wanted, self.view, names.plus(response=self.view)):
            if item.warning is not None:
                self.warnings.append(item.warning)
                await self.context.emitter.log("warning", item.warning, step_name=self.name)
            if item.value is ABSENT:
                continue
            self.extracted[item.name] = item.value
            if item.scope == "case":
                self.context.scope.set(item.name, item.value)
            data = VariableSet(variable_name=item.name, variable_value=item.value, source="extracted")
            await self.context.emitter.emit(data, step_name=self.name)

    def _status(self) -> StepStatus:
        if self.error is not None:
            return "error"
        if self.veto is not None:
            return "skipped"
        return "failure" if self.failure is not None else "success"

    def _problem(self) -> ErrorInfo | None:
        if self.error is None and self.failure is not None:
            return ErrorInfo(
                type="AssertionError",
                category="assertion",
                message=self.failure,
                suggestion=tr(
                    "Compare what was expected with what came; if the API changed on purpose, change the case."
                ),
            )
        return self.error

    async def finish(self) -> StepResult:
        """Sends the events that end the step, once; a second call, after a cancel, sends what is missing."""
        emitter, status = self.context.emitter, self._status()
        if self.finished is None:
            problem = self._problem()
            duration = trio.current_time() - self.began
            self.finished = StepResult(
                name=self.name, type=self.step.type, index=self.index, status=status,
                started_at=emitter.clock.at(self.began), duration=duration, id=self.step.id,
                description=self.step.description, reason=self.veto, attempts=tuple(self.attempts),
                response=self.view, checks=tuple(self.checks), extracted=self.extracted,
                warnings=tuple(self.warnings), error=problem, where=self.step.where,
            )  # fmt: skip
            self._remember(self.finished)
            for warning in self.context.scope.take_warnings():
                await emitter.log("warning", warning, step_name=self.name)
            if self.veto is not None:
                await emitter.log("info", tr("skipped: {reason}", reason=self.veto), step_name=self.name)
            if problem is not None:
                await emitter.emit(
                    ErrorOccurred(
                        error_type=problem.type, error_category=problem.category,
                        message=problem.message, suggestion=problem.suggestion, step_name=self.name,
                    ),
                    step_name=self.name,
                )  # fmt: skip
        result = self.finished
        await emitter.emit(
            StepFinished(
                step_name=self.name, status=result.status, duration=round(result.duration, 6),
                retry_count=result.retry_count, has_error=result.error is not None,
            ),
            step_name=self.name, result=result,
        )  # fmt: skip
        await emitter.emit(self.context.progress(), step_name=self.name)
        return result

    def _remember(self, result: StepResult) -> None:
        context = self.context
        context.tally.count(result.status)
        context.outcomes[self.step.name] = result.status
        context.scope.builtins["response"] = self.view
        if self.step.id:
            context.outcomes[self.step.id] = result.status
            context.remembered[self.step.id] = {
                "response": self.view, "status": result.status, "duration": result.duration, "name": self.name,
            }  # fmt: skip


def _truth(value: Any, what: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true"
    raise FieldError(tr("{field} must be true or false, got {value!r}", field=what, value=value))


def _summary(checks: list[CheckResult]) -> str:
    first = checks[0].message or checks[0].op
    more = len(checks) - 1
    return first + (tr(" (and {more} more)", more=more) if more else "")
