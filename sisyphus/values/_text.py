"""How a value is written: in text, and in messages for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from sisyphus.case.model import ABSENT
from sisyphus.words import tr

# Long enough to recognise a body by its beginning, short enough for one line of a terminal and a half.
SHOWN: Final = 160


def to_text(value: Any) -> str:
    """Writes a value as it stands in text: text as it is, everything else as JSON writes it.

    Raises:
        RecursionError: the value is nested deeper than can be written.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, date):
        return str(value)
    return to_json(value)


def to_json(value: Any, indent: int | None = None) -> str:
    """Writes a value as JSON; what JSON does not know (dates, bytes, decimals) is written as text."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_foreign)


def _foreign(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return list(value) if hasattr(value, "__next__") else str(value)


def type_name(value: Any) -> str:
    """The word by which messages call the type of a value."""
    if value is ABSENT:
        return tr("absent")
    if value is None:
        return tr("null")
    if isinstance(value, bool):
        return tr("true or false")
    if isinstance(value, (int, float)):
        return tr("number")
    if isinstance(value, str):
        return tr("text")
    if isinstance(value, Mapping):
        return tr("map")
    if isinstance(value, (list, tuple)):
        return tr("list")
    return tr("date") if isinstance(value, (date, datetime)) else type(value).__name__


def show(value: Any) -> str:
    """A value as messages quote it: JSON, shortened."""
    if value is ABSENT:
        return tr("nothing")
    try:
        return shorten(to_json(_beginning(value)))
    except (RecursionError, ValueError):
        return tr("a value nested too deeply to show")


def show_typed(value: Any) -> str:
    """A value with its type, for where the types differ: ``"5" (text)``."""
    if value is ABSENT or value is None:
        return show(value)
    return f"{show(value)} ({type_name(value)})"


def shorten(text: str, limit: int = SHOWN) -> str:
    """Cuts a long text and says how long it was."""
    if len(text) <= limit:
        return text
    return tr("{start}… ({length} characters)", start=text[:limit], length=len(text))


def _beginning(value: Any) -> Any:
    # Text is cut before it is written: nobody is served by escaping ten megabytes for a message. The rest of the
    # length is told by `shorten` only for what was written, so long text says its own length here.
    if isinstance(value, str) and len(value) > SHOWN:
        return shorten(value)
    return value
