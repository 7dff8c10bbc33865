"""Names and what stands below them: one way to look up, whoever looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sisyphus.errors import TemplateError, UndefinedName, nearest
from sisyphus.words import tr

Step = str | int

# Returned untouched and most common: asked first, so that nothing else is.
_PLAIN: Final = frozenset({str, int, float, bool, type(None), dict, list})


class Missing:
    """What a look-up gives when there is nothing: a value for `default` and `is defined`, an error for all others."""

    __slots__ = ("known", "name", "prefix", "within")

    def __init__(self, name: str, known: Iterable[Any] = (), prefix: str = "", *, within: bool = True) -> None:
        self.name = name
        self.known = known  # the keys next to which the last part of the name was looked for
        self.prefix = prefix  # the part of the name that does exist
        self.within = within  # whether something does exist that was looked into

    def error(self) -> UndefinedName:
        if not self.prefix:
            return UndefinedName(self.name, (key for key in self.known if isinstance(key, str)), within=self.within)
        # Keys are compared alone: with a long path in front, any two look alike.
        last = self.name[len(self.prefix) :].strip(".[]'")
        near = nearest(last, (key for key in self.known if isinstance(key, str)))
        return UndefinedName(self.name, [path_text(self.prefix, (near,))] if near else (), within=self.within)


def look_up(names: Mapping[str, Any], name: str, steps: Sequence[Step] = ()) -> Any:
    """Follows `steps` down from a top-level name.

    Returns:
        The value, or `Missing` naming the path up to where it broke off.
    """
    try:
        value = names[name]
    except KeyError:
        return Missing(name, names, within=False)
    for position, step in enumerate(steps):
        found = child(value, step)
        if type(found) is Missing:
            return _located(found, value, path_text(name, steps[:position]))
        value = found
    return value


def child(value: Any, step: Any) -> Any:
    """One step down: a key of a map, an index of a list or text; nothing else is reachable.

    Keys come first and attributes not at all: `x.items` is the key `items`, never the method.
    """
    if isinstance(value, Mapping):
        return _key(value, step)
    if isinstance(step, int) and not isinstance(step, bool) and isinstance(value, (list, tuple, str)):
        try:
            return value[step]
        except IndexError:
            return Missing(path_text("", (step,)))
    return Missing(path_text("", (step,)))


def _key(value: Mapping[Any, Any], step: Any) -> Any:
    try:
        return value[step]
    except (KeyError, TypeError):  # TypeError: a key that cannot be one, as in x[[1]]
        pass
    if type(step) is int:
        try:
            return value[str(step)]
        except KeyError:
            pass
    return Missing(path_text("", (step,)))


def _located(found: Missing, parent: Any, prefix: str) -> Missing:
    return Missing(prefix + found.name, parent if isinstance(parent, Mapping) else (), prefix)


def path_text(name: str, steps: Sequence[Any]) -> str:
    """The path as a template would write it: ``user.roles[0]['a-b']``."""
    parts = [name]
    for step in steps:
        if isinstance(step, str) and step.isidentifier():
            parts.append(f".{step}")
        else:
            parts.append(f"[{step!r}]")
    return "".join(parts)


def finish(value: Any, text: str) -> Any:
    """What may leave a template: plain data. A function that was not called, or nothing at all, is an error."""
    if type(value) in _PLAIN:
        return value
    if type(value) is Missing:
        raise value.error()
    if isinstance(value, str):  # markup and other guises of text
        return str(value)
    if isinstance(value, date):
        return str(value)
    if isinstance(value, Mapping) and (isinstance(value, dict) or not callable(value)):
        return value
    if isinstance(value, Callable):  # type: ignore[arg-type]  # mypy: only concrete classes
        raise TemplateError(tr("'{text}' is a function: write {text}() to call it", text=text))
    return value
