"""python-jsonpath, set up for case files; its errors stop here."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, Final

import jsonpath
from jsonpath.exceptions import JSONPathError

from sisyphus.errors import QueryError
from sisyphus.values._equality import json_equal
from sisyphus.values._patterns import check_length, compile_pattern
from sisyphus.values._text import shorten
from sisyphus.words import tr

# What the library and the values it meets may raise: filters compare anything with anything.
_FOREIGN: Final = (JSONPathError, TypeError, ValueError, LookupError, AttributeError, RecursionError, re.error)


class _Environment(jsonpath.JSONPathEnvironment):
    max_recursion_depth = 200  # levels that `..` goes down; JSON of people has ten

    def compare(self, left: object, operator: str, right: object) -> bool:
        if operator == "=~" and isinstance(left, str):
            check_length(left)
            pattern = compile_pattern(right) if isinstance(right, str) else right
            return isinstance(pattern, re.Pattern) and pattern.search(left) is not None
        if operator in {"==", "!="} and isinstance(left, (dict, list)) and isinstance(right, (dict, list)):
            return json_equal(left, right) is (operator == "==")
        return super().compare(left, operator, right)


_ENVIRONMENT: Final = _Environment()


def compile_path(path: str, shown: str) -> Any:
    """Compiles a path in the notation of RFC 9535; errors call it as `shown`."""
    try:
        return _ENVIRONMENT.compile(path)
    except QueryError:
        raise
    except _FOREIGN as error:
        raise QueryError(
            tr("'{path}' is no valid path: {reason}", path=shorten(shown), reason=_reason(error))
        ) from error


def find_all(compiled: Any, data: Any, limit: int) -> tuple[Any, ...]:
    """All matches, in order.

    Raises:
        QueryError: there are more than `limit`, or the search failed on this data.
    """
    try:
        matches = tuple(match.obj for match in islice(compiled.finditer(data), limit + 1))
    except QueryError:
        raise
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
