"""What a template may call: the functions it is given, and the harmless methods of plain values."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sisyphus.errors import StepError, TemplateError, nearest
from sisyphus.values import _limits
from sisyphus.values._lookup import Missing, child
from sisyphus.values._patience import tick
from sisyphus.values._text import shorten, type_name
from sisyphus.words import tr

# By name, each because it neither changes its value nor reaches beyond it. `encode` is missing: bytes are no JSON.
_TEXT_METHODS: Final = frozenset([
    "capitalize",
    "casefold",
    "count",
    "endswith",
    "find",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "islower",
    "isnumeric",
    "isspace",
    "istitle",
    "isupper",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "rfind",
    "rindex",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
])
_PADDING_METHODS: Final = frozenset({"center", "ljust", "rjust", "zfill"})
_LIST_METHODS: Final = frozenset({"count", "index"})
_MAP_METHODS: Final = frozenset({"get", "items", "keys", "values"})
_DATE_METHODS: Final = frozenset({"date", "isoformat", "isoweekday", "strftime", "time", "timestamp", "weekday"})
_BUILT_IN: Final = {"range": _limits.bounded_range, "dict": dict}


class _Formatter(string.Formatter):
    """`str.format` without its back doors: no attributes, no indices, no endless widths."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if not field_name.isalnum() and not field_name.isidentifier():
            raise TemplateError(tr("format(): '{field}' is no plain name or number", field=field_name))
        return super().get_field(field_name, args, kwargs)

    def format_field(self, value: Any, format_spec: str) -> str:
        _limits.check_format_spec(format_spec)
        return str(super().format_field(value, format_spec))


def call_function(name: str, function: Any, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Calls a function by the name it has in the template; its errors become ours, chained."""
    if type(function) is Missing:
        if name not in _BUILT_IN:
            raise function.error()
        function = _BUILT_IN[name]
    if not callable(function):
        raise TemplateError(tr("'{name}' is {type}, not a function", name=name, type=type_name(function)))
    tick()
    try:
        return function(*args, **options)
    except StepError:
        raise
    except Exception as error:
        # A function of the user's own may fail in any way; that is the template's failure, not the engine's.
        reason = shorten(str(error) or type(error).__name__)
        raise TemplateError(tr("{name}(): {reason}", name=name, reason=reason)) from error


def call_method(owner: Any, name: str, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Calls a method of a plain value, or a function that stands under this key of a map."""
    if isinstance(owner, Mapping):
        function = child(owner, name)
        if callable(function):
            return call_function(name, function, args, options)
    method = _method(owner, name)
    return call_function(name, method, args, options)


def _method(owner: Any, name: str) -> Any:
    allowed: frozenset[str] = frozenset()
    if isinstance(owner, str):
        if name in _TEXT_SPECIAL:
            special = _TEXT_SPECIAL[name]
            return lambda *args, **options: special(owner, *args, **options)
        if name in _PADDING_METHODS:
            return lambda *args: _limits.with_bounded_width(getattr(str, name), name)(owner, *args)
        allowed = _TEXT_METHODS
    elif isinstance(owner, Mapping):
        allowed = _MAP_METHODS
    elif isinstance(owner, (list, tuple)):
        allowed = _LIST_METHODS
    elif isinstance(owner, datetime):
        allowed = _DATE_METHODS
    if name in allowed:
        method = getattr(owner, name)
        return (lambda: list(method())) if name in {"items", "keys", "values"} else method
    near = nearest(name, allowed)
    message = tr("{type} has no method '{name}' that a template may call", type=type_name(owner), name=name)
    raise TemplateError(message + (tr(" (did you mean '{near}'?)", near=near) if near else ""))


def _format_text(text: str, *args: Any, **options: Any) -> str:
    _limits.check_fields(text.count("{"), (*args, *options.values()))
    return _Formatter().vformat(text, args, options)


def _replace_text(text: str, old: str, new: str, count: int | None = None) -> str:
    return _limits.replace(text, old, new, None if count is None or count < 0 else count)


def _join_texts(text: str, parts: Any) -> str:
    return _limits.join(parts, text)


_TEXT_SPECIAL: Final[Mapping[str, Callable[..., Any]]] = {
    "format": _format_text,
    "replace": _replace_text,
    "join": _join_texts,
}
