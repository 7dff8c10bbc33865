"""What each kind of node of an expression compiles to."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from jinja2 import nodes

from sisyphus.errors import StepError, TemplateError
from sisyphus.values import _limits
from sisyphus.values._calls import call_function, call_method
from sisyphus.values._jinja import Nothing, call_filter, call_test, check_filter, plain
from sisyphus.values._lookup import Missing, look_up, path_text
from sisyphus.values._patience import tick
from sisyphus.values._text import type_name
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.values._evaluate import Compiler, Evaluate, Scope

_BINARY: Final[Mapping[type[nodes.Node], Callable[[Any, Any], Any]]] = {
    nodes.Add: _limits.add,
    nodes.Sub: operator.sub,
    nodes.Mul: _limits.multiply,
    nodes.Div: operator.truediv,
    nodes.FloorDiv: operator.floordiv,
    nodes.Mod: _limits.modulo,
    nodes.Pow: _limits.power,
}
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
    "in": lambda left, right: left in right,
    "notin": lambda left, right: left not in right,
}
_SIGNS: Final = {"gt": ">", "gteq": ">=", "lt": "<", "lteq": "<=", "notin": "not in", "eq": "==", "ne": "!="}


def _constant(compiler: Compiler, node: nodes.Const) -> Evaluate:
    value = node.value
    return lambda _scope: value


def _list(compiler: Compiler, node: nodes.List | nodes.Tuple) -> Evaluate:
    items = [compiler.value(item) for item in node.items]
    return lambda scope: [item(scope) for item in items]


def _tuple(compiler: Compiler, node: nodes.Tuple) -> Evaluate:
    items = _list(compiler, node)
    return lambda scope: tuple(items(scope))


def _dict(compiler: Compiler, node: nodes.Dict) -> Evaluate:
    pairs = [(compiler.value(pair.key), compiler.value(pair.value)) for pair in node.items]

    def make(scope: Scope) -> dict[Any, Any]:
        try:
            return {key(scope): value(scope) for key, value in pairs}
        except TypeError as error:
            raise TemplateError(tr("a list or map cannot be the key of a map")) from error

    return make


def _and(compiler: Compiler, node: nodes.And) -> Evaluate:
    left, right = compiler.value(node.left), compiler.value(node.right)
    return lambda scope: left(scope) and right(scope)


def _or(compiler: Compiler, node: nodes.Or) -> Evaluate:
    left, right = compiler.value(node.left), compiler.value(node.right)
    return lambda scope: left(scope) or right(scope)


def _not(compiler: Compiler, node: nodes.Not) -> Evaluate:
    operand = compiler.value(node.node)
    return lambda scope: not operand(scope)


def _sign(compiler: Compiler, node: nodes.UnaryExpr) -> Evaluate:
    operand = compiler.value(node.node)
    apply: Callable[[Any], Any] = operator.neg if isinstance(node, nodes.Neg) else operator.pos

    def signed(scope: Scope) -> Any:
        value = operand(scope)
        try:
            return apply(value)
        except TypeError as error:
            raise TemplateError(
                tr("'{sign}' cannot be applied to {type}", sign=node.operator, type=type_name(value))
            ) from error

    return signed


def _binary(compiler: Compiler, node: nodes.BinExpr) -> Evaluate:
    left, right = compiler.value(node.left), compiler.value(node.right)
    apply, sign = _BINARY[type(node)], node.operator
    return lambda scope: _apply(apply, sign, left(scope), right(scope))


def _compare(compiler: Compiler, node: nodes.Compare) -> Evaluate:
    first = compiler.value(node.expr)
    others = [(_COMPARISONS[operand.op], operand.op, compiler.value(operand.expr)) for operand in node.ops]

    def compare(scope: Scope) -> bool:
        left = first(scope)
        for apply, name, operand in others:
            right = operand(scope)
            if not _apply(apply, _SIGNS.get(name, name), left, right):
                return False
            left = right
        return True

    return compare


def _concat(compiler: Compiler, node: nodes.Concat) -> Evaluate:
    parts = [compiler.value(part) for part in node.nodes]
    return lambda scope: _limits.concatenate(plain(part(scope)) for part in parts)


def _condition(compiler: Compiler, node: nodes.CondExpr) -> Evaluate:
    test, then = compiler.value(node.test), compiler.value(node.expr1)
    if node.expr2 is None:
        return lambda scope: then(scope) if test(scope) else _no_else()
    otherwise = compiler.value(node.expr2)
    return lambda scope: then(scope) if test(scope) else otherwise(scope)


def _slice(compiler: Compiler, node: nodes.Slice) -> Evaluate:
    bounds = [compiler.value(bound) if bound else (lambda _scope: None) for bound in (node.start, node.stop, node.step)]
    return lambda scope: slice(*(bound(scope) for bound in bounds))


def _filter(compiler: Compiler, node: nodes.Filter) -> Evaluate:
    if node.node is None:
        raise TemplateError(tr("a filter needs a value to work on"))
    name = node.name
    if name in {"default", "d"}:
        return _default(compiler, node)
    value, arguments = compiler.value(node.node), _arguments(compiler, node)
    if name == "random":  # by our own choice(), so that a seed governs it too
        compiler.names.add("choice")
        return lambda scope: call_function("choice", look_up(scope.names, "choice"), (value(scope),), {})
    check_filter(name)

    text = f"{_written(node.node)}|{name}"

    def apply(scope: Scope) -> Any:
        args, options = arguments(scope)
        result = call_filter(name, value(scope), args, options, scope.context)
        return Missing(text) if type(result) is Nothing else result

    return apply


def _written(node: nodes.Node) -> str:
    """A name or a path as a template writes it, for messages; anything else is `…`."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        return path_text(_written(node.node), (node.attr,))
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return path_text(_written(node.node), (node.arg.value,))
    return f"{_written(node.node)}|{node.name}" if isinstance(node, nodes.Filter) and node.node else "…"


