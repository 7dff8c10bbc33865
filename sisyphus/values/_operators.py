"""The table of comparators: what each tests, and how messages say what it expected."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import frozen

from sisyphus.case.model import ABSENT
from sisyphus.comparable import Comparable
from sisyphus.errors import FieldError, nearest
from sisyphus.values import _schema
from sisyphus.values._equality import is_number, json_equal, number
from sisyphus.values._path_functions import is_empty
from sisyphus.values._patterns import compile_pattern
from sisyphus.values._text import show, show_typed, to_text, type_name
from sisyphus.words import tr


@frozen(kw_only=True, eq=False, repr=False)
class Operator(Comparable):
    """One comparator.

    Attributes:
        test: gets the actual value (or `ABSENT`) and the expected one; says whether it holds, or why it does not.
        phrase: says what was expected.
        sees_absent: whether `test` decides about a missing path too; the others do not hold then.
        default: what is expected when nothing is written; `ABSENT`: something has to be written.
        path: where it looks when no path is written; None: one has to be written.
    """

    test: Callable[[Any, Any], bool | str]
    phrase: Callable[[Any], str]
    sees_absent: bool = False
    default: Any = ABSENT
    path: str | None = None


def _equal(actual: Any, expected: Any) -> bool | str:
    if json_equal(actual, expected):
        return True
    if type_name(actual) == type_name(expected):
        return False
    return tr("expected {expected}, got {actual}", expected=show_typed(expected), actual=show_typed(actual))


def _not(test: Callable[[Any, Any], bool | str]) -> Callable[[Any, Any], bool]:
    return lambda actual, expected: actual is ABSENT or test(actual, expected) is not True


def _ordered(apply: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(actual: Any, expected: Any) -> bool:
        one, other = number(actual), number(expected)
        return one is not None and other is not None and apply(one, other)

    return test


def _between(actual: Any, expected: Any) -> bool:
    if not isinstance(expected, (list, tuple)) or len(expected) != 2 or None in map(number, expected):
        raise FieldError(tr("'between' needs a list of two numbers, got {expected}", expected=show(expected)))
    value = number(actual)
    return value is not None and number(expected[0]) <= value <= number(expected[1])  # type: ignore[operator]  # neither is None: checked above


def _contains(actual: Any, expected: Any) -> bool:
    if isinstance(actual, str):
        return isinstance(expected, str) and expected in actual
    if isinstance(actual, (list, tuple)):
        return any(json_equal(element, expected) for element in actual)
    if isinstance(actual, Mapping):
        return expected in actual if isinstance(expected, str) else _is_part(expected, actual)
    return False


def _is_part(part: Any, whole: Any) -> bool:
    if not (isinstance(part, Mapping) and isinstance(whole, Mapping)):
        return json_equal(part, whole)
    return all(key in whole and _is_part(value, whole[key]) for key, value in part.items())


def _in(name: str) -> Callable[[Any, Any], bool]:
    def test(actual: Any, expected: Any) -> bool:
        if not isinstance(expected, (list, tuple)):
            raise FieldError(tr("'{op}' needs a list, got {expected}", op=name, expected=show_typed(expected)))
        return any(json_equal(actual, element) for element in expected)

    return test


def _text(apply: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda actual, expected: isinstance(actual, str) and isinstance(expected, str) and apply(actual, expected)


def _matches(actual: Any, expected: Any) -> bool:
    if not isinstance(expected, str):
        raise FieldError(tr("a pattern is text, got {expected}", expected=show_typed(expected)))
    pattern = compile_pattern(expected)
    # Numbers and booleans are matched as they are written: `^\d+$` is asked of an id whatever its type.
    return isinstance(actual, (str, int, float)) and pattern.search(to_text(actual)) is not None


_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "str": lambda value: isinstance(value, str),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, float),
    "bool": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, (list, tuple)),
    "dict": lambda value: isinstance(value, Mapping),
    "null": lambda value: value is None,
    "number": is_number,
}
_TYPE_ALIASES: Final = {
    "string": "str", "integer": "int", "boolean": "bool", "array": "list", "object": "dict", "none": "null",
    "text": "str", "map": "dict",
}  # fmt: skip


def _of_type(actual: Any, expected: Any) -> bool:
    names = expected if isinstance(expected, (list, tuple)) else [expected]
    tests = []
    for name in names:
        word = "null" if name is None else to_text(name).lower()
        test = _TYPES.get(_TYPE_ALIASES.get(word, word))
        if test is None:
            near = nearest(word, [*_TYPES, *_TYPE_ALIASES])
            hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
            raise FieldError(tr("there is no type '{word}'", word=word) + hint)
        tests.append(test)
    return any(test(actual) for test in tests)


def _length(sign: str, apply: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | str]:
    def test(actual: Any, expected: Any) -> bool | str:
        wanted = number(expected)
        if wanted is None:
            raise FieldError(tr("a length is a number, got {expected}", expected=show_typed(expected)))
        if not isinstance(actual, (str, list, tuple, Mapping)):
            return tr("expected something with a length, got {actual}", actual=show_typed(actual))
        if apply(len(actual), wanted):
            return True
        return tr(
            "expected a length {sign} {expected}, got {length}: {actual}",
            sign=sign, expected=show(expected), length=len(actual), actual=show(actual),
        )  # fmt: skip

    return test


def _flag(says: Callable[[Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda actual, expected: says(actual) is _as_flag(expected)


def _as_flag(expected: Any) -> bool:
    word = expected.strip().lower() if isinstance(expected, str) else expected
    if word in (True, "true", None, ""):  # a key with nothing behind it: `is_null: {path: …, expect: }`
        return True
    if word in (False, "false"):
        return False
    raise FieldError(tr("expected true or false here, got {expected}", expected=show_typed(expected)))


def _status(actual: Any, expected: Any) -> bool:
    status = number(actual)
    allowed = expected if isinstance(expected, (list, tuple)) else [expected]
    verdicts = [_is_status(status, one) for one in allowed]  # all of them: what is written wrong is always found
    return any(verdicts)


def _is_status(status: Any, expected: Any) -> bool:
    wanted = number(expected)
    if wanted is not None:
        return bool(status == wanted)
    if isinstance(expected, str):
        word = expected.strip().lower()
        if len(word) == 3 and word[0] in "12345" and word[1:] == "xx":
            return status is not None and status // 100 == int(word[0])
    raise FieldError(tr("a status is a number or a class like 2xx, got {expected}", expected=show_typed(expected)))


def _approx(actual: Any, expected: Any) -> bool:
    value = expected.get("value") if isinstance(expected, Mapping) else expected
    tolerance = expected.get("tolerance") if isinstance(expected, Mapping) else None
    wanted, allowed = number(value), number(tolerance) if tolerance is not None else None
    if wanted is None or (tolerance is not None and (allowed is None or allowed < 0)):
        raise FieldError(
            tr("'approx' needs {form}, got {expected}", form="{value: …, tolerance: …}", expected=show(expected))
        )
    found = number(actual)
    if found is None:
        return False
    try:
        distance = abs(float(found) - float(wanted))
        # Without a tolerance: as near as arithmetic with floating point comes.
        return distance <= (float(allowed) if allowed is not None else 1e-9 * max(1.0, abs(float(wanted))))
    except OverflowError:
        return found == wanted


def _phrase_flag(yes: Callable[[], str], no: Callable[[], str]) -> Callable[[Any], str]:
    return lambda expected: yes() if _as_flag(expected) else no()


def _bound(sign: str) -> Callable[[Any], str]:
    return lambda expected: f"{sign} {show(expected) if is_number(expected) else show_typed(expected)}"


def _length_bound(sign: str) -> Callable[[Any], str]:
    return lambda expected: tr("a length {sign} {expected}", sign=sign, expected=show(expected))


_TESTS_OF_SIZE: Final = {
    "eq": ("=", operator.eq),
    "gt": (">", operator.gt),
    "lt": ("<", operator.lt),
    "ge": (">=", operator.ge),
    "le": ("<=", operator.le),
}

OPERATORS: Final[Mapping[str, Operator]] = {
    "eq": Operator(test=_equal, phrase=show),
    "ne": Operator(
        test=_not(json_equal),
        phrase=lambda expected: tr("anything but {expected}", expected=show(expected)),
        sees_absent=True,
    ),
    **{
        name: Operator(test=_ordered(apply), phrase=_bound(sign))
        for name, (sign, apply) in _TESTS_OF_SIZE.items()
        if name != "eq"
    },
    "between": Operator(
        test=_between, phrase=lambda expected: tr("a number between {expected}", expected=show(expected))
    ),
    "contains": Operator(
        test=_contains, phrase=lambda expected: tr("something that contains {expected}", expected=show_typed(expected))
    ),
    "not_contains": Operator(
        test=_not(_contains),
        phrase=lambda expected: tr("something that does not contain {expected}", expected=show_typed(expected)),
        sees_absent=True,
    ),
    "in": Operator(test=_in("in"), phrase=lambda expected: tr("one of {expected}", expected=show(expected))),
    "not_in": Operator(
        test=_not(_in("not_in")),
        phrase=lambda expected: tr("none of {expected}", expected=show(expected)),
        sees_absent=True,
    ),
    "starts_with": Operator(
        test=_text(str.startswith),
        phrase=lambda expected: tr("text that starts with {expected}", expected=show(expected)),
    ),
    "ends_with": Operator(
        test=_text(str.endswith), phrase=lambda expected: tr("text that ends with {expected}", expected=show(expected))
    ),
    "regex": Operator(
        test=_matches, phrase=lambda expected: tr("text that matches {expected}", expected=show(expected))
    ),
    "type": Operator(test=_of_type, phrase=lambda expected: tr("the type {expected}", expected=show(expected))),
    **{
        f"length_{name}": Operator(test=_length(sign, apply), phrase=_length_bound(sign))
        for name, (sign, apply) in _TESTS_OF_SIZE.items()
    },
    "is_empty": Operator(
        test=_flag(lambda actual: actual is ABSENT or is_empty(actual)),
        phrase=_phrase_flag(lambda: tr("nothing in it"), lambda: tr("something in it")),
        sees_absent=True,
        default=True,
    ),
    "is_null": Operator(
        test=_flag(lambda actual: actual is ABSENT or actual is None),
        phrase=_phrase_flag(lambda: tr("null"), lambda: tr("anything but null")),
        sees_absent=True,
        default=True,
    ),
    "is_not_null": Operator(
        test=_flag(lambda actual: actual is not None),
        phrase=_phrase_flag(lambda: tr("anything but null"), lambda: tr("null")),
        default=True,
    ),
    "exists": Operator(
        test=_flag(lambda actual: actual is not ABSENT),
        phrase=_phrase_flag(lambda: tr("something at this path"), lambda: tr("nothing at this path")),
        sees_absent=True,
        default=True,
    ),
    "status_code": Operator(
        test=_status, phrase=lambda expected: tr("the status {expected}", expected=show(expected)), path="$.status_code"
    ),
    "schema": Operator(test=_schema.test, phrase=lambda _expected: tr("a value that fits the schema"), path="$"),
    "approx": Operator(test=_approx, phrase=lambda expected: tr("about {expected}", expected=show(expected))),
}
"""The comparators by name."""

ALIASES: Final[Mapping[str, str]] = {
    "equals": "eq", "==": "eq", "neq": "ne", "!=": "ne", "gte": "ge", "lte": "le", "in_list": "in",
    "not_in_list": "not_in", "startswith": "starts_with", "endswith": "ends_with", "matches": "regex",
    "type_match": "type", **{f"len_{name}": f"length_{name}" for name in _TESTS_OF_SIZE},
}  # fmt: skip
"""Other spellings, each with the name it means."""
