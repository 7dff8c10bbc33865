"""Faker, as far as templates may reach it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sisyphus.errors import TemplateError, nearest
from sisyphus.values._data import NoDataError, plain
from sisyphus.values._text import shorten
from sisyphus.words import tr

if TYPE_CHECKING:
    import random

_DEFAULT_LOCALE: Final = "en_US"
_CALLED: Final = re.compile(r"\bfaker\s*(\.\s*\w+\s*)?\(")

# Parameters that say how much is made; no test needs more than that of it.
_AMOUNT: Final = re.compile("nb|num_|length|size|chars|words|rows|digits|elements|count|depth|amount")
_MOST: Final = 10_000

# What these give is bytes, and of any size.
_BYTES: Final = frozenset({"binary", "image", "json_bytes", "tar", "zip"})


def method(name: Any, source: random.Random, default: str | None) -> Callable[..., Any]:
    """What makes up values of one kind.

    Args:
        name: of a method of a provider.
        source: where chance comes from.
        default: the locale where none is given.
    """
    if not isinstance(name, str):
        raise TemplateError(tr("faker() takes the name of what is wanted first: {example}", example="faker('name')"))

    def call(*args: Any, locale: Any = None, **options: Any) -> Any:
        generator, methods = _methods(str(locale or default or _DEFAULT_LOCALE))
        if name not in methods:
            raise TemplateError(_unknown(name, methods))
        if name in _BYTES:
            raise TemplateError(tr("faker.{name}() gives {kind}, which is no JSON value", name=name, kind="bytes"))
        _check_amounts(name, methods[name], args, options)
        generator.random = source
        try:
            return plain(methods[name](*args, **options))
        except NoDataError as exc:
            raise TemplateError(tr("faker.{name}() gives {kind}, which is no JSON value", name=name, kind=exc)) from exc
        except Exception as exc:
            # Faker's methods say in all kinds of ways what they do not take.
            reason = shorten(f"{type(exc).__name__}: {exc}")
            raise TemplateError(tr("faker.{name}(): {reason}", name=name, reason=reason)) from exc

    return call


def names(locale: str | None) -> Iterable[str]:
    """What there is."""
    return _methods(locale or _DEFAULT_LOCALE)[1]


def trouble_with(text: str) -> str | None:
    """Why a template cannot make values up: Faker is not installed; None if it can, or does not want to."""
    return missing() if _CALLED.search(text) else None


def missing() -> str | None:
    """What is said where Faker is not installed; None where it is."""
    from importlib.util import find_spec

    if find_spec("faker") is not None:
        return None
    command = "pip install 'sisyphus-api-engine[faker]'"
    return tr("'faker' needs a package that is not installed: {command}", command=command)


@cache
def _methods(locale: str) -> tuple[Any, Mapping[str, Callable[..., Any]]]:
    """A generator, and its providers' methods."""
    if (trouble := missing()) is not None:
        raise TemplateError(trouble)
    from faker import Factory
    from faker.config import AVAILABLE_LOCALES

    if locale.replace("-", "_") not in AVAILABLE_LOCALES:
        near = nearest(locale, AVAILABLE_LOCALES)
        hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
        raise TemplateError(tr("faker has no locale '{locale}'", locale=locale) + hint)
    generator = Factory.create(locale)
    methods = {
        name: method
        for name, method in vars(generator).items()
        if not name.startswith("_") and inspect.isroutine(method)
    }

    def formatter(name: str) -> Callable[..., Any]:
        if name not in methods:
            raise AttributeError(_unknown(name, methods))
        return methods[name]

    # Some methods take the names of others in their arguments, and would find any attribute of the generator.
    generator.get_formatter = formatter  # type: ignore[method-assign, assignment]
    return generator, methods


def _unknown(name: str, methods: Mapping[str, Any]) -> str:
    near = nearest(name, methods)
    hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
    return tr("faker has no '{name}'", name=name) + hint


def _check_amounts(name: str, method: Callable[..., Any], args: Any, options: Any) -> None:
    try:
        given = inspect.signature(method).bind(*args, **options).arguments
    except TypeError as exc:
        raise TemplateError(tr("faker.{name}(): {reason}", name=name, reason=exc)) from exc
    for parameter, value in given.items():
        if isinstance(value, int | float) and _AMOUNT.search(parameter) and not -_MOST <= value <= _MOST:
            message = tr("{parameter} is at most {most}", parameter=parameter, most=_MOST)
            raise TemplateError(tr("faker.{name}(): {reason}", name=name, reason=message))
