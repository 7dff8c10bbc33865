"""How the plain types of the model's fields are made of what a file may say, strictly."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Union, get_args, get_origin

from sisyphus.case._shapes import expected, no_amount
from sisyphus.case.model import Absent
from sisyphus.errors import nearest
from sisyphus.words import tr

Hook = Callable[[Any, Any], Any]


class WrongValueError(Exception):
    """A value that a field cannot have; the text says why."""


def is_plain(t: Any) -> bool:
    """Whether a field's type is made of plain ones, and not of other classes."""
    return _kinds(t) in _HOOKS


def plain_hook(t: Any) -> Hook:
    """The hook of such a type. A union with `str` means that a template may stand there, with `int` any text."""
    kinds = _kinds(t)
    hook = _choice(_choices(t)) if kinds == {Literal} else _HOOKS[kinds]
    return _or_null(hook) if types.NoneType in _members(t) else hook


def _members(t: Any) -> tuple[Any, ...]:
    return get_args(t) if get_origin(t) in (Union, types.UnionType) else (t,)


def _kinds(t: Any) -> frozenset[Any]:
    return frozenset(get_origin(member) or member for member in _members(t)) - {types.NoneType, Absent}


def _choices(t: Any) -> tuple[str, ...]:
    return next(get_args(member) for member in _members(t) if get_origin(member) is Literal)


def _or_null(hook: Hook) -> Hook:
    return lambda value, t: None if value is None else hook(value, t)


def _holds_template(value: Any) -> bool:
    return isinstance(value, str) and ("${" in value or "{{" in value or "{%" in value)


def _text(value: Any, _: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):  # version: 1.0 and name: 2024 are meant as they are written
        return str(value)
    raise WrongValueError(expected(tr("text"), value))


def _flag(value: Any, _: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise WrongValueError(expected(tr("true or false"), value) + _unquoted(value, {"true", "false"}))


def _flag_or_template(value: Any, t: Any) -> bool | str:
    return value if _holds_template(value) else _flag(value, t)


def _integer(value: Any, _: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    hint = tr(" (write it without quotes)") if isinstance(value, str) and value.lstrip("-").isdecimal() else ""
    raise WrongValueError(expected(tr("a whole number"), value) + hint)


def _integer_or_text(value: Any, _: Any) -> int | str:
    if isinstance(value, int | str) and not isinstance(value, bool):
        return value
    raise WrongValueError(expected(tr("a whole number or text"), value))


def _number(value: Any, _: Any) -> float:
    trouble = no_amount(value)
    if trouble is None:
        return value  # type: ignore[no-any-return]  # a number: asked above
    hint = tr(" (write it without quotes)") if isinstance(value, str) and value.replace(".", "", 1).isdecimal() else ""
    raise WrongValueError(trouble + hint)


def _number_or_template(value: Any, t: Any) -> float | str:
    return value if _holds_template(value) else _number(value, t)


def _unquoted(value: Any, words: set[str]) -> str:
    return tr(" (write it without quotes)") if isinstance(value, str) and value.lower() in words else ""


def _mapping(value: Any, _: Any) -> Any:
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    raise WrongValueError(expected(tr("a mapping"), value))


def _mapping_or_template(value: Any, t: Any) -> Any:
    return value if _holds_template(value) else _mapping(value, t)


def _fields(value: Any, _: Any) -> Any:
    if isinstance(value, dict | list | str):
        return value
    raise WrongValueError(expected(tr("a mapping"), value))


def _choice(known: tuple[str, ...]) -> Hook:
    def hook(value: Any, _: Any) -> str:
        if isinstance(value, str) and value in known:
            return value
        near = nearest(value, known) if isinstance(value, str) else None
        hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
        raise WrongValueError(expected(tr("one of {known}", known=", ".join(known)), value) + hint)

    return hook


_HOOKS: Final[dict[frozenset[Any], Hook]] = {
    frozenset({str}): _text,
    frozenset({bool}): _flag,
    frozenset({bool, str}): _flag_or_template,
    frozenset({int}): _integer,
    frozenset({int, str}): _integer_or_text,
    frozenset({float}): _number,
    frozenset({float, str}): _number_or_template,
    frozenset({Mapping}): _mapping,
    frozenset({Mapping, str}): _mapping_or_template,
    frozenset({Mapping, list, str}): _fields,
    frozenset({Literal}): _text,
}
