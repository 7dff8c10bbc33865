"""What rendered fields of steps have to be."""

from __future__ import annotations

from typing import Any

from sisyphus.errors import FieldError
from sisyphus.wire import dumps
from sisyphus.words import tr


def as_written(value: Any) -> str:
    """A value of a case file as messages show it: text as it is, all else as JSON writes it."""
    return value if isinstance(value, str) else dumps(value)


def flag(value: Any, field: str) -> bool:
    """A boolean, or the text of one, as templates give it.

    Raises:
        FieldError: it is neither.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true"
    raise FieldError(tr("{field} must be true or false, got {value!r}", field=field, value=value))


def seconds(value: Any, field: str) -> float:
    """A finite number of seconds, not negative, or the text of one.

    Raises:
        FieldError: it is none.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):  # OverflowError: a whole number beyond every float
        number = -1.0
    if not 0 <= number < float("inf"):
        raise FieldError(tr("{field} must be a number of seconds, got {value!r}", field=field, value=value))
    return number


def count(value: Any, field: str, *, least: int = 0) -> int:
    """A whole number of at least `least`, or the text of one.

    Raises:
        FieldError: it is none.
    """
    whole = isinstance(value, int | float | str) and not isinstance(value, bool)
    try:
        number = int(value) if whole else None
    except (ValueError, OverflowError):
        number = None
    if number is None or number < least or (isinstance(value, float) and value != number):
        message = tr(
            "{field} must be a whole number from {least} on, got {value!r}", field=field, least=least, value=value
        )
        raise FieldError(message)
    return number
