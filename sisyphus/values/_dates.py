"""The functions of date and time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

# Java's letters, as in ``yyyy-MM-dd HH:mm:ss``, for those who come from there.
_JAVA: Final = {
    "yyyy": "%Y",
    "yy": "%y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
    "EEE": "%a",
    "a": "%p",
    "XXX": "%z",
}
_JAVA_LETTERS: Final = re.compile("'([^']*)'|" + "|".join(sorted([*_JAVA, "SSS"], key=len, reverse=True)))


def functions(clock: Callable[[], float]) -> dict[str, Callable[..., Any]]:
    """The functions by name; all tell local time, `clock` being seconds since 1970."""

    def now() -> datetime:
        # Local time without an offset is what the formats of test data expect, and prints without one.
        return datetime.fromtimestamp(clock())  # noqa: DTZ006

    def date(fmt: str = "%Y-%m-%d") -> str:
        return format_date(now(), fmt)

    def date_format(fmt: str = "%Y-%m-%d %H:%M:%S") -> str:
        return format_date(now(), fmt)

    return {
        "timestamp": lambda: int(clock()),
        "timestamp_ms": lambda: int(clock() * 1_000),
        "timestamp_us": lambda: int(clock() * 1_000_000),
        "date": date,
        "date_format": date_format,
        "now": now,
        "now_us": lambda: now().strftime("%Y%m%d%H%M%S%f"),
    }


def format_date(moment: datetime, fmt: str) -> str:
    """Writes a moment by a format of `strftime`, or, if there is no ``%`` in it, by Java's letters."""
    if not isinstance(fmt, str):
        raise TypeError(f"a format is text, as in '%Y-%m-%d', not {fmt!r}")
    if "%" in fmt:
        return moment.strftime(fmt)
    letters = {**_JAVA, "SSS": f"{moment.microsecond // 1000:03d}"}  # strftime has no milliseconds
    pattern = _JAVA_LETTERS.sub(lambda match: match[1] if match[1] is not None else letters[match[0]], fmt)
    return moment.astimezone().strftime(pattern)
