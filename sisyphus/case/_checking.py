"""The spellings of validations."""

from __future__ import annotations

from typing import Any, Final

from sisyphus.case._expecting import check_expectation, check_path
from sisyphus.case._shapes import as_map, each, example, kind_of, require, unknown
from sisyphus.case.draft import Draft, Findings, Place, ignored, spellings, take
from sisyphus.case.model import ABSENT
from sisyphus.case.yaml import Map, Seq
from sisyphus.errors import Mark
from sisyphus.values.compare import ALIASES, OPERATORS
from sisyphus.words import tr

LOGICAL: Final = frozenset({"and", "or", "not"})
COMPARATORS: Final = {**{name: name for name in OPERATORS}, **ALIASES, **{name: name for name in LOGICAL}}

_CHECK: Final = spellings(
    "path", "expect", "description", "error_message",
    type="op", comparator="op", logical_operator="op", check="path", expected="expect", value="expect",
    message="error_message", name="description",
    sub_validations="checks", conditions="checks", validations="checks", checks="checks",
) | ignored("priority", "severity")  # fmt: skip
# `type: header` says where the value is, and the comparator how it is compared.
_SOURCES: Final = {"header": "header", "headers": "header", "cookie": "cookie", "cookies": "cookie"}
_NAMED: Final = _CHECK | spellings(type="source", operator="op", key="path")
_OWN_KEYS: Final = frozenset(_CHECK) - frozenset(COMPARATORS)  # those by which a mapping is known to be a validation
_BESIDE_TYPE: Final = frozenset({"path", "sub_validations", "conditions"})
_OPERANDS: Final = {key: name for key, name in _CHECK.items() if name not in {"op", "checks"}}
_WITH_TOLERANCE: Final = spellings("tolerance")

_WITHOUT_EXPECT: Final = frozenset(name for name, operator in OPERATORS.items() if operator.default is not ABSENT)
_OF_LISTS: Final = frozenset({"between", "in", "not_in"})


def check_drafts(value: Any, place: Place, found: Findings) -> list[Draft]:
    """Validations: a list, or a mapping of short spellings."""
    if not isinstance(value, Map):
        return each(value, place, tr("validations"), lambda item, at: _check(item, at, found), found)
    if not _OWN_KEYS.isdisjoint(value):
        one = _check(value, place, found)
        return [one] if one is not None else []
    return [draft for key in value if (draft := _short(value, key, {*value}, found)) is not None]


def _names_its_type(source: Map) -> bool:
    if "comparator" in source or "logical_operator" in source:
        return True
    # `type: [path, expected]` alone is the short spelling of the comparator `type`.
    return "type" in source and (isinstance(source["type"], str) or not _BESIDE_TYPE.isdisjoint(source))


def _check(value: Any, place: Place, found: Findings) -> Draft | None:
    source = as_map(value, place, tr("a validation"), found, "status_code: 200")
    if source is None:
        return None
    if not source:
        found.wrong(place, tr("an empty validation"), example("status_code: 200"))
        return None
    if _names_its_type(source):
        return _long(source, found)
    short = [key for key in source if key in COMPARATORS]
    if len(short) == 1:
        return _short(source, short[0], {short[0]}, found)
    if short:
        message = tr("one validation has several comparators: {names}", names=", ".join(short))
        found.wrong((source.file, *source.marks[short[1]][:2]), message, tr("make each an item of its own"))
        return None
    if not _OWN_KEYS.isdisjoint(source):
        return _long(source, found)
    key = next(iter(source))
    _unknown_comparator(key, (source.file, *source.marks[key][:2]), found)
    return None


