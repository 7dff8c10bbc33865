"""What the command line overrides, as a layer of settings and one of variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sisyphus.case._merging import without_rivals
from sisyphus.case.yaml import Map, Seq
from sisyphus.steps import STEP_TYPES

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from sisyphus.case.draft import Draft

COMMAND_LINE: Final = "--override"
"""Stands for a file in the places of what was given there."""

# Keys of config that need no `config.` before them, unless the case has a variable of that name.
_SETTINGS: Final = frozenset(
    {"base_url", "timeout", "case_timeout", "verify_ssl", "follow_redirects", "proxy", "cert", "http2",
     "headers", "websocket", "seed", "compat",
     "retry_times", "retry_delay", "retry_policy", "mock_server", "active_profile"}
)  # fmt: skip


def split_overrides(overrides: Mapping[str, Any], variables: Container[str]) -> tuple[dict[str, Any], Map]:
    """Divides ``key=value`` pairs: `k` sets the variable k, or the key of config if only that has the name.

    Args:
        overrides: values by key; dots lead inwards, `config.` and `variables.` leave no doubt.
        variables: the names of the variables that the files define.

    Returns:
        Variables, nested as the dots say, and settings as if they had been read from a file.
    """
    own: dict[str, Any] = {}
    settings = Map(COMMAND_LINE, 1, 1)
    for key, value in overrides.items():
        head, _, rest = key.partition(".")
        if head == "config" and rest and head not in variables:
            _set(settings, rest.split("."), _placed(value))
        elif head == "variables" and rest and head not in variables:
            _set(own, rest.split("."), value)
        elif head in _SETTINGS and head not in variables:
            _set(settings, key.split("."), _placed(value))
        else:
            _set(own, key.split("."), value)
    return own, settings


def _set(target: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = target.get(part)
        if not isinstance(inner, dict):
            inner = Map(COMMAND_LINE, 1, 1) if isinstance(target, Map) else {}
            _put(target, part, inner)
        target = inner
    _put(target, path[-1], value)


def _put(target: dict[str, Any], key: str, value: Any) -> None:
    target[key] = value
    if isinstance(target, Map):
        target.marks[key] = (1, 1, 1, 1)


def _placed(value: Any) -> Any:
    """The value as the reader would have made it; programs may give any mapping or list."""
    if isinstance(value, dict):
        whole = Map(COMMAND_LINE, 1, 1)
        for key, inner in value.items():
            _put(whole, str(key), _placed(inner))
        return whole
    if isinstance(value, list | tuple):
        items = Seq(COMMAND_LINE, 1, 1)
        for inner in value:
            items.append(_placed(inner))
            items.marks.append((1, 1))
        return items
    return value


def command_line_wins(step: Draft, settings: Draft) -> None:
    """Takes from a step what the command line says otherwise, so that the case's settings hold."""
    spec = step.get("spec")
    if spec is None:
        return
    # A wait has a timeout of its own, which is no setting of the case.
    if "timeout" in settings and STEP_TYPES[step["type"]].DEFAULT_LIMIT:
        step.pop("timeout", None)
    if step["type"] == "poll":
        spec = spec["request"]
    elif step["type"] != "request":
        return
    for key in ("verify_ssl", "follow_redirects", "proxy", "cert", "http2"):
        if key in settings:
            spec.pop(key, None)
    written, imposed = spec.get("headers"), settings.get("headers")
    if isinstance(written, dict) and isinstance(imposed, dict):
        spec["headers"] = without_rivals(written, imposed)
