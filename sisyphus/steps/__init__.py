"""The step types: one module each, behind one protocol, in one table."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from sisyphus.steps.protocol import StepType

# One line for each type: its module in this package, and what `type:` may say for it.
_TABLE: Final[dict[str, tuple[str, ...]]] = {
    "request": ("request", "api", "http"),
    "wait": ("wait",),
    "database": ("database", "db", "sql"),
    "loop": ("loop",),
    "concurrent": ("concurrent",),
    "load": (),
    "poll": ("poll",),
    "print": ("print", "log"),
    "function": ("function",),
    "script": ("script", "code", "python"),
}

TYPE_NAMES: Final[dict[str, str]] = {word: name for name, words in _TABLE.items() for word in words}
"""From each word that `type:` may say to the type."""


class _StepTypes(Mapping[str, "StepType"]):
    """The types by name; a module is imported when its type is first used, so that a run pays for what it uses."""

    def __init__(self) -> None:
        self._loaded: dict[str, StepType] = {}

    def __getitem__(self, name: str) -> StepType:
        found = self._loaded.get(name)
        if found is None:
            if name not in _TABLE:
                raise KeyError(name)
            found = self._loaded[name] = cast("StepType", importlib.import_module(f"{__name__}.{name}"))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(_TABLE)

    def __len__(self) -> int:
        return len(_TABLE)


STEP_TYPES: Final = _StepTypes()
