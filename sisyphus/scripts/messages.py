"""What a script's processes say over the channel, read with the distrust that anything deserves which a script can write to."""

from __future__ import annotations

import json
from typing import Any, Final, Literal, cast

from attrs import field, frozen

Level = Literal["debug", "info", "warning", "error", "critical"]
_LEVELS: Final = frozenset({"debug", "info", "warning", "error", "critical"})
_VERDICT: Final = "verdict "


class GarbledError(Exception):
    """A line is not what the worker writes: the script wrote to the channel."""


@frozen
class Begun:
    """The worker is there; its process leads the group of whatever the script starts."""

    pid: int


@frozen
class LogSaid:
    """The script called `log`."""

    level: Level
    message: str


@frozen
class VariableSaid:
    """The script called `set_var`."""

    name: str
    value: Any


@frozen(kw_only=True)
class Ended:
    """The script came to its end."""

    exported: dict[str, Any]
    value: Any


@frozen(kw_only=True)
class Raised:
    """An exception ended the script.

    Attributes:
        names: its class and the bases of that.
        lines: where it came through the script, outermost first: line and function.
    """

    type: str
    names: tuple[str, ...]
    message: str
    lines: tuple[tuple[int, str], ...]


@frozen(kw_only=True)
class Exited:
    """The script called `sys.exit` with something that means: not well."""

    status: int | str
    lines: tuple[tuple[int, str], ...]


@frozen(kw_only=True)
class Verdict:
    """How the worker's process ended, as the supervisor saw it.

    Attributes:
        word: ``exit``, ``signal``, ``stopped`` (by the supervisor), ``unable`` (to start) or ``broken``.
        detail: the exit code, the signal's number, or why.
        leaving: something of it could not be killed.
    """

    word: str = "broken"
    detail: str = ""
    leaving: bool = field(default=False)


Message = Begun | LogSaid | VariableSaid | Ended | Raised | Exited


def message_of(line: bytes, token: str) -> Message:
    """What a line of the worker says.

    Raises:
        GarbledError: it is none of the worker's.
    """
    try:
        said, word, content = line.decode().split(" ", 2)
        value = json.loads(content, parse_constant=_refuse)
        if said != token:
            raise GarbledError(line[:80])
        return cast(Message, _READERS[word](value))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise GarbledError(line[:80]) from exc


def verdict_of(line: bytes) -> Verdict:
    """What the channel's last line says, if it is the supervisor's."""
    text = line.decode("utf-8", "replace")
    if not text.startswith(_VERDICT):
        return Verdict()
    word, _, detail = text[len(_VERDICT) :].partition(" ")
    leaving = detail.endswith(" leaving")
    return Verdict(word=word, detail=detail.removesuffix(" leaving"), leaving=leaving)


def _begun(value: Any) -> Begun:
    if _whole(value) <= 1:
        raise ValueError(value)
    return Begun(value)


def _log(value: Any) -> LogSaid:
    level = _text(value["level"])
    if level not in _LEVELS:
        raise ValueError(level)
    return LogSaid(cast(Level, level), _text(value["message"]))


def _set(value: Any) -> VariableSaid:
    return VariableSaid(_name(value["name"]), value["value"])


def _ended(value: Any) -> Ended:
    return Ended(exported={_name(name): inner for name, inner in value["exported"].items()}, value=value["value"])


def _raised(value: Any) -> Raised:
    names = tuple(map(_text, value["names"]))
    return Raised(type=_text(value["type"]), names=names, message=_text(value["message"]), lines=_lines(value["lines"]))


def _exited(value: Any) -> Exited:
    status = value["status"]
    return Exited(status=status if type(status) is int else _text(status), lines=_lines(value["lines"]))


def _lines(value: Any) -> tuple[tuple[int, str], ...]:
    return tuple((_whole(line), _text(function)) for line, function in value)


def _name(value: Any) -> str:
    if not _text(value).isidentifier():
        raise ValueError(value)
    return cast(str, value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    value.encode()  # half a surrogate pair is no text
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(value)
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


_READERS: Final = {"begun": _begun, "log": _log, "set": _set, "ended": _ended, "raised": _raised, "exited": _exited}
