"""Expressions over the tags of a case: ``smoke and not slow``, ``a or b``, ``a, b``."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from typing import Final

from attrs import frozen

from sisyphus.words import tr

Holds = Callable[[Container[str]], bool]

# A tag may hold anything that is not needed for the expression itself; what does not fit is written in quotes.
# Commas and parentheses may be those of a Chinese keyboard.
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<sign>[(),!（），！]|&&?|\|\|?)|'(?P<single>[^']*)'|"(?P<double>[^"]*)\""""
    r"""|(?P<word>[^\s(),!（），！&|'"]+)|(?P<rest>\S))"""
)
_WORDS: Final = {
    "and": "and", "&&": "and", "&": "and",
    "or": "or", "||": "or", "|": "or", ",": "or", "，": "or",
    "not": "not", "!": "not", "！": "not",
    "（": "(", "）": ")",
}  # fmt: skip
_DEEPEST: Final = 50


class TagSyntaxError(ValueError):
    """A text that is no expression over tags; says why."""


@frozen
class TagExpression:
    """A compiled expression.

    Attributes:
        text: what was written.
        holds: whether it holds of the tags of a case.
        named: every tag it names.
    """

    text: str
    holds: Holds
    named: tuple[str, ...]


def parse_tags(text: str) -> TagExpression:
    """Compiles an expression: ``not`` binds strongest, then ``and``, then ``or`` and the comma.

    Raises:
        TagSyntaxError: it is none.
    """
    reader = _Reader(text)
    holds = reader.either()
    if reader.next is not None:
        if reader.next == (")", ")"):
            raise TagSyntaxError(tr("a '(' is missing before the ')'"))
        raise TagSyntaxError(tr("'and' or 'or' is missing before '{what}'", what=reader.next[1]))
    return TagExpression(text, holds, tuple(dict.fromkeys(reader.named)))


def any_of(expressions: list[TagExpression]) -> TagExpression:
    """The expression that holds where one of them does."""
    if len(expressions) == 1:
        return expressions[0]
    named = dict.fromkeys(name for expression in expressions for name in expression.named)
    return TagExpression(
        ", ".join(expression.text for expression in expressions),
        _or([expression.holds for expression in expressions]),
        tuple(named),
    )


class _Reader:
    """Recursive descent over the tokens, each a kind and what was written."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._depth = 0
        self.named: list[str] = []
        self.next: tuple[str, str] | None = None
        self._advance()

    def _advance(self) -> None:
        self.next = next(self._tokens, None)

    def _took(self, kind: str) -> bool:
        if self.next is None or self.next[0] != kind:
            return False
        self._advance()
        return True

    def either(self) -> Holds:
        parts = [self._both()]
        while self._took("or"):
            parts.append(self._both())
        return _or(parts)

    def _both(self) -> Holds:
        parts = [self._one()]
        while self._took("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda tags: all(part(tags) for part in parts)

    def _one(self) -> Holds:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise TagSyntaxError(tr("it is nested more than {limit} levels deep", limit=_DEEPEST))
        try:
            return self._negated() if self._took("not") else self._atom()
        finally:
            self._depth -= 1

    def _negated(self) -> Holds:
        inner = self._one()
        return lambda tags: not inner(tags)

    def _atom(self) -> Holds:
        if self._took("("):
            inner = self.either()
            if not self._took(")"):
                raise TagSyntaxError(tr("a '(' is not closed"))
            return inner
        if self.next is None:
            raise TagSyntaxError(tr("a tag is missing at its end"))
        kind, name = self.next
        if kind != "tag":
            raise TagSyntaxError(tr("a tag is missing before '{what}'", what=name))
        self._advance()
        self.named.append(name)
        return lambda tags: name in tags


def _or(parts: list[Holds]) -> Holds:
    return parts[0] if len(parts) == 1 else lambda tags: any(part(tags) for part in parts)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for found in _TOKEN.finditer(text):
        kind, written = found.lastgroup, found[found.lastgroup or 0]
        if kind == "rest":
            raise TagSyntaxError(tr("a quote is not closed"))
        if kind == "sign":
            yield _WORDS.get(written, written), written
        elif kind == "word":
            yield _WORDS.get(written.lower(), "tag"), written
        else:
            yield "tag", written
