"""The text of a path taken apart: steps, functions, and what only the JSONPath library understands."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from attrs import frozen

from sisyphus.comparable import Comparable
from sisyphus.errors import QueryError, nearest
from sisyphus.values._path_functions import FUNCTIONS, PathFunction
from sisyphus.values._text import shorten
from sisyphus.words import tr

Step = str | int

MAX_PATH: Final = 4_000

_NAME: Final = re.compile(r"[^\s.\[\]()'\"*,?|&~^<>=!+]+")
_QUOTED: Final = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_QUOTED_ARGUMENT: Final = re.compile(rf"\s*(?:{_QUOTED.pattern})\s*\)", re.DOTALL)
_PARENTHESIS: Final = re.compile(r"\\.|[()]", re.DOTALL)
_INDEX: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,8})")
_FROM_END: Final = re.compile(r"\(\s*@\s*\.\s*(?:length|size)(?:\(\))?\s*-\s*([1-9][0-9]{0,8})\s*\)")
# Inside brackets: quotes and regular expressions hide brackets.
_BRACKET_TOKEN: Final = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|=~\s*/(?:[^/\\]|\\.)*/|[\[\]'"]""", re.DOTALL
)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class Numeral(int):
    """A number after a dot, which the RFC does not have: an index, and on a mapping the key of that name."""


@frozen(eq=False, repr=False)
class Call(Comparable):
    """A function at the end of a path, with its arguments."""

    name: str
    function: PathFunction
    args: tuple[Any, ...]


@frozen(eq=False, repr=False)
class Path(Comparable):
    """A parsed path.

    Attributes:
        text: as it was written.
        steps: names and indices, up to the first part that needs the library.
        rest: that part and all after it, as RFC 9535 writes it; empty for a simple path.
        calls: the functions at the end.
        many: whether it ends in a selector of several (`[*]`, `[?…]`, `[a:b]`, `[a,b]`).
    """

    text: str
    steps: tuple[Step, ...]
    rest: str
    calls: tuple[Call, ...]
    many: bool


def parse_path(text: str) -> Path:
    """Takes a path apart.

    Raises:
        QueryError: it is no path; the message says where it stops being one.
    """
    if len(text) > MAX_PATH:
        raise QueryError(tr("a path is longer than {limit} characters", limit=MAX_PATH))
    return _Parser(text).parse()


