"""The spellings of validations and extractors."""

from __future__ import annotations

from typing import Any, Final

from sisyphus.case.draft import Draft, Findings, Place, as_map, each, ignored, kind_of, part_of, spellings, take
from sisyphus.case.model import ABSENT
from sisyphus.case.yaml import Map
from sisyphus.errors import Mark, nearest
from sisyphus.values.compare import ALIASES, OPERATORS
from sisyphus.words import tr

LOGICAL: Final = frozenset({"and", "or", "not"})
COMPARATORS: Final = {**{name: name for name in OPERATORS}, **ALIASES, **{name: name for name in LOGICAL}}

_CHECK: Final = spellings(
    "path", "expect", "description", "error_message", "checks",
    type="op", comparator="op", logical_operator="op", check="path", expected="expect", value="expect",
    message="error_message", name="description",
    sub_validations="checks", conditions="checks", validations="checks",
) | ignored("priority", "severity")  # fmt: skip

_EXTRACTOR: Final = spellings(
    "name", "type", "path", "pattern", "group", "key", "index", "extract_all", "default", "condition", "scope",
    "always", "on_failure", header="key", cookie="key", expression="path", default_value="default", regex="pattern",
) | ignored("description", "required")  # fmt: skip

EXTRACTOR_TYPES: Final = {
    "jsonpath": "jsonpath", "json": "jsonpath", "regex": "regex", "header": "header", "headers": "header",
    "cookie": "cookie", "cookies": "cookie", "xpath": "xpath", "status": "status", "status_code": "status",
    "elapsed": "elapsed",
}  # fmt: skip


def check_drafts(value: Any, place: Place, found: Findings) -> list[Draft]:
    """Validations: a list, or a mapping of short spellings."""
    if isinstance(value, Map):
        if "type" in value and not isinstance(value["type"], list):
            one = _check(value, place, found)
            return [one] if one else []
        return [d for key in value if (d := _short(part_of(value, [key]), key, found)) is not None]
    return each(value, place, tr("validations"), lambda item, at: _check(item, at, found), found)


def _check(value: Any, place: Place, found: Findings) -> Draft | None:
    source = as_map(value, place, tr("a validation"), found)
    if source is None:
        return None
    short = [key for key in source if key in COMPARATORS]
    if isinstance(source.get("type"), str) or "comparator" in source or "logical_operator" in source:
        return _long(source, found)
    if len(short) == 1:
        return _short(source, short[0], found)
    if len(short) > 1:
        found.wrong(
            place,
            tr("one validation has several comparators: {names}", names=", ".join(short)),
            tr("make each an item of its own"),
        )
        return None
    key = next(iter(source), None)
    if key is None:
        found.wrong(place, tr("an empty validation"), tr("write for example {example}", example="status_code: 200"))
    else:
        line, column = source.marks[key][:2]
        _unknown_comparator(key, (source.file, line, column), found)
    return None


def _long(source: Map, found: Findings) -> Draft | None:
    draft = take(source, _CHECK, tr("a validation"), found)
    op = draft.get("op")
    canonical = COMPARATORS.get(op) if isinstance(op, str) else None
    if canonical is None:
        if "op" in draft:
            _unknown_comparator(str(op), draft.marks["op"], found)
        else:
            found.wrong(
                draft.place, tr("a validation needs a type"), tr("write for example {example}", example="type: eq")
            )
        return None
    draft["op"] = canonical
    draft["where"] = Mark(*draft.place)
    if canonical in LOGICAL:
        draft["checks"] = _inner(draft.get("checks"), draft.marks.get("checks", draft.place), canonical, found)
        draft.pop("expect", None)
    elif "checks" in draft:
        found.wrong(draft.marks["checks"], tr("'{op}' takes no inner validations", op=op), tr("use and, or, not"))
    else:
        _complete(draft, canonical, found)
    return draft


def _short(source: Map, key: str, found: Findings) -> Draft | None:
    """``eq: [path, expect]`` and the like, with the describing keys beside it."""
    op = COMPARATORS.get(key)
    line, column, value_line, value_column = source.marks[key]
    if op is None:
        _unknown_comparator(key, (source.file, line, column), found)
        return None
    rest = part_of(source, [k for k in source if k != key])
    draft = take(rest, _CHECK, tr("a validation"), found)
    at: Place = (source.file, value_line, value_column)
    draft.put("op", op, (source.file, line, column))
    draft["where"] = Mark(source.file, line, column)
    value = source[key]
    if op in LOGICAL:
        draft.put("checks", _inner(value, at, op, found), at)
    else:
        _operands(draft, op, value, at)
        _complete(draft, op, found)
    return draft


def _operands(draft: Draft, op: str, value: Any, at: Place) -> None:
    if op == "status_code" and not (isinstance(value, list) and value and value[0] in {"status_code", "$.status_code"}):
        draft.put("expect", value, at)
    elif isinstance(value, dict) and value.keys() <= {"path", "expect", "expected", "description", "error_message"}:
        for name, inner in value.items():
            draft.put(_CHECK[name], inner, at)
    elif op == "schema" and not isinstance(value, list):
        draft.put("expect", value, at)
    elif isinstance(value, list) and value:
        for name, inner in zip(("path", "expect", "description"), value, strict=False):
            draft.put(name, inner, at)
        if len(value) > len(("path", "expect", "description")):
            draft.put("expect", value[1:], at)
            draft.pop("description", None)
    elif op in _WITHOUT_EXPECT and isinstance(value, str):
        draft.put("path", value, at)
    else:
        draft.put("expect", value, at)


