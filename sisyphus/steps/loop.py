"""`loop`: runs the steps inside it again and again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import trio
from attrs import define, field, frozen

from sisyphus.case._shapes import example, kind_of, require, whole
from sisyphus.case.draft import ANYTHING, spellings
from sisyphus.case.model import ABSENT, NOWHERE, Flag, Number, Step, StepSpec
from sisyphus.comparable import Comparable
from sisyphus.errors import FieldError, Mark, StepError
from sisyphus.steps.fields import as_written, count, flag, seconds
from sisyphus.steps.protocol import Outcome
from sisyphus.steps.troubles import Troubles
from sisyphus.values.template import condition_holds
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Draft, Findings
    from sisyphus.steps.protocol import Inside, StepContext


@frozen(kw_only=True, eq=False, repr=False)
class Loop(StepSpec):
    """What a `loop` step repeats, and how often: `loop_count` times, for each of `items`, or while a condition holds.

    Attributes:
        rows: whether the keys of each item are names too, with `_data_index` and `_data_total` beside them.
    """

    loop_steps: tuple[Step, ...]
    loop_type: Literal["for", "while"] = "for"
    loop_count: Number | None = None
    items: Any = ABSENT
    item_variable: str = "item"
    loop_condition: Any = None
    max_iterations: Number = 1000
    loop_variable: str = "index"
    interval: Number = 0.0
    break_if: Any = None
    continue_if: Any = None
    ignore_failures: Flag = False
    fail_fast: Flag = False
    rows: bool = False
    where: Mark = NOWHERE


SPEC: Final = Loop
KEYS: Final = spellings(
    "loop_type", "loop_count", "items", "item_variable", "loop_condition", "max_iterations", "loop_variable",
    "interval", "break_if", "continue_if", "loop_steps", "ignore_failures", "fail_fast",
    steps="loop_steps", loop_items="items",
)  # fmt: skip
INNER: Final = ("loop_steps",)
DEFAULT_LIMIT: Final = False
ANSWERS: Final = False

_KINDS: Final = {"for": "for", "foreach": "for", "for_each": "for", "count": "for", "while": "while"}
_NAMES: Final = {"loop_variable": "index", "item_variable": "item"}


def finish(draft: Draft, found: Findings) -> Draft:
    """Completes a loop whose keys are the model's already."""
    draft["where"] = Mark(*draft.place)
    _check_how_often(draft, found)
    whole(draft, "loop_count", found, least=0)
    whole(draft, "max_iterations", found, least=1)
    for key, usual in _NAMES.items():
        name = draft.get(key)
        if isinstance(name, str) and not name.isidentifier():
            message = tr("{key}: '{name}' cannot be the name of a variable", key=draft.key_of(key), name=name)
            found.wrong(draft.place_of(key), message, example(f"{draft.key_of(key)}: {usual}"))
            draft.discard(key)
    require(draft, "loop_steps", tr("a loop needs steps to repeat"), "loop_steps: [{name: Ask, url: /state}]", found)
    return draft


def _check_how_often(draft: Draft, found: Findings) -> None:
    """Sees to it that one thing says how often, and that `loop_type` is the one which that thing belongs to."""
    for key in ("loop_count", "items", "loop_condition"):
        if draft.get(key, True) is None:
            del draft[key]
    kind = _kind(draft)
    for key in ("loop_condition",) if kind == "for" else ("loop_count", "items") if kind == "while" else ():
        if key in draft:
            found.warn(draft.place_of(key), tr("'{key}' has no effect", key=draft.key_of(key)))
            del draft[key]
    said = [key for key in ("loop_count", "items", "loop_condition") if key in draft]
    if len(said) > 1:
        one, other = (f"'{draft.key_of(key)}'" for key in said[:2])
        message = tr("one thing says how often a loop runs, but both {one} and {other} are given", one=one, other=other)
        found.wrong(draft.place_of(said[1]), message, tr("keep one of them"))
    elif not said and draft.meant.isdisjoint({"loop_count", "items", "loop_condition", "loop_type", ANYTHING}):
        if kind == "while":
            found.wrong(draft.place, tr("a while loop needs a loop_condition"), example("loop_condition: n < 3"))
        else:
            message = tr("a loop needs loop_count, items or loop_condition")
            found.wrong(draft.place, message, example("loop_count: 3"))
    elif said == ["loop_condition"]:
        draft["loop_type"] = "while"
    if kind != "while" and said and said != ["loop_condition"] and "max_iterations" in draft:
        key = draft.key_of("max_iterations")
        found.warn(draft.place_of("max_iterations"), tr("'{key}' has no effect", key=key))


def _kind(draft: Draft) -> str | None:
    written = draft.get("loop_type")
    if written is None:
        draft.pop("loop_type", None)
        return None
    kind = _KINDS.get(written.lower()) if isinstance(written, str) else None
    if kind is not None:
        draft.put("loop_type", kind, draft.place_of("loop_type"))
    return kind


