"""Text cut into what is literal and what is an expression or a statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from attrs import frozen

from sisyphus.comparable import Comparable
from sisyphus.errors import TemplateError
from sisyphus.values._text import shorten
from sisyphus.words import tr

# Nobody nests brackets this deep by hand, and each level costs the parser a dozen frames of the interpreter's stack.
MAX_NESTING: Final = 32
# An expression is a line or two; what is longer by orders was not written by a person.
MAX_EXPRESSION: Final = 20_000

_OPENING: Final = re.compile(r"\$\$\{|\$\{|\{\{|\{%")
_INSIDE: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[()\[\]{}'"]|%\}""", re.DOTALL)
_CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}


@frozen(eq=False, repr=False)
class Segment(Comparable):
    """A piece of a template's text; `start` and `end` enclose it with its delimiters."""

    kind: Literal["text", "expression", "statement"]
    text: str
    start: int
    end: int


def has_template(text: str) -> bool:
    """Whether anything in the text would be evaluated or unescaped."""
    return "{" in text and _OPENING.search(text) is not None


def scan(text: str) -> Iterator[Segment]:
    """Cuts a template into segments.

    Raises:
        TemplateError: an expression is not closed, or nested beyond reason.
    """
    position = 0
    while opening := _OPENING.search(text, position):
        if opening.start() > position:
            yield Segment("text", text[position : opening.start()], position, opening.start())
        if opening.group() == "$${":
            yield Segment("text", "${", opening.start(), opening.end())
            position = opening.end()
            continue
        segment = segment_at(text, opening.start(), opening.group())
        yield segment
        position = segment.end
    if position < len(text):
        yield Segment("text", text[position:], position, len(text))


def segment_at(text: str, start: int, opener: str) -> Segment:
    """The expression or statement that `opener` begins at `start`."""
    closer = {"${": "}", "{{": "}}", "{%": "%}"}[opener]
    end = _find_end(text, start + len(opener), closer)
    if end is None:
        shown = shorten(text[start:], 60)
        raise TemplateError(
            tr("'{opener}' is not closed by '{closer}': {text}", opener=opener, closer=closer, text=shown)
        )
    inner = text[start + len(opener) : end]
    if len(inner) > MAX_EXPRESSION:
        raise TemplateError(tr("an expression is longer than {limit} characters", limit=MAX_EXPRESSION))
    kind: Literal["expression", "statement"] = "statement" if opener == "{%" else "expression"
    return Segment(kind, inner, start, end + len(closer))


def _find_end(text: str, position: int, closer: str) -> int | None:
    open_brackets: list[str] = []
    for token in _INSIDE.finditer(text, position):
        mark = token.group()
        if not open_brackets and text.startswith(closer, token.start()):
            return token.start()
        if mark in _CLOSERS:
            open_brackets.append(_CLOSERS[mark])
            check_nesting(len(open_brackets))
        elif mark in {")", "]", "}"}:
            if not open_brackets or open_brackets.pop() != mark:
                return None
        elif mark in {"'", '"'}:
            raise _unclosed_quote(text, token.start())
    return None


def _unclosed_quote(text: str, start: int) -> TemplateError:
    return TemplateError(tr("a quote is not closed: {text}", text=shorten(text[start:], 60)))


def check_brackets(text: str) -> None:
    """Refuses an expression without delimiters whose brackets nest beyond reason or whose quotes are not closed."""
    depth = 0
    for token in _INSIDE.finditer(text):
        if token.group() in _CLOSERS:
            depth += 1
            check_nesting(depth)
        elif token.group() in {")", "]", "}"}:
            depth -= 1
        elif token.group() in {"'", '"'}:
            raise _unclosed_quote(text, token.start())


def check_nesting(depth: int) -> None:
    """Refuses brackets nested beyond reason."""
    if depth > MAX_NESTING:
        raise TemplateError(tr("brackets are nested more than {limit} levels deep", limit=MAX_NESTING))
