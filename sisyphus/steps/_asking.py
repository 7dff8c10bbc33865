"""Conditions about an answer, as `poll` and `wait_condition` spell them: a path, a status, or an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from sisyphus.case._checking import check_drafts
from sisyphus.case._rendering import check_condition
from sisyphus.case._shapes import example, expected, require, unknown
from sisyphus.case.draft import Draft, spellings, take
from sisyphus.case.model import NOWHERE, Check
from sisyphus.case.yaml import Map
from sisyphus.comparable import Comparable
from sisyphus.errors import Mark, UndefinedName
from sisyphus.steps.fields import as_written
from sisyphus.values.template import condition_holds
from sisyphus.values.validate import validate
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sisyphus.case.draft import Findings, Place
    from sisyphus.steps.protocol import StepContext

_KEYS: Final = spellings(
    "type", "path", "operator", "expect", "expression",
    jsonpath="path", op="operator", comparator="operator", expected="expect", value="expect", status_code="expect",
    status="expect", condition="expression", check="expression",
)  # fmt: skip
_TYPES: Final = {
    "jsonpath": "jsonpath", "json_path": "jsonpath", "status_code": "status_code", "status": "status_code",
    "expression": "expression",
}  # fmt: skip
_EXAMPLE: Final = "condition: {type: jsonpath, path: $.state, operator: eq, expect: done}"


@frozen(kw_only=True, eq=False, repr=False)
class Asked(Comparable):
    """What an answer has to be like: one of `check` and `expression`."""

    check: tuple[Check, ...] = ()
    expression: Any = None
    where: Mark = NOWHERE


def asked_draft(value: Any, place: Place, key: str, found: Findings) -> Draft | None:
    """A condition about an answer; text, a list and the like are expressions."""
    if not isinstance(value, Map) or not {"and", "or", "not"}.isdisjoint(value):
        check_condition(value, place, key, found)
        return _expression(value, place)
    draft = take(value, _KEYS, tr("a condition"), found)
    kind = _kind(draft, found)
    if kind is None:
        return None
    if kind == "expression":
        if not require(
            draft, "expression", tr("the condition needs an expression"), "expression: status_code == 200", found
        ):
            return None
        at = draft.place_of("expression")
        check_condition(draft["expression"], at, draft.key_of("expression"), found)
        return _expression(draft["expression"], place)
    if kind == "jsonpath" and not require(draft, "path", tr("the condition needs a path"), _EXAMPLE, found):
        return None
    checks = check_drafts(_as_validation(draft, kind), place, found)
    made = Draft(place)
    made["check"], made["where"] = checks, Mark(*place)
    return made


def _expression(value: Any, place: Place) -> Draft:
    draft = Draft(place)
    draft.put("expression", value, place)
    draft["where"] = Mark(*place)
    return draft


def _kind(draft: Draft, found: Findings) -> str | None:
    written = draft.get("type")
    if written is None:
        return "expression" if "expression" in draft else "jsonpath" if "path" in draft else "status_code"
    if not isinstance(written, str):
        found.wrong(draft.place_of("type"), f"type: {expected(tr('text'), written)}", example("type: jsonpath"))
    elif written.lower() not in _TYPES:
        message = tr("unknown type of condition '{name}'", name=written)
        found.wrong(draft.place_of("type"), message, unknown(written, _TYPES))
    else:
        return _TYPES[written.lower()]
    return None


def _as_validation(draft: Draft, kind: str) -> Map:
    """The same as a validation: what can be wrong with it is said in the same words, at the same places."""
    file, line, column = draft.place
    validation = Map(file, line, column)

    def put(key: str, value: Any, name: str) -> None:
        at = draft.place_of(name)
        validation[key] = value
        validation.marks[key] = (*at[1:], *at[1:])

    if kind == "status_code" and draft.get("operator") in {None, "eq", "==", "equals", "in"}:
        put("type", "status_code", "operator")
    else:
        put("type", draft.get("operator", "eq"), "operator")
        put("path", draft.get("path", "$.status_code"), "path")
    if "expect" in draft:
        put("expect", draft["expect"], "expect")
    return validation


def holds(asked: Asked, view: Mapping[str, Any], context: StepContext) -> tuple[bool, str]:
    """Whether an answer is so, and what was seen.

    Raises:
        StepError: it cannot be told.
    """
    names = answered(view, context)
    if not asked.check:
        met, lacking = says(asked.expression, names)
        return met, lacking or as_written(asked.expression)
    results = validate(asked.check, view, names)
    broken = [result for result in results if result.status != "passed"]
    first = broken[0] if broken else results[0]
    path = f"{first.path}: " if first.path else ""
    return not broken, f"{path}{first.message or as_written(first.actual)}"


def says(condition: Any, names: Mapping[str, Any]) -> tuple[bool, str | None]:
    """Whether a condition holds for an answer; what the answer lacks makes it not hold, and is told.

    A service that is starting answers with anything but what it is waited for.

    Raises:
        TemplateError: it cannot be told; a name that nothing has is one that no answer will bring.
    """
    try:
        return condition_holds(condition, names), None
    except UndefinedName as lacking:
        if not lacking.within:
            raise
        return False, str(lacking)


def answered(view: Mapping[str, Any], context: StepContext) -> Mapping[str, Any]:
    """The names of a step, with those of an answer: `response`, and each of its fields by itself."""
    return {**context.names, **view, "response": view}
