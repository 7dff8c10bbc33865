"""When two JSON values are the same, and what counts as a number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeGuard

# One more digit than Python reads by default; longer ones are no measured or counted value.
_MAX_DIGITS: Final = 4300


def json_equal(left: Any, right: Any) -> bool:
    """Whether two values are the same JSON: 5 = 5.0, true ≠ 1, "5" ≠ 5, deep, the order of keys left aside."""
    if type(left) is type(right) and isinstance(left, (str, int, float, type(None))):
        return bool(left == right)
    # A stack of our own: values come from servers, and may be nested deeper than Python recurses.
    waiting = [(left, right)]
    while waiting:
        one, other = waiting.pop()
        if isinstance(one, Mapping):
            if not isinstance(other, Mapping) or one.keys() != other.keys():
                return False
            waiting.extend((value, other[key]) for key, value in one.items())
        elif isinstance(one, (list, tuple)):
            if not isinstance(other, (list, tuple)) or len(one) != len(other):
                return False
            waiting.extend(zip(one, other, strict=True))
        elif isinstance(one, bool) is not isinstance(other, bool) or not _scalars_equal(one, other):
            return False
    return True


def _scalars_equal(one: Any, other: Any) -> bool:
    return not isinstance(other, (Mapping, list, tuple)) and bool(one == other)


def is_number(value: Any) -> TypeGuard[int | float | Decimal]:
    """Whether it is a number as JSON has them: true and false are none."""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def number(value: Any) -> int | float | Decimal | None:
    """The number that a value is or, being text, spells; None if it is or spells none."""
    if is_number(value):
        return None if isinstance(value, float) and math.isnan(value) else value
    if not isinstance(value, str) or len(value) > _MAX_DIGITS:
        return None
    text = value.strip()
    if "_" in text or not text.isascii():  # Python's own spellings of numbers
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        spelled = float(text)
    except ValueError:
        return None
    return spelled if math.isfinite(spelled) else None
