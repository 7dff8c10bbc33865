"""Drafts to the frozen classes of the model, by cattrs; what does not fit becomes a placed problem."""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin

import cattrs
from cattrs import AttributeValidationNote, ClassValidationError, IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn

from sisyphus.case.draft import Draft, Findings, Place, kind_of
from sisyphus.case.model import Absent, Request, Step, StepSpec, Wait
from sisyphus.errors import Mark, nearest
from sisyphus.words import tr

T = TypeVar("T")

_SPECS: Final[dict[str, type]] = {"request": Request, "wait": Wait}


_REFUSED_BY_CLASS: Final = re.compile(r"'(\w+)' (must .*)", re.DOTALL)  # how attrs' own validators begin


class _WrongValueError(Exception):
    """A value that a field cannot have; the text says why."""


def structure(draft: Draft, target: type[T], found: Findings) -> T | None:
    """Makes a `target` of a draft.

    Returns:
        The value, or None if anything in it does not fit; each misfit is then a problem in `found`.
    """
    try:
        return _converter().structure(draft, target)
    except ClassValidationError as errors:
        _explain(errors, draft, draft.place, "", found)
        return None


@functools.cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    # Plain classes are looked up before any predicate; unions are compared with ==, since they are not unique objects.
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(bool, _flag)
    converter.register_structure_hook(int, _integer)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook_func(lambda t: t == str | None, _text)
    converter.register_structure_hook_func(lambda t: t in (bool | str, bool | str | None), _flag)
    converter.register_structure_hook_func(lambda t: t == int | None, _integer)
    converter.register_structure_hook_func(_is_number, _number)
    converter.register_structure_hook_func(lambda t: t in (int | str, int | str | None), _integer_or_text)
    converter.register_structure_hook_func(lambda t: get_origin(t) is Literal, _choice)  # type: ignore[comparison-overlap]
    converter.register_structure_hook_func(lambda t: _is_optional_of(t, Literal), _optional_choice)
    converter.register_structure_hook_func(_is_mapping, _mapping)
    converter.register_structure_hook(Mark, lambda value, _: value)
    converter.register_structure_hook_func(lambda t: t == StepSpec, lambda value, _: value)
    converter.register_structure_hook_func(
        lambda t: t == tuple[str, ...] | None, lambda v, _: None if v is None else tuple(v)
    )
    converter.register_structure_hook(Step, _step_hook(converter))
    return converter


def _step_hook(converter: cattrs.Converter) -> Any:
    """Steps are told apart by `type`, which stands beside their `spec`."""
    plain = make_dict_structure_fn(Step, converter)

    def hook(draft: Draft, target: type[Step]) -> Step:
        spec = draft["spec"]
        if isinstance(spec, dict):
            try:
                draft["spec"] = converter.structure(spec, _SPECS[draft["type"]])
            except ClassValidationError as exc:
                try:
                    plain({**draft, "spec": None}, target)
                except ClassValidationError as others:
                    raise others.derive([*others.exceptions, exc]) from None
                raise
        return plain(draft, target)

    return hook


def _is_number(t: Any) -> bool:
    return t in (float | None, float | str, float | str | None, float | str | Absent | None)


def _is_optional_of(t: Any, origin: Any) -> bool:
    return get_origin(t) in (Union, types.UnionType) and any(get_origin(a) is origin for a in get_args(t))


def _is_mapping(t: Any) -> bool:
    return get_origin(t) is Mapping or t in (Mapping[str, Any] | str | None, Mapping[str, Any] | None)


def _holds_template(value: Any) -> bool:
    return isinstance(value, str) and ("${" in value or "{{" in value)


def _wrong(expected: str, value: Any) -> _WrongValueError:
    shown = f" {value!r}" if isinstance(value, str) and len(value) < 60 else ""
    return _WrongValueError(tr("expected {expected}, got {kind}", expected=expected, kind=kind_of(value)) + shown)


