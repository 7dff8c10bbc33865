"""``${…}``, ``{{ … }}`` and ``{% … %}`` compiled and rendered."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from sisyphus.errors import TemplateError, UndefinedName, nearest
from sisyphus.values import _conditions
from sisyphus.values._expression import Expression, Names, Part, Warn, compile_one
from sisyphus.values._scan import Segment, has_template, scan
from sisyphus.values._text import to_text
from sisyphus.words import tr

# Every distinct text of some hundred large case files; what falls out is compiled again.
_REMEMBERED: Final = 8192
_SPECIAL: Final = re.compile(r"\$\{|\{\{|\{%")  # what begins something in a template
_ALWAYS: Final = frozenset({"range", "dict"})  # functions of the language itself


class Template:
    """A compiled text.

    Attributes:
        text: the text it was compiled from.
        constant: whether there is nothing in it to evaluate.
        names: the free top-level names it may look up.
        calls: those of them that it calls as functions.
    """

    __slots__ = ("_legacy", "_parts", "calls", "constant", "names", "text")

    def __init__(
        self, text: str, parts: tuple[str | Part, ...], expressions: list[Expression], *, legacy: bool
    ) -> None:
        self.text: Final = text
        self.constant: Final = not expressions
        self.names: Final = frozenset[str]().union(*(expression.names for expression in expressions))
        self.calls: Final = frozenset[str]().union(*(expression.calls for expression in expressions))
        self._parts: Final = parts
        self._legacy: Final = legacy

    def __repr__(self) -> str:
        return f"<Template {self.text!r}>"

    def render(self, names: Names, warn: Warn | None = None) -> Any:
        """Evaluates the template.

        Args:
            names: where top-level names are looked up, one by one and only when they are reached.
            warn: called with a message for each undefined name of a legacy template.

        Returns:
            The value of the one expression the text consists of, in its own type; otherwise text.

        Raises:
            UndefinedName: a name, or what a path leads to, does not exist.
            TemplateError: the evaluation failed.
            StepError: whatever `names` raises.
        """
        parts = self._parts
        if self._legacy:
            return "".join([part if isinstance(part, str) else _leniently(part, names, warn) for part in parts])
        if len(parts) == 1:
            part = parts[0]
            return part if isinstance(part, str) else part(names, None)
        try:
            return "".join([part if isinstance(part, str) else to_text(part(names, None)) for part in parts])
        except RecursionError as error:
            raise _too_deep() from error


def compile_template(text: str, *, legacy: bool = False) -> Template:
    """Compiles a text, once for all who ask for it.

    Args:
        text: the text as the case file has it.
        legacy: whether it always gives text, and undefined names give none (``compat: legacy``).

    Raises:
        TemplateError: an expression in it is wrong; the message says why.
    """
    return _compiled(text, legacy)


def compile_expression(text: str) -> Template:
    """Compiles a condition or an expression, with or without ``${…}`` around it or around its operands.

    Raises:
        TemplateError: it is no expression; the message says why.
    """
    return _compiled_expression(text)


def literal(text: str) -> str:
    """A template that gives exactly this text, whatever stands in it."""
    return _SPECIAL.sub(lambda found: "$${" if found[0] == "${" else f"${{'{found[0]}'}}", text)


def render(value: Any, names: Names, *, legacy: bool = False, warn: Warn | None = None) -> Any:
    """Renders the templates in a value of any depth, the keys of maps included.

    Returns:
        The value itself where there was nothing to render, otherwise a new one; `value` is never changed.

    Raises:
        StepError: as `Template.render`.
    """
    if type(value) is str:
        return _compiled(value, legacy).render(names, warn) if "{" in value else value
    try:
        return _render(value, names, legacy, warn)
    except RecursionError as error:
        raise _too_deep() from error


def refuse(message: str) -> None:
    """A `warn` for legacy templates that may not lack a name."""
    raise TemplateError(message, suggestion=tr("Give it a value; only bodies, headers and parameters may lack one."))


def condition_holds(condition: Any, names: Names) -> bool:
    """Evaluates a condition: an expression, a boolean, ``{and: …}``, ``{or: …}``, ``{not: …}``, or a list (= and).

    Only as much is evaluated as the answer needs.

    Raises:
        TemplateError: it is no condition, or its evaluation failed.
    """
    if isinstance(condition, bool):
        return condition
    if isinstance(condition, str):
        return _conditions.says_yes(_compiled_expression(condition).render(names))
    if isinstance(condition, (list, tuple)):
        return all(condition_holds(part, names) for part in condition)
    if isinstance(condition, Mapping) and len(condition) == 1:
        ((word, operand),) = condition.items()
        return _combined(str(word).lower(), operand, names)
    if isinstance(condition, (int, float)):
        return bool(condition)
    raise TemplateError(tr("a condition is an expression, true or false, a list, or one of and, or, not"))


def check_syntax(
    value: Any, *, condition: bool = False, functions: Collection[str] | None = None
) -> Iterator[tuple[tuple[str | int, ...], TemplateError]]:
    """Finds the templates in a value of a case file that can never be rendered.

    Args:
        value: any value, as read from the file.
        condition: whether its texts are conditions, that is expressions even without ``${…}``.
        functions: every name that may be called, if that is known; calls of others are reported.

    Yields:
        The path (keys and indices) to each text that is wrong, and what is wrong with it.
    """
    if isinstance(value, str):
        if error := _syntax_error(value, condition=condition, functions=functions):
            yield (), error
        return
    children: list[tuple[str | int, Any]] = []
    if isinstance(value, Mapping):
        children = list(value.items())
        keys = [key for key in value if isinstance(key, str)]
        for key in keys if not condition else ():
            if error := _syntax_error(key, condition=False, functions=functions):
                yield (key,), error
    elif isinstance(value, (list, tuple)):
        children = list(enumerate(value))
    for step, below in children:
        for path, error in check_syntax(below, condition=condition, functions=functions):
            yield (step, *path), error


def _compile(text: str, legacy: bool) -> Template:
    segments = list(scan(text)) if has_template(text) else []
    if not any(segment.kind != "text" for segment in segments):
        return Template(text, ("".join(segment.text for segment in segments) if segments else text,), [], legacy=legacy)
    if any(segment.kind == "statement" for segment in segments):
        expression = _compile_statements(segments)
        return Template(text, (expression.part,), [expression], legacy=legacy)
    expressions: list[Expression] = []
    parts: list[str | Part] = []
    for segment in segments:
        if segment.kind == "text":
            parts.append(segment.text)
        else:
            expressions.append(compile_one(segment.text))
            parts.append(expressions[-1].part)
    return Template(text, tuple(parts), expressions, legacy=legacy)


def _compile_statements(segments: list[Segment]) -> Expression:
    from sisyphus.values._expression import expression_of
    from sisyphus.values._statements import compile_statements

    try:
        evaluate, compiler = compile_statements(segments)
    except RecursionError as error:
        raise _too_deep() from error
    return expression_of(evaluate, compiler, "")


def _compile_expression(text: str) -> Template:
    expression = _conditions.compile_condition(text)
    return Template(text, (expression.part,), [expression], legacy=False)


_compiled = lru_cache(_REMEMBERED)(_compile)
_compiled_expression = lru_cache(_REMEMBERED)(_compile_expression)


def _leniently(part: Part, names: Names, warn: Warn | None) -> str:
    report: Callable[[str], Any] = warn or str
    try:
        return to_text(part(names, report))
    except UndefinedName as error:
        report(str(error))
        return ""


def _render(value: Any, names: Names, legacy: bool, warn: Warn | None) -> Any:
    if isinstance(value, str):
        return _compiled(value, legacy).render(names, warn) if "{" in value else value
    if isinstance(value, Mapping):
        rendered = {
            _rendered_key(key, names, legacy, warn): _render(below, names, legacy, warn) for key, below in value.items()
        }
        same = len(rendered) == len(value) and all(
            new is old and new_key is old_key
            for (new_key, new), (old_key, old) in zip(rendered.items(), value.items(), strict=True)
        )
        return value if same else rendered
    if isinstance(value, (list, tuple)):
        elements = [_render(below, names, legacy, warn) for below in value]
        same = all(new is old for new, old in zip(elements, value, strict=True))
        return value if same else elements
    return value


def _rendered_key(key: Any, names: Names, legacy: bool, warn: Warn | None) -> Any:
    if not isinstance(key, str) or "{" not in key:
        return key
    return to_text(_compiled(key, legacy).render(names, warn))


def _combined(word: str, operand: Any, names: Names) -> bool:
    if word == "not":
        return not condition_holds(operand, names)
    if word in {"and", "or"} and isinstance(operand, (list, tuple)):
        parts = (condition_holds(part, names) for part in operand)
        return all(parts) if word == "and" else any(parts)
    raise TemplateError(tr("a condition is an expression, true or false, a list, or one of and, or, not"))


def _syntax_error(text: str, *, condition: bool, functions: Collection[str] | None) -> TemplateError | None:
    try:
        template = compile_expression(text) if condition else compile_template(text)
    except TemplateError as error:
        return error
    if functions is None:
        return None
    for name in sorted(template.calls):
        if name not in _ALWAYS and name not in functions:  # looking at all of them may cost more
            near = nearest(name, {*functions, *_ALWAYS})
            hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
            return TemplateError(tr("there is no function '{name}'", name=name) + hint)
    return None


def _too_deep() -> TemplateError:
    return TemplateError(tr("a value is nested too deeply to be rendered"))
