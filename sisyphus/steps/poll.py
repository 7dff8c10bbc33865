"""`poll`: sends a request again and again until its answer is as it has to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import trio
from attrs import define, frozen

from sisyphus.case._requesting import REQUEST, finish_request
from sisyphus.case._shapes import as_map, require
from sisyphus.case.draft import Draft, spellings, take
from sisyphus.case.model import NOWHERE, Number, Request, Retry, Step, StepSpec
from sisyphus.comparable import Comparable
from sisyphus.errors import Mark, StepTimeout
from sisyphus.results import ErrorInfo
from sisyphus.steps._asking import Asked, asked_draft, holds
from sisyphus.steps.fields import as_written, count, seconds
from sisyphus.steps.protocol import Outcome
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sisyphus.case.draft import Findings
    from sisyphus.steps.protocol import StepContext

LONGEST_REST: Final = 30.0  # seconds between two attempts, whatever the backoff


@frozen(kw_only=True, eq=False, repr=False)
class OnTimeout(Comparable):
    """What becomes of a poll that runs out of attempts or of time."""

    behavior: Literal["fail", "continue"] = "fail"
    message: str | None = None


@frozen(kw_only=True, eq=False, repr=False)
class Poll(StepSpec):
    """What is asked how often, and for what; `interval` and `timeout` are in milliseconds."""

    request: Request
    condition: Asked
    fail_if: Asked | None = None
    max_attempts: Number = 30
    interval: Number = 2000
    timeout: Number = 60_000
    backoff: Literal["fixed", "exponential", "linear"] = "fixed"
    on_timeout: OnTimeout = OnTimeout()
    where: Mark = NOWHERE


SPEC: Final = Poll
KEYS: Final = REQUEST | spellings("poll_config", poll="poll_config", polling="poll_config")
INNER: Final = ()
DEFAULT_LIMIT: Final = False
ANSWERS: Final = True

_CONFIG: Final = spellings(
    "condition", "fail_if", "max_attempts", "interval", "timeout", "backoff", "on_timeout", conditions="condition",
    strategy="backoff", backoff_strategy="backoff",
)  # fmt: skip
_ON_TIMEOUT: Final = spellings("behavior", "message", behaviour="behavior", action="behavior")


def finish(draft: Draft, found: Findings) -> Draft:
    """Completes a poll: its request is a draft of its own, its settings stand beside it."""
    written, place = draft.pop("poll_config", None), draft.place_of("poll_config")
    missing = draft.lacks("poll_config") and written is None
    request = finish_request(draft, found)
    request["type"] = "request"
    poll = Draft(draft.place)
    if missing:
        form = "poll_config: {condition: {type: jsonpath, path: $.state, expect: done}}"
        require(poll, "poll_config", tr("a poll needs a poll_config"), form, found)
    elif (source := as_map(written, place, "poll_config", found)) is not None:
        poll = take(source, _CONFIG, "poll_config", found)
        _finish_config(poll, found)
    poll["type"], poll["request"], poll["where"] = "poll", request, Mark(*draft.place)
    poll.meant |= draft.meant
    return poll


def _finish_config(poll: Draft, found: Findings) -> None:
    form = "condition: {type: jsonpath, path: $.state, operator: eq, expect: done}"
    require(poll, "condition", tr("poll_config needs a condition"), form, found)
    for key in ("condition", "fail_if"):
        if poll.get(key) is not None:
            made = asked_draft(poll[key], poll.place_of(key), poll.key_of(key), found)
            if made is None:
                poll.discard(key)
            else:
                poll.put(key, made, poll.place_of(key))
        else:
            poll.discard(key)
    if poll.get("on_timeout") is None:
        poll.discard("on_timeout")
    elif (source := as_map(poll["on_timeout"], poll.place_of("on_timeout"), "on_timeout", found)) is not None:
        poll["on_timeout"] = take(source, _ON_TIMEOUT, "on_timeout", found)
    else:
        poll.discard("on_timeout")


async def execute(spec: Poll, context: StepContext) -> Outcome:
    """Asks until the condition holds, `fail_if` does, or attempts or time run out.

    Each attempt is a step inside this one. One that the network breaks counts as an attempt; one that cannot be made
    at all ends the poll. Cancelled, the attempt that is under way ends as an `error`.
    """
    limit = seconds(context.render(spec.timeout), "timeout") / 1000
    polling = _Polling(
        spec=spec,
        context=context,
        most=count(context.render(spec.max_attempts), "max_attempts", least=1),
        interval=seconds(context.render(spec.interval), "interval") / 1000,
        limit=limit,
        began=trio.current_time(),
        # The attempts are the retries: one alone is not repeated by the case's policy.
        step=Step(name=context.step.name, spec=spec.request, retry=Retry(max_attempts=0), where=spec.where),
    )
    # No time limit is one that is zero.
    with trio.move_on_after(limit or float("inf")) as polling.scope:
        await polling.run()
    return polling.outcome()


@define(kw_only=True, eq=False, repr=False)
class _Polling:
    spec: Poll
    context: StepContext
    most: int
    interval: float
    limit: float
    began: float
    step: Step
    scope: trio.CancelScope | None = None
    attempts: int = 0
    view: Mapping[str, Any] | None = None
    seen: str = ""
    ended_by: str = "timeout"
    error: ErrorInfo | None = None

    async def run(self) -> None:
        while True:
            if await self._asked():
                return
            if self.attempts >= self.most:
                self.ended_by = "max_attempts"
                return
            await trio.sleep(rest_after(self.attempts, self.interval, self.spec.backoff))

    async def _asked(self) -> bool:
        """Makes one attempt; returns whether it was the last."""
        inside = self.context.inside(iteration=self.attempts, why=self._why)
        self.attempts += 1
        (result,) = await inside.run((self.step,))
        if result.response is None:
            error = result.error
            self.seen = error.message if error is not None else result.reason or result.status
            if error is None or error.category not in {"network", "timeout"}:
                self.ended_by, self.error = "error", error
                return True
        else:
            self.view = result.response
            if self._ends(result.response):
                return True
        message = tr("poll attempt {number} of {most}: {seen}", number=self.attempts, most=self.most, seen=self.seen)
        await self.context.log("info", message, attempt=self.attempts)
        return False

    def _ends(self, view: Mapping[str, Any]) -> bool:
        if self.spec.fail_if is not None:
            failed, self.seen = holds(self.spec.fail_if, view, self.context)
            if failed:
                self.ended_by = "fail_if"
                return True
        met, self.seen = holds(self.spec.condition, view, self.context)
        if met:
            self.ended_by = "condition"
        return met

    def _why(self) -> ErrorInfo | None:
        if self.scope is None or not self.scope.cancel_called:
            return None
        return ErrorInfo.of(StepTimeout(tr("the poll's timeout of {limit:g} s was over", limit=self.limit)))

    def outcome(self) -> Outcome:
        elapsed = round(trio.current_time() - self.began, 6)
        poll = {"attempts": self.attempts, "elapsed": elapsed, "ended_by": self.ended_by}
        view = {**(self.view or {}), "poll": poll}
        if self.ended_by == "condition":
            return Outcome(view=view)
        if self.ended_by == "error" and self.error is not None:
            return Outcome(view=view, error=self.error)
        message = self._message()
        on_timeout = self.spec.on_timeout
        if self.ended_by != "fail_if" and on_timeout.behavior == "continue":
            return Outcome(view=view, warnings=(message,))
        return Outcome(view=view, failure=message)

    def _message(self) -> str:
        if self.ended_by == "fail_if":
            return tr("fail_if holds at attempt {number}: {seen}", number=self.attempts, seen=self.seen)
        written = self.spec.on_timeout.message
        if written is not None:
            return as_written(self.context.render(written))
        if self.ended_by == "max_attempts":
            return tr(
                "the condition did not hold in {count} attempts; last seen: {seen}", count=self.attempts, seen=self.seen
            )
        return tr(
            "the condition did not hold within {limit:g} s ({count} attempts); last seen: {seen}",
            limit=self.limit, count=self.attempts, seen=self.seen or tr("nothing"),
        )  # fmt: skip


def rest_after(attempt: int, interval: float, backoff: str) -> float:
    """Seconds to rest after the `attempt`-th attempt (from 1): i, i·2^(n−1) or i·n, at most `LONGEST_REST`."""
    if backoff == "exponential":
        # Beyond this the cap counts anyway, and floats come to their end.
        return min(interval * 2.0 ** min(attempt - 1, 64), LONGEST_REST)
    return min(interval * attempt if backoff == "linear" else interval, LONGEST_REST)