def normalised(step: Step) -> str:
    """A step as RFC 9535 writes it."""
    return f"[{step}]" if isinstance(step, int) else f"[{json.dumps(step, ensure_ascii=False)}]"


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.steps: list[Step] = []
        self.rest: list[str] = []
        self.calls: list[Call] = []
        self.many = False

    def parse(self) -> Path:
        self._skip_space()
        if not self.text.strip():
            raise QueryError(tr("a path is empty"))
        if self._at("$") and (self.position + 1 == len(self.text) or self.text[self.position + 1] in ".[ \t\r\n"):
            self.position += 1
        elif not self._at("["):
            self._member()
        while self._skip_space() < len(self.text):
            self._segment()
        return Path(self.text, tuple(self.steps), "".join(self.rest), tuple(self.calls), self.many)

    def _segment(self) -> None:
        if self._at(".."):
            self.position += 2
            self._descendants()
        elif self._at("."):
            self.position += 1
            self._skip_space()
            if self._at("["):  # `$.[0]` is written by some
                self._bracket("")
            else:
                self._member()
        elif self._at("["):
            self._bracket("")
        else:
            raise self._error()

    def _member(self) -> None:
        if self._at("*"):
            self.position += 1
            self._add_raw("[*]", many=True)
            return
        quoted = _QUOTED.match(self.text, self.position)
        name = quoted or _NAME.match(self.text, self.position)
        if name is None:
            raise self._error()
        self.position = name.end()
        if quoted is None and self._at("("):
            self._call(name.group())
        elif quoted is not None:
            self._add_step(_unquoted(quoted))
        else:
            word = name.group()
            self._add_step(Numeral(word) if _INDEX.fullmatch(word) else word)

    def _descendants(self) -> None:
        if self._at("["):
            self._bracket("..")
        elif self._at("*"):
            self.position += 1
            self._add_raw("..[*]", many=True)
        else:
            name = _QUOTED.match(self.text, self.position) or _NAME.match(self.text, self.position)
            if name is None:
                raise self._error()
            self.position = name.end()
            word = _unquoted(name) if name.re is _QUOTED else name.group()
            self._add_raw(".." + normalised(word), many=False)

    def _bracket(self, before: str) -> None:
        inner = self._inside_brackets()
        content = inner.strip()
        quoted = _QUOTED.fullmatch(content)
        from_end = _FROM_END.fullmatch(content)
        step: Step | None = None
        if quoted:
            step = _unquoted(quoted)
        elif _INDEX.fullmatch(content):
            step = int(content)
        elif from_end:
            step = -int(from_end[1])
        if step is None:
            self._add_raw(f"{before}[{content}]", many=True)
        elif before:
            self._add_raw(before + normalised(step), many=False)
        else:
            self._add_step(step)

    def _inside_brackets(self) -> str:
        depth, start = 0, self.position + 1
        for token in _BRACKET_TOKEN.finditer(self.text, self.position):
            mark = token.group()
            if mark == "[":
                depth += 1
            elif mark == "]":
                depth -= 1
                if depth == 0:
                    self.position = token.end()
                    return self.text[start : token.start()]
            elif mark in {"'", '"'}:
                break
        raise self._error()

    def _call(self, name: str) -> None:
        function = FUNCTIONS.get(name)
        if function is None:
            near = nearest(name, FUNCTIONS)
            hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
            raise QueryError(tr("paths have no function '{name}'", name=name) + hint)
        args = self._call_arguments()
        if not function.least <= len(args) <= function.most:
            raise QueryError(
                tr("{name}() takes another number of arguments: {path}", name=name, path=shorten(self.text))
            )
        self.calls.append(Call(name, function, args))

    def _call_arguments(self) -> tuple[Any, ...]:
        start = self.position + 1
        quoted = _QUOTED_ARGUMENT.match(self.text, start)
        if quoted:
            self.position = quoted.end()
            return (_unquoted(quoted),)
        # A bare argument may hold brackets of its own, as regular expressions do.
        depth = 1
        for token in _PARENTHESIS.finditer(self.text, start):
            depth += {"(": 1, ")": -1}.get(token.group(), 0)
            if depth == 0:
                self.position = token.end()
                return _bare_argument(self.text[start : token.start()])
        raise self._error()

    def _add_step(self, step: Step) -> None:
        self._refuse_after_call()
        self.many = False
        if self.rest:
            self.rest.append(normalised(step))
        else:
            self.steps.append(step)

    def _add_raw(self, text: str, *, many: bool) -> None:
        self._refuse_after_call()
        self.many = many
        self.rest.append(text)

    def _refuse_after_call(self) -> None:
        if self.calls:
            raise QueryError(tr("functions stand at the end of a path: {path}", path=shorten(self.text)))

    def _skip_space(self) -> int:
        while self.position < len(self.text) and self.text[self.position] in " \t\r\n":
            self.position += 1
        return self.position

    def _at(self, token: str) -> bool:
        return self.text.startswith(token, self.position)

    def _error(self) -> QueryError:
        rest = shorten(self.text[self.position :], 40) or tr("the end")
        return QueryError(tr("'{path}' is no valid path: cannot read on at {rest}", path=shorten(self.text), rest=rest))


def _unquoted(match: re.Match[str]) -> str:
    text = match[1] if match[1] is not None else match[2]
    if "\\" not in text:
        return text
    # JSON escapes what is beyond U+FFFF as a pair; encoding and decoding joins the two.
    return _ESCAPE.sub(_unescaped, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unescaped(match: re.Match[str]) -> str:
    escape = match[1]
    return chr(int(escape[1:], 16)) if len(escape) > 1 else _ESCAPES.get(escape, escape)


def _bare_argument(text: str) -> tuple[Any, ...]:
    if not text.strip():
        # `split( )`: the space is what was meant; `first()` has no argument.
        return (text,) if text else ()
    try:
        return (json.loads(text),)
    except (ValueError, RecursionError):
        return (text.strip(),)
