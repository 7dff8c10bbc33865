"""YAML events to values with positions, under the strict rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from sisyphus.case._events import events_of
from sisyphus.case._nodes import Map, Seq
from sisyphus.case._scene import braces_problem, tag_problem
from sisyphus.case._syntax import explain
from sisyphus.case._tabs import stray_tabs
from sisyphus.errors import Mark, Problem
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from yaml.events import CollectionStartEvent, Event, NodeEvent

LEVELS: Final = 64
_INCLUDE: Final = "!include"
_FIRST_LINE: Final = re.compile(r"\n( *)[^ \r\n]")  # that has something on it, after the line that the search begins on


class _TooDeepError(Exception):
    """The limit of levels is reached; reading on could cost any amount of time."""


class Composer:
    """Builds the value of one text; what is wrong with it goes to `problems`.

    Args:
        text: the file's text, without a byte order mark.
        file: its name, as positions show it.
        plain: types a plain scalar.
        include: gives the value of an ``!include``, from its path, its place, and the level it stands at.
        problems: where problems are put; nothing that is wrong is raised.
    """

    def __init__(
        self,
        text: str,
        file: str,
        *,
        plain: Callable[[str], Any],
        include: Callable[[str, Mark, int], Any],
        problems: list[Problem],
    ) -> None:
        self._next: Callable[[], Any] = events_of(text).get_event
        self._text = text
        self._file = file
        self._plain = plain
        self._include = include
        self._problems = problems
        self._blocks: dict[tuple[int, int], int] = {}

    def document(self, level: int = 0) -> Any:
        """Returns the value of the only document; null, and a problem, if there is none."""
        try:
            value = self._only_document(level)
            self._problems += stray_tabs(self._text, self._file)
        except MarkedYAMLError as error:
            found = explain(error, self._text, self._file)
            # The text that breaks off at {{ x }} or *.json broke the rules of this line before it broke the syntax.
            if all(
                (found.mark.file, found.mark.line) != (known.mark.file, known.mark.line) for known in self._problems
            ):
                self._problems.append(found)
            return None
        except _TooDeepError:
            return None
        return value

    def _only_document(self, level: int) -> Any:
        self._next()  # the stream's start
        if self._next().__class__ is StreamEndEvent:
            self._say(Mark(self._file, 1, 1), tr("there is nothing in this file"), tr("a case begins with 'name: …'"))
            return None
        value = self._value(self._next(), level)
        self._next()  # the document's end
        event = self._next()
        if event.__class__ is DocumentStartEvent:
            self._say(
                self._mark(event),
                tr("a second document begins here, but a file holds one"),
                tr("put it into a file of its own, or remove the '---'"),
            )
        return value

    def _value(self, event: Any, level: int) -> Any:
        kind = event.__class__
        if kind is ScalarEvent:
            if event.tag is not None or event.anchor is not None:
                return self._decorated(event, level)
            if event.style == "|":
                self._note_block(event)
            return event.value if event.style else self._plain(event.value)
        if kind is MappingStartEvent:
            return self._mapping(event, level + 1)
        if kind is SequenceStartEvent:
            return self._sequence(event, level + 1)
        self._refuse_alias(event)
        return None

    def _note_block(self, event: Any) -> None:
        where = event.start_mark
        written = _FIRST_LINE.search(self._text, where.index)
        kept = _FIRST_LINE.search("\n" + event.value)
        if written is not None and kept is not None:  # else it is empty
            self._blocks[where.line + 1, where.column + 1] = len(written[1]) - len(kept[1])

    def _mapping(self, start: Any, level: int) -> Map:
        # This loop runs for every line of a file: no helper is called for what is as it should be.
        self._enter(start, level)
        next_event, value_of = self._next, self._value
        where = start.start_mark
        node = Map(self._file, where.line + 1, where.column + 1, self._blocks)
        marks = node.marks
        while (event := next_event()).__class__ is not MappingEndEvent:
            key: str | None
            if event.__class__ is ScalarEvent and event.tag is None and event.anchor is None and event.value != "<<":
                key = event.value
            else:
                key = self._unusual_key(event, level)
            at = event.start_mark
            event = next_event()
            value_at = event.start_mark
            value = value_of(event, level)
            if key is None:
                continue
            if key in marks:
                self._refuse_duplicate(key, marks[key][0], Mark(self._file, at.line + 1, at.column + 1))
                continue
            node[key] = value
            marks[key] = (at.line + 1, at.column + 1, value_at.line + 1, value_at.column + 1)
        return node

    def _sequence(self, start: Any, level: int) -> Seq:
        self._enter(start, level)
        next_event, value_of = self._next, self._value
        where = start.start_mark
        node = Seq(self._file, where.line + 1, where.column + 1)
        while (event := next_event()).__class__ is not SequenceEndEvent:
            at = event.start_mark
            node.append(value_of(event, level))
            node.marks.append((at.line + 1, at.column + 1))
        return node

    def _enter(self, start: CollectionStartEvent, level: int) -> None:
        if start.anchor is not None or start.tag is not None:
            self._refuse_decoration(start)
        if level > LEVELS:
            self._say(
                self._mark(start),
                tr("nested deeper than {limit} levels", limit=LEVELS),
                tr("move the inner part to a variable, or to the top of a file of its own"),
            )
            raise _TooDeepError

    def _unusual_key(self, event: Any, level: int) -> str | None:
        """Returns the key if it is one all the same; for the others says what is wrong and returns None."""
        if event.__class__ is AliasEvent:
            self._refuse_alias(event)
        elif event.__class__ is not ScalarEvent:
            self._refuse_complex_key(event)
            self._value(event, level)
        elif event.tag is not None or event.anchor is not None:
            self._refuse_decoration(event)
        elif event.style:
            return "<<"
        else:
            self._say(
                self._mark(event),
                tr("the merge key '<<' is not allowed"),
                tr("write the keys out, or keep them in config.variables"),
            )
        return None

    def _decorated(self, event: ScalarEvent, level: int) -> Any:
        if event.tag != _INCLUDE or event.anchor is not None:
            self._refuse_decoration(event)
            return None
        return self._include(event.value, self._mark(event), level)

    def _refuse_decoration(self, event: NodeEvent) -> None:
        mark = self._mark(event)
        if event.anchor is not None:
            self._say(
                mark,
                tr("the anchor '&{name}' is not allowed", name=event.anchor),
                tr(
                    "keep what is used twice in config.variables and refer to it with ${name}; text that begins with & "
                    "stands in quotes"
                ),
            )
        tag: str | None = getattr(event, "tag", None)
        if tag == _INCLUDE and event.anchor is None:
            self._say(
                mark, tr("!include stands before a value and takes one path"), tr("as in: key: !include file.yaml")
            )
        elif tag is not None and tag != _INCLUDE:
            self._problems.append(tag_problem(mark, tag))

    def _refuse_alias(self, event: NodeEvent) -> None:
        self._say(
            self._mark(event),
            tr("the alias '*{name}' is not allowed", name=event.anchor),
            tr(
                "keep what is used twice in config.variables and refer to it with ${name}; text that begins with * "
                "stands in quotes"
            ),
        )

    def _refuse_duplicate(self, key: str, first: int, mark: Mark) -> None:
        if first == mark.line:
            message = tr("the key '{key}' stands twice on line {line}", key=key, line=mark.line)
        else:
            message = tr(
                "the key '{key}' stands twice, on line {first} and on line {line}", key=key, first=first, line=mark.line
            )
        self._say(mark, message, tr("keep one of them"))

    def _refuse_complex_key(self, event: Any) -> None:
        mark, index = self._mark(event), event.start_mark.index
        # {{ x }} is, as far as YAML is concerned, a mapping whose key is a mapping.
        for back in (1, 0):
            if index >= back and self._text.startswith("{{", index - back):
                self._problems.append(braces_problem(Mark(self._file, mark.line, mark.column - back)))
                return
        self._say(mark, tr("a key has to be text, not a mapping or list"), tr("put the key in quotes"))

    def _mark(self, event: Event) -> Mark:
        where = event.start_mark
        assert where is not None, "a parser marks its events"  # noqa: S101 - for the type checker
        return Mark(self._file, where.line + 1, where.column + 1)

    def _say(self, mark: Mark, message: str, hint: str) -> None:
        self._problems.append(Problem(mark, message, hint))
