"""`wait`: lets time pass, or asks a condition again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import trio
from attrs import frozen

from sisyphus.case._shapes import example, milliseconds
from sisyphus.case.draft import ANYTHING, spellings
from sisyphus.case.model import NOWHERE, Number, StepSpec
from sisyphus.errors import Mark, StepError
from sisyphus.steps._answers import Answer, answer_draft, wait_for
from sisyphus.steps.fields import as_written
from sisyphus.steps.fields import seconds as seconds_of
from sisyphus.steps.protocol import Outcome
from sisyphus.values.template import condition_holds
from sisyphus.wire import dumps
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sisyphus.case.draft import Draft, Findings
    from sisyphus.steps.protocol import StepContext


@frozen(kw_only=True, eq=False, repr=False)
class Wait(StepSpec):
    """What a `wait` step waits for: a time, or a condition asked again and again."""

    seconds: Number | None = None
    condition: Any = None
    interval: Number = 1.0
    max_wait: Number = 60.0
    wait_condition: Answer | None = None
    where: Mark = NOWHERE


SPEC: Final = Wait
KEYS: Final = spellings(
    "seconds", "duration", "duration_ms", "interval", "max_wait", "condition", "wait_condition",
    delay="seconds", wait_time="seconds",
)  # fmt: skip
INNER: Final = ()
DEFAULT_LIMIT: Final = False
ANSWERS: Final = False

_TIMES: Final = ("seconds", "duration", "duration_ms")
_CONDITIONS: Final = ("condition", "wait_condition")


def finish(draft: Draft, found: Findings) -> Draft:
    """Completes a wait whose keys are the model's already."""
    draft["where"] = Mark(*draft.place)
    for key in (*_TIMES, *_CONDITIONS):
        if draft.get(key, True) is None:
            del draft[key]
    said = [key for key in (*_TIMES, *_CONDITIONS) if key in draft]
    if len(said) > 1:
        shown = [f"'{draft.key_of(key)}'" for key in said]
        message = tr(
            "a wait step waits for one thing, but both {one} and {other} are given", one=shown[0], other=shown[1]
        )
        found.wrong(draft.place_of(said[1]), message, tr("keep one of them"))
        draft.discard(said[1])
    elif not said and draft.meant.isdisjoint({*_TIMES, *_CONDITIONS, ANYTHING}):
        found.wrong(draft.place, tr("a wait step needs either seconds or a condition"), example("seconds: 2"))
    seconds = milliseconds(draft, "duration_ms", found)
    if seconds is not None:
        draft.put("seconds", seconds, draft.place_of("duration_ms"))
    draft.move("duration", "seconds")
    if "wait_condition" in draft:
        made = answer_draft(draft["wait_condition"], draft.place_of("wait_condition"), found)
        if made is None:
            draft.discard("wait_condition")
        else:
            draft["wait_condition"] = made
    return draft


async def execute(spec: Wait, context: StepContext) -> Outcome:
    """Waits; running out of time is a failure that shows the condition."""
    if spec.wait_condition is not None:
        return await wait_for(spec.wait_condition, context)
    if spec.condition is None:
        seconds = seconds_of(context.render_whole(spec.seconds), "seconds")
        await trio.sleep(seconds)
        return Outcome(view={"waited": seconds})
    return await _until(spec, context)


async def _until(spec: Wait, context: StepContext) -> Outcome:
    interval = seconds_of(context.render_whole(spec.interval), "interval")
    limit = seconds_of(context.render_whole(spec.max_wait), "max_wait")
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

    shown = []
    for name in sorted({name for part in _expressions(condition) for name in compile_expression(part).names}):
        try:
            shown.append(f"{name} = {dumps(context.names[name])}")
        except (KeyError, StepError):
            shown.append(tr("{name} is not defined", name=name))
    return ", ".join(shown) or tr("nothing")


def _expressions(condition: Any) -> Iterator[str]:
    """All that is text in a condition of any depth: the words of `{and: […]}` are keys."""
    if isinstance(condition, str):
        yield condition
    elif isinstance(condition, (list, tuple, dict)):
        for part in condition.values() if isinstance(condition, dict) else condition:
            yield from _expressions(part)