def _default(compiler: Compiler, node: nodes.Filter) -> Evaluate:
    value, arguments = compiler.lookup(node.node or nodes.Const(None)), _arguments(compiler, node)

    def given_or_default(scope: Scope) -> Any:
        given = value(scope)
        missing = type(given) is Missing
        if given and not missing:
            return given
        args, options = arguments(scope)
        also_empty = options.get("boolean", args[1] if len(args) > 1 else False)
        return options.get("default_value", args[0] if args else "") if missing or also_empty else given

    return given_or_default


def _test(compiler: Compiler, node: nodes.Test) -> Evaluate:
    name = node.name
    if name in {"defined", "undefined"}:
        looked_up, wanted = compiler.lookup(node.node), name == "defined"
        return lambda scope: (type(looked_up(scope)) is not Missing) is wanted
    check_filter(name, "test")
    value, arguments = compiler.value(node.node), _arguments(compiler, node)

    def test(scope: Scope) -> bool:
        args, options = arguments(scope)
        return call_test(name, value(scope), args, options, scope.context)

    return test


def _call(compiler: Compiler, node: nodes.Call) -> Evaluate:
    arguments = _arguments(compiler, node)
    target = node.node
    if isinstance(target, nodes.Name):
        name, function = target.name, compiler.lookup(target)
        compiler.calls.add(name)

        def call(scope: Scope) -> Any:
            args, options = arguments(scope)
            return call_function(name, function(scope), args, options)

        return call
    if isinstance(target, nodes.Getattr):
        owner, method = compiler.value(target.node), target.attr

        def call_on(scope: Scope) -> Any:
            args, options = arguments(scope)
            return call_method(owner(scope), method, args, options)

        return call_on
    raise TemplateError(tr("only a function or a method can be called"))


def _arguments(compiler: Compiler, node: Any) -> Callable[[Scope], tuple[Sequence[Any], Mapping[str, Any]]]:
    args = [compiler.value(argument) for argument in node.args]
    options = {option.key: compiler.value(option.value) for option in node.kwargs}
    more_args = compiler.value(node.dyn_args) if node.dyn_args else None
    more_options = compiler.value(node.dyn_kwargs) if node.dyn_kwargs else None

    def evaluate(scope: Scope) -> tuple[Sequence[Any], Mapping[str, Any]]:
        positional = [argument(scope) for argument in args]
        named = {key: option(scope) for key, option in options.items()}
        if more_args:
            positional.extend(_spread(more_args(scope), list, "*"))
        if more_options:
            named.update(_spread(more_options(scope), Mapping, "**"))
        return positional, named

    return evaluate


def _spread(value: Any, kind: type, sign: str) -> Any:
    value = plain(value)
    if not isinstance(value, kind) or (isinstance(value, Mapping) and not all(isinstance(key, str) for key in value)):
        raise TemplateError(tr("'{sign}' cannot be applied to {type}", sign=sign, type=type_name(value)))
    return value


def _apply(function: Callable[[Any, Any], Any], sign: str, left: Any, right: Any) -> Any:
    tick()
    try:
        return function(left, right)
    except StepError:
        raise
    except ZeroDivisionError as error:
        raise TemplateError(tr("division by zero")) from error
    except (TypeError, ValueError, ArithmeticError) as error:
        values = {"sign": sign, "left": type_name(left), "right": type_name(right)}
        raise TemplateError(tr("'{sign}' cannot be applied to {left} and {right}", **values)) from error


def _no_else() -> Any:
    raise TemplateError(tr("the condition of 'a if b' does not hold and there is no 'else'"))


COMPILERS: Final[Mapping[type[nodes.Node], Callable[[Compiler, Any], Evaluate]]] = {
    nodes.Const: _constant,
    nodes.List: _list,
    nodes.Tuple: _tuple,
    nodes.Dict: _dict,
    nodes.And: _and,
    nodes.Or: _or,
    nodes.Not: _not,
    nodes.Neg: _sign,
    nodes.Pos: _sign,
    nodes.Compare: _compare,
    nodes.Slice: _slice,
    **dict.fromkeys(_BINARY, _binary),
    nodes.Concat: _concat,
    nodes.CondExpr: _condition,
    nodes.Filter: _filter,
    nodes.Test: _test,
    nodes.Call: _call,
}
