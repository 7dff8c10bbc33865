"""The spellings of a step, whatever its type."""

from __future__ import annotations

import functools
from typing import Any, Final

from sisyphus.case._checking import check_drafts
from sisyphus.case._extracting import extractor_drafts
from sisyphus.case._retrying import gather_retry
from sisyphus.case._shapes import as_map, each, example, expected, kind_of, require, texts, unknown
from sisyphus.case._wrapping import WRAPPERS, holds_steps, loop_keys, wrapped
from sisyphus.case.draft import Draft, Findings, Place, ignored, spellings, take
from sisyphus.case.yaml import Map
from sisyphus.errors import Mark, nearest
from sisyphus.steps import STEP_TYPES, TYPE_NAMES
from sisyphus.words import tr

_COMMON: Final = (
    spellings(
        "type", "name", "id", "description", "tags", "enabled", "skip_if", "only_if", "condition", "depends_on",
        "timeout", "retry_times", "retry_delay", "retry_policy", "variables", "on_failure", "setup", "teardown",
        validations="checks", extractors="extractors",
        retries="retry_times", validate="checks", extract="extractors", before_step="setup", after_step="teardown",
    )
    | spellings(*WRAPPERS)
    | ignored("priority", "log_level", "save_response", "severity", "owner", "author", "comment", "notes")
)  # fmt: skip

_HOOKS: Final = ("setup", "teardown")
_EXAMPLE: Final = "{name: Log in, url: /login}"


@functools.cache
def _spec_keys(type_: str) -> frozenset[str]:
    return frozenset(STEP_TYPES[type_].KEYS.values())


@functools.cache
def _inner_keys(type_: str) -> dict[str, str]:
    return {**_COMMON, **STEP_TYPES[type_].KEYS}


@functools.cache
def _step_keys(type_: str) -> dict[str, str]:
    """The keys of a step; what it does may stand under its type's name, what it sends under ``request: {url: …}``."""
    keys = _inner_keys(type_)
    name = "request" if _spec_keys("request") <= _spec_keys(type_) else type_
    return keys if name in STEP_TYPES[type_].KEYS else {**keys, name: "nested"}


@functools.cache
def _any_keys() -> frozenset[str]:
    return frozenset[str]().union(*(_step_keys(type_) for type_ in STEP_TYPES))


def _is_key(word: str) -> bool:
    # A name in the short spelling is hardly ever a word that could be a key; only then every type has to be asked.
    return word in _step_keys("request") or (word.isascii() and word.isidentifier() and word in _any_keys())


def steps_drafts(value: Any, place: Place, key: str, found: Findings) -> list[Draft]:
    """A list of steps, `key` being what the file calls it."""
    return each(value, place, key, lambda item, at: step_draft(item, at, found), found)


def hook_drafts(value: Any, place: Place, key: str, found: Findings) -> list[Draft]:
    """What is done before or after: one step or a list of steps, which need no names of their own."""
    if isinstance(value, Map):
        return [step_draft(value, place, found, called=key)] if value else []
    return each(value, place, key, lambda item, at: step_draft(item, at, found, called=key), found)


def step_draft(value: Any, place: Place, found: Findings, *, called: str | None = None) -> Draft:
    """One step, from either spelling; without a `spec` if what it does cannot be told.

    `called` is its name if it gives none.
    """
    source = as_map(value, place, tr("a step"), found, _EXAMPLE)
    if not source:
        if source is not None:
            found.wrong(place, tr("an empty step"), example(_EXAMPLE))
        return Draft(place)
    name = _name_before(source)
    if name is None:
        return _step(source, found, called=called)
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
    if first is None or _is_key(first):
        return None
    # Several keys, the first of which is a name with a mapping or nothing behind it: what follows was not indented.
    return first if len(source) == 1 or isinstance(source[first], Map | None) else None


