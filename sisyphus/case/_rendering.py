"""The templates and conditions of a case that can never be rendered."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from sisyphus.case.draft import Draft
from sisyphus.case.yaml import Map, Seq
from sisyphus.values.functions import build_functions
from sisyphus.values.template import check_syntax, compile_expression, compile_template
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from sisyphus.case.draft import Callables, Findings, Place
    from sisyphus.errors import TemplateError
    from sisyphus.values.template import Template

# Texts of the file that nobody renders, or that others look at.
_AS_WRITTEN: Final = frozenset(
    {"body_pattern", "depends_on", "description", "id", "op", "raw", "tags", "type", "where"}
)  # fmt: skip
_CONDITIONS: Final = frozenset({"skip_if", "only_if", "condition", "loop_condition", "break_if", "continue_if"})


def check_templates(draft: Draft, found: Findings, *, besides: Container[str] = ()) -> None:
    """Notes each text of a draft, at any depth, that is no template or no condition where it has to be one.

    Args:
        draft: a step, settings, or a part of these.
        found: where problems go.
        besides: keys of the draft whose texts nobody renders.
    """
    for key, value in draft.items():
        # Every value of a case comes by here, and hardly any has a template in it.
        kind = value.__class__
        if kind is str and "{" not in value and key not in _CONDITIONS:
            if key == "function":
                _check_named(value, draft.place_of(key), found)
            continue
        if value is None or key in _AS_WRITTEN or key in besides:
            continue
        if key in _CONDITIONS and kind is not Draft:  # of a poll it is one, whose parts are checked
            check_condition(value, draft.place_of(key), draft.key_of(key), found)
        elif kind is str:
            _check_text(value, draft.place_of(key), found)
        elif kind is Draft:
            check_templates(value, found)
        else:
            _check_value(value, found)


def _check_named(function: str, place: Place, found: Findings) -> None:
    """Notes a function that a step calls by its name, and that is not there."""
    if function.isidentifier():
        _check_calls(f"${{{function}()}}", place, "", compile_template, found)
    else:
        found.wrong(place, tr("there is no function '{name}'", name=function))


def _check_value(value: Any, found: Findings) -> None:
    if isinstance(value, Map):
        file, places = value.file, value.marks
        for key, inner in value.items():
            if "{" in key:
                _check_text(key, (file, *places[key][:2]), found)
            if inner.__class__ is str:
                if "{" in inner:
                    _check_text(inner, (file, *places[key][2:]), found)
            else:
                _check_value(inner, found)
    elif isinstance(value, Seq):
        for inner, mark in zip(value, value.marks, strict=True):
            if inner.__class__ is str:
                if "{" in inner:
                    _check_text(inner, (value.file, *mark), found)
            else:
                _check_value(inner, found)
    elif isinstance(value, list):  # of drafts
        for item in value:
            check_templates(item, found)


def _check_text(text: str, place: Place, found: Findings) -> None:
    _check_calls(text, place, "", compile_template, found)


def check_condition(condition: Any, place: Place, key: str, found: Findings) -> None:
    """Notes what is no condition; `key` is what the file calls it."""
    if isinstance(condition, str):
        _check_calls(condition, place, f"{key}: ", compile_expression, found)
    elif isinstance(condition, list):
        for item, mark in zip(condition, condition.marks, strict=True):  # type: ignore[attr-defined]  # the reader's list
            check_condition(item, (condition.file, *mark), key, found)  # type: ignore[attr-defined]
    elif isinstance(condition, dict) and len(condition) == 1:
        ((word, operand),) = condition.items()
        at = condition.marks[word]  # type: ignore[attr-defined]  # the reader's mapping
        if word.lower() == "not" or (word.lower() in {"and", "or"} and isinstance(operand, list)):
            check_condition(operand, (condition.file, *at[2:]), key, found)  # type: ignore[attr-defined]
        else:
            found.wrong((condition.file, *at[:2]), f"{key}: {_no_condition()}")  # type: ignore[attr-defined]
    elif not isinstance(condition, bool | int | float):
        found.wrong(place, f"{key}: {_no_condition()}")


def _check_calls(text: str, place: Place, before: str, compiling: Callable[[str], Template], found: Findings) -> None:
    error = _error_in(text, compiling, found.callables)
    if error is not None and found.callables is None:
        found.callables = _installed()  # which may have what nobody else has
        error = _error_in(text, compiling, found.callables)
    if error is not None:
        found.wrong(place, before + str(error))
        return
    if "faker" in text:
        from sisyphus.values._faker import trouble_with

        if (trouble := trouble_with(text)) is not None:
            found.wrong(place, before + trouble)
    if found.callables is None:
        return
    for name in sorted(compiling(text).calls):
        if (trouble := found.callables.trouble_with(name)) is not None:
            found.wrong(place, before + trouble)


def _error_in(text: str, compiling: Callable[[str], Template], callables: Callables | None) -> TemplateError | None:
    functions = _functions() if callables is None else callables
    errors = check_syntax(text, condition=compiling is compile_expression, functions=functions)
    return next((error for _, error in errors), None)


def _no_condition() -> str:
    return tr("a condition is an expression, true or false, a list, or one of and, or, not")


def _installed() -> Callables:
    """What may be called where the project has no functions of its own; few ever ask for more than built-in ones."""
    from sisyphus.case.functions import Callables

    return Callables()


@functools.cache
def _functions() -> frozenset[str]:
    return frozenset(build_functions())
