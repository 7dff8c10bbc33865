"""Tabs that StrictYAML refuses and libyaml lets pass."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from yaml.events import ScalarEvent

from sisyphus.case._events import events_of
from sisyphus.case._files import LINE_END
from sisyphus.case._scene import tab_problem
from sisyphus.errors import Mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sisyphus.errors import Problem

_TAB_OR_COMMENT: Final = re.compile(r"[\t#]")


def stray_tabs(text: str, file: str) -> list[Problem]:
    """Returns a problem for each line with a tab that stands neither in quotes, nor in a block, nor in a comment.

    PyYAML's own parser and StrictYAML refuse them, libyaml not all of them; `text` is one that it has accepted.
    """
    if "\t" not in text:
        return []
    spans = list(_scalars(text))
    starts = [start for start, _, _ in spans]
    problems = []
    begin = 0
    for number, line in enumerate(LINE_END.split(text), 1):
        for found in _TAB_OR_COMMENT.finditer(line) if "\t" in line else ():
            _, end, literal = spans[bisect_right(starts, begin + found.start()) - 1]
            inside = begin + found.start() < end
            if found.group() == "\t" and not (inside and literal):
                problems.append(tab_problem(Mark(file, number, found.start() + 1)))
                break
            if found.group() == "#" and not inside:
                break
        begin += len(line) + (2 if text.startswith("\r\n", begin + len(line)) else 1)
    return problems


def _scalars(text: str) -> Iterator[tuple[int, int, bool]]:
    """Where scalars begin and end, and whether they are literal: quoted, or a block without the line announcing it."""
    yield -1, -1, False  # what is before the first of them
    events = events_of(text)
    while (event := events.get_event()) is not None:
        if isinstance(event, ScalarEvent) and event.start_mark and event.end_mark:
            start, end = event.start_mark.index, event.end_mark.index
            if event.style in {"|", ">"}:
                header = LINE_END.search(text, start)
                start = header.end() if header else end
            yield start, end, bool(event.style)