def _step(source: Map, found: Findings, named_at: Place | None = None, *, called: str | None = None) -> Draft:
    type_ = _type_of(source, found)
    if type_ is None:
        draft = Draft((source.file, source.line, source.column))
        for key in ("name", "id"):
            if key in source:
                draft.put(key, source[key], (source.file, *source.marks[key][2:]))
        return draft
    draft = take(source, _step_keys(type_), _described(type_), found, elsewhere=_in_another_type)
    draft["type"] = type_
    draft.place = named_at or draft.place
    if "nested" in draft:
        _unnest(draft, type_, found)
    elif "nested" in draft.meant:
        draft.meant |= _spec_keys(type_)
    if draft.get("name") == "":
        draft["name"] = None
    if called is not None and draft.lacks("name"):
        draft.put("name", called, draft.place)
    if named_at is None or "name" in draft:
        require(draft, "name", tr("a step needs a name"), "name: Log in", found)
    return _finished(draft, type_, found)


def _described(type_: str) -> str:
    return tr("a step") if type_ == "request" else tr("a step of type {type}", type=type_)


def _in_another_type(key: str) -> str | None:
    for type_, known in STEP_TYPES.items():
        if key in known.KEYS:
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
    type_ = TYPE_NAMES.get(written.lower())
    if type_ is not None:
        return type_
    found.wrong(place, tr("unknown step type '{name}'", name=written), unknown(written, TYPE_NAMES))
    return None


def _evident_type(source: Map, found: Findings) -> str:
    """`request`; or, if that cannot be meant, the type whose keys are there, and a problem."""
    if not {"url", "request"}.isdisjoint(source):
        return "request"
    if holds_steps(source.get("loop")):
        return "loop"
    for type_, known in STEP_TYPES.items():
        key = next((key for key in source if key in known.KEYS and key not in _step_keys("request")), None)
        if key is not None:
            if not any(key not in _any_keys() and nearest(key, _any_keys()) == "type" for key in source):
                message = tr("'{key}' belongs to steps of type {type}", key=key, type=type_)
                found.wrong((source.file, *source.marks[key][:2]), message, tr("write 'type: {type}' too", type=type_))
            return type_
    return "request"


def _unnest(draft: Draft, type_: str, found: Findings) -> None:
    """Brings what stands under ``request:`` up to the step's own level."""
    name, place = draft.key_of("nested"), draft.place_of("nested")
    source = as_map(draft.pop("nested"), place, name, found, f"{name}: {{…}}")
    if source is None:
        draft.meant |= _spec_keys(type_)
        return
    keys = _inner_keys(type_) if type_ != "loop" else {**_inner_keys(type_), **loop_keys()}
    inner = take(source, keys, _described(type_), found, elsewhere=_in_another_type)
    for key, value in inner.items():
        if key in draft:
            shown = inner.key_of(key)
            message = tr("'{key}' stands in the step and under '{type}'", key=shown, type=name)
            found.wrong(inner.place_of(key), message, tr("keep one of them"))
        else:
            draft.put(key, value, inner.place_of(key))
    draft.spelt = {**draft.spelt, **inner.spelt}
    draft.meant |= inner.meant


def _finished(draft: Draft, type_: str, found: Findings) -> Draft:
    wrappers = draft.part(WRAPPERS)
    spec = draft.part(_spec_keys(type_))
    spec["type"] = type_
    for key in STEP_TYPES[type_].INNER:
        if key in spec:
            inner = steps_drafts(spec[key], spec.place_of(key), spec.key_of(key), found)
            if inner:
                spec[key] = inner
            elif spec[key]:  # no list, which was reported
                spec.discard(key)
            else:
                spec[key] = None
    draft["spec"] = STEP_TYPES[type_].finish(spec, found)
    draft["where"] = Mark(*draft.place)
    if "condition" in draft:
        if "only_if" in draft:
            found.said_twice(draft.place_of("condition"), "condition", "only_if")
        draft.move("condition", "only_if")
    for key in _HOOKS:
        if key in draft:
            draft[key] = hook_drafts(draft[key], draft.place_of(key), draft.key_of(key), found)
    gather_retry(draft, found)
    for key, drafts in (("checks", check_drafts), ("extractors", extractor_drafts)):
        if key in draft:
            draft[key] = drafts(draft[key], draft.place_of(key), found) if draft[key] is not None else []
    for key in ("depends_on", "tags"):
        if key in draft:
            draft[key] = texts(draft[key], draft.place_of(key), key, found)
    return wrapped(draft, wrappers, found) if wrappers else draft
