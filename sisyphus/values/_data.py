"""What Python code gives, as the plain data that JSON knows."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sisyphus.values._text import to_text
from sisyphus.words import tr

_DIGITS: Final = 30  # of a decimal number that stays whole


class NoDataError(Exception):
    """A value that JSON does not know; the text says what it is."""


def plain(value: Any) -> Any:
    """The value in the types of JSON; dates and the like as the text that everyone writes for them.

    Raises:
        NoDataError: it cannot be said in JSON.
    """
    try:
        return _plain(value)
    except RecursionError as exc:
        raise NoDataError(tr("a value that is nested too deeply, or holds itself")) from exc


def _plain(value: Any) -> Any:
    kind = type(value)
    if value is None or kind in {str, int, float, bool}:
        return value
    if isinstance(value, Mapping):
        return {_key(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)  # an order that is the same in every run
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal):
        whole = value.is_finite() and value.adjusted() < _DIGITS and value == value.to_integral_value()
        return int(value) if whole else float(value)
    for base in (str, int, float):  # enumerations, and other guises of these
        if isinstance(value, base):
            return base(value)
    if inspect.iscoroutine(value):
        value.close()  # or Python complains that nobody awaited it
    raise NoDataError(kind.__name__)


def _key(key: Any) -> str:
    if isinstance(key, str | int | float | bool) or key is None:
        return to_text(_plain(key))
    raise NoDataError(tr("a dict with a key of type {kind}", kind=type(key).__name__))
