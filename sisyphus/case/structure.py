"""Drafts to the frozen classes of the model, by cattrs; what does not fit becomes a placed problem."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
import cattrs
from cattrs import AttributeValidationNote, ClassValidationError, IterableValidationError, IterableValidationNote

from sisyphus.case._hooks import WrongValueError, is_plain, plain_hook
from sisyphus.case._shapes import kind_of
from sisyphus.case.draft import Draft
from sisyphus.case.model import Request, StepSpec, Wait
from sisyphus.errors import Mark
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Findings, Place

T = TypeVar("T")

_SPECS: Final[dict[str, type]] = {"request": Request, "wait": Wait}

_BOUND: Final = re.compile(r".*must be (>=|<=) (\S+):")  # how attrs' own validators say it


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
    # Plain classes are looked up before any predicate.
    for plain in (str, bool, int, float):
        converter.register_structure_hook(plain, plain_hook(plain))
    converter.register_structure_hook_factory(is_plain, plain_hook)
    converter.register_structure_hook(Mark, lambda value, _: value)
    # Steps are told apart by `type`, which their `spec` has too.
    converter.register_structure_hook_func(
        lambda t: t == StepSpec, lambda draft, _: converter.structure(draft, _SPECS[draft["type"]])
    )
    return converter


def _explain(error: BaseException, value: Any, place: Place, name: str, found: Findings) -> None:
    """Walks cattrs' tree of errors beside the draft, which knows where each value stands."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        for inner in error.exceptions:
            if isinstance(error, ClassValidationError) and not getattr(inner, "__notes__", ()):
                _explain_refusal(error.cl, inner, value, place, found)
            else:
                _explain(inner, *_descend(inner, value, place, name), found)
    elif isinstance(error, WrongValueError):
        found.wrong(place, f"{name}: {error}" if name else str(error))
    elif isinstance(error, KeyError) and found.problems:
        pass  # a key that has to be there; who noticed that first said it better
    else:
        found.wrong(place, tr("{name} does not fit here, got {kind}", name=name, kind=kind_of(value)))


def _explain_refusal(cls: type, error: BaseException, value: Any, place: Place, found: Findings) -> None:
    """Says which values the class itself refused: its validators stop at the first, so each is asked again."""
    before = len(found.problems)
    for field in attrs.fields(cls):
        if field.validator is None or field.name not in value:
            continue
        try:
            field.validator(None, field, value[field.name])
        except ValueError as refusal:
            shown = value.spelt.get(field.name, field.name)
            found.wrong(value.place_of(field.name), f"{shown}: {_bound(refusal, value[field.name])}")
    if len(found.problems) == before:
        found.wrong(place, str(error))


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
            return inner, at, value.spelt.get(note.name, note.name)
        if isinstance(note, IterableValidationNote) and isinstance(value, list) and isinstance(note.index, int):
            item = value[note.index]
            return item, item.place if isinstance(item, Draft) else place, name
    return value, place, name
