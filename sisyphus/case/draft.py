"""A part of a case file under the model's names, with the place of each value and what was found wrong on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sisyphus.errors import Mark, Problem, nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from sisyphus.case.yaml import Map

Place = tuple[str, int, int]

ANYTHING: Final = "\0anything"
"""In `Draft.meant`: there is an unknown key, which may stand for whatever is missing."""


class Draft(dict[str, Any]):
    """A mapping whose keys are the model's.

    Attributes:
        place: where it begins.
        marks: the place of each value.
        spelt: how the file spells a key, where that is not the model's name.
        meant: names that are not there because what stands for them is wrong, and was reported.
    """

    __slots__ = ("marks", "meant", "place", "spelt")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.marks: dict[str, Place] = {}
        self.spelt: dict[str, str] = {}
        self.meant: set[str] = set()

    def put(self, key: str, value: Any, place: Place) -> None:
        self[key] = value
        self.marks[key] = place

    def move(self, key: str, to: str) -> None:
        """Gives the value of `key`, if there is one, the name `to`."""
        if key in self:
            self.put(to, self.pop(key), self.marks.pop(key))
            self.spelt[to] = self.spelt.pop(key, key)

    def discard(self, key: str) -> None:
        """Leaves out a value that is wrong and was reported."""
        self.pop(key, None)
        self.meant.add(key)

    def lacks(self, key: str) -> bool:
        """Whether the file says nothing for `key`, not even something wrong."""
        return key not in self and self.meant.isdisjoint({key, ANYTHING})

    def place_of(self, key: str) -> Place:
        """Where the value of `key` stands; for one that is not there, where all of it begins."""
        return self.marks.get(key, self.place)


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


def take(
    source: Map,
    table: Mapping[str, str],
    what: str,
    found: Findings,
    *,
    without: Container[str] = (),
    elsewhere: Callable[[str], str | None] | None = None,
) -> Draft:
    """Renames the keys of `source` as `table` says; unknown keys, and two spellings of one, are problems.

    Args:
        source: a mapping as it was read.
        table: from each accepted key to the model's name or to a `Fate`.
        what: what the mapping is, for messages: "a step".
        found: where problems and warnings go.
        without: keys that someone else takes care of.
        elsewhere: says of an unknown key where it belongs, if anywhere.
    """
    file = source.file
    draft = Draft((file, source.line, source.column))
    marks = source.marks
    for key, value in source.items():
        if key in without:
            continue
        name = table.get(key)
        at = marks[key]
        if name is None:
            hint = (elsewhere and elsewhere(key)) or _nearest_key(key, table, draft)
            found.wrong((file, at[0], at[1]), tr("unknown key '{key}' in {what}", key=key, what=what), hint)
        elif name[0] == "\0":
            draft.meant.add(key)
            _fated(key, name, value, (file, at[0], at[1]), found)
        elif name in draft:
            message = tr("'{key}' says again what '{other}' says", key=key, other=draft.spelt.get(name, name))
            found.wrong((file, at[0], at[1]), message, tr("keep one of them"))
        else:
            draft[name] = value
            draft.marks[name] = (file, at[2], at[3])
            if name != key:
                draft.spelt[name] = key
    return draft


def _nearest_key(key: str, table: Mapping[str, str], draft: Draft) -> str:
    """The hint for an unknown key; `draft` learns what was probably meant."""
    useful = {known: name for known, name in table.items() if name != Fate.IGNORED}
    near = nearest(key, useful)
    if near is not None:
        draft.meant.add(useful[near])
        return tr("did you mean '{near}'?", near=near)
    draft.meant.add(ANYTHING)
    first_spellings = {name: known for known, name in reversed(useful.items()) if name != Fate.PENDING}
    return tr("known keys: {keys}", keys=", ".join(sorted(first_spellings.values())))


def _fated(key: str, fate: str, value: Any, place: Place, found: Findings) -> None:
    if fate == Fate.IGNORED:
        found.warn(place, tr("'{key}' has no effect", key=key))
    elif value not in (None, False, [], {}):  # nothing is asked for: `http2: false`, `setup: []`
        found.wrong(place, unsupported(key))


def unsupported(key: str) -> str:
    """What is said of a part of the case format that is still to come."""
    return tr("'{key}' is not supported yet by this version", key=key)
