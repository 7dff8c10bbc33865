"""YAML text to typed values with positions.

libyaml's events are composed under strict rules: one document, no anchors, aliases or tags but ``!include``, no duplicate
or complex keys. Everything quoted is text; a plain scalar has the type that it has in JSON.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from sisyphus.case._files import SIZE_LIMIT, TooLargeError, UnreadableError, bytes_of, text_of
from sisyphus.case._nodes import Map, Seq
from sisyphus.case._scalars import scalar
from sisyphus.comparable import Comparable
from sisyphus.errors import CaseFileError, Mark, Problem
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Map", "Seq", "read", "read_file", "scalar"]

INCLUDE_DEPTH: Final = 8


def read(data: bytes | str, *, file: str, root: Path | None = None) -> Map:
    """Reads the text of one case file and what it includes.

    Args:
        data: UTF-8 bytes, or text; a byte order mark is tolerated.
        file: the name shown in positions; includes are relative to its folder.
        root: the folder that includes may not leave; None is the file's own.

    Raises:
        CaseFileError: all that is wrong, in it and in what it includes.
    """
    return _read(data, _Place(shown=file, path=Path(file)), root)


def read_file(path: Path, *, root: Path | None = None, shown: str | None = None) -> Map:
    """Reads one case file and what it includes.

    Args:
        path: the file.
        root: the folder that includes may not leave; None is the file's own.
        shown: the name shown in positions; None is `path` as given.

    Raises:
        CaseFileError: it cannot be read, or all that is wrong in it and in what it includes.
    """
    place = _Place(shown=str(path) if shown is None else shown, path=path)
    try:
        data = bytes_of(path)
    except UnreadableError as error:
        raise CaseFileError([Problem(Mark(place.shown, 1, 1), error.message, error.hint)]) from error
    return _read(data, place, root)


def _read(data: bytes | str, place: _Place, root: Path | None, plain: Callable[[str], Any] = scalar) -> Map:
    reading = _Reading(place.path.parent if root is None else root, plain)
    value = reading.document(data, place, level=0)
    if isinstance(value, Map) and not reading.problems:
        return value
    # A broken file that is included twice is one broken file.
    raise CaseFileError(dict.fromkeys(reading.problems) or [_no_mapping(value, place)])


@frozen(kw_only=True, eq=False, repr=False)
class _Place(Comparable):
    """One file in the chain of those that include each other."""

    shown: str
    path: Path
    parent: _Place | None = None

    def chain(self) -> list[_Place]:
        """From the case file to this one."""
        return [*(self.parent.chain() if self.parent else []), self]


class _Reading:
    """One case file and what it includes, which share limits and problems."""

    def __init__(self, root: Path, plain: Callable[[str], Any]) -> None:
        self.problems: list[Problem] = []
        self._root = root
        self._plain = plain
        self._bytes_left = SIZE_LIMIT

    def document(self, data: bytes | str, place: _Place, level: int) -> Any:
        # PyYAML takes more time to import than a case file to read; `sisyphus --help` reads none.
        from sisyphus.case._compose import Composer

        self._bytes_left -= len(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
        if self._bytes_left < 0:
            error = TooLargeError()
            self.problems.append(Problem(Mark(place.shown, 1, 1), error.message, error.hint))
            return None
        try:
            text = text_of(data, place.shown)
        except CaseFileError as error:
            self.problems += error.problems
            return None

        def include(target: str, mark: Mark, level: int) -> Any:
            try:
                inner = self._included(target, place)
                content = bytes_of(inner.path, self._bytes_left)
            except UnreadableError as error:
                if isinstance(error, TooLargeError):
                    self._bytes_left = 0  # or small files could go on including the large one
                message = tr("cannot include '{target}': {reason}", target=target, reason=error.message)
                self.problems.append(Problem(mark, message, error.hint))
                return None
            return self.document(content, inner, level)

        return Composer(text, place.shown, plain=self._plain, include=include, problems=self.problems).document(level)

    def _included(self, target: str, place: _Place) -> _Place:
        if not target or "\0" in target:
            raise UnreadableError(tr("no path is given"), tr("as in: key: !include file.yaml"))
        if Path(target).is_absolute():
            raise UnreadableError(tr("the path is absolute"), tr("write it relative to this file"))
        # realpath, so that a link does not lead out of the root either; unlike Path.resolve it survives circles of links.
        path = Path(os.path.realpath(place.path.parent / target))
        if not path.is_relative_to(os.path.realpath(self._root)):
            raise UnreadableError(
                tr("it lies outside of the project"), tr("keep included files under {root}", root=self._root)
            )
        shown = os.path.normpath(Path(place.shown).parent / target)
        chain = place.chain()
        names = [one.shown for one in chain]
        for index, one in enumerate(chain):
            if os.path.realpath(one.path) == str(path):
                circle = " → ".join([*names[index:], shown])
                raise UnreadableError(tr("it includes itself: {circle}", circle=circle), tr("break the circle"))
        if len(chain) > INCLUDE_DEPTH:
            raise UnreadableError(
                tr("files include each other more than {limit} deep", limit=INCLUDE_DEPTH),
                tr("include it further up: {chain}", chain=" → ".join(names)),
            )
        return _Place(shown=shown, path=path, parent=place)


def _no_mapping(value: Any, place: _Place) -> Problem:
    mark = value.mark if isinstance(value, Seq) else Mark(place.shown, 1, 1)
    if isinstance(value, Seq):
        return Problem(
            mark,
            tr("a case file is a mapping, and this is a list"),
            tr("begin with 'name: …' and put the list under 'steps:'"),
        )
    if isinstance(value, str):
        from sisyphus.case._scene import no_key

        if known := no_key(value):
            return Problem(mark, *known)
    if value is None:
        return Problem(mark, tr("there is nothing in this file"), tr("a case begins with 'name: …'"))
    return Problem(mark, tr("a case file is a mapping, and this is a single value"), tr("begin with 'name: …'"))
