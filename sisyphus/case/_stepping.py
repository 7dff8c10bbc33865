"""The spellings of a step, whatever its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sisyphus.case._checking import check_drafts
from sisyphus.case._extracting import extractor_drafts
from sisyphus.case._requesting import REQUEST, finish_request
from sisyphus.case._retrying import gather_retry
from sisyphus.case._shapes import as_map, example, expected, kind_of, require, texts, unknown
from sisyphus.case._waiting import WAIT, finish_wait
from sisyphus.case.draft import Draft, Findings, Place, ignored, pending, spellings, take
from sisyphus.case.yaml import Map
from sisyphus.errors import Mark, nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

_COMMON: Final = (
    spellings(
        "type", "name", "id", "description", "tags", "enabled", "skip_if", "only_if", "condition", "depends_on",
        "timeout", "retry_times", "retry_delay", "retry_policy", "variables", "on_failure",
        validations="checks", extractors="extractors",
        retries="retry_times", validate="checks", extract="extractors",
    )
    | pending("setup", "teardown", "before_step", "after_step", "loop", "parallel", "data_provider", "mock")
    | ignored("priority", "log_level", "save_response", "severity", "owner", "author", "comment", "notes")
)  # fmt: skip

# One line for each step type: the keys it has of its own, and what completes them.
_TYPES: Final[dict[str, tuple[dict[str, str], Callable[[Draft, Findings], Draft]]]] = {
    "request": (REQUEST, finish_request),
    "wait": (WAIT, finish_wait),
}
_TYPE_NAMES: Final = {"request": "request", "api": "request", "http": "request", "wait": "wait"}
_LATER_TYPES: Final = frozenset({"database", "loop", "concurrent", "script", "poll"})
_SPEC_KEYS: Final = {name: frozenset(keys.values()) for name, (keys, _) in _TYPES.items()}
_INNER_KEYS: Final = {name: {**_COMMON, **keys} for name, (keys, _) in _TYPES.items()}
_STEP_KEYS: Final = {name: {**keys, name: "nested"} for name, keys in _INNER_KEYS.items()}  # request: {url: …}
_EXAMPLE: Final = "{name: Log in, url: /login}"
_ANY_KEYS: Final = frozenset[str]().union(*_STEP_KEYS.values())


def step_draft(value: Any, place: Place, found: Findings) -> Draft:
    """One step, from either spelling; without a `spec` if what it does cannot be told."""
    source = as_map(value, place, tr("a step"), found, _EXAMPLE)
    if not source:
        if source is not None:
            found.wrong(place, tr("an empty step"), example(_EXAMPLE))
        return Draft(place)
    name = _name_before(source)
    if name is None:
        return _step(source, found)
    inner = source[name]
    for key in list(source)[1:2]:  # one mistake, however many lines it makes
        message = tr("'{key}' stands beside the step '{name}', not in it", key=key, name=name)
        found.wrong((source.file, *source.marks[key][:2]), message, tr("indent it"))
    at: Place = (source.file, *source.marks[name][:2])
    if not isinstance(inner, Map):
        if len(source) == 1:
            message = tr("the step '{name}' must be a mapping, got {kind}", name=name, kind=kind_of(inner))
            found.wrong(at, message, tr("indent what belongs to it"))
        draft = Draft(at)
        draft.put("name", name, at)
        return draft
    draft = _step(inner, found, at)
    if "name" in draft:
        found.said_twice(draft.place_of("name"), "name", name)
    draft.put("name", name, at)
    return draft


def _name_before(source: Map) -> str | None:
    """The name of a step in the short spelling, ``Log in: {…}``."""
    first = next(iter(source), None)
    if first is None or first in _ANY_KEYS:
        return None
    # Several keys, the first of which is a name with a mapping or nothing behind it: what follows was not indented.
    return first if len(source) == 1 or isinstance(source[first], Map | None) else None


def _step(source: Map, found: Findings, named_at: Place | None = None) -> Draft:
    type_ = _type_of(source, found)
    if type_ is None:
        draft = Draft((source.file, source.line, source.column))
        for key in ("name", "id"):
            if key in source:
                draft.put(key, source[key], (source.file, *source.marks[key][2:]))
        return draft
    draft = take(source, _STEP_KEYS[type_], _described(type_), found, elsewhere=_in_another_type)
    draft["type"] = type_
    draft.place = named_at or draft.place
    if "nested" in draft:
        _unnest(draft, type_, found)
    elif "nested" in draft.meant:
        draft.meant |= _SPEC_KEYS[type_]
    if draft.get("name") == "":
        draft["name"] = None
    if named_at is None or "name" in draft:
        require(draft, "name", tr("a step needs a name"), "name: Log in", found)
    return _finished(draft, type_, found)


def _described(type_: str) -> str:
    return tr("a step") if type_ == "request" else tr("a step of type {type}", type=type_)


def _in_another_type(key: str) -> str | None:
    for type_, (keys, _) in _TYPES.items():
        if key in keys:
            return tr("steps of type {type} have it", type=type_)
    return None


def _type_of(source: Map, found: Findings) -> str | None:
    if "type" not in source:
        return _evident_type(source, found)
    written = source["type"]
    place = (source.file, *source.marks["type"][2:])
    if not isinstance(written, str):
        found.wrong(place, f"type: {expected(tr('text'), written)}", example("type: request"))
        return None
    type_ = _TYPE_NAMES.get(written.lower())
    if type_ is not None:
        return type_
    if written.lower() in _LATER_TYPES:
        found.wrong(place, tr("steps of type '{name}' are not supported yet by this version", name=written))
    else:
        found.wrong(place, tr("unknown step type '{name}'", name=written), unknown(written, _TYPE_NAMES))
    return None


def _evident_type(source: Map, found: Findings) -> str:
    """`request`; or, if that cannot be meant, the type whose keys are there, and a problem."""
    if not {"url", "request"}.isdisjoint(source):
        return "request"
    for type_, (keys, _) in _TYPES.items():
        key = next((key for key in source if key in keys and key not in _STEP_KEYS["request"]), None)
        if key is not None:
            if not any(key not in _ANY_KEYS and nearest(key, _ANY_KEYS) == "type" for key in source):
                message = tr("'{key}' belongs to steps of type {type}", key=key, type=type_)
                found.wrong((source.file, *source.marks[key][:2]), message, tr("write 'type: {type}' too", type=type_))
            return type_
    return "request"


def _unnest(draft: Draft, type_: str, found: Findings) -> None:
    """Brings what stands under ``request:`` up to the step's own level."""
    source, place = draft.pop("nested"), draft.place_of("nested")
    source = as_map(source, place, type_, found, f"{type_}: {{…}}")
    if source is None:
        draft.meant |= _SPEC_KEYS[type_]
        return
    inner = take(source, _INNER_KEYS[type_], _described(type_), found, elsewhere=_in_another_type)
    for key, value in inner.items():
        if key in draft:
            shown = inner.key_of(key)
            message = tr("'{key}' stands in the step and under '{type}'", key=shown, type=type_)
            found.wrong(inner.place_of(key), message, tr("keep one of them"))
        else:
            draft.put(key, value, inner.place_of(key))
    draft.spelt = {**draft.spelt, **inner.spelt}
    draft.meant |= inner.meant


def _finished(draft: Draft, type_: str, found: Findings) -> Draft:
    spec = draft.part(_SPEC_KEYS[type_])
    spec["type"] = type_
    draft["spec"] = _TYPES[type_][1](spec, found)
    draft["where"] = Mark(*draft.place)
    if "condition" in draft:
        if "only_if" in draft:
            found.said_twice(draft.place_of("condition"), "condition", "only_if")
        draft.move("condition", "only_if")
    gather_retry(draft, found)
    for key, drafts in (("checks", check_drafts), ("extractors", extractor_drafts)):
        if key in draft:
            draft[key] = drafts(draft[key], draft.place_of(key), found) if draft[key] is not None else []
    for key in ("depends_on", "tags"):
        if key in draft:
            draft[key] = texts(draft[key], draft.place_of(key), key, found)
    return draft
