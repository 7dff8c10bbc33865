"""`wait`: lets time pass, or asks a condition again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import trio

from sisyphus.engine.context import Outcome, as_written
from sisyphus.errors import FieldError, StepError
from sisyphus.values.template import condition_holds
from sisyphus.wire import dumps
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.model import Wait
    from sisyphus.engine.context import StepContext

DEFAULT_LIMIT: Final = False
ANSWERS: Final = False


async def execute(spec: Wait, context: StepContext) -> Outcome:
    """Waits; running out of time is a failure that shows the condition."""
    if spec.condition is None:
        seconds = _seconds(context.render(spec.seconds), "seconds")
        await trio.sleep(seconds)
        return Outcome(view={"waited": seconds})
    return await _until(spec, context)


async def _until(spec: Wait, context: StepContext) -> Outcome:
    interval = _seconds(context.render(spec.interval), "interval")
    limit = _seconds(context.render(spec.max_wait), "max_wait")
    began = trio.current_time()
    checks = 0
    with trio.move_on_after(limit):
        while True:
            checks += 1
            if condition_holds(spec.condition, context.names):
                return Outcome(view={"waited": trio.current_time() - began, "checks": checks})
            # An interval of 0 still lets the rest of the program run.
            await trio.sleep(max(interval, 0.001))
    waited = trio.current_time() - began
    reason = tr(
        "the condition did not hold within {limit:g} s ({checks} checks): {condition}; last seen: {values}",
        limit=limit, checks=checks, condition=as_written(spec.condition), values=_last_seen(spec.condition, context),
    )  # fmt: skip
    return Outcome(view={"waited": waited, "checks": checks}, failure=reason)


def _last_seen(condition: Any, context: StepContext) -> str:
    """The values of the names that a condition uses, for the message."""
    from sisyphus.values.template import compile_expression

    names = sorted(compile_expression(condition).names) if isinstance(condition, str) else []
    shown = []
    for name in names:
        try:
            shown.append(f"{name} = {dumps(context.names[name])}")
        except (KeyError, StepError):
            shown.append(tr("{name} is not defined", name=name))
    return ", ".join(shown) or tr("nothing")


def _seconds(value: Any, field: str) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise FieldError(tr("{field} must be a number of seconds, got {value!r}", field=field, value=value)) from None
    if not 0 <= seconds < float("inf"):
        raise FieldError(tr("{field} must be a number of seconds, got {value!r}", field=field, value=value))
    return seconds
