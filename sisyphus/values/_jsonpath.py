"""python-jsonpath, set up for case files and bounded in time; its errors stop here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import jsonpath
from jsonpath.exceptions import JSONPathError
from jsonpath.filter import RelativeFilterQuery, RootFilterQuery
from jsonpath.function_extensions import ExpressionType, FilterFunction
from jsonpath.match import JSONPathMatch
from jsonpath.parse import Parser
from jsonpath.selectors import IndexSelector, JSONPathSelector

from sisyphus.errors import QueryError
from sisyphus.values._equality import json_equal
from sisyphus.values._patience import Patience, tick
from sisyphus.values._patterns import compile_i_regexp, compile_pattern
from sisyphus.values._text import shorten
from sisyphus.words import tr

if TYPE_CHECKING:
    from jsonpath.filter import BaseExpression
    from jsonpath.stream import TokenStream

# What the library and the values it meets may raise: filters compare anything with anything.
_FOREIGN: Final = (
    JSONPathError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    RecursionError,
    ArithmeticError,
    re.error,
)
_FLAGS: Final = re.ASCII | re.IGNORECASE | re.MULTILINE | re.DOTALL


class _Node(JSONPathMatch):
    """A node on the way, which asks for the time and keeps neither its path nor its children: nobody reads them."""

    __slots__ = ()

    def __init__(self, *, filter_context: Any, obj: object, parent: Any, path: str, parts: Any, root: Any) -> None:
        tick()
        super().__init__(filter_context=filter_context, obj=obj, parent=None, path="", parts=(), root=root)

    def new_child(self, obj: object, key: int | str) -> _Node:
        return _Node(filter_context={}, obj=obj, parent=None, path="", parts=(), root=self.root)

    def add_child(self, *children: JSONPathMatch) -> None:
        pass


class _Path(jsonpath.JSONPath):
    def finditer(self, data: Any, *, filter_context: Any = None) -> Iterable[JSONPathMatch]:
        nodes: Iterable[JSONPathMatch] = [_Node(filter_context={}, obj=data, parent=None, path="", parts=(), root=data)]
        for segment in self.segments:
            nodes = segment.resolve(nodes)
        return nodes


class _Index(IndexSelector):
    """An index within the library: of lists only, as the RFC has it."""

    __slots__ = ()

    def resolve(self, node: JSONPathMatch) -> Iterable[JSONPathMatch]:
        return super().resolve(node) if isinstance(node.obj, Sequence) else ()


class _Parser(Parser):
    def parse_absolute_query(self, stream: TokenStream) -> BaseExpression:
        stream.next()
        return RootFilterQuery(_Path(env=self.env, segments=self.parse_query(stream)))

    def parse_relative_query(self, stream: TokenStream) -> BaseExpression:
        stream.next()
        return RelativeFilterQuery(_Path(env=self.env, segments=self.parse_query(stream)))

    def parse_bracketed_selection(self, stream: TokenStream) -> list[JSONPathSelector]:
        selectors = super().parse_bracketed_selection(stream)
        return [
            _Index(env=self.env, token=one.token, index=one.index) if type(one) is IndexSelector else one
            for one in selectors
        ]


class _Matching(FilterFunction):
    """`match` (all of the text) or `search` of the RFC; what is no pattern matches nothing."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012 - the library's form
    return_type = ExpressionType.LOGICAL

    def __init__(self, *, whole: bool) -> None:
        self._whole: Final = whole

    def __call__(self, value: object, pattern: object) -> bool:
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        try:
            compiled = compile_i_regexp(pattern)
            compiled.prepare()
        except QueryError:  # RFC 9535 sections 2.4.6 and 2.4.7: the result is then false
            return False
        return (compiled.fullmatch(value) if self._whole else compiled.search(value)) is not None


class _Environment(jsonpath.JSONPathEnvironment):
    max_recursion_depth = 200  # levels that `..` goes down; JSON of people has ten
    parser_class: type[Parser] = _Parser

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions.update(match=_Matching(whole=True), search=_Matching(whole=False))

    def compare(self, left: object, operator: str, right: object) -> bool:
        tick()
        if operator == "=~":
            if isinstance(right, re.Pattern):  # a literal, /…/i
                right = compile_pattern(right.pattern, right.flags & _FLAGS)
            elif isinstance(right, str):
                right = compile_pattern(right)
            return isinstance(left, str) and hasattr(right, "search") and right.search(left) is not None
        if operator in {"==", "!="} and isinstance(left, (dict, list)) and isinstance(right, (dict, list)):
            return json_equal(left, right) is (operator == "==")
        return super().compare(left, operator, right)


_ENVIRONMENT: Final = _Environment()


def compile_path(path: str, shown: str) -> Any:
    """Compiles a path in the notation of RFC 9535; errors call it as `shown`."""
    try:
        compiled = _ENVIRONMENT.compile(path)
    except QueryError:
        raise
    except _FOREIGN as error:
        raise QueryError(
            tr("'{path}' is no valid path: {reason}", path=shorten(shown), reason=_reason(error))
        ) from error
    if not isinstance(compiled, jsonpath.JSONPath) or compiled.pseudo_root:
        raise QueryError(tr("'{path}' is no valid path: {reason}", path=shorten(shown), reason=tr("several paths")))
    return _Path(env=_ENVIRONMENT, segments=compiled.segments)


def find_all(compiled: Any, data: Any, limit: int) -> tuple[Any, ...]:
    """All matches, in order.

    Raises:
        QueryError: there are more than `limit`, it takes too long, or the search failed on this data.
    """
    try:
        with Patience(QueryError):
            matches = tuple(match.obj for match in islice(compiled.finditer(data), limit + 1))
    except QueryError as error:
        raise QueryError(
            tr("'{path}' failed on this data: {reason}", path=shorten(str(compiled)), reason=error),
            suggestion=error.suggestion,
        ) from error
    except _FOREIGN as error:
        raise QueryError(
            tr("'{path}' failed on this data: {reason}", path=shorten(str(compiled)), reason=_reason(error))
        ) from error
    if len(matches) > limit:
        raise QueryError(tr("'{path}' matches more than {limit} values", path=shorten(str(compiled)), limit=limit))
    return matches


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()  # the library draws the path below its message
    return lines[0] if lines else type(error).__name__
