"""One attempt of a step: carried out within its limit, then validated."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import trio
from attrs import define

from sisyphus.case.model import ABSENT
from sisyphus.engine.context import text_of
from sisyphus.engine.retry import setback_of_checks, setback_of_error, setback_of_inner, setback_of_status
from sisyphus.errors import CheckError, FieldError, NoMoreFiles, StepError, StepTimeout
from sisyphus.results import ErrorInfo
from sisyphus.steps import STEP_TYPES
from sisyphus.values.validate import validate
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sisyphus.case.model import Step
    from sisyphus.engine.bench import Bench
    from sisyphus.engine.retry import Setback
    from sisyphus.results import StepStatus
    from sisyphus.steps.protocol import Outcome
    from sisyphus.values.validate import CheckResult


@define(kw_only=True, eq=False, repr=False)
class Tried:
    """What an attempt came to.

    Attributes:
        view: the response as validations, extractors and templates see it; None if nothing came.
        sent: what was sent all the same; None if that is nothing.
        error: why it could not be carried out, or could not be checked.
        failure: why it is not what was expected.
        setback: what it says to the retry policy; None if there is nothing to say.
    """

    view: Mapping[str, Any] | None = None
    sent: Mapping[str, Any] | None = None
    checks: Sequence[CheckResult] = ()
    error: ErrorInfo | None = None
    failure: str | None = None
    warnings: tuple[str, ...] = ()
    setback: Setback | None = None

    @property
    def status(self) -> StepStatus:
        if self.error is not None:
            return "error"
        return "failure" if self.failure is not None else "success"


@contextmanager
def _enough_files() -> Iterator[None]:
    """Anything may need a file, be it only for a module that is first used here: that there is none is no bug."""
    try:
        yield
    except OSError as exc:
        if exc.errno not in {errno.EMFILE, errno.ENFILE}:
            raise
        raise NoMoreFiles(tr("this process has as many files and connections open as it may")) from exc


async def attempt(step: Step, context: Bench, limit: float) -> Tried:
    """Makes one attempt, of at most `limit` seconds; whatever goes wrong with it is in what is returned."""
    try:
        with trio.move_on_after(limit) as scope:
            context.limit = scope
            with _enough_files():
                outcome = await STEP_TYPES[step.type].execute(step.spec, context)
            context.so_far = context.sent = None
        if scope.cancelled_caught:
            raise StepTimeout(tr("no end within the timeout of {limit:g} s", limit=limit))
    except StepError as exc:
        sent = context.sent() if context.sent is not None else None
        context.sent = None
        return Tried(sent=sent, error=ErrorInfo.of(exc), setback=setback_of_error(exc, None))
    if STEP_TYPES[step.type].INNER:
        context.refresh()
    return _validated(step, context, outcome)


def _validated(step: Step, context: Bench, outcome: Outcome) -> Tried:
    view = outcome.view
    if isinstance(outcome.error, StepError):
        error, setback = ErrorInfo.of(outcome.error), setback_of_error(outcome.error, view)
        return Tried(view=view, error=error, warnings=outcome.warnings, setback=setback)
    tried = Tried(view=view, failure=outcome.failure, error=outcome.error, warnings=outcome.warnings)
    if step.checks:
        names = context.names.plus(response=view)
        tried.checks = validate(
            step.checks, context.seen(view), names, resolve_file=partial(text_of, context.case),
            legacy=context.case.config.compat == "legacy",
        )  # fmt: skip
    broken = [check for check in tried.checks if check.status == "error"]
    unmet = [check for check in tried.checks if check.status == "failed"]
    if broken:
        unchecked = CheckError(_summary(broken))
        tried.error, tried.setback = ErrorInfo.of(unchecked), setback_of_error(unchecked, view)
        return tried
    if tried.error is not None:
        tried.setback = setback_of_inner(tried.error)
        return tried
    if unmet:
        tried.failure = _summary(unmet)
    if tried.failure is not None:
        tried.setback = setback_of_checks(tried.failure, view)
    else:
        tried.setback = setback_of_status(view, tr("status {status}", status=view.get("status_code")))
    return tried


def limit_of(step: Step, context: Bench) -> float:
    """Seconds that one attempt may take; infinite if nothing limits it.

    Raises:
        FieldError: the timeout is a template that gives no number.
    """
    written = step.timeout
    if written is ABSENT:
        if not STEP_TYPES[step.type].DEFAULT_LIMIT:
            return float("inf")
        written = context.case.config.timeout
    value = context.render_whole(written) if isinstance(written, str) else written
    if value is None:
        return float("inf")
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):  # OverflowError: a whole number beyond every float
        raise FieldError(
            tr("{field} must be a number of seconds, got {value!r}", field="timeout", value=value)
        ) from None
    return seconds if seconds > 0 else float("inf")


def _summary(checks: Sequence[CheckResult]) -> str:
    check, more = checks[0], len(checks) - 1
    first = check.message or check.op
    if check.path and check.op != "status_code" and check.path not in first:
        first = f"{check.path}: {first}"
    return first + (tr(" (and {more} more)", more=more) if more else "")
