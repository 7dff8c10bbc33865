"""One expression compiled: a plain path without Jinja2, everything else with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from sisyphus.comparable import Comparable
from sisyphus.errors import TemplateError
from sisyphus.values._lookup import Step, finish, look_up
from sisyphus.values._patience import Patience
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.values._evaluate import Compiler, Evaluate

Names = Mapping[str, Any]
Warn = Callable[[str], None]

# What a compiled expression is to a template; `warn` is given in legacy files only.
Part = Callable[[Names, Warn | None], Any]

_PATH: Final = re.compile(
    r"""\s*([^\W\d]\w*)"""
    r"""((?:\.(?:[^\W\d]\w*|0|[1-9][0-9]{0,8})|\[(?:0|-?[1-9][0-9]{0,8}|'[^'\\\r\n]*'|"[^"\\\r\n]*")\])*)\s*"""
)
_STEP: Final = re.compile(r"""\.([^\W\d]\w*)|[.\[](-?[0-9]+)\]?|\[(?:'([^']*)'|"([^"]*)")\]""")
_KEYWORDS: Final = frozenset([
    "true",
    "false",
    "none",
    "null",
    "True",
    "False",
    "None",
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
])


@frozen(eq=False, repr=False)
class Expression(Comparable):
    """A compiled expression: how to evaluate it, the free names in it, and those it calls as functions."""

    part: Part
    names: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()


def compile_one(text: str, *, words: bool = False) -> Expression:
    """Compiles the text of an expression, without delimiters.

    Args:
        text: what stands between the delimiters.
        words: whether ``AND``, ``OR`` and ``NOT`` are operators, as they are in conditions.

    Raises:
        TemplateError: it is no expression.
    """
    path = _plain_path(text)
    if path is None:
        return _compile_with_jinja(text, words=words)
    name, steps = path
    shown = text.strip()

    def part(names: Names, _warn: Warn | None) -> Any:
        return finish(look_up(names, name, steps), shown)

    return Expression(part, frozenset({name}))


def _plain_path(text: str) -> tuple[str, tuple[Step, ...]] | None:
    match = _PATH.fullmatch(text)
    if match is None or match[1] in _KEYWORDS or not match[1].isidentifier():
        return None
    steps: list[Step] = []
    for attribute, index, single, double in _STEP.findall(match[2]):
        if attribute and not attribute.isidentifier():
            return None
        steps.append(attribute or (int(index) if index else single or double))
    return match[1], tuple(steps)


def _compile_with_jinja(text: str, *, words: bool) -> Expression:
    from sisyphus.values._evaluate import Compiler
    from sisyphus.values._jinja import parse_expression

    compiler = Compiler()
    try:
        evaluate = compiler.value(parse_expression(text, words=words))
    except RecursionError as error:
        raise _too_deep() from error
    return expression_of(evaluate, compiler, text.strip())


def expression_of(evaluate: Evaluate, compiler: Compiler, shown: str) -> Expression:
    """Wraps what the compiler made into what a template needs."""
    from sisyphus.values._evaluate import Scope
    from sisyphus.values._jinja import plain

    def part(names: Names, warn: Warn | None) -> Any:
        try:
            with Patience(TemplateError):
                return finish(plain(evaluate(Scope(names, warn))), shown)
        except RecursionError as error:
            raise _too_deep() from error

    return Expression(part, frozenset(compiler.names), frozenset(compiler.calls))


def _too_deep() -> TemplateError:
    return TemplateError(tr("the expression, or a value in it, is nested too deeply"))
