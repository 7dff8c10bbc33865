"""A part of a case file under one set of names, with the place of each value and what was found wrong on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sisyphus.errors import Mark, Problem, nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sisyphus.case.yaml import Map, Seq

Place = tuple[str, int, int]


class Draft(dict[str, Any]):
    """A mapping whose keys are the model's; `marks` has the place of each value, `place` its own."""

    __slots__ = ("marks", "place")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.marks: dict[str, Place] = {}

    def put(self, key: str, value: Any, place: Place) -> None:
        self[key] = value
        self.marks[key] = place

    def move(self, key: str, to: str) -> None:
        """Gives the value of `key`, if there is one, the name `to`."""
        if key in self:
            self.put(to, self.pop(key), self.marks.pop(key))


class Findings:
    """Collects what is wrong and what is only worth a warning."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def wrong(self, place: Place, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(Mark(*place), message, hint))

    def warn(self, place: Place, message: str) -> None:
        self.warnings.append(f"{Mark(*place)}: {message}")


class Fate:
    """What becomes of a key that the model does not have."""

    IGNORED: Final = "\0ignored"  # earlier engines took it and did nothing
    PENDING: Final = "\0pending"  # the case format has it, this version does not yet


def spellings(*names: str, **aliases: str) -> dict[str, str]:
    """A table from each accepted key to the model's name: `names` stand for themselves."""
    return {name: name for name in names} | aliases


def ignored(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, Fate.IGNORED)


def pending(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, Fate.PENDING)


def take(source: Map, table: Mapping[str, str], what: str, found: Findings) -> Draft:
    """Renames the keys of `source` as `table` says; unknown keys, and two spellings of one, are problems.

    Args:
        source: a mapping as it was read.
        table: from each accepted key to the model's name or to a `Fate`.
        what: what the mapping is, for messages: "a step".
        found: where problems and warnings go.
    """
    file = source.file
    draft = Draft((file, source.line, source.column))
    marks = source.marks
    for key, value in source.items():
        name = table.get(key)
        at = marks[key]
        if name is None:
            _unknown(key, (file, at[0], at[1]), table, what, found)
        elif name[0] == "\0":
            _fated(key, name, (file, at[0], at[1]), found)
        elif name in draft:
            found.wrong(
                (file, at[0], at[1]),
                tr("'{key}' says again what another spelling of '{name}' says above", key=key, name=name),
                tr("keep one of them"),
            )
        else:
            draft[name] = value
            draft.marks[name] = (file, at[2], at[3])
    return draft


def _unknown(key: str, place: Place, table: Mapping[str, str], what: str, found: Findings) -> None:
    near = nearest(key, table)
    hint = (
        tr("did you mean '{near}'?", near=near)
        if near
        else tr("known keys: {keys}", keys=", ".join(sorted(k for k, v in table.items() if v == k)))
    )
    found.wrong(place, tr("unknown key '{key}' in {what}", key=key, what=what), hint)


def _fated(key: str, fate: str, place: Place, found: Findings) -> None:
    if fate == Fate.IGNORED:
        found.warn(place, tr("'{key}' has no effect", key=key))
    else:
        found.wrong(place, tr("'{key}' is not supported yet by this version", key=key), tr("remove it"))


def part_of(source: Map, keys: Iterable[str]) -> Map:
    """Some of a mapping's keys, standing where the mapping stands."""
    part = type(source)(source.file, source.line, source.column)
    part.marks = dict(source.marks)
    for key in keys:
        part[key] = source[key]
    return part


def kind_of(value: Any) -> str:
    """The user's word for the type of a value."""
    match value:
        case None:
            return tr("null")
        case bool():
            return tr("a boolean")
        case int() | float():
            return tr("a number")
        case str():
            return tr("text")
        case dict():
            return tr("a mapping")
        case list():
            return tr("a list")
        case _:
            return type(value).__name__


def as_map(value: Any, place: Place, what: str, found: Findings) -> Map | None:
    """The value if it is a mapping; else a problem is noted and None returned."""
    if isinstance(value, dict):
        return value  # type: ignore[return-value]  # the reader makes nothing but Map
    found.wrong(place, tr("{what} must be a mapping, got {kind}", what=what, kind=kind_of(value)))
    return None


def as_seq(value: Any, place: Place, what: str, found: Findings) -> Seq | None:
    """The value if it is a list; else a problem is noted and None returned."""
    if isinstance(value, list):
        return value  # type: ignore[return-value]  # the reader makes nothing but Seq
    found.wrong(place, tr("{what} must be a list, got {kind}", what=what, kind=kind_of(value)))
    return None


def each(
    value: Any, place: Place, what: str, item: Callable[[Any, Place], Draft | None], found: Findings
) -> list[Draft]:
    """`item` of every element of a list, without those that came to nothing."""
    seq = as_seq(value, place, what, found)
    if seq is None:
        return []
    drafts = (item(element, (seq.file, *seq.marks[i])) for i, element in enumerate(seq))
    return [draft for draft in drafts if draft is not None]


def texts(value: Any, place: Place, what: str, found: Findings) -> list[str]:
    """One text or a list of texts, as a list."""
    items: Iterable[Any] = value if isinstance(value, list) else [value]
    if all(isinstance(item, str | int | float) and not isinstance(item, bool) for item in items):
        return [str(item) for item in items]
    found.wrong(place, tr("{what} must be text or a list of texts", what=what))
    return []
