"""One actual value compared with one expected value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from sisyphus.case.model import ABSENT
from sisyphus.comparable import Comparable
from sisyphus.errors import FieldError, nearest
from sisyphus.values._operators import ALIASES, OPERATORS, Operator
from sisyphus.values._text import show, show_typed, type_name
from sisyphus.words import tr

__all__ = ["ALIASES", "OPERATORS", "Operator", "Verdict", "compare", "operator_named"]


@frozen(eq=False, repr=False)
class Verdict(Comparable):
    """Whether a comparison holds and, if not, why."""

    holds: bool
    message: str | None = None


_HOLDS = Verdict(True)


def compare(op: str, actual: Any, expected: Any, *, absent: bool = False) -> Verdict:
    """Compares two values.

    Args:
        op: a name in `OPERATORS` or `ALIASES`.
        actual: the value found; of no concern if `absent`.
        expected: the value to compare with; `ABSENT` where none was written.
        absent: whether the path led nowhere.

    Raises:
        QueryError: the expected pattern or schema is wrong, or the actual text is too long for a pattern.
        FieldError: there is no such comparator, or it cannot work with what is expected.
    """
    operator = operator_named(op)
    if expected is ABSENT:
        expected = operator.default
        if expected is ABSENT:
            raise FieldError(tr("'{op}' needs an expected value", op=op))
    if absent:
        actual = ABSENT
        if not operator.sees_absent:
            return Verdict(False, _message(operator, ABSENT, expected))
    try:
        result = operator.test(actual, expected)
    except RecursionError as error:
        raise FieldError(tr("the values are nested too deeply to compare")) from error
    if result is True:
        return _HOLDS
    return Verdict(False, result or _message(operator, actual, expected))


def operator_named(op: str) -> Operator:
    """The comparator of this name or alias.

    Raises:
        FieldError: there is none; the message has the nearest name.
    """
    operator = OPERATORS.get(op) or OPERATORS.get(ALIASES.get(op, op))
    if operator is None:
        near = nearest(op, [*OPERATORS, *ALIASES])
        hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
        raise FieldError(tr("there is no comparator '{op}'", op=op) + hint)
    return operator


def _message(operator: Operator, actual: Any, expected: Any) -> str:
    phrase = operator.phrase(expected)
    differs = type_name(actual) != type_name(expected) and not isinstance(expected, (Mapping, list, tuple))
    got = show_typed(actual) if differs or operator is OPERATORS["type"] else show(actual)
    return tr("expected {expected}, got {actual}", expected=phrase, actual=got)
