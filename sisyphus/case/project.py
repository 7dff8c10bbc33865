"""Project file, case, profile and command line merged into one configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from sisyphus.case.dialect import config_draft, is_profile
from sisyphus.case.draft import Draft, Findings, Place
from sisyphus.case.yaml import Map, read_file
from sisyphus.errors import UsageError, nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT_FILE: Final = Path(".sisyphus") / "config.yaml"

_COMMAND_LINE: Final[Place] = ("--override", 1, 1)


@frozen(kw_only=True)
class Choices:
    """What the command line or the caller says over the files.

    Attributes:
        profile: name of the profile; None leaves it to `SISYPHUS_PROFILE` and the files.
        overrides: variables or keys of config, dotted for inner ones, with typed values.
        env_prefix: OS variables that begin so become variables, prefix cut, lower-cased.
        environ: the process's environment.
    """

    profile: str | None = None
    overrides: Mapping[str, Any] = field(factory=dict)
    env_prefix: str | None = None
    environ: Mapping[str, str] = field(factory=lambda: os.environ)


def project_root(case_file: Path) -> Path:
    """The nearest folder upward from the case file that has a `.sisyphus` folder, else the case file's own."""
    folder = case_file.resolve().parent
    for candidate in (folder, *folder.parents):
        if (candidate / PROJECT_FILE.parent).is_dir():
            return candidate
    return folder


def project_draft(root: Path, found: Findings) -> Draft | None:
    """The project file's settings, or None if there is none."""
    path = root / PROJECT_FILE
    if not path.is_file():
        return None
    source = read_file(path, root=root, shown=_shown(path))
    inner = source.get("config") if source.keys() == {"config"} else None
    return config_draft(inner if isinstance(inner, Map) else source, found)


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def configure(project: Draft | None, case: Draft, choices: Choices, found: Findings) -> Draft:
    """One draft of the model's `Config` out of all that has a say.

    Precedence of settings: `choices` over profile over case over project file. Precedence of variables, lowest first:
    `config.variables`, profile, environment, overrides.
    """
    draft = merge_drafts(project, case) if project is not None else merge_drafts(case)
    raw = draft["raw"] = merged(*(layer["raw"] for layer in (project, case) if layer is not None and "raw" in layer))
    profiles = draft.pop("profiles", {})
    place = draft.marks.get("active_profile", draft.place)
    wanted = draft.pop("active_profile", None)
    name = choices.profile or choices.environ.get("SISYPHUS_PROFILE") or wanted
    profile = _profile(profiles, name, place, found) if name else {}
    if name and profile is not None:
        draft["profile"] = str(name)
        draft["profile_values"] = profile
        _apply_profile(draft, profile)
    variables = merged(
        draft.get("variables", {}),
        _environment(draft.get("env_vars", {}), choices),
        (profile or {}).get("overrides") or {},
    )
    _apply_overrides(draft, raw, variables, choices.overrides)
    draft["variables"] = variables
    return draft


def merge_drafts(*layers: Draft) -> Draft:
    """Merges drafts, later ones winning; inner mappings key by key, anything else whole."""
    result = Draft(layers[-1].place)
    for layer in layers:
        for key, value in layer.items():
            result.put(key, _merged_value(key, result.get(key), value), layer.marks.get(key, layer.place))
    return result


def _merged_value(key: str, old: Any, new: Any) -> Any:
    if isinstance(old, Draft) and isinstance(new, Draft):
        return new if key == "mock_server" else merge_drafts(old, new)
    both_plain = isinstance(old, dict) and isinstance(new, dict) and not isinstance(new, Draft)
    return merged(old, new) if both_plain else new


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Plain mappings merged to any depth, later ones winning."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            old = result.get(key)
            result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def _profile(profiles: Mapping[str, Any], name: Any, place: Place, found: Findings) -> dict[str, Any] | None:
    here: Any = profiles  # group by group down to the profile
    if name in profiles:
        here = profiles[name]
    else:
        for part in str(name).split("."):
            here = here.get(part) if isinstance(here, dict) and not is_profile(here) else None
    if isinstance(here, dict) and (is_profile(here) or not any(isinstance(value, dict) for value in here.values())):
        return here
    known = list(_profile_names(profiles))
    near = nearest(str(name), known)
    hint = tr("did you mean '{near}'? ", near=near) if near else ""
    hint += tr("known profiles: {names}", names=", ".join(known)) if known else tr("the case has no profiles")
    if place == _COMMAND_LINE:
        raise UsageError(tr("unknown profile '{name}'", name=name) + f" ({hint})")
    found.wrong(place, tr("unknown profile '{name}'", name=name), hint)
    return None


def _profile_names(group: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in group.items():
        if is_profile(value) or not isinstance(value, dict):
            yield prefix + name
        else:
            yield from _profile_names(value, f"{prefix}{name}.")


def _apply_profile(draft: Draft, profile: Mapping[str, Any]) -> None:
    marks = getattr(profile, "marks", {})
    for key in ("base_url", "timeout", "verify_ssl"):
        if key in profile:
            place = (profile.file, *marks[key][2:]) if key in marks else draft.place  # type: ignore[attr-defined]
            draft.put(key, profile[key], place)
    for key in ("headers", "variables"):
        if isinstance(profile.get(key), dict):
            draft[key] = merged(draft.get(key, {}), profile[key])


def _environment(env_vars: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    result: dict[str, Any] = {}
    prefixes = [choices.env_prefix] if choices.env_prefix else []
    if env_vars.get("prefix") and env_vars.get("load_from_os", True):
        prefixes.insert(0, str(env_vars["prefix"]))
    for prefix in prefixes:
        for name, value in choices.environ.items():
            if name.startswith(prefix) and len(name) > len(prefix):
                result[name[len(prefix) :].lower()] = value
    overrides = env_vars.get("overrides")
    return result | (overrides if isinstance(overrides, dict) else {})


def _apply_overrides(
    draft: Draft, raw: dict[str, Any], variables: dict[str, Any], overrides: Mapping[str, Any]
) -> None:
    """`k=v` sets the variable k; if only config has a key of that name, it sets that."""
    for key, value in overrides.items():
        head, _, rest = key.removeprefix("config.").partition(".")
        if key.startswith("variables."):
            _set(variables, key.removeprefix("variables.").split("."), value)
        elif (key.startswith("config.") or head not in variables) and head in _OVERRIDABLE:
            _override_config(draft, head, rest, value)
            _set(raw, [head, *rest.split(".")] if rest else [head], value)
        else:
            _set(variables, key.split("."), value)


_OVERRIDABLE: Final = frozenset(
    {"base_url", "timeout", "case_timeout", "verify_ssl", "follow_redirects", "headers", "websocket", "seed",
     "masking_strategy", "compat", "retry_times"}
)  # fmt: skip


def _override_config(draft: Draft, head: str, rest: str, value: Any) -> None:
    if head == "retry_times":
        retry = Draft(_COMMAND_LINE)
        retry.put("max_attempts", value, _COMMAND_LINE)
        retry.put("max_delay", 10.0, _COMMAND_LINE)
        draft.put("retry", retry, _COMMAND_LINE)
    elif rest:
        inner = draft.setdefault(head, Draft(_COMMAND_LINE))
        if isinstance(inner, Draft):
            inner.put(rest, value, _COMMAND_LINE)
        else:
            draft.put(head, merged(inner, {rest: value}), _COMMAND_LINE)
    else:
        draft.put(head, value, _COMMAND_LINE)


def _set(target: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = target.get(part)
        target[part] = target = dict(inner) if isinstance(inner, dict) else {}
    target[path[-1]] = value
