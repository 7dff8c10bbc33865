"""What came of a statement, as JSON has it."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

_DIGITS: Final = 40  # of a whole number; 1E+1000000 is one too

Row = dict[str, Any]

# Of text and bytes in all rows together: what a request keeps of a body is as much.
MOST_CHARACTERS: Final = 10 * 1024 * 1024


@frozen(kw_only=True)
class Result:
    """Rows and how many; of a statement that gives none, how many it changed.

    Attributes:
        cut: whether there are more rows than were kept.
    """

    rows: Sequence[Row] = ()
    row_count: int = 0
    columns: Sequence[str] = ()
    cut: bool = False


class StoppedError(Exception):
    """Whoever wanted the rows no longer does."""


def gather(
    columns: Sequence[str],
    batches: Iterable[Sequence[Sequence[Any]]],
    most: int,
    stopped: Callable[[], bool],
    convert: Sequence[Callable[[Any], Any]] | None = None,
) -> Result:
    """Takes rows until there are `most`, or as many characters as `MOST_CHARACTERS`.

    Args:
        columns: their names, as the database says them.
        batches: the rows, some at a time.
        most: how many are kept; the rest is not asked for.
        stopped: whether to give up; asked between batches.
        convert: what makes a value of each column JSON.

    Raises:
        StoppedError: `stopped` said so.
    """
    names = _distinct(columns)
    converters = convert or [to_json] * len(names)
    rows: list[Row] = []
    size, cut = 0, False
    for batch in batches:
        if stopped():
            raise StoppedError
        for values in batch:
            if len(rows) >= most or size > MOST_CHARACTERS:
                cut = True
                break
            row = {name: make(value) for name, make, value in zip(names, converters, values, strict=True)}
            size += sum(map(_characters, row.values()))
            rows.append(row)
        if cut:
            break
    return Result(rows=rows, row_count=len(rows), columns=names, cut=cut)


def _characters(value: Any) -> int:
    """Characters of text in a value, at any depth: a column of JSON has as much as any other."""
    match value:
        case str():
            return len(value)
        case dict():
            return sum(len(key) + _characters(inner) for key, inner in value.items())
        case list():
            return sum(1 + _characters(inner) for inner in value)
        case _:
            return 0


def _distinct(columns: Sequence[str]) -> list[str]:
    """The names of the columns; of several that are alike, the later ones with their number: id, id_2."""
    names: dict[str, None] = {}
    numbers: dict[str, int] = {}  # where to look on: there may be thousands that are alike
    for column in columns:
        name, number = column, numbers.get(column, 1)
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names[name], numbers[column] = None, number
    return list(names)


def to_json(value: Any) -> Any:
    """A value of a database as JSON has it; what JSON has nothing for becomes text."""
    match value:
        case None | str() | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case decimal.Decimal():
            return _number(value)
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return _clock(value)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode("ascii")
        case Mapping():
            return {str(key): to_json(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_json(inner) for inner in value]
        case _:
            return str(value)


def _number(value: decimal.Decimal) -> int | float | str:
    """The number if JSON's numbers can say it without loss, else its text."""
    if not value.is_finite():
        return str(value)
    if value.adjusted() < _DIGITS and value == value.to_integral_value():
        return int(value)
    number = float(value)
    return number if decimal.Decimal(repr(number)) == value else str(value)


def _clock(value: dt.timedelta) -> str:
    """``26:03:04.5``: the way databases themselves write an interval."""
    seconds = abs(value).total_seconds()
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    shown = f"{seconds:09.6f}".rstrip("0").rstrip(".")
    return f"{'-' if value.days < 0 else ''}{int(hours):02}:{int(minutes):02}:{shown}"
