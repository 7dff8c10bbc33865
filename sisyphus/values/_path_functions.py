"""The functions that may stand at the end of a path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cmp_to_key
from typing import Any, Final

from attrs import frozen

from sisyphus.case.model import ABSENT
from sisyphus.comparable import Comparable
from sisyphus.errors import QueryError
from sisyphus.values._equality import is_number, json_equal, number
from sisyphus.values._patience import tick
from sisyphus.values._patterns import search
from sisyphus.values._text import to_text, type_name
from sisyphus.words import tr


@frozen(kw_only=True, eq=False, repr=False)
class PathFunction(Comparable):
    """A function: its value is the first argument; `least` to `most` others are written in the path.

    Attributes:
        of_list: whether it works on a list, and so sees all matches of a path that selects several; the others see
            the one match there is, or work on each element.
        of_absent: what it says of nothing; `ABSENT` stays absent.
    """

    apply: Callable[..., Any]
    least: int = 0
    most: int = 0
    of_list: bool = True
    of_absent: Any = ABSENT


def _length(value: Any) -> int:
    if isinstance(value, (str, list, tuple, Mapping)):
        return len(value)
    raise _unfit("length", value)


def _end(index: int) -> Callable[[Any], Any]:
    def end(value: Any) -> Any:
        if isinstance(value, (list, tuple, str)):
            return value[index] if value else ABSENT
        return value

    return end


def _keys(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value)
    raise _unfit("keys", value)


def _values(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(_elements("values", value))


def _reverse(value: Any) -> Any:
    return value[::-1] if isinstance(value, str) else list(_elements("reverse", value))[::-1]


def _sort(value: Any) -> list[Any]:
    return sorted(_elements("sort", value), key=cmp_to_key(_order))


def _order(left: Any, right: Any) -> int:
    # Unlike values have an order too, by type, so that sorting a mixed list never fails.
    ranks = _rank(left), _rank(right)
    if ranks[0] != ranks[1] or ranks[0] in {_NULL, _OTHER}:
        return ranks[0] - ranks[1]
    return int(left > right) - int(left < right)


_NULL: Final = 0
_OTHER: Final = 4


def _rank(value: Any) -> int:
    if value is None:
        return _NULL
    if isinstance(value, bool):
        return 1
    if is_number(value):
        return 2
    return 3 if isinstance(value, str) else _OTHER


def unique(value: Any) -> list[Any]:
    """The elements of a list without those that are the same JSON as one before them."""
    seen: set[Any] = set()
    unlike: list[Any] = []
    result: list[Any] = []
    for element in _elements("unique", value):
        if isinstance(element, (str, int, float, type(None))):
            key = (isinstance(element, bool), element)
            if key in seen:
                continue
            seen.add(key)
        else:
            if any(_alike(element, other) for other in unlike):
                continue
            unlike.append(element)
        result.append(element)
    return result


def _alike(one: Any, other: Any) -> bool:
    tick()  # every two of them are compared
    return json_equal(one, other)


def _flatten(value: Any) -> list[Any]:
    result: list[Any] = []
    waiting = [iter(_elements("flatten", value))]
    while waiting:
        for element in waiting[-1]:
            if isinstance(element, (list, tuple)):
                waiting.append(iter(element))
                break
            result.append(element)
        else:
            waiting.pop()
    return result


def _numbers(name: str, value: Any) -> list[Any]:
    numbers = [number(element) for element in _elements(name, value)]
    if None in numbers:
        culprit = _elements(name, value)[numbers.index(None)]
        raise QueryError(tr("{name}() needs numbers, got {type}", name=name, type=type_name(culprit)))
    return numbers


def _sum(value: Any) -> Any:
    return sum(_numbers("sum", value))


def _average(value: Any) -> Any:
    numbers = _numbers("avg", value)
    return sum(numbers) / len(numbers) if numbers else ABSENT


def _extreme(name: str, choose: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def extreme(value: Any) -> Any:
        elements = _elements(name, value)
        if elements and all(isinstance(element, str) and number(element) is None for element in elements):
            return choose(elements)
        return choose(_numbers(name, value)) if elements else ABSENT

    return extreme


def _of_text(name: str, apply: Callable[[str], Any]) -> Callable[..., Any]:
    def of_text(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [of_text(element) for element in value]
        if isinstance(value, str):
            return apply(value)
        raise _unfit(name, value)

    return of_text


def _split(value: Any, separator: Any = ",") -> list[str]:
    if not isinstance(value, str):
        raise _unfit("split", value)
    if not separator:
        return list(value)
    return value.split(to_text(separator))


def _join(value: Any, separator: Any = ",") -> str:
    return to_text(separator).join(map(to_text, _elements("join", value)))


def _contains(value: Any, part: Any) -> bool:
    if isinstance(value, str):
        return to_text(part) in value
    if isinstance(value, Mapping):
        return part in value if isinstance(part, str) else False
    return any(json_equal(element, part) for element in _elements("contains", value))


def _begins(value: Any, part: Any) -> bool:
    return isinstance(value, str) and value.startswith(to_text(part))


def _ends(value: Any, part: Any) -> bool:
    return isinstance(value, str) and value.endswith(to_text(part))


def _matches(value: Any, pattern: Any) -> bool:
    return search(to_text(pattern), to_text(value))


def _elements(name: str, value: Any) -> list[Any] | tuple[Any, ...]:
    if isinstance(value, (list, tuple)):
        return value
    raise _unfit(name, value)


def _unfit(name: str, value: Any) -> QueryError:
    return QueryError(tr("{name}() cannot be applied to {type}", name=name, type=type_name(value)))


def is_empty(value: Any) -> bool:
    """Whether it is null, or text, a list or a map with nothing in it."""
    return value is None or (isinstance(value, (str, list, tuple, Mapping)) and not value)


FUNCTIONS: Final[Mapping[str, PathFunction]] = {
    "length": PathFunction(apply=_length),
    "size": PathFunction(apply=_length),
    "count": PathFunction(apply=_length),
    "first": PathFunction(apply=_end(0)),
    "last": PathFunction(apply=_end(-1)),
    "keys": PathFunction(apply=_keys, of_list=False),
    "values": PathFunction(apply=_values),
    "reverse": PathFunction(apply=_reverse),
    "sort": PathFunction(apply=_sort),
    "unique": PathFunction(apply=unique),
    "flatten": PathFunction(apply=_flatten),
    "sum": PathFunction(apply=_sum),
    "avg": PathFunction(apply=_average),
    "min": PathFunction(apply=_extreme("min", min)),
    "max": PathFunction(apply=_extreme("max", max)),
    "upper": PathFunction(apply=_of_text("upper", str.upper), of_list=False),
    "lower": PathFunction(apply=_of_text("lower", str.lower), of_list=False),
    "trim": PathFunction(apply=_of_text("trim", str.strip), of_list=False),
    "is_empty": PathFunction(apply=is_empty, of_absent=True),
    "is_null": PathFunction(apply=lambda value: value is None, of_list=False, of_absent=True),
    "exists": PathFunction(apply=lambda _value: True, of_list=False, of_absent=False),
    "split": PathFunction(apply=_split, most=1, of_list=False),
    "join": PathFunction(apply=_join, most=1),
    "contains": PathFunction(apply=_contains, least=1, most=1),
    "starts_with": PathFunction(apply=_begins, least=1, most=1, of_list=False),
    "ends_with": PathFunction(apply=_ends, least=1, most=1, of_list=False),
    "matches": PathFunction(apply=_matches, least=1, most=1, of_list=False),
}
