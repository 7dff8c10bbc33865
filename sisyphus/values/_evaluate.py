"""An expression's syntax tree made into closures that look names up only when they are reached."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from jinja2 import nodes

from sisyphus.errors import TemplateError
from sisyphus.values._jinja import EvaluationContext, Nothing
from sisyphus.values._lookup import Missing, child, look_up, path_text
from sisyphus.values._nodes import COMPILERS
from sisyphus.values._text import type_name
from sisyphus.words import tr


class Scope:
    """What an evaluation sees: the names, and what statements of the template itself have set."""

    __slots__ = ("_context", "local", "names", "rounds", "warn", "written")

    def __init__(self, names: Mapping[str, Any], warn: Callable[[str], None] | None = None) -> None:
        self.names = names
        self.warn = warn  # given: an undefined name is worth a warning and no text, not an error
        self.local: dict[str, Any] = {}
        self.rounds = 0
        self.written = 0
        self._context: EvaluationContext | None = None

    @property
    def context(self) -> EvaluationContext:
        """What filters get; made for the first one."""
        if self._context is None:
            self._context = EvaluationContext()
        return self._context


Evaluate = Callable[[Scope], Any]

_LOOKUPS: Final = (nodes.Name, nodes.Getattr, nodes.Getitem)
_MAY_MISS: Final = (*_LOOKUPS, nodes.Filter)


class Compiler:
    """Compiles the nodes of one template.

    Attributes:
        names: the free top-level names met so far.
        calls: those of them that are called as functions.
        local: names that statements of the template set.
        embedded: expressions that were compiled before, by the names that stand for them.
    """

    def __init__(self, local: Collection[str] = ()) -> None:
        self.names: set[str] = set()
        self.calls: set[str] = set()
        self.local = frozenset(local)
        self.embedded: dict[str, Evaluate] = {}

    def embed(self, evaluate: Evaluate) -> str:
        """Gives a name, valid only in this template, to what was compiled before."""
        name = f"_·{len(self.embedded)}"  # a valid name that nobody types
        self.embedded[name] = evaluate
        return name

    def value(self, node: nodes.Node) -> Evaluate:
        """Compiles to what gives a value, or raises `UndefinedName`."""
        compiled = self.lookup(node)
        return _required(compiled) if isinstance(node, _MAY_MISS) else compiled

    def lookup(self, node: nodes.Node) -> Evaluate:
        """Compiles to what gives a value or `Missing`; only look-ups and filters can miss."""
        if isinstance(node, _LOOKUPS):
            return self._look_up(node)
        compiler = COMPILERS.get(type(node))
        if compiler is None:
            raise TemplateError(tr("'{kind}' is not supported in a template", kind=type(node).__name__))
        return compiler(self, node)

    def _look_up(self, node: nodes.Node) -> Evaluate:
        if isinstance(node, nodes.Name):
            return self._name(node.name)
        steps: list[Any] = []
        root = node
        while (step := _constant_step(root)) is not None:
            steps.append(step)
            root = root.node  # type: ignore[attr-defined]  # only look-ups have steps
        steps.reverse()
        if steps and isinstance(root, nodes.Name) and self._is_free(root.name):
            name, path = root.name, tuple(steps)
            self.names.add(name)
            return lambda scope: look_up(scope.names, name, path)
        if isinstance(node, nodes.Getattr):
            attribute = node.attr
            return _step_down(self.lookup(node.node), lambda _scope: attribute)
        if isinstance(node, nodes.Getitem):
            return _step_down(self.lookup(node.node), self.value(node.arg))
        raise TypeError(node)

    def _is_free(self, name: str) -> bool:
        return name not in self.local and name not in self.embedded and name != "null"

    def _name(self, name: str) -> Evaluate:
        if name in self.embedded:
            return self.embedded[name]
        if name == "null":
            return lambda _scope: None
        if name not in self.local:
            self.names.add(name)
            return lambda scope: look_up(scope.names, name)
        missing = object()

        def local_first(scope: Scope) -> Any:
            value = scope.local.get(name, missing)
            return look_up(scope.names, name) if value is missing else value

        return local_first


def _required(lookup: Evaluate) -> Evaluate:
    def value(scope: Scope) -> Any:
        found = lookup(scope)
        if type(found) is Missing:
            raise found.error()
        return found

    return value


def _step_down(parent: Evaluate, key: Evaluate) -> Evaluate:
    def step(scope: Scope) -> Any:
        above = parent(scope)
        below = key(scope)
        if type(above) is Missing:
            return Missing(above.name + path_text("", (below,)), within=above.within)
        if isinstance(below, slice):
            return _sliced(above, below)
        found = child(above, below)
        if type(found) is Missing:
            return Missing(found.name.removeprefix("."), above if isinstance(above, Mapping) else ())
        return found.missing() if type(found) is Nothing else found

    return step


def _constant_step(node: nodes.Node) -> str | int | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem):
        key, sign = node.arg, 1
        if isinstance(key, nodes.Neg):
            key, sign = key.node, -1
        if isinstance(key, nodes.Const) and type(key.value) is int:
            return sign * key.value
        if isinstance(key, nodes.Const) and isinstance(key.value, str) and sign == 1:
            return key.value
    return None


def _sliced(value: Any, bounds: slice) -> Any:
    if isinstance(value, (str, list, tuple)):
        try:
            return value[bounds]
        except (TypeError, ValueError) as error:
            raise TemplateError(tr("the bounds of [a:b] are whole numbers")) from error
    raise TemplateError(tr("'{sign}' cannot be applied to {type}", sign="[:]", type=type_name(value)))