async def execute(spec: Loop, context: StepContext) -> Outcome:
    """Runs the rounds one after the other; a round ends at its first step that fails, and the next one begins.

    Cancelled, the step that is under way ends as an `error`, and no further round begins.
    """
    looping = _Looping(
        spec=spec,
        context=context,
        turns=await _turns(spec, context) if spec.loop_type == "for" else None,
        most=count(context.render_whole(spec.max_iterations), "max_iterations", least=1),
        interval=seconds(context.render_whole(spec.interval), "interval"),
        fail_fast=flag(context.render_whole(spec.fail_fast), "fail_fast"),
    )
    await looping.run()
    return looping.outcome(ignore_failures=flag(context.render_whole(spec.ignore_failures), "ignore_failures"))


@frozen(kw_only=True, eq=False, repr=False)
class _Turns(Comparable):
    """How many rounds there are, and the names that each of them has."""

    total: int
    names: Callable[[int], dict[str, Any]]


async def _turns(spec: Loop, context: StepContext) -> _Turns:
    if spec.items is ABSENT:
        return _Turns(total=count(context.render_whole(spec.loop_count), "loop_count"), names=lambda _: {})
    items = context.render_whole(spec.items)
    if spec.rows and isinstance(items, str | Mapping):
        from sisyphus.steps.provided import provided_rows

        items = await provided_rows(items, context)
    if isinstance(items, Mapping):
        items = [{"key": key, "value": value} for key, value in items.items()]
    if not isinstance(items, Sequence) or isinstance(items, str | bytes):
        raise FieldError(
            tr("items must be a list, got {kind}", kind=kind_of(items)),
            suggestion=tr("Give a list, a mapping, or one template alone that gives either: items: ${users}."),
        )
    return _Turns(
        total=len(items), names=_row_names(items) if spec.rows else lambda at: {spec.item_variable: items[at]}
    )


def _row_names(rows: Sequence[Any]) -> Callable[[int], dict[str, Any]]:
    """The names of a row: its own, and the two that rows of a data source have."""

    def names(index: int) -> dict[str, Any]:
        row = rows[index]
        own = dict(row) if isinstance(row, Mapping) else {}
        return {"item": row, **own, "_data_index": index, "_data_total": len(rows)}

    return names


@define(kw_only=True, eq=False, repr=False)
class _Looping:
    spec: Loop
    context: StepContext
    turns: _Turns | None
    most: int
    interval: float
    fail_fast: bool
    passed: int = 0
    skipped: int = 0
    ended_by: str = ""
    troubles: Troubles = field(factory=Troubles)

    async def run(self) -> None:
        for index in itertools.count():
            inside = self._next(index)
            if inside is None:
                return
            if self.spec.continue_if is not None and self._holds("continue_if", inside):
                self.skipped += 1
                await trio.lowlevel.checkpoint()
                continue
            # Not before the condition is known to hold: nobody waits once more for a round that does not come.
            if self.interval and self.passed + self.troubles.count:
                await trio.sleep(self.interval)
            await self._round(inside)
            if self.ended_by:
                return
            # Steps that never wait must not keep the others, or a Ctrl-C, from their turn.
            await trio.lowlevel.checkpoint()

    def _next(self, index: int) -> Inside | None:
        """Where the next round runs; None if there is none, and `ended_by` says why."""
        names = {self.spec.loop_variable: index}
        if self.turns is not None:
            if index >= self.turns.total:
                self.ended_by = "loop_count" if self.spec.items is ABSENT else "items"
                return None
            return self.context.inside(iteration=index, names={**names, **self.turns.names(index)})
        inside = self.context.inside(iteration=index, names=names)
        if not self._holds("loop_condition", inside):
            self.ended_by = "loop_condition"
        elif index >= self.most:
            self.ended_by = "max_iterations"
        return None if self.ended_by else inside

    async def _round(self, inside: Inside) -> None:
        results = await inside.run(self.spec.loop_steps)
        failed = bool(results) and self.troubles.take(results[-1])
        if not failed:
            self.passed += 1
        if self.context.stopping is not None:
            self.ended_by = "on_failure"
        elif failed:
            # What break_if asks about may not be there: the round ended early.
            self.ended_by = "fail_fast" if self.fail_fast else ""
        elif self.spec.break_if is not None and self._holds("break_if", inside):
            self.ended_by = "break_if"

    def _holds(self, key: str, inside: Inside) -> bool:
        try:
            return condition_holds(getattr(self.spec, key), inside.names)
        except StepError as exc:
            raise FieldError(f"{key}: {exc}", suggestion=exc.suggestion) from exc

    def outcome(self, *, ignore_failures: bool) -> Outcome:
        failed = self.troubles.count
        view = {
            "iterations": self.passed + failed + self.skipped,
            "passed": self.passed,
            "failed": failed,
            "skipped": self.skipped,
            "ended_by": self.ended_by,
        }
        if self.ended_by == "max_iterations":
            condition = as_written(self.spec.loop_condition)
            message = tr(
                "loop_condition still holds after max_iterations, {most}: {condition}",
                most=self.most,
                condition=condition,
            )
            return Outcome(view=view, failure=message)
        if ignore_failures:
            return Outcome(view=view)
        return self.troubles.outcome(view, self._told)

    def _told(self, first: str) -> str:
        rounds = self.passed + self.troubles.count + self.skipped
        return tr("{failed} of {rounds} rounds failed; {first}", failed=self.troubles.count, rounds=rounds, first=first)
