"""Whether a route is meant by a request, and if not, why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from sisyphus.case.model import ABSENT, Route
from sisyphus.errors import QueryError, StepError, UndefinedName
from sisyphus.redaction.names import is_sensitive
from sisyphus.values._patterns import compile_pattern
from sisyphus.values._text import to_text
from sisyphus.values.compare import ALIASES, OPERATORS, compare
from sisyphus.values.query import compile_query
from sisyphus.values.template import condition_holds
from sisyphus.words import tr

if TYPE_CHECKING:
    import regex

_PARAMETER: Final = re.compile(r"\{([A-Za-z_]\w*)\}")
_ANY: Final = frozenset({"ANY", "ALL", "*"})

PathMatch = Callable[[str], "Mapping[str, str] | None"]
"""Gives the parameters of a path, or None if it is not the one that is meant; a pattern may raise `StepError`."""


def path_matcher(route: Route) -> PathMatch:
    """How the route's path is compared with those that are asked for."""
    if route.match_type == "contains":
        return lambda path: {} if route.path in path else None
    if route.match_type == "regex":
        return _by_pattern(compile_pattern(route.path).search)
    pieces = _PARAMETER.split(_rooted(route.path))  # text, name, text, name, …, text
    shape = "".join(re.escape(piece) if i % 2 == 0 else f"(?P<{piece}>[^/]+)" for i, piece in enumerate(pieces))
    return _by_pattern(re.compile(shape).fullmatch)


def vagueness(route: Route) -> int:
    """How little a path says: a literal one nothing, one with parameters as many as it has, any other most."""
    return len(_PARAMETER.findall(route.path)) if route.match_type == "exact" else 1_000


def methods_of(route: Route) -> frozenset[str]:
    """The methods a route answers; none of them means all."""
    method = route.method.upper()
    if method in _ANY:
        return frozenset()
    return frozenset({"GET", "HEAD"} if method == "GET" else {method})


def unmet(route: Route, request: Mapping[str, Any]) -> str | None:
    """What the route asks for and the request does not have, beside its path, its method and the condition."""
    for name, expected in route.query_params.items():
        if reason := _unlike(request["query"].get(name, ABSENT), expected):
            return tr("query parameter {name}: {reason}", name=name, reason=_discreet(name, reason))
    for name, expected in route.headers.items():
        if reason := _unlike(request["headers"].get(name, ABSENT), expected):
            return tr("header {name}: {reason}", name=name, reason=_discreet(name, reason))
    if route.body_pattern is not ABSENT and (reason := _unlike_body(route, request)):
        return tr("body: {reason}", reason=reason)
    return None


def meets_condition(route: Route, names: Mapping[str, Any]) -> bool:
    """Whether the route's condition holds; it does not where it names what this request does not have.

    Raises:
        StepError: it cannot be evaluated.
    """
    try:
        return route.condition is None or condition_holds(route.condition, names)
    except UndefinedName:
        return False


def _rooted(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _by_pattern(match: Callable[[str], re.Match[str] | regex.Match[str] | None]) -> PathMatch:
    def parameters(path: str) -> Mapping[str, str] | None:
        found = match(path)
        return None if found is None else {name: value or "" for name, value in found.groupdict().items()}

    return parameters


def _discreet(name: str, reason: str) -> str:
    """The reason without the values, where these are a secret."""
    return tr("it is not what is asked for") if is_sensitive(name) else reason


def _unlike(actual: Any, expected: Any) -> str | None:
    """Why a parameter or a header is not as expected: text, a list of texts, null for none, or comparators."""
    if isinstance(expected, Mapping):
        return _first_unmet(actual, expected)
    if expected is None:
        return _unmet("exists", actual, False)
    if isinstance(expected, list):
        return _unmet("eq", actual, [to_text(one) for one in expected])
    return _unmet("contains" if isinstance(actual, list) else "eq", actual, to_text(expected))


def _unlike_body(route: Route, request: Mapping[str, Any]) -> str | None:
    pattern, body, value = route.body_pattern, request["body"], request["json"]
    structured = isinstance(pattern, (Mapping, list))
    match route.body_match_type:
        case "contains" if isinstance(pattern, list):
            return next((reason for one in pattern if (reason := _unmet("contains", value, one))), None)
        case "contains":
            return _unmet("contains", *((value, pattern) if structured else (body, to_text(pattern))))
        case "regex":
            return _unmet("regex", body, pattern)
        case "exact":
            return _unmet("eq", *((value, pattern) if structured else (body, to_text(pattern))))
        case "json":
            return _unmet("eq", value, pattern)
        case "jsonpath":
            return _unlike_at_paths(pattern, value)


def _unlike_at_paths(pattern: Any, value: Any) -> str | None:
    """Whether there is something at a path, or at each of several what is expected there."""
    if not isinstance(pattern, Mapping):
        return _unmet("not_in", _at(pattern, value), [None, False]) or _unmet("exists", _at(pattern, value), True)
    for path, expected in pattern.items():
        compared = isinstance(expected, Mapping) and all(map(is_comparator, expected))
        actual = _at(path, value)
        if reason := _first_unmet(actual, expected) if compared else _unmet("eq", actual, expected):
            return f"{path}: {reason}"
    return None


def _at(path: str, value: Any) -> Any:
    try:
        return compile_query(path).find({"body": value}).first
    except QueryError:
        return ABSENT  # a function of the path has nothing it can work on


def is_comparator(word: str) -> bool:
    """Whether a word names a comparator that needs nothing but what it compares."""
    return ALIASES.get(word, word) in OPERATORS.keys() - {"status_code"}


def _first_unmet(actual: Any, comparators: Mapping[str, Any]) -> str | None:
    reasons = (_unmet(op, actual, expected) for op, expected in comparators.items())
    return next((reason for reason in reasons if reason), None)


def _unmet(op: str, actual: Any, expected: Any) -> str | None:
    try:
        verdict = compare(op, actual, expected, absent=actual is ABSENT)
    except StepError as exc:  # what came cannot be compared, and so is not what is asked for
        return str(exc)
    return None if verdict.holds else verdict.message
