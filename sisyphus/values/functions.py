"""The functions that templates may call."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import random
import string
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from typing import Any, Final
from urllib.parse import quote

from sisyphus.errors import StepError, TemplateError, nearest
from sisyphus.values import _dates
from sisyphus.values._text import shorten, to_json, to_text, type_name
from sisyphus.values.fake import Fake
from sisyphus.words import tr

_LETTERS_AND_DIGITS: Final = string.ascii_letters + string.digits
_MAX_RANDOM_TEXT: Final = 1_000_000
_NO_DEFAULT: Final = object()


def build_functions(
    *,
    seed: int | None = None,
    resolve_file: Callable[[str], str] | None = None,
    env: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.time,
    locale: str | None = None,
    query: Callable[..., Any] | None = None,
) -> dict[str, Callable[..., Any]]:
    """Makes the functions of one case.

    Args:
        seed: makes the random ones give the same values in every run.
        resolve_file: reads a file of the project as text, for ``file(path)``; without it there are no files.
        env: the environment that ``env(name, default)`` reads.
        clock: wall-clock time in seconds, for the functions of date and time.
        locale: of what `faker` makes up.
        query: what ``db_query(sql, params…, connection=…)`` does; without it there are no databases.

    Returns:
        The functions by name; each raises `TemplateError` naming itself where its arguments are wrong.
    """
    source = random.Random(seed)  # noqa: S311 - test data, not secrets
    own: dict[str, Callable[..., Any]] = {
        **_random_functions(source),
        "env": lambda name, default=_NO_DEFAULT: _env(env or {}, name, default),
        "file": lambda path: _file(resolve_file, path),
        "db_query": query or _no_databases,
    }
    functions = {**_shared(clock), **{name: _guarded(name, function) for name, function in own.items()}}
    functions["faker"] = Fake(source, locale)
    return functions


@cache
def _shared(clock: Callable[[], float]) -> dict[str, Callable[..., Any]]:
    """The functions that are the same for every case, made once: a run may have thousands of cases."""
    functions = {**_PURE, **_dates.functions(clock)}
    return {name: _guarded(name, function) for name, function in functions.items()}


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def guarded(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except StepError:
            raise
        except (TypeError, ValueError, LookupError, ArithmeticError, RecursionError) as error:
            reason = _without_function_name(str(error)) or type(error).__name__
            raise TemplateError(tr("{name}(): {reason}", name=name, reason=shorten(reason))) from error

    guarded.__name__ = name
    return guarded


def _without_function_name(reason: str) -> str:
    # "_random_functions.<locals>.integer() got an unexpected …": the user knows none of these names.
    head, _, tail = reason.partition("() ")
    return tail if head.replace(".", "").replace("_", "").replace("<locals>", "").isidentifier() and tail else reason


def _random_functions(source: random.Random) -> dict[str, Callable[..., Any]]:
    def integer(min: int = 0, max: int = 1_000_000) -> int:  # noqa: A002 - the contract's names
        return source.randint(min, max)

    def text(length: int = 8, chars: str = _LETTERS_AND_DIGITS) -> str:
        if not 0 <= length <= _MAX_RANDOM_TEXT:
            raise ValueError(tr("the length is from 0 to {limit}", limit=_MAX_RANDOM_TEXT))
        return "".join(source.choices(chars, k=length))

    def identifier() -> uuid.UUID:
        return uuid.UUID(int=source.getrandbits(128), version=4)

    def choice(values: Sequence[Any]) -> Any:
        if not isinstance(values, (list, tuple, str)) or not values:
            raise ValueError(tr("choose from a list that is not empty"))
        return source.choice(values)

    return {
        "random": integer,
        "randint": integer,
        "random_int": integer,
        "random_str": text,
        "random_string": text,
        "uuid": lambda: identifier().hex,
        "uuid4": lambda: str(identifier()),
        "choice": choice,
    }


def _env(env: Mapping[str, str], name: str, default: Any) -> Any:
    if name in env:
        return env[name]
    if default is not _NO_DEFAULT:
        return default
    near = nearest(name, env)
    hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
    raise TemplateError(tr("the environment has no variable '{name}'", name=name) + hint)


def _no_databases(*_: Any, **__: Any) -> Any:
    raise TemplateError(tr("db_query(): there are no databases here"))


def _file(resolve_file: Callable[[str], str] | None, path: Any) -> str:
    if resolve_file is None:
        raise TemplateError(tr("file(): there are no files to read here"))
    try:
        return resolve_file(to_text(path))
    except (OSError, ValueError) as error:
        raise TemplateError(tr("file(): {path} cannot be read: {reason}", path=path, reason=error)) from error


def _digest(name: str) -> Callable[[Any], str]:
    def digest(value: Any) -> str:
        return hashlib.new(name, to_text(value).encode(), usedforsecurity=False).hexdigest()

    return digest


def _hmac_sha256(value: Any, key: Any) -> str:
    """Signs `value` with `key`; in hexadecimal digits."""
    return hmac.new(to_text(key).encode(), to_text(value).encode(), hashlib.sha256).hexdigest()


def _base64_encode(value: Any) -> str:
    return base64.b64encode(to_text(value).encode()).decode("ascii")


def _base64_decode(value: Any) -> str:
    text = to_text(value).strip().replace("-", "+").replace("_", "/")  # the URL's alphabet too
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(tr("{value} is no base64: {reason}", value=shorten(text, 40), reason=error)) from error
    return decoded.decode()


def _url_encode(value: Any) -> str:
    return quote(to_text(value), safe="")


def _int(value: Any, base: int = 10) -> int:
    if isinstance(value, str):
        text = value.strip()
        decimal = base == 10 and ("." in text or "e" in text.lower())
        return int(float(text)) if decimal else int(text, base)
    return int(value)


def _bool(value: Any) -> bool:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in {"true", "yes", "on", "1"}:
            return True
        if word in {"false", "no", "off", "0", "", "null", "none"}:
            return False
        raise ValueError(tr("{value} is neither true nor false", value=shorten(repr(value), 40)))
    return bool(value)


def _len(value: Any) -> int:
    if not isinstance(value, (str, list, tuple, Mapping)):
        raise TypeError(tr("{type} has no length", type=type_name(value)))
    return len(value)


_PURE: Final[Mapping[str, Callable[..., Any]]] = {
    "md5": _digest("md5"),
    "sha1": _digest("sha1"),
    "sha256": _digest("sha256"),
    "hmac_sha256": _hmac_sha256,
    "base64_encode": _base64_encode,
    "base64_decode": _base64_decode,
    "url_encode": _url_encode,
    "upper": lambda value: to_text(value).upper(),
    "lower": lambda value: to_text(value).lower(),
    "int": _int,
    "float": float,
    "bool": _bool,
    "str": to_text,
    "len": _len,
    "json": lambda value, indent=None: to_json(value, indent),
}

FILTERS: Final[Mapping[str, Callable[..., Any]]] = {name: _guarded(name, function) for name, function in _PURE.items()}
"""Those that need nothing but their arguments: usable behind a ``|`` too, unless Jinja2 has a filter of the name."""
