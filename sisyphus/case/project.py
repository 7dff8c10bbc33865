"""Project file, case, profile and command line merged into one configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from sisyphus.case._configuring import config_draft, is_profile
from sisyphus.case._merging import merge_drafts, merged
from sisyphus.case._overriding import split_overrides
from sisyphus.case._shapes import expected
from sisyphus.case.draft import Draft, Findings
from sisyphus.case.yaml import Map, read_file
from sisyphus.comparable import Comparable
from sisyphus.errors import nearest
from sisyphus.values.template import literal
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT_FILE: Final = Path(".sisyphus") / "config.yaml"
FUNCTIONS_FILE: Final = Path(".sisyphus") / "functions.py"


@frozen(kw_only=True, eq=False, repr=False)
class Choices(Comparable):
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


@frozen(kw_only=True, eq=False, repr=False)
class Configuration(Comparable):
    """What all that has a say makes of the settings.

    Attributes:
        draft: the model's `Config`, still to be structured; `profiles` and `tags` are left in it.
        command_line: those settings that come from there, which win over a step's own too.
        above: the variables that win over the row of a case.
    """

    draft: Draft
    command_line: Draft
    above: Mapping[str, Any] = field(factory=dict)


def project_root(case_file: Path) -> Path:
    """The nearest folder upward from the case file that has a `.sisyphus` folder, else the case file's own."""
    folder = Path(os.path.realpath(case_file)).parent
    for candidate in (folder, *folder.parents):
        if os.path.isdir(candidate / PROJECT_FILE.parent):  # noqa: PTH112 - never raises, whatever may not be looked at
            return candidate
    return folder


def project_draft(root: Path, found: Findings) -> Draft | None:
    """The project file's settings, or None if there are none."""
    path = root / PROJECT_FILE
    if not path.is_file() or _is_blank(path):
        return None
    source = read_file(path, root=root, shown=shown_path(path))
    inner = source.get("config") if source.keys() == {"config"} else None
    return config_draft(inner if isinstance(inner, Map) else source, found)


def _is_blank(path: Path) -> bool:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # which the reader says in its own words
        return False
    return not any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def shown_path(path: Path) -> str:
    """A file of the project as messages call it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def configure(project: Draft | None, case: Draft, choices: Choices, found: Findings) -> Configuration:
    """One configuration out of all that has a say.

    Precedence of settings: `choices` over profile over case over project file. Precedence of variables, lowest first:
    `config.variables`, profile, environment, overrides of the profile, `choices`.
    """
    files = merge_drafts(project, case) if project is not None else merge_drafts(case)
    name, profile = _chosen_profile(files, choices, found)
    above = merged(
        _mapping(profile, "variables"),
        _environment(files.get("env_vars"), choices),
        _mapping(profile, "overrides"),
    )
    variables = merged(files.get("variables", {}), above)
    overriding, settings = split_overrides(choices.overrides, variables)
    command_line = config_draft(settings, found)
    chosen = _of_profile(profile)
    draft = merge_drafts(files, chosen, command_line)
    draft.place = case.place
    given = merged(command_line.get("variables", {}), overriding)
    draft["variables"] = merged(variables, given)
    draft["raw"] = merged(*(layer.get("raw", {}) for layer in (project, case) if layer is not None), chosen, settings)
    draft["profile"], draft["profile_values"] = name, profile
    return Configuration(draft=draft, command_line=command_line, above=merged(above, given))


def _mapping(profile: Draft, key: str) -> Mapping[str, Any]:
    value = profile.get(key)
    return value if isinstance(value, dict) else {}


def _of_profile(profile: Draft) -> Draft:
    """Those settings that the profile changes."""
    chosen = Draft(profile.place)
    for key in ("base_url", "timeout", "verify_ssl", "proxy", "cert", "http2", "headers"):
        if key in profile:
            chosen.put(key, profile[key], profile.place_of(key))
    return chosen


def _chosen_profile(files: Draft, choices: Choices, found: Findings) -> tuple[str | None, Draft]:
    profiles = files.get("profiles", Draft(files.place))
    nothing = Draft(files.place)
    for name, said, place in (
        (choices.profile, "--profile", files.place_of("profiles")),
        (choices.overrides.get("active_profile"), "--override active_profile", files.place_of("profiles")),
        (choices.environ.get("SISYPHUS_PROFILE"), "SISYPHUS_PROFILE", files.place_of("profiles")),
        (files.get("active_profile"), "active_profile", files.place_of("active_profile")),
    ):
        if name is None or name == "":
            continue
        if isinstance(name, dict | list | bool):
            found.wrong(place, f"{said}: {expected(tr('text'), name)}", _known_profiles(profiles))
            return None, nothing
        profile = _profile(profiles, str(name))
        if profile is not None:
            return str(name), profile
        if not profiles.meant and "profiles" not in files.meant:
            near = nearest(str(name), _profile_names(profiles))
            hint = tr("did you mean '{near}'? ", near=near) if near else ""
            message = tr("unknown profile '{name}'", name=name)
            found.wrong(place, f"{said}: {message}", hint + _known_profiles(profiles))
        return None, nothing
    return None, nothing


def _profile(profiles: Draft, name: str) -> Draft | None:
    here: Any = profiles.get(name)
    if here is None:
        here = profiles
        for part in name.split("."):  # group by group down to the profile
            here = here.get(part) if isinstance(here, Draft) and not is_profile(here) else None
    return here if isinstance(here, Draft) and _is_leaf(here) else None


def _is_leaf(value: Draft) -> bool:
    return is_profile(value) or not any(isinstance(inner, Draft) for inner in value.values())


def _known_profiles(profiles: Draft) -> str:
    known = list(_profile_names(profiles))
    return tr("known profiles: {names}", names=", ".join(known)) if known else tr("the case has no profiles")


def _profile_names(group: Draft, prefix: str = "") -> Iterator[str]:
    for name, value in group.items():
        if isinstance(value, Draft):
            yield from [prefix + name] if _is_leaf(value) else _profile_names(value, f"{prefix}{name}.")


def _environment(env_vars: Draft | None, choices: Choices) -> dict[str, Any]:
    result: dict[str, Any] = {}
    prefix, overrides = None, None
    if env_vars is not None:
        prefix = env_vars.get("prefix") if env_vars.get("load_from_os", True) else None
        overrides = env_vars.get("overrides")
    for start in (prefix, choices.env_prefix):
        if isinstance(start, str) and start:
            for name, value in choices.environ.items():
                if name.startswith(start) and name != start:
                    result[name[len(start) :].lower()] = literal(value)  # a password may look like a template
    return result | (overrides if isinstance(overrides, dict) else {})
