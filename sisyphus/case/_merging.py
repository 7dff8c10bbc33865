"""Layers of settings made into one, the later ones winning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sisyphus.case._retrying import layered
from sisyphus.case.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Mapping


def merge_drafts(first: Draft, *others: Draft) -> Draft:
    """Merges drafts to a new one; inner mappings key by key, anything else whole."""
    result = Draft(others[-1].place if others else first.place)
    for layer in (first, *others):
        for key, value in layer.items():
            old = result.get(key)
            both = isinstance(old, Draft) and isinstance(value, Draft)
            combine = layered if key == "retry" else merge_drafts
            new = combine(old, value) if both else _merged_value(old, value)  # type: ignore[arg-type]  # both are drafts
            if key == "headers":
                new = without_rivals(old, value) | value if isinstance(old, dict) and isinstance(value, dict) else value
            result.put(key, new, layer.place_of(key))
        result.spelt = {**result.spelt, **layer.spelt}
        result.meant |= layer.meant
    return result


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Plain mappings merged to any depth."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            result[key] = _merged_value(result.get(key), value)
    return result


def without_rivals(headers: Mapping[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    """Those headers that `stronger` does not have, in whatever case their names are written."""
    names = {name.lower() for name in stronger}
    return {name: value for name, value in headers.items() if name.lower() not in names}


def _merged_value(old: Any, new: Any) -> Any:
    return merged(old, new) if isinstance(old, dict) and isinstance(new, dict) else new
