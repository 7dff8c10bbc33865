"""A part of a case file under the model's names, with the place of each value and what was found wrong on the way."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from sisyphus.errors import Mark, Problem, nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from sisyphus.case.model import Function
    from sisyphus.case.yaml import Map

Place = tuple[str, int, int]

ANYTHING: Final = "\0anything"
"""In `Draft.meant`: there is an unknown key, which may stand for whatever is missing."""


_AS_IN_THE_MODEL: Final[Mapping[str, str]] = MappingProxyType({})


class Draft(dict[str, Any]):
    """A mapping whose keys are the model's.

    Attributes:
        place: where it begins.
        spelt: how the file spells a key, where that is not the model's name.
        meant: names that are not there because what stands for them is wrong, and was reported.
    """

    __slots__ = ("_places", "_source", "meant", "place", "spelt")

    def __init__(self, place: Place, source: Map | None = None) -> None:
        super().__init__()
        self.place = place
        self._source = source
        self._places: dict[str, Place] | None = None  # of values that do not stand in the source
        # There are thousands of drafts, and few of them have any of these.
        self.spelt: Mapping[str, str] = _AS_IN_THE_MODEL
        self.meant: frozenset[str] = frozenset()

    def __deepcopy__(self, memo: dict[int, Any]) -> Draft:
        twin = Draft(self.place, self._source)
        twin._places = None if self._places is None else dict(self._places)
        twin.spelt, twin.meant = self.spelt, self.meant
        twin.update((key, copy.deepcopy(value, memo)) for key, value in self.items())
        return twin

    def put(self, key: str, value: Any, place: Place) -> None:
        self[key] = value
        if self._places is None:
            self._places = {}
        self._places[key] = place

    def move(self, key: str, to: str) -> None:
        """Gives the value of `key`, if there is one, the name `to`."""
        if key in self:
            self.put(to, self.pop(key), self.place_of(key))
            self.respell(to, self.key_of(key))

    def key_of(self, name: str) -> str:
        """How the file spells the model's `name`."""
        return self.spelt.get(name, name)

    def respell(self, name: str, key: str) -> None:
        """Remembers how the file spells the model's `name`."""
        self.spelt = {**self.spelt, name: key}

    def discard(self, key: str) -> None:
        """Leaves out a value that is wrong and was reported."""
        self.pop(key, None)
        self.meant |= {key}

    def lacks(self, key: str) -> bool:
        """Whether the file says nothing for `key`, not even something wrong."""
        return key not in self and self.meant.isdisjoint({key, ANYTHING})

    def place_of(self, key: str) -> Place:
        """Where the value of `key` stands or stood; for one that is not there, where all of it begins."""
        if self._places is not None and key in self._places:
            return self._places[key]
        source = self._source
        at = source.marks.get(self.key_of(key)) if source is not None else None
        return self.place if source is None or at is None else (source.file, at[2], at[3])

    def indent_of(self, key: str) -> int | None:
        """How far the lines of a text are indented in the file, if each is a line of a literal block (``|``); else None."""
        file, line, column = self.place_of(key)
        source = self._source
        return source.blocks.get((line, column)) if source is not None and source.file == file else None

    def part(self, keys: Container[str]) -> Draft:
        """Takes some of the keys out, to a draft of their own that stands at the same place."""
        part = Draft(self.place, self._source)
        for key in [key for key in self if key in keys]:
            part[key] = self.pop(key)
        part._places = None if self._places is None else dict(self._places)
        part.spelt, part.meant = self.spelt, self.meant
        return part


class Callables(Collection[str], Protocol):
    """The names that templates may call."""

    @property
    def functions(self) -> Mapping[str, Function]:
        """Those of them that are not built-in."""
        ...

    def trouble_with(self, name: str) -> str | None:
        """Why one of them cannot be called here."""
        ...


class Findings:
    """Collects what is wrong and what is only worth a warning.

    Attributes:
        callables: what the templates of the file may call; None for the built-in functions.
    """

    def __init__(self, callables: Callables | None = None) -> None:
        self.callables = callables
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def wrong(self, place: Place, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(Mark(*place), message, hint))

    def said_twice(self, place: Place, key: str, other: str) -> None:
        self.wrong(place, tr("'{key}' says again what '{other}' says", key=key, other=other), tr("keep one of them"))

    def warn(self, place: Place, message: str) -> None:
        self.warnings.append(f"{Mark(*place)}: {message}")


class Fate:
    """What becomes of a key that the model does not have."""

    IGNORED: Final = "\0ignored"  # earlier engines took it and did nothing


def spellings(*names: str, **aliases: str) -> dict[str, str]:
    """A table from each accepted key to the model's name: `names` stand for themselves."""
    return {name: name for name in names} | aliases


def ignored(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, Fate.IGNORED)


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
    draft = Draft((file, source.line, source.column), source)
    marks = source.marks
    for key, value in source.items():
        name = table.get(key)
        if name is not None and name[0] != "\0" and name not in draft and key not in without:
            draft[name] = value
            if name != key:
                draft.respell(name, key)
        elif key in without:
            continue
        elif name is None:
            hint = (elsewhere and elsewhere(key)) or _nearest_key(key, table, draft)
            found.wrong((file, *marks[key][:2]), tr("unknown key '{key}' in {what}", key=key, what=what), hint)
        elif name[0] == "\0":
            found.warn((file, *marks[key][:2]), tr("'{key}' has no effect", key=key))
        else:
            found.said_twice((file, *marks[key][:2]), key, draft.key_of(name))
    return draft


def _nearest_key(key: str, table: Mapping[str, str], draft: Draft) -> str:
    """The hint for an unknown key; `draft` learns what was probably meant."""
    useful = {known: name for known, name in table.items() if name[0] != "\0"}
    near = nearest(key, useful)
    if near is not None:
        draft.meant |= {useful[near]}
        return tr("did you mean '{near}'?", near=near)
    draft.meant |= {ANYTHING}
    first_spellings = {name: known for known, name in reversed(useful.items())}
    return tr("known keys: {keys}", keys=", ".join(sorted(first_spellings.values())))
