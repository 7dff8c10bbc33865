"""All accepted spellings of a case file brought to the one that the model has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sisyphus.case._checking import check_drafts, extractor_drafts
from sisyphus.case._mocking import mock_server_draft
from sisyphus.case._requesting import REQUEST, finish_request
from sisyphus.case._waiting import WAIT, finish_wait
from sisyphus.case.draft import (
    Draft,
    Findings,
    Place,
    as_map,
    each,
    ignored,
    part_of,
    pending,
    spellings,
    take,
    texts,
)
from sisyphus.errors import Mark, nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from sisyphus.case.yaml import Map

_ROOT: Final = (
    spellings("name", "description", "tags", "enabled", "config", "steps", teststeps="steps")
    | pending("setup", "teardown")
    | ignored("version", "author", "priority", "id", "created_at", "updated_at")
)

_CONFIG: Final = (
    spellings(
        "name", "description", "version", "author", "base_url", "timeout", "case_timeout", "retry_times", "retry_delay",
        "retry_policy", "variables", "profiles", "active_profile", "headers", "verify_ssl", "follow_redirects",
        "env_vars", "websocket", "output", "mock_server", "sensitive_fields", "masking_strategy", "compat", "seed",
        retries="retry_times", verify="verify_ssl", allow_redirects="follow_redirects",
    )
    | pending(
        "setup", "teardown", "proxy", "cert", "http2", "data_source", "data_iterations", "variable_prefix", "connections"
    )
    | ignored("priority", "tags", "log_level", "save_response", "parallel", "debug", "verbose", "report", "environment")
)  # fmt: skip

_COMMON: Final = (
    spellings(
        "type", "name", "id", "description", "tags", "enabled", "skip_if", "only_if", "condition", "depends_on",
        "timeout", "retry_times", "retry_delay", "retry_policy", "checks", "extractors", "variables", "on_failure",
        retries="retry_times", validations="checks", validate="checks", extract="extractors",
    )
    | pending(
        "setup", "teardown", "before_step", "after_step", "loop", "parallel", "data_provider", "mock"
    )
    | ignored("priority", "log_level", "save_response", "severity", "owner", "author", "comment", "notes")
)  # fmt: skip

# One line for each step type: how it may be called, the keys it has of its own, and what completes them.
_TYPES: Final[dict[str, tuple[dict[str, str], Callable[[Draft, Findings], Draft]]]] = {
    "request": (REQUEST, finish_request),
    "wait": (WAIT, finish_wait),
}
_TYPE_NAMES: Final = {"request": "request", "api": "request", "http": "request", "wait": "wait"}
_LATER_TYPES: Final = frozenset({"database", "loop", "concurrent", "script", "poll"})
_SPEC_KEYS: Final = {name: frozenset(keys.values()) for name, (keys, _) in _TYPES.items()}
_STEP_KEYS: Final = {name: {**keys, **_COMMON} for name, (keys, _) in _TYPES.items()}

_RETRY: Final = spellings(
    "max_attempts", "strategy", "base_delay", "max_delay", "backoff_multiplier", "jitter", "retry_on", "stop_on",
    type="strategy", delay="base_delay", multiplier="backoff_multiplier", retries="max_attempts",
    retry_times="max_attempts",
) | ignored("enabled")  # fmt: skip

_WEBSOCKET: Final = spellings("enabled", "host", "port", "send_progress", "send_logs", "send_variables")
_PROFILE_MEANING: Final = frozenset({"base_url", "variables", "timeout", "verify_ssl", "headers", "overrides"})


def case_draft(root: Map, found: Findings) -> Draft:
    """A whole case: `config` stays a draft of its own, `steps` is a list of drafts."""
    draft = take(root, _ROOT, tr("a case"), found)
    draft["where"] = Mark(*draft.place)
    if "name" not in draft:
        found.wrong(draft.place, tr("a case needs a name"), tr("write for example {example}", example="name: Log in"))
    if "tags" in draft:
        draft["tags"] = texts(draft["tags"], draft.marks["tags"], "tags", found)
    written = draft.pop("config", None)
    config = as_map(written, draft.marks["config"], "config", found) if written is not None else None
    draft["config"] = config_draft(config, found) if config is not None else Draft(draft.place)
    if "steps" in draft:
        place = draft.marks["steps"]
        draft["steps"] = each(draft["steps"], place, "steps", lambda item, at: step_draft(item, at, found), found)
    else:
        found.wrong(draft.place, tr("a case needs steps"), tr("write for example {example}", example="steps: [...]"))
    return draft


def config_draft(source: Map, found: Findings) -> Draft:
    """The settings of a case, a project file or the command line, in one spelling."""
    draft = take(source, _CONFIG, "config", found)
    draft["raw"] = source
    draft.pop("output", None)
    _retry(draft, found)
    for key in ("variables", "profiles", "headers", "env_vars", "websocket"):
        if draft.get(key) is None:
            draft.pop(key, None)
        elif as_map(draft[key], draft.marks[key], key, found) is None:
            del draft[key]
    if "websocket" in draft:
        draft["websocket"] = take(draft["websocket"], _WEBSOCKET, "websocket", found)
    if "mock_server" in draft:
        draft["mock_server"] = mock_server_draft(draft["mock_server"], draft.marks["mock_server"], found)
    return draft


def is_profile(value: Any) -> bool:
    """A mapping with any key that a profile gives a meaning is a profile; any other is a group of profiles."""
    return isinstance(value, dict) and not _PROFILE_MEANING.isdisjoint(value)


def step_draft(value: Any, place: Place, found: Findings) -> Draft | None:
    """One step, from either spelling."""
    source = as_map(value, place, tr("a step"), found)
    if source is None:
        return None
    name, name_place = None, place
    if len(source) == 1:
        key = next(iter(source))
        if isinstance(source[key], dict) and key not in _COMMON and key not in {"request", "api"}:
            line, column = source.marks[key][:2]
            name, name_place, source = key, (source.file, line, column), source[key]
    type_ = _type_of(source, found)
    if type_ is None:
        return None
    draft = take(_unnested(source, type_, found), _STEP_KEYS[type_], tr("a step"), found)
    draft["type"] = type_
    if name is not None:
        draft.put("name", name, name_place)
    elif draft.get("name") is None:
        found.wrong(draft.place, tr("a step needs a name"), tr("write for example {example}", example="name: Log in"))
    return _finish_step(draft, type_, found)


def _type_of(source: Map, found: Findings) -> str | None:
    if "type" not in source:
        return "request"
    written = source["type"]
    type_ = _TYPE_NAMES.get(written.lower()) if isinstance(written, str) else None
    if type_ is None:
        line, column = source.marks["type"][2:]
        place = (source.file, line, column)
        if written in _LATER_TYPES:
            found.wrong(place, tr("steps of type '{name}' are not supported yet by this version", name=written))
        else:
            near = nearest(str(written), _TYPE_NAMES)
            hint = tr("did you mean '{near}'?", near=near) if near else ", ".join(sorted(set(_TYPE_NAMES.values())))
            found.wrong(place, tr("unknown step type '{name}'", name=written), hint)
    return type_


def _unnested(source: Map, type_: str, found: Findings) -> Map:
    """The step with what stands under ``request:`` brought up to its own level."""
    if type_ not in source or type_ in _STEP_KEYS[type_]:
        return source
    line, column = source.marks[type_][2:]
    inner = as_map(source[type_], (source.file, line, column), type_, found)
    flat = part_of(source, [key for key in source if key != type_])
    for key, value in (inner or {}).items():
        if key in flat:
            at = inner.marks[key] if inner else source.marks[type_]
            found.wrong(
                (source.file, at[0], at[1]), tr("'{key}' stands in the step and under '{type}'", key=key, type=type_)
            )
        elif inner is not None:
            flat[key] = value
            flat.marks[key] = inner.marks[key]
    return flat


def _finish_step(draft: Draft, type_: str, found: Findings) -> Draft:
    spec = Draft(draft.place)
    for key in draft.keys() & _SPEC_KEYS[type_]:
        spec.put(key, draft.pop(key), draft.marks[key])
    draft["spec"] = _TYPES[type_][1](spec, found)
    draft["where"] = Mark(*draft.place)
    if "condition" in draft:
        if "only_if" in draft:
            found.wrong(draft.marks["condition"], tr("'condition' says again what 'only_if' says"))
        draft.move("condition", "only_if")
    _retry(draft, found)
    if "checks" in draft:
        place = draft.marks["checks"]
        draft["checks"] = check_drafts(draft["checks"], place, found) if draft["checks"] is not None else []
    if "extractors" in draft:
        place = draft.marks["extractors"]
        draft["extractors"] = (
            extractor_drafts(draft["extractors"], place, found) if draft["extractors"] is not None else []
        )
    for key in ("depends_on", "tags"):
        if key in draft:
            draft[key] = texts(draft[key], draft.marks[key], key, found) if draft[key] is not None else []
    if draft.get("variables", {}) is None:
        del draft["variables"]
    return draft


def _retry(draft: Draft, found: Findings) -> None:
    """The keys that say how often to try again become one `retry`; what they leave open has the format's defaults."""
    place = draft.marks.get("retry_policy", draft.marks.get("retry_times", draft.marks.get("retry_delay", draft.place)))
    times, delay = draft.pop("retry_times", None), draft.pop("retry_delay", None)
    source = draft.pop("retry_policy", None)
    if source is not None:
        source = as_map(source, place, "retry_policy", found)
    if times is None and delay is None and source is None:
        return
    retry = take(source, _RETRY, "retry_policy", found) if source is not None else Draft(place)
    for key in ("retry_on", "stop_on"):
        if key in retry:
            retry[key] = texts(retry[key], retry.marks[key], key, found)
    if source is None:
        retry.put("max_attempts", 0, place)
        retry.put("max_delay", 10.0, place)
    if times is not None:
        retry.put("max_attempts", times, draft.marks["retry_times"])
    if isinstance(delay, int | float) and "base_delay" not in retry:
        # Whoever writes one delay in milliseconds expects that one each time.
        at = draft.marks["retry_delay"]
        retry.put("base_delay", delay / 1000, at)
        retry.put("strategy", retry.get("strategy", "fixed"), at)
        retry.put("max_delay", max(delay / 1000, retry.get("max_delay", 60.0)), at)
    draft.put("retry", retry, place)
