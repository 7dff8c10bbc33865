"""Functions of the user's own as templates may call them: their errors named, their values plain data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from sisyphus import foreign
from sisyphus.errors import StepError, TemplateError
from sisyphus.values._data import NoDataError, plain
from sisyphus.values._text import shorten
from sisyphus.words import tr

if TYPE_CHECKING:
    from types import TracebackType

    from sisyphus.case.model import Function


def callable_by_templates(
    functions: Mapping[str, Function], limit: Callable[[], float]
) -> dict[str, Callable[..., Any]]:
    """Makes of each function one that raises nothing but `TemplateError` and gives nothing but plain data.

    Args:
        functions: by name.
        limit: asked before each call for the seconds it may take.
    """
    return {name: _bound(function, limit) for name, function in functions.items()}


def _bound(function: Function, limit: Callable[[], float]) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        _check_arguments(function, args, options)
        seconds = limit()
        try:
            value = foreign.call(function.call, args, options, limit=seconds)
        except StepError:
            raise
        except foreign.StoppedError as exc:
            raise _stopped(function, seconds, exc) from exc
        except Exception as exc:
            # It is the user's, and may fail in any way.
            raise TemplateError(
                tr("{name}() failed at {place}: {reason}", name=function.name, place=_place_of(exc, function),
                   reason=shorten(f"{type(exc).__name__}: {exc}")),
                suggestion=tr("Look at that line of your function, and at the values it is called with."),
            ) from exc  # fmt: skip
        return _as_data(value, function)

    return call


def _check_arguments(function: Function, args: Any, options: Any) -> None:
    """Tells wrong arguments from a `TypeError` inside the function."""
    signature = _signature(function.call)
    if signature is None:
        return
    try:
        signature.bind(*args, **options)
    except TypeError as exc:
        message = tr(
            "{name}(): {reason}; it is {form}", name=function.name, reason=exc, form=f"{function.name}{signature}"
        )
        raise TemplateError(f"{message} ({function.where.file}:{function.where.line})") from exc


@cache
def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):  # written in C, without saying what it takes
        return None


def _place_of(exc: BaseException, function: Function) -> str:
    """Where it happened, as the user can find it: the innermost line of the file that the function stands in."""
    file, line = function.where.file, function.where.line
    written = getattr(getattr(inspect.unwrap(function.call), "__code__", None), "co_filename", None)
    trace: TracebackType | None = exc.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == written:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{file}:{line}"


def _stopped(function: Function, seconds: float, exc: foreign.StoppedError) -> TemplateError:
    place = f"{function.where.file}:{function.where.line}"
    if not exc.out_of_time:
        return TemplateError(
            tr("{name}() was interrupted ({place})", name=function.name, place=place),
            suggestion=tr("The run was ended from outside before this step was done; run it again."),
        )
    return TemplateError(
        tr("{name}() did not end within {seconds:g} s ({place})", name=function.name, seconds=round(seconds, 3), place=place),
        suggestion=tr("Nothing else runs while a function does: put what takes long into a step of type script."),
    )  # fmt: skip


def _as_data(value: Any, function: Function) -> Any:
    try:
        return plain(value)
    except NoDataError as exc:
        place = f"{function.where.file}:{function.where.line}"
        raise TemplateError(
            tr("{name}() gives {kind}, which is no JSON value ({place})", name=function.name, kind=exc, place=place),
            suggestion=tr("Have it return text, a number, true or false, None, a list or a dict."),
        ) from exc
