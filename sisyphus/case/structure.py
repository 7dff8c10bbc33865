"""Drafts to the frozen classes of the model, by cattrs; what does not fit becomes a placed problem."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
import cattrs
from cattrs import AttributeValidationNote, ClassValidationError, IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from sisyphus.case._hooks import WrongValueError, is_plain, plain_hook
from sisyphus.case.draft import Draft
from sisyphus.case.model import Case, StepSpec
from sisyphus.errors import Mark
from sisyphus.steps import STEP_TYPES
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Findings, Place

T = TypeVar("T")

_OMITTED: Final = override(omit=True)

_BOUND: Final = re.compile(r".*must be (>=|<=) (\S+):")  # how attrs' own validators say it


def structure(draft: Draft, target: type[T], found: Findings) -> T | None:
    """Makes a `target` of a draft.

    Returns:
        The value, or None if anything in it does not fit; each misfit is then a problem in `found`.
    """
    try:
        return _converter(detailed=False).structure(draft, target)
    except (WrongValueError, KeyError, ValueError):
        pass
    # Once more, noting what stands where: that costs as much again, in hooks and in calls, as the work itself.
    try:
        return _converter(detailed=True).structure(draft, target)
    except ClassValidationError as errors:
        _explain(errors, draft, draft.place, "", found)
        return None


@functools.cache
def _converter(*, detailed: bool) -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=detailed)
    # Plain classes are looked up before any predicate.
    for plain in (str, bool, int, float):
        converter.register_structure_hook(plain, plain_hook(plain))
    converter.register_structure_hook_factory(is_plain, plain_hook)
    converter.register_structure_hook(Mark, lambda value, _: value)
    # Steps are told apart by `type`, which their `spec` has too.
    converter.register_structure_hook_func(
        lambda t: t is StepSpec, lambda draft, _: converter.structure(draft, STEP_TYPES[draft["type"]].SPEC)
    )
    # Of a case these parts are made before it, each for itself; making their hooks here again would cost milliseconds.
    converter.register_structure_hook(
        Case,
        make_dict_structure_fn(
            Case,
            converter,
            config=_OMITTED,
            setup=_OMITTED,
            steps=_OMITTED,
            teardown=_OMITTED,
            functions=_OMITTED,
            warnings=_OMITTED,
            data=_OMITTED,
            row=_OMITTED,
            trouble=_OMITTED,
        ),
    )
    return converter


def _explain(error: BaseException, value: Any, place: Place, name: str, found: Findings) -> None:
    """Walks cattrs' tree of errors beside the draft, which knows where each value stands."""
    if isinstance(error, ClassValidationError):
        _explain_class(error, value, place, found)
    elif isinstance(error, IterableValidationError):
        for inner in error.exceptions:
            _explain(inner, *_descend(inner, value, place, name), found)
    elif isinstance(error, WrongValueError):
        found.wrong(place, f"{name}: {error}" if name else str(error))
    elif not isinstance(error, KeyError):
        raise error
    elif not found.problems:  # whoever noticed before that the key is missing said it better
        found.wrong(place, tr("{name} is missing", name=name))


def _explain_class(error: ClassValidationError, value: Any, place: Place, found: Findings) -> None:
    noted = {_noted_field(inner) for inner in error.exceptions}
    for inner in error.exceptions:
        if _noted_field(inner) is not None:
            _explain(inner, *_descend(inner, value, place, ""), found)
    # The class's own validators stop at the first, and are not asked at all if a value has the wrong type.
    for field in attrs.fields(error.cl):
        if field.validator is not None and field.name in value and field.name not in noted:
            try:
                field.validator(None, field, value[field.name])
            except ValueError as refusal:
                shown = value.key_of(field.name)
                found.wrong(value.place_of(field.name), f"{shown}: {_bound(refusal, value[field.name])}")


def _noted_field(error: BaseException) -> str | None:
    notes = (note for note in getattr(error, "__notes__", ()) if isinstance(note, AttributeValidationNote))
    return next((note.name for note in notes), None)


def _bound(refusal: ValueError, value: Any) -> str:
    bound = _BOUND.match(str(refusal))
    if bound is None:
        return str(refusal)
    limit = bound[2]
    if bound[1] == ">=":
        return tr("must be at least {limit}, got {value}", limit=limit, value=value)
    return tr("must be at most {limit}, got {value}", limit=limit, value=value)


def _descend(error: BaseException, value: Any, place: Place, name: str) -> tuple[Any, Place, str]:
    """The value that an error is about, where it stands, and what the file calls it."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote) and isinstance(value, Draft):
            inner = value.get(note.name)
            at = inner.place if isinstance(inner, Draft) else value.place_of(note.name)
            return inner, at, value.key_of(note.name)
        if isinstance(note, IterableValidationNote) and isinstance(value, list) and isinstance(note.index, int):
            item = value[note.index]
            return item, item.place if isinstance(item, Draft) else place, name
    return value, place, name