def _long(source: Map, found: Findings) -> Draft | None:
    named = isinstance(source.get("type"), str) and source["type"] in _SOURCES
    table = _NAMED if named else _CHECK
    tolerant = "approx" in (source.get("type"), source.get("comparator"))
    draft = take(source, table | _WITH_TOLERANCE if tolerant else table, tr("a validation"), found)
    if named:
        draft["source"] = _SOURCES[draft["source"]]
        if draft.lacks("op"):
            draft["op"] = "exists" if draft.lacks("expect") else "eq"
    op = draft.get("op")
    canonical = COMPARATORS.get(op) if isinstance(op, str) else None
    if canonical is None:
        if op is not None:
            _unknown_comparator(op, draft.place_of("op"), found)
        else:
            require(draft, "op", tr("a validation needs a type"), "type: eq", found)
        return None
    draft["op"] = canonical
    draft["where"] = Mark(*draft.place)
    if canonical in LOGICAL:
        _refuse_operands(draft, canonical, found)
        if not draft.lacks("checks") and "checks" not in draft:
            return None
        draft["checks"] = _inner(draft.get("checks"), draft.place_of("checks"), canonical, found)
    else:
        _complete(draft, canonical, found)
    return draft


def _short(source: Map, key: str, others: set[str], found: Findings) -> Draft | None:
    """``eq: [path, expect]`` and the like; keys of `source` but `others` describe this validation."""
    op = COMPARATORS.get(key)
    line, column, value_line, value_column = source.marks[key]
    where, at = (source.file, line, column), (source.file, value_line, value_column)
    if op is None:
        _unknown_comparator(key, where, found)
        return None
    value = source[key]
    draft = take(source, _CHECK, tr("a validation"), found, without=others) if len(source) > 1 else Draft(where)
    draft.place = where
    draft.put("op", op, where)
    draft["where"] = Mark(*where)
    if op in LOGICAL:
        _refuse_operands(draft, op, found)
        if "checks" in draft:
            found.said_twice(draft.place_of("checks"), draft.key_of("checks"), key)
        draft.put("checks", _inner(value, at, op, found), at)
    else:
        _put_operands(draft, op, value, at, found)
        _complete(draft, op, found)
    return draft


def _put_operands(draft: Draft, op: str, value: Any, at: Place, found: Findings) -> None:
    if isinstance(value, Map) and (op not in {"schema", "status_code"} or not {"expect", "expected"}.isdisjoint(value)):
        _put_map(draft, op, value, at, found)
    elif op == "status_code" and not (isinstance(value, Seq) and value[:1] in (["status_code"], ["$.status_code"])):
        _put(draft, "expect", value, at, found)
    elif isinstance(value, Seq):
        _put_list(draft, op, value, at, found)
    elif op in _WITHOUT_EXPECT and isinstance(value, str):
        _put(draft, "path", value, at, found)
    else:
        _put(draft, "expect", value, at, found)


def _put_map(draft: Draft, op: str, value: Map, at: Place, found: Findings) -> None:
    if _OPERANDS.keys().isdisjoint(value):
        _refuse_form(draft, op, value, at, found)
        return
    inner = take(value, _OPERANDS | _WITH_TOLERANCE if op == "approx" else _OPERANDS, tr("a validation"), found)
    for name in inner:
        _put(draft, name, inner[name], inner.place_of(name), found)
    draft.spelt = {**draft.spelt, **inner.spelt}
    draft.meant |= inner.meant


def _put_list(draft: Draft, op: str, value: Seq, at: Place, found: Findings) -> None:
    """``[path, expect]``, ``[path, expect, description]``, and, where a list is expected, ``[path, 1, 2, …]``."""
    places = [(value.file, *mark) for mark in value.marks]
    names = ("path", "expect", "description")
    if op in _OF_LISTS and len(value) > 2 and not isinstance(value[1], list):
        rest = Seq(value.file, *value.marks[1])
        rest.extend(value[1:])
        rest.marks.extend(value.marks[1:])
        _put(draft, "path", value[0], places[0], found)
        _put(draft, "expect", rest, places[1], found)
    elif 1 <= len(value) <= len(names):
        for name, inner, place in zip(names, value, places, strict=False):
            _put(draft, name, inner, place, found)
    else:
        _refuse_form(draft, op, value, at, found)


