"""`wait_condition`: waits until a service, or a database, answers as it has to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import trio
from attrs import define, frozen

from sisyphus.case._rendering import check_condition
from sisyphus.case._shapes import as_map, require, unknown
from sisyphus.case.draft import Draft, spellings, take
from sisyphus.case.model import ABSENT, NOWHERE, Number, Request
from sisyphus.comparable import Comparable
from sisyphus.errors import Mark, NetworkError, StepTimeout
from sisyphus.steps._asking import answered, says
from sisyphus.steps.fields import as_written, seconds
from sisyphus.steps.protocol import Outcome
from sisyphus.wire import dumps
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sisyphus.case.draft import Findings, Place
    from sisyphus.steps.protocol import StepContext

_KEYS: Final = spellings(
    "type", "request", "database", "sql", "params", "check", "interval", "timeout",
    condition="check", query="sql", max_wait="timeout",
)  # fmt: skip
_TYPES: Final = {"api": "api", "request": "api", "http": "api", "database": "database", "db": "database"}
_ONLY: Final = {"api": ("database", "sql", "params"), "database": ("request",)}

_SHOWN: Final = 300  # characters of what was seen last


@frozen(kw_only=True, eq=False, repr=False)
class Answer(Comparable):
    """What is asked again and again, every `interval` seconds, and what the answer has to be like."""

    type: Literal["api", "database"]
    check: Any = None
    request: Request | None = None
    database: Any = ABSENT
    sql: str = ""
    params: Any = None
    interval: Number = 2.0
    timeout: Number = 30.0
    where: Mark = NOWHERE


def answer_draft(value: Any, place: Place, found: Findings) -> Draft | None:
    """A `wait_condition` under the model's names."""
    source = as_map(
        value, place, "wait_condition", found, "wait_condition: {type: api, request: {url: /state}, check: …}"
    )
    if source is None:
        return None
    draft = take(source, _KEYS, "wait_condition", found)
    draft["where"] = Mark(*draft.place)
    written = draft.get("type", "database" if "sql" in draft else "api")
    kind = _TYPES.get(written.lower()) if isinstance(written, str) else None
    if kind is None:
        message = tr("unknown type of wait_condition '{name}'", name=as_written(written))
        found.wrong(draft.place_of("type"), message, unknown(str(written), _TYPES))
        return None
    draft["type"] = kind
    for key in _ONLY[kind]:
        if key in draft:
            message = tr("'{key}' has no meaning for a wait_condition of type {type}", key=draft.key_of(key), type=kind)
            found.wrong(draft.place_of(key), message)
            draft.discard(key)
    _finish_api(draft, found) if kind == "api" else _finish_database(draft, found)
    if kind == "api" and "request" not in draft:
        return None
    if draft.get("check") is not None:
        check_condition(draft["check"], draft.place_of("check"), draft.key_of("check"), found)
    return draft


def _finish_api(draft: Draft, found: Findings) -> None:
    from sisyphus.case._requesting import REQUEST, finish_request

    if not require(
        draft, "request", tr("a wait_condition of type api needs a request"), "request: {url: /state}", found
    ):
        return
    source = as_map(draft["request"], draft.place_of("request"), "request", found, "request: {url: /state}")
    if source is None:
        draft.discard("request")
        return
    draft["request"] = request = finish_request(take(source, REQUEST, tr("a request"), found), found)
    request["type"] = "request"


def _finish_database(draft: Draft, found: Findings) -> None:
    from sisyphus.case._databasing import check_database, check_sql

    require(draft, "sql", tr("a wait_condition of type database needs sql"), "sql: select 1", found)
    if require(
        draft, "database", tr("a wait_condition of type database needs a database"), "database: {type: sqlite}", found
    ):
        check_database(draft["database"], draft.place_of("database"), found)
    check_sql(draft, found)


async def wait_for(answer: Answer, context: StepContext) -> Outcome:
    """Asks until the check holds; running out of time is a failure that shows the last answer.

    Raises:
        StepError: it cannot be asked at all; what the network breaks is asked again.
    """
    limit = seconds(context.render(answer.timeout), "timeout")
    asking = _Asking(answer=answer, context=context, interval=seconds(context.render(answer.interval), "interval"))
    began = trio.current_time()
    met = False
    with trio.move_on_after(limit or float("inf")):
        await asking.until_met()
        met = True
    waited = trio.current_time() - began
    view = {**asking.view, "waited": waited, "checks": asking.checks}
    if met:
        return Outcome(view=view)
    usual = tr("a row") if answer.type == "database" else tr("a status below 400")
    check = as_written(answer.check) if answer.check is not None else usual
    reason = tr(
        "the condition did not hold within {limit:g} s ({checks} checks): {condition}; last seen: {values}",
        limit=limit, checks=asking.checks, condition=check, values=asking.seen or tr("no answer"),
    )  # fmt: skip
    return Outcome(view=view, failure=reason)


@define(kw_only=True, eq=False, repr=False)
class _Asking:
    answer: Answer
    context: StepContext
    interval: float
    checks: int = 0
    seen: str = ""
    view: Mapping[str, Any] = {}

    async def until_met(self) -> None:
        while True:
            try:
                self.view = await self._ask()
            except (NetworkError, StepTimeout) as error:
                self.seen = str(error)
            else:
                self.seen = self._shown()
                met, lacking = self._met()
                if met:
                    self.checks += 1
                    return
                if lacking is not None:
                    self.seen += f"; {lacking}"
            self.checks += 1
            # An interval of 0 still lets the rest of the program run.
            await trio.sleep(max(self.interval, 0.001))

    async def _ask(self) -> Mapping[str, Any]:
        if self.answer.type == "api":
            from sisyphus.steps import request

            return (await request.execute(self.answer.request, self.context)).view  # type: ignore[arg-type]
        from sisyphus.steps.database import ask, outcome

        sql = str(self.context.render_whole(self.answer.sql))
        began = trio.current_time()
        result = await ask(self.answer.database, sql, self.answer.params, self.context)
        view = outcome(sql, result, trio.current_time() - began).view
        return {**view, "row": next(iter(view["rows"]), None)}

    def _met(self) -> tuple[bool, str | None]:
        if self.answer.check is not None:
            return says(self.answer.check, answered(self.view, self.context))
        return bool(self.view["rows"]) if self.answer.type == "database" else self.view["status_code"] < 400, None

    def _shown(self) -> str:
        if self.answer.type == "database":
            text = dumps(self.view["rows"])
        else:
            text = f"{self.view['status_code']} {dumps(self.view.get('body'))}"
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