_WITHOUT_EXPECT: Final = frozenset({"exists", "is_null", "is_not_null", "is_empty"})
_WITHOUT_PATH: Final = frozenset({"status_code", "schema"})


def _complete(draft: Draft, op: str, found: Findings) -> None:
    if draft.get("path") is None and op not in _WITHOUT_PATH:
        found.wrong(
            draft.place,
            tr("'{op}' needs a path", op=op),
            tr(
                "write for example {example}",
                example=f'{{type: {op}, path: "$.id"{"" if op in _WITHOUT_EXPECT else ", expect: 1"}}}',
            ),
        )
    if "expect" not in draft and op not in _WITHOUT_EXPECT:
        found.wrong(draft.place, tr("'{op}' needs the expected value (expect)", op=op))


def _inner(value: Any, place: Place, op: str, found: Findings) -> list[Draft]:
    if value is None:
        found.wrong(place, tr("'{op}' needs a list of validations", op=op))
        return []
    if op == "not" and isinstance(value, dict):
        one = _check(value, place, found)
        return [one] if one else []
    return each(value, place, f"'{op}'", lambda item, at: _check(item, at, found), found)


def _unknown_comparator(name: str, place: Place, found: Findings) -> None:
    near = nearest(name, COMPARATORS)
    hint = (
        tr("did you mean '{near}'?", near=near)
        if near
        else tr("known comparators: {names}", names=", ".join(sorted(set(COMPARATORS.values()))))
    )
    found.wrong(place, tr("unknown comparator '{name}'", name=name), hint)


def extractor_drafts(value: Any, place: Place, found: Findings) -> list[Draft]:
    """Extractors: a list, or the short spelling, a mapping from names to paths."""
    if isinstance(value, Map):
        return [d for name in value if (d := _named(value, name, found)) is not None]
    return each(value, place, tr("extractors"), lambda item, at: _extractor(item, at, found), found)


def _extractor(value: Any, place: Place, found: Findings) -> Draft | None:
    source = as_map(value, place, tr("an extractor"), found)
    if source is None:
        return None
    if "name" not in source and len(source) == 1:
        return _named(source, next(iter(source)), found)
    draft = take(source, _EXTRACTOR, tr("an extractor"), found)
    if "name" not in draft:
        found.wrong(
            draft.place, tr("an extractor needs a name"), tr("write for example {example}", example="name: token")
        )
        return None
    return _finished(draft, found)


def _named(source: Map, name: str, found: Findings) -> Draft | None:
    """``token: body.data.token``, or the name as key of the longer spelling."""
    value = source[name]
    line, column, value_line, value_column = source.marks[name]
    at: Place = (source.file, value_line, value_column)
    if isinstance(value, Map):
        draft = take(value, {**_EXTRACTOR, "name": "key"}, tr("an extractor"), found)
    elif isinstance(value, str):
        draft = Draft(at)
        draft.put("path", value, at)
    else:
        found.wrong(
            at,
            tr("an extractor's path must be text, got {kind}", kind=kind_of(value)),
            tr("write for example {example}", example=f"{name}: $.data.id"),
        )
        return None
    draft.put("name", name, (source.file, line, column))
    return _finished(draft, found)


def _finished(draft: Draft, found: Findings) -> Draft | None:
    draft["where"] = Mark(*draft.place)
    kind = draft.setdefault("type", "regex" if "pattern" in draft else "jsonpath")
    if not isinstance(kind, str) or kind not in EXTRACTOR_TYPES:
        near = nearest(str(kind), EXTRACTOR_TYPES)
        hint = tr("did you mean '{near}'?", near=near) if near else ", ".join(EXTRACTOR_TYPES)
        found.wrong(draft.marks["type"], tr("unknown extractor type '{name}'", name=kind), hint)
        return None
    draft["type"] = kind = EXTRACTOR_TYPES[kind]
    _defaulted(draft, found)
    if draft.get("index") == -1:
        draft["extract_all"] = True
        del draft["index"]
    key = draft.pop("key", None)
    if kind in {"header", "cookie"}:
        draft.setdefault("path", key if key is not None else draft["name"])
    elif kind == "regex":
        draft.setdefault("pattern", draft.get("path"))
        draft.pop("path", None)
        if draft["pattern"] is None:
            found.wrong(draft.place, tr("a regex extractor needs a pattern"))
    elif kind in {"jsonpath", "xpath"} and not isinstance(draft.get("path"), str):
        found.wrong(draft.place, tr("the extractor '{name}' needs a path", name=draft["name"]))
    return draft


def _defaulted(draft: Draft, found: Findings) -> None:
    """``on_failure: {use_default: true, default: …}`` becomes a default, or none."""
    place = draft.marks.get("on_failure")
    policy = draft.pop("on_failure", None)
    if place is None or policy is None:
        return
    if not isinstance(policy, dict) or policy.keys() - {"use_default", "default", "default_value", "value"}:
        found.wrong(place, tr("on_failure of an extractor must be {form}", form="{use_default: true, default: …}"))
        return
    value = next((policy[k] for k in ("default", "default_value", "value") if k in policy), ABSENT)
    if policy.get("use_default", True) is False:
        draft.pop("default", None)
    elif value is not ABSENT or "default" not in draft:
        draft["default"] = None if value is ABSENT else value