def _put(draft: Draft, name: str, value: Any, place: Place, found: Findings) -> None:
    if name in draft:
        found.said_twice(draft.place_of(name), draft.key_of(name), draft["op"])
    draft.put(name, value, place)


def _refuse_form(draft: Draft, op: str, value: Any, at: Place, found: Findings) -> None:
    got = tr("{count} values", count=len(value)) if isinstance(value, Seq) else kind_of(value)
    message = tr("'{op}' takes a path and what is expected, got {got}", op=op, got=got)
    found.wrong(at, message, example(f'{op}: "$.id"' if op in _WITHOUT_EXPECT else f'{op}: ["$.id", {_expected(op)}]'))
    draft.meant |= {"path", "expect"}


def _expected(op: str) -> str:
    return "[1, 2]" if op in _OF_LISTS else "1"


def _refuse_operands(draft: Draft, op: str, found: Findings) -> None:
    for name in ("path", "expect"):
        if name in draft:
            message = tr("'{op}' combines validations and takes no '{key}'", op=op, key=draft.key_of(name))
            found.wrong(draft.place_of(name), message, tr("remove it"))
            draft.discard(name)


def _complete(draft: Draft, op: str, found: Findings) -> None:
    if "checks" in draft:
        found.wrong(draft.place_of("checks"), tr("'{op}' takes no inner validations", op=op), tr("use and, or, not"))
        draft.discard("checks")
    if "tolerance" in draft:
        _merge_tolerance(draft)
    if draft.get("path") is None:
        if OPERATORS[op].path is None or "source" in draft:
            if "source" in draft:
                form = f"{{type: {draft['source']}, path: X-Request-Id, expect: abc}}"
                require(
                    draft, "path", tr("a validation of a {source} needs its name", source=draft["source"]), form, found
                )
                return
            form = f'{{type: {op}, path: "$.id"' + ("}" if op in _WITHOUT_EXPECT else f", expect: {_expected(op)}}}")
            require(draft, "path", tr("'{op}' needs a path", op=op), form, found)
            return
        draft.pop("path", None)
    if "expect" not in draft and op not in _WITHOUT_EXPECT:
        if draft.lacks("expect") and isinstance(draft.get("path", ""), str):
            found.wrong(draft.place, tr("'{op}' needs the expected value (expect)", op=op))
        return
    if isinstance(draft.get("path"), str) and "source" not in draft:
        check_path(draft["path"], draft.place_of("path"), found)
    if "expect" in draft:
        check_expectation(op, draft["expect"], draft.place_of("expect"), found)


def _merge_tolerance(draft: Draft) -> None:
    """``approx: {path, value, tolerance}``, the two beside the path."""
    tolerance = draft.pop("tolerance")
    if "expect" in draft:
        place = draft.place_of("expect")
        whole = Map(*place)
        for key, value in (("value", draft["expect"]), ("tolerance", tolerance)):
            whole[key] = value
            at = draft.place_of("expect" if key == "value" else key)[1:]
            whole.marks[key] = (*at, *at)
        draft["expect"] = whole


def _inner(value: Any, place: Place, op: str, found: Findings) -> list[Draft]:
    if value in (None, [], {}):
        form = f"{op}: [{{status_code: 200}}, {{exists: $.id}}]"
        found.wrong(place, tr("'{op}' needs validations to combine", op=op), example(form))
        return []
    if isinstance(value, Map):
        return check_drafts(value, place, found)
    return each(value, place, f"'{op}'", lambda item, at: _check(item, at, found), found)


def _unknown_comparator(name: Any, place: Place, found: Findings) -> None:
    if isinstance(name, str):
        found.wrong(place, tr("unknown comparator '{name}'", name=name), unknown(name, COMPARATORS))
    else:
        found.wrong(place, tr("a comparator is named by text, got {kind}", kind=kind_of(name)), example("type: eq"))
