"""The place of a syntax error, and problems that are told from more than one place."""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen
from yaml.error import YAMLError
from yaml.events import ScalarEvent

from sisyphus.case._events import events_of
from sisyphus.comparable import Comparable
from sisyphus.errors import Mark, Problem
from sisyphus.words import tr

_KEY: Final = r"\s*(?:- +)*(?P<key>\"[^\"]*\"|'[^']*'|[\w.$-]+)"
_GLUED: Final = re.compile(_KEY + r":(?=[^\s/:])")
_WIDE_COLON: Final = re.compile(_KEY + "：")


@frozen(kw_only=True, eq=False, repr=False)
class Scene(Comparable):
    """A syntax error and the lines around it; lines and columns count from 0, as the parsers count them."""

    text: str
    file: str
    lines: list[str]
    problem: str
    context: str
    line: int
    column: int
    from_line: int
    from_column: int

    def here(self, message: str, hint: str) -> Problem:
        return Problem(Mark(self.file, self.line + 1, self.column + 1), message, hint)

    def at_start(self, message: str, hint: str) -> Problem:
        return Problem(Mark(self.file, self.from_line + 1, self.from_column + 1), message, hint)

    def of(self, *parts: str) -> bool:
        return any(part in self.problem for part in parts)

    def text_of(self, line: int) -> str:
        return self.lines[line] if line < len(self.lines) else ""

    @property
    def before(self) -> str:
        return self.text_of(self.line)[: self.column]

    @property
    def char(self) -> str:
        return self.text_of(self.line)[self.column : self.column + 1]


def tag_problem(mark: Mark, tag: str) -> Problem:
    """Returns the problem of a tag other than the one that is allowed."""
    shown = tag.replace("tag:yaml.org,2002:", "!!")
    return Problem(
        mark,
        tr("the tag '{tag}' is not allowed", tag=shown),
        tr("only '!include PATH' is; quotes make a value text, and text that begins with ! stands in quotes"),
    )


def braces_problem(mark: Mark) -> Problem:
    """Returns the problem of a Jinja expression that stands without quotes."""
    return Problem(
        mark,
        tr("without quotes, {{ … }} is a mapping to YAML"),
        tr('put the whole value in quotes: "{{ … }}"'),
    )


def no_key(text: str) -> tuple[str, str] | None:
    """Returns what is wrong with, and to be done about, a line that looks like a key but is none to YAML."""
    if found := _GLUED.match(text):
        key = found["key"]
        return tr("there is no space after the colon of '{key}'", key=key), tr("write '{key}: value'", key=key)
    if found := _WIDE_COLON.match(text):
        key = found["key"]
        return tr("the colon after '{key}' is the wide one (：)", key=key), tr("write '{key}: value'", key=key)
    return None


def tab_problem(mark: Mark) -> Problem:
    """Returns the problem of a tab outside of literal text."""
    return Problem(
        mark,
        tr("a tab where YAML wants spaces"),
        tr("indent and separate with spaces; tabs may stand in quotes, in | blocks and in comments"),
    )


def last_scalar(text: str) -> ScalarEvent | None:
    events = events_of(text)
    last = None
    try:
        while (event := events.get_event()) is not None:
            last = event if isinstance(event, ScalarEvent) else last
    except YAMLError:
        pass
    return last
