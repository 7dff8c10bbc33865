"""Templates with statements: ``{% if %}``, ``{% for %}`` and ``{% set %}``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from jinja2 import nodes

from sisyphus.errors import TemplateError, UndefinedName
from sisyphus.values._evaluate import Compiler, Evaluate, Scope
from sisyphus.values._jinja import (
    BLOCK_END,
    BLOCK_START,
    RESERVED,
    VARIABLE_END,
    VARIABLE_START,
    parse_expression,
    parse_template,
    plain,
)
from sisyphus.values._limits import MAX_ROUNDS, check_size, too_large
from sisyphus.values._lookup import finish
from sisyphus.values._patience import tick
from sisyphus.values._text import to_text, type_name
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.values._scan import Segment

STATEMENTS: Final = ("if", "elif", "else", "endif", "for", "endfor", "set")

Write = Callable[[Scope, list[str]], None]


def compile_statements(segments: Sequence[Segment]) -> tuple[Callable[[Scope], str], Compiler]:
    """Compiles a template that has statements; it always gives text."""
    expressions: list[str] = []
    tree = parse_template("".join(_source(segment, expressions) for segment in segments))
    compiler = Compiler(local=_names_set_in(tree))
    for text in expressions:
        compiler.embed(_Text(text, compiler.value(parse_expression(text))))
    write = _block(tree.body, compiler)

    def render(scope: Scope) -> str:
        pieces: list[str] = []
        write(scope, pieces)
        return "".join(pieces)

    return render, compiler


class _Text:
    """An expression between the statements: what it gives is written as text."""

    def __init__(self, text: str, evaluate: Evaluate) -> None:
        self.text = text
        self.evaluate = evaluate

    def __call__(self, scope: Scope) -> str:
        try:
            return to_text(finish(plain(self.evaluate(scope)), self.text))
        except UndefinedName as error:
            if scope.warn is None:
                raise
            scope.warn(str(error))
            return ""


def _source(segment: Segment, expressions: list[str]) -> str:
    if not RESERVED.isdisjoint(segment.text):
        raise TemplateError(tr("a template with statements contains a character that is not for interchange"))
    if segment.kind == "text":
        return segment.text
    if segment.kind == "statement":
        word = next(iter(segment.text.strip("-+ \t\r\n").split(maxsplit=1)), "")
        if word not in STATEMENTS:
            known = ", ".join(STATEMENTS)
            raise TemplateError(tr("templates have no statement '{word}', only: {known}", word=word, known=known))
        return f"{BLOCK_START}{segment.text}{BLOCK_END}"
    expressions.append(segment.text)
    return f"{VARIABLE_START}_·{len(expressions) - 1}{VARIABLE_END}"


def _names_set_in(tree: nodes.Template) -> set[str]:
    names = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}
    return names | {"loop"} if any(tree.find_all(nodes.For)) else names


def _block(body: Iterable[nodes.Node], compiler: Compiler) -> Write:
    writes = [_statement(node, compiler) for node in body]

    def write(scope: Scope, pieces: list[str]) -> None:
        for one in writes:
            one(scope, pieces)

    return write


def _statement(node: nodes.Node, compiler: Compiler) -> Write:
    if isinstance(node, nodes.Output):
        return _output(node, compiler)
    if isinstance(node, nodes.If):
        return _if(node, compiler)
    if isinstance(node, nodes.For):
        return _for(node, compiler)
    if isinstance(node, nodes.Assign):
        value, bind = compiler.value(node.node), _target(node.target)
        return lambda scope, _pieces: bind(scope.local, plain(value(scope)))
    raise TemplateError(tr("this form of {statement} is not supported", statement=type(node).__name__))


def _output(node: nodes.Output, compiler: Compiler) -> Write:
    parts: list[str | Evaluate] = [
        part.data if isinstance(part, nodes.TemplateData) else compiler.value(part) for part in node.nodes
    ]

    def write(scope: Scope, pieces: list[str]) -> None:
        for part in parts:
            text = part if isinstance(part, str) else part(scope)
            scope.written += len(text)
            check_size(scope.written)
            pieces.append(text)

    return write


def _if(node: nodes.If, compiler: Compiler) -> Write:
    branches = [(compiler.value(branch.test), _block(branch.body, compiler)) for branch in (node, *node.elif_)]
    otherwise = _block(node.else_, compiler)

    def write(scope: Scope, pieces: list[str]) -> None:
        for test, body in branches:
            if test(scope):
                return body(scope, pieces)
        return otherwise(scope, pieces)

    return write


def _for(node: nodes.For, compiler: Compiler) -> Write:
    if node.recursive:
        raise TemplateError(tr("recursive loops are not supported in templates"))
    items, bind = compiler.value(node.iter), _target(node.target)
    test = compiler.value(node.test) if node.test else None
    body, otherwise = _block(node.body, compiler), _block(node.else_, compiler)

    def write(scope: Scope, pieces: list[str]) -> None:
        outer = scope.local
        try:
            rounds = list(_rounds(scope, _items(items(scope)), bind, test))
            for index, local in enumerate(rounds):
                scope.local = {**local, "loop": _loop(index, len(rounds))}
                body(scope, pieces)
        finally:
            scope.local = outer
        if not rounds:
            otherwise(scope, pieces)

    return write


def _rounds(
    scope: Scope, items: Sequence[Any], bind: Callable[[dict[str, Any], Any], None], test: Evaluate | None
) -> Iterable[dict[str, Any]]:
    outer = scope.local
    for item in items:
        tick()
        scope.rounds += 1
        if scope.rounds > MAX_ROUNDS:
            raise too_large(tr("the number of rounds"))
        local = dict(outer)
        bind(local, item)
        scope.local = local
        if test is None or test(scope):
            yield local


def _items(value: Any) -> Sequence[Any]:
    value = plain(value)
    if isinstance(value, (list, Mapping)):
        return list(value)
    raise TemplateError(tr("a loop needs a list to go through, not {type}", type=type_name(value)))


def _loop(index: int, length: int) -> dict[str, Any]:
    return {
        "index": index + 1,
        "index0": index,
        "revindex": length - index,
        "revindex0": length - index - 1,
        "first": index == 0,
        "last": index == length - 1,
        "length": length,
        "cycle": lambda *values: values[index % len(values)],
    }


def _target(node: nodes.Node) -> Callable[[dict[str, Any], Any], None]:
    if isinstance(node, nodes.Name):
        name = node.name

        def bind(local: dict[str, Any], value: Any) -> None:
            local[name] = value

        return bind
    if isinstance(node, nodes.Tuple):
        targets = [_target(item) for item in node.items]

        def unpack(local: dict[str, Any], value: Any) -> None:
            if not isinstance(value, (list, tuple)) or len(value) != len(targets):
                raise TemplateError(
                    tr("cannot unpack {type} into {count} names", type=type_name(value), count=len(targets))
                )
            for target, element in zip(targets, value, strict=True):
                target(local, element)

        return unpack
    raise TemplateError(tr("only plain names can be set in a template"))
