"""The text of a condition made into one expression, ``${…}`` being an operand in it and never more code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sisyphus.errors import TemplateError
from sisyphus.values._expression import Expression, compile_one, expression_of
from sisyphus.values._scan import MAX_EXPRESSION, Segment, check_brackets, check_nesting, has_template, scan, segment_at
from sisyphus.values._text import shorten, to_text
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.values._evaluate import Compiler, Evaluate, Scope

_TOKEN: Final = re.compile(r"""['"]|\$\{|\{\{|[()\[\]{}]""")
_NO: Final = frozenset({"", "false", "no", "off", "0", "null", "none"})


def compile_condition(text: str) -> Expression:
    """Compiles a condition, or an expression, with or without ``${…}`` around it or its operands.

    Raises:
        TemplateError: it is no expression.
    """
    if not text.strip():
        raise TemplateError(tr("a condition is empty"))
    if len(text) > MAX_EXPRESSION:
        raise TemplateError(tr("an expression is longer than {limit} characters", limit=MAX_EXPRESSION))
    whole = _whole_expression(text)
    if whole is not None:
        return compile_one(whole, words=True)
    if not has_template(text):
        check_brackets(text)
        return compile_one(text, words=True)
    return _compile_operands(text)


def says_yes(value: object) -> bool:
    """What a condition's value means; text that spells a no (`"false"`, `"0"`, …) is one, as in environment variables."""
    if isinstance(value, str):
        return value.strip().lower() not in _NO
    return bool(value)


def _whole_expression(text: str) -> str | None:
    stripped = text.strip()
    for opener in ("${", "{{"):
        if stripped.startswith(opener):
            segment = segment_at(stripped, 0, opener)
            return segment.text if segment.end == len(stripped) else None
    return None


def _compile_operands(text: str) -> Expression:
    from sisyphus.values._evaluate import Compiler
    from sisyphus.values._jinja import parse_expression

    compiler = Compiler()
    try:
        evaluate = compiler.value(parse_expression(_with_placeholders(text, compiler), words=True))
    except RecursionError as error:
        raise TemplateError(tr("'{text}' is nested too deeply", text=shorten(text, 60))) from error
    return expression_of(evaluate, compiler, text.strip())


def _with_placeholders(text: str, compiler: Compiler) -> str:
    parts: list[str] = []
    position = depth = 0
    while match := _TOKEN.search(text, position):
        start, mark = match.start(), match.group()
        parts.append(text[position:start])
        if mark in {"${", "{{"}:
            segment = segment_at(text, start, mark)
            parts.append(f" {compiler.embed(_operand(segment.text, compiler))} ")
            position = segment.end
        elif mark in {"'", '"'}:
            position = _end_of_quote(text, start)
            parts.append(_quoted(text[start:position], compiler))
        else:
            depth += 1 if mark in "([{" else -1
            check_nesting(depth)
            parts.append(mark)
            position = match.end()
    parts.append(text[position:])
    return "".join(parts)


def _operand(text: str, compiler: Compiler) -> Evaluate:
    from sisyphus.values._jinja import parse_expression

    return compiler.lookup(parse_expression(text, words=True))


def _end_of_quote(text: str, start: int) -> int:
    quote, position = text[start], start + 1
    while position < len(text):
        if text[position] == quote:
            return position + 1
        if text[position] == "\\":
            position += 2
        elif text.startswith("${", position):  # may hold quotes of its own: '${a|default('b')}'
            position = segment_at(text, position, "${").end
        else:
            position += 1
    raise TemplateError(tr("a quote is not closed: {text}", text=shorten(text[start:], 60)))


def _quoted(literal: str, compiler: Compiler) -> str:
    """A quoted operand; ``'${env}-x'`` is text with the value in it, whatever quotes that value has."""
    inner = literal[1:-1]
    if "{" not in inner or not has_template(inner):
        return literal
    parts: list[str | Evaluate] = [
        _required(segment.text, compiler) if segment.kind == "expression" else _literal(segment)
        for segment in scan(inner)
    ]

    def text_of(scope: Scope) -> str:
        return "".join(part if isinstance(part, str) else to_text(part(scope)) for part in parts)

    return compiler.embed(text_of)


def _required(text: str, compiler: Compiler) -> Evaluate:
    from sisyphus.values._jinja import parse_expression

    return compiler.value(parse_expression(text, words=True))


def _literal(segment: Segment) -> str:
    if segment.kind == "statement":
        raise TemplateError(tr("a condition is an expression; statements have no place in it"))
    return re.sub(r"\\(.)", r"\1", segment.text)
