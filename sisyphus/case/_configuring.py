"""The spellings of settings: in a case, in the project file, on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from sisyphus.case._mocking import mock_server_draft
from sisyphus.case._reaching import REACHING, finish_reaching
from sisyphus.case._retrying import gather_retry
from sisyphus.case._shapes import as_map, example, kind_of, texts
from sisyphus.case._stepping import hook_drafts
from sisyphus.case._tokens import check_headers
from sisyphus.case.draft import Draft, ignored, spellings, take
from sisyphus.case.model import ClientCert, Flag, Number
from sisyphus.case.yaml import Map
from sisyphus.comparable import Comparable
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Findings, Place

CONFIG: Final = (
    spellings(
        "name", "description", "version", "author", "base_url", "timeout", "case_timeout", "retry_times", "retry_delay",
        "retry_policy", "variables", "profiles", "active_profile", "headers", "verify_ssl", "follow_redirects",
        "env_vars", "websocket", "mock_server", "connections", "data_source",
        "data_iterations", "variable_prefix", "compat", "seed", "faker_locale", "tags", "sensitive_fields",
        "masking_strategy", "setup", "teardown", "output",
        retries="retry_times", verify="verify_ssl", allow_redirects="follow_redirects",
    )
    | REACHING
    | ignored("priority", "log_level", "save_response", "parallel", "debug", "verbose", "report", "environment")
)  # fmt: skip

_WEBSOCKET: Final = spellings("enabled", "host", "port", "send_progress", "send_logs", "send_variables")
_ENV_VARS: Final = spellings("prefix", "load_from_os", "overrides")
_PROFILE_WAYS: Final = frozenset(REACHING.values())
_PROFILE_MEANING: Final = frozenset({"base_url", "variables", "timeout", "verify_ssl", "headers", "overrides"})


@frozen(kw_only=True, eq=False, repr=False)
class Profile(Comparable):
    """Settings of one environment; what else a profile says is only for templates to read."""

    base_url: str | None = None
    variables: Mapping[str, Any] = field(factory=dict)
    timeout: Number | None = None
    verify_ssl: Flag | None = None
    proxy: str | None = None
    cert: ClientCert | None = None
    http2: Flag | None = None
    headers: Mapping[str, Any] = field(factory=dict)
    overrides: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True, eq=False, repr=False)
class EnvVars(Comparable):
    """Which variables of the environment become variables of the case: those with the prefix, without it."""

    prefix: str | None = None
    load_from_os: bool = True
    overrides: Mapping[str, Any] = field(factory=dict)


def config_draft(source: Map, found: Findings) -> Draft:
    """The settings of one layer, in one spelling; `raw` is what was written."""
    draft = take(source, CONFIG, "config", found)
    draft["raw"] = source
    gather_retry(draft, found)
    for key in (
        "variables",
        "profiles",
        "headers",
        "env_vars",
        "websocket",
        "mock_server",
        "output",
        "connections",
        "active_profile",
    ):
        if draft.get(key, True) is None:
            del draft[key]
    for key, form in _MAPPINGS.items():
        if key in draft and as_map(draft[key], draft.place_of(key), key, found, form) is None:
            draft.discard(key)
    check_headers(draft.get("headers"), found)
    finish_reaching(draft, found)
    for key, table in (("websocket", _WEBSOCKET), ("env_vars", _ENV_VARS)):
        if key in draft:
            draft[key] = take(draft[key], table, key, found)
    if "output" in draft:
        from sisyphus.case._reporting import output_draft, take_mask

        draft["output"] = output_draft(draft["output"], found)
        take_mask(draft["output"], draft, found)
    if "profiles" in draft:
        draft["profiles"] = _profiles(draft["profiles"], found)
    if "tags" in draft:
        draft["tags"] = texts(draft["tags"], draft.place_of("tags"), "tags", found)
    if "sensitive_fields" in draft:
        draft["sensitive_fields"] = texts(
            draft["sensitive_fields"], draft.place_of("sensitive_fields"), "sensitive_fields", found
        )
    for key in ("setup", "teardown"):
        if key in draft:
            draft[key] = hook_drafts(draft[key], draft.place_of(key), key, found)
    if "connections" in draft:
        from sisyphus.case._databasing import check_connections

        check_connections(draft["connections"], found)
    if "mock_server" in draft:
        draft["mock_server"] = mock_server_draft(draft["mock_server"], draft.place_of("mock_server"), found)
    return draft


_MAPPINGS: Final = {
    "variables": "variables: {user: alice}",
    "profiles": "profiles: {dev: {base_url: http://localhost}}",
    "headers": "headers: {Accept: application/json}",
    "env_vars": "env_vars: {prefix: APP_}",
    "output": "output: {path: result.json}",
    "websocket": "websocket: {enabled: true}",
    "connections": "connections: {shop: {type: sqlite, path: shop.db}}",
}


def is_profile(value: Any) -> bool:
    """A mapping with any key that a profile gives a meaning is a profile; any other is a group of profiles."""
    if not isinstance(value, dict):
        return False
    # A group may well have profiles of the names http1 and http2.
    told = any(key in value and not isinstance(value[key], dict) for key in _PROFILE_WAYS)
    return told or not _PROFILE_MEANING.isdisjoint(value)


def _profiles(source: Map, found: Findings) -> Draft:
    draft = Draft((source.file, source.line, source.column))
    for name, value in source.items():
        place: Place = (source.file, *source.marks[name][2:])
        if value is None:
            draft.put(name, Draft(place), place)
        elif isinstance(value, Map):
            draft.put(name, _profile_or_group(value, found), place)
        else:
            message = tr("the profile '{name}' must be a mapping, got {kind}", name=name, kind=kind_of(value))
            found.wrong(place, message, example(f"{name}: {{base_url: http://localhost}}"))
            draft.meant |= {name}
    return draft


def _profile_or_group(source: Map, found: Findings) -> Draft:
    """The keys of a profile as they are, of a group those that are mappings as profiles or groups of their own."""
    draft = Draft((source.file, source.line, source.column))
    profile = is_profile(source)
    for key, value in source.items():
        inner = _profile_or_group(value, found) if isinstance(value, Map) and not profile else value
        draft.put(key, inner, (source.file, *source.marks[key][2:]))
    if profile:
        check_headers(draft.get("headers"), found)
        finish_reaching(draft, found)
    return draft