def _nullable(t: Any) -> bool:
    return type(None) in get_args(t)


def _text(value: Any, t: Any) -> str | None:
    if type(value) is str or (value is None and _nullable(t)):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):  # version: 1.0 and name: 2024 are meant as they are written
        return str(value)
    raise _wrong(tr("text"), value)


def _flag(value: Any, t: Any) -> bool | str | None:
    if isinstance(value, bool) or (value is None and _nullable(t)) or (str in get_args(t) and _holds_template(value)):
        return value  # type: ignore[no-any-return]
    raise _wrong(tr("true or false"), value)


def _integer(value: Any, t: Any) -> int | None:
    if (isinstance(value, int) and not isinstance(value, bool)) or (value is None and _nullable(t)):
        return value
    raise _wrong(tr("a whole number"), value)


def _number(value: Any, t: Any) -> float | str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value < 0:
            raise _WrongValueError(tr("must not be negative, got {value}", value=value))
        return value
    if (value is None and _nullable(t)) or (str in get_args(t) and _holds_template(value)):
        return value  # type: ignore[no-any-return]
    raise _wrong(tr("a number"), value)


def _integer_or_text(value: Any, _: Any) -> int | str | None:
    if isinstance(value, int | str | None) and not isinstance(value, bool):
        return value
    raise _wrong(tr("a whole number or text"), value)


def _choice(value: Any, t: Any) -> Any:
    known = get_args(t)
    if value in known and not isinstance(value, bool):
        return value
    near = nearest(value, known) if isinstance(value, str) else None
    message = tr("expected one of {known}, got {value}", known=", ".join(known), value=value)
    raise _WrongValueError(message + (tr(" (did you mean '{near}'?)", near=near) if near else ""))


def _optional_choice(value: Any, t: Any) -> Any:
    return None if value is None else _choice(value, next(a for a in get_args(t) if get_origin(a) is Literal))


def _mapping(value: Any, t: Any) -> Any:
    if isinstance(value, dict) or (value is None and _nullable(t)) or (str in get_args(t) and _holds_template(value)):
        return value
    raise _wrong(tr("a mapping"), value)


def _explain(error: BaseException, value: Any, place: Place, name: str, found: Findings) -> None:
    """Walks cattrs' tree of errors beside the draft, which knows where each value stands."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        for inner in error.exceptions:
            step, here, at = _descend(inner, value, place)
            _explain(inner, here, at, step or name, found)
        return
    if isinstance(error, _WrongValueError):
        found.wrong(place, f"{name}: {error}" if name else str(error))
    elif isinstance(error, ValueError) and (refused := _REFUSED_BY_CLASS.match(str(error))):
        field, why = refused.groups()
        marks = value.marks if isinstance(value, Draft) else {}
        found.wrong(marks.get(field, place), f"{field}: {why}")
    elif isinstance(error, KeyError):  # a key that has to be there; who noticed it first said it better
        if not any(problem.mark == Mark(*place) for problem in found.problems):
            found.wrong(place, tr("{name} is missing", name=name or error.args[0]))
    else:
        found.wrong(place, tr("{name} does not fit here, got {kind}", name=name, kind=kind_of(value)))


def _descend(error: BaseException, value: Any, place: Place) -> tuple[str, Any, Place]:
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote) and isinstance(value, dict):
            marks = value.marks if isinstance(value, Draft) else {}
            return note.name, value.get(note.name), marks.get(note.name, place)
        if isinstance(note, IterableValidationNote) and isinstance(value, list) and isinstance(note.index, int):
            item = value[note.index]
            return "", item, item.place if isinstance(item, Draft) else place
    spec = value.get("spec") if isinstance(value, dict) else None
    if isinstance(spec, Draft) and isinstance(error, ClassValidationError) and error.cl in _SPECS.values():
        return "", spec, spec.place
    return "", value, place
