"""The spellings of extractors."""

from __future__ import annotations

from typing import Any, Final

from sisyphus.case._expecting import check_group, check_path, check_pattern
from sisyphus.case._shapes import as_map, each, example, expected, kind_of, require, unknown
from sisyphus.case.draft import Draft, Findings, Place, ignored, spellings, take
from sisyphus.case.model import ABSENT
from sisyphus.case.yaml import Map
from sisyphus.errors import Mark
from sisyphus.words import tr

_EXTRACTOR: Final = spellings(
    "name", "type", "path", "pattern", "group", "key", "index", "extract_all", "default", "condition", "scope",
    "always", "on_failure", header="key", cookie="key", expression="path", default_value="default", regex="pattern",
) | ignored("description", "required")  # fmt: skip
_NAMED: Final = _EXTRACTOR | {"name": "key"}  # where the variable's name stands before it
_ON_FAILURE: Final = spellings("use_default", "default", default_value="default", value="default")
_EXAMPLE: Final = '{name: id, path: "$.data.id"}'
_USE_DEFAULT: Final = "on_failure: {use_default: true, default: …}"

EXTRACTOR_TYPES: Final = {
    "jsonpath": "jsonpath", "json": "jsonpath", "regex": "regex", "header": "header", "headers": "header",
    "cookie": "cookie", "cookies": "cookie", "xpath": "xpath", "status": "status", "status_code": "status",
    "elapsed": "elapsed",
}  # fmt: skip


def extractor_drafts(value: Any, place: Place, found: Findings) -> list[Draft]:
    """Extractors: a list, or the short spelling, a mapping from names to paths."""
    if isinstance(value, Map):
        if isinstance(value.get("name"), str) and not {"path", "type", "pattern"}.isdisjoint(value):
            one = _extractor(value, place, found)  # a list of one, without its dash
            return [one] if one is not None else []
        return [draft for name in value if (draft := _named(value, name, found)) is not None]
    return each(value, place, tr("extractors"), lambda item, at: _extractor(item, at, found), found)


def _extractor(value: Any, place: Place, found: Findings) -> Draft | None:
    source = as_map(value, place, tr("an extractor"), found, _EXAMPLE)
    if source is None:
        return None
    if len(source) == 1 and (key := next(iter(source))) not in _EXTRACTOR:
        return _named(source, key, found)
    if not source:
        found.wrong(place, tr("an empty extractor"), example(_EXAMPLE))
        return None
    draft = take(source, _EXTRACTOR, tr("an extractor"), found)
    if draft.get("name") == "":
        draft["name"] = None
    require(draft, "name", tr("an extractor needs a name"), "name: token", found)
    return _finished(draft, found)


def _named(source: Map, name: str, found: Findings) -> Draft | None:
    """``token: body.data.token``, or the name as key of the longer spelling."""
    value = source[name]
    line, column, value_line, value_column = source.marks[name]
    at: Place = (source.file, value_line, value_column)
    if isinstance(value, Map):
        draft = take(value, _NAMED, tr("an extractor"), found)
    elif isinstance(value, str):
        draft = Draft(at)
        draft.put("path", value, at)
    else:
        message = tr("an extractor's path must be text, got {kind}", kind=kind_of(value))
        found.wrong(at, message, example(f"{name}: $.data.id"))
        return None
    draft.put("name", name, (source.file, line, column))
    return _finished(draft, found)


def _finished(draft: Draft, found: Findings) -> Draft | None:
    draft["where"] = Mark(*draft.place)
    if "type" in draft.meant:
        return None
    kind = draft.setdefault("type", "regex" if "pattern" in draft else "jsonpath")
    if not isinstance(kind, str):
        found.wrong(draft.place_of("type"), f"type: {expected(tr('text'), kind)}", example("type: jsonpath"))
        return None
    if kind not in EXTRACTOR_TYPES:
        message = tr("unknown extractor type '{name}'", name=kind)
        found.wrong(draft.place_of("type"), message, unknown(kind, EXTRACTOR_TYPES))
        return None
    draft["type"] = kind = EXTRACTOR_TYPES[kind]
    _default(draft, found)
    if draft.get("index") == -1:
        draft["extract_all"] = True
        del draft["index"]
    _source(draft, kind, found)
    if "condition" in draft and draft["condition"] is None:
        del draft["condition"]
    return draft


def _source(draft: Draft, kind: str, found: Findings) -> None:
    """Brings what is looked for to where the model has it, and looks whether it can be looked for."""
    if kind in {"header", "cookie"}:
        if draft.get("path") is None and "key" not in draft:
            draft.put("path", draft.get("name"), draft.place_of("name"))
        elif "path" not in draft:
            draft.move("key", "path")
    elif kind == "regex":
        if draft.get("pattern") is None:
            draft.move("path", "pattern")
        if "path" in draft.meant:
            draft.meant |= {"pattern"}
        _check_regex(draft, found)
    elif kind in {"jsonpath", "xpath"}:
        given = require(draft, "path", tr("an extractor needs a path"), 'path: "$.data.id"', found)
        if given and kind == "jsonpath" and isinstance(draft["path"], str):
            check_path(draft["path"], draft.place_of("path"), found)
    if "key" in draft:
        del draft["key"]


def _check_regex(draft: Draft, found: Findings) -> None:
    if not require(draft, "pattern", tr("a regex extractor needs a pattern"), r'pattern: "id=(\d+)"', found):
        return
    pattern = draft["pattern"]
    if isinstance(pattern, str):
        groups = check_pattern(pattern, draft.place_of("pattern"), found)
        if groups is not None and "group" in draft:
            check_group(draft["group"], pattern, groups, draft.place_of("group"), found)


def _default(draft: Draft, found: Findings) -> None:
    """``on_failure: {use_default: true, default: …}`` becomes a default, or none."""
    policy, place = draft.pop("on_failure", None), draft.place_of("on_failure")
    if policy is None:
        return
    source = as_map(policy, place, "on_failure", found, _USE_DEFAULT)
    if source is None:
        return
    choice = take(source, _ON_FAILURE, "on_failure", found)
    wanted = choice.get("use_default", True)
    if not isinstance(wanted, bool):
        found.wrong(choice.place_of("use_default"), f"use_default: {expected(tr('true or false'), wanted)}")
    elif not wanted:
        draft.pop("default", None)
    elif choice.get("default", ABSENT) is not ABSENT or "default" not in draft:
        draft.put("default", choice.get("default"), choice.place_of("default"))
