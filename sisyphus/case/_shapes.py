"""The shapes that values have to have, and what is said of those that have not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sisyphus.case.yaml import Seq
from sisyphus.errors import nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sisyphus.case.draft import Draft, Findings, Place
    from sisyphus.case.yaml import Map


_LARGEST: Final = 1e12  # of seconds, bytes and the like
_SHOWN: Final = 60  # characters of a wrong text that messages repeat


def unknown(word: str, known: Mapping[str, str]) -> str:
    """The hint for an unknown word: the nearest one of `known`, else all that it may be."""
    near = nearest(word, known)
    if near is not None:
        return tr("did you mean '{near}'?", near=near)
    return tr("known: {names}", names=", ".join(sorted(set(known.values()))))


def example(text: str) -> str:
    return tr("write for example {example}", example=text)


def kind_of(value: Any) -> str:
    """The user's word for the type of a value."""
    match value:
        case None:
            return tr("null")
        case bool():
            return tr("a boolean")
        case int() | float():
            return tr("a number")
        case str():
            return tr("text")
        case dict():
            return tr("a mapping")
        case list():
            return tr("a list")
        case _:
            return type(value).__name__


def no_amount(value: Any) -> str | None:
    """Why a value is no number of seconds, bytes and the like; None if it is one."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return expected(tr("a number"), value)
    if value < 0:
        return tr("must not be negative, got {value}", value=value)
    if value > _LARGEST:  # a whole number of any size is not one that a clock can count
        return tr("is too large")
    return None


def expected(what: str, value: Any) -> str:
    """That something else was expected."""
    if isinstance(value, float):  # of which "a number" says nothing, where it should have been a whole one
        return tr("expected {expected}, got {kind}", expected=what, kind=value)
    message = tr("expected {expected}, got {kind}", expected=what, kind=kind_of(value))
    if isinstance(value, str) and len(value) < _SHOWN:
        message += f" {value!r}"
    return message


def require(draft: Draft, key: str, message: str, form: str, found: Findings) -> bool:
    """Whether there is a value for `key`; if nothing was written for it, that is a problem, `form` being an example."""
    if draft.get(key) is not None:
        return True
    if key in draft or draft.lacks(key):
        found.wrong(draft.place_of(key), message, example(form))
    draft.discard(key)
    return False


def as_map(value: Any, place: Place, what: str, found: Findings, form: str | None = None) -> Map | None:
    """The value if it is a mapping; else a problem is noted, `form` being an example, and None returned."""
    if isinstance(value, dict):
        return value  # type: ignore[return-value]  # the reader makes nothing but Map
    message = tr("{what} must be a mapping, got {kind}", what=what, kind=kind_of(value))
    found.wrong(place, message, example(form) if form is not None else None)
    return None


def as_seq(value: Any, place: Place, what: str, found: Findings) -> Seq | None:
    """The value if it is a list; else a problem is noted and None returned."""
    if isinstance(value, list):
        return value  # type: ignore[return-value]  # the reader makes nothing but Seq
    found.wrong(place, tr("{what} must be a list, got {kind}", what=what, kind=kind_of(value)))
    return None


def each(
    value: Any, place: Place, what: str, item: Callable[[Any, Place], Draft | None], found: Findings
) -> list[Draft]:
    """`item` of every element of a list, without those that came to nothing; nothing written is an empty list."""
    if value is None:
        return []
    seq = as_seq(value, place, what, found)
    if seq is None:
        return []
    file = seq.file
    drafts = [item(element, (file, *at)) for element, at in zip(seq, seq.marks, strict=True)]
    return [draft for draft in drafts if draft is not None]


def texts(value: Any, place: Place, what: str, found: Findings) -> Seq:
    """One text or a list of texts, as a list with the place of each; nothing written is an empty one."""
    result = Seq(*place)
    several = isinstance(value, Seq)
    items: list[Any] = value if several else [] if value is None else [value]
    marks = value.marks if several else [place[1:]]
    for item, mark in zip(items, marks, strict=False):
        if isinstance(item, str | int | float) and not isinstance(item, bool):
            result.append(str(item))
            result.marks.append(mark)
        else:
            at = (value.file if several else place[0], *mark)
            found.wrong(at, tr("{what} must be text or a list of texts, got {kind}", what=what, kind=kind_of(item)))
    if several:
        result.file = value.file
    return result


def whole(draft: Draft, key: str, found: Findings, *, least: int) -> None:
    """Notes a number that is no whole one of at least `least`; what is no number at all others note."""
    value = draft.get(key)
    if no_amount(value) is None and (value != int(value) or value < least):  # type: ignore[arg-type]  # a number: asked before
        message = tr("must be a whole number of at least {least}, got {value}", least=least, value=value)
        found.wrong(draft.place_of(key), f"{draft.key_of(key)}: {message}")
        draft.discard(key)


def milliseconds(draft: Draft, key: str, found: Findings) -> float | None:
    """Takes a number of milliseconds out of a draft, as seconds; what is none becomes a problem."""
    value = draft.pop(key, None)
    if value is None:
        return None
    trouble = no_amount(value)
    if trouble is None:
        return float(value) / 1000
    found.wrong(draft.place_of(key), f"{draft.key_of(key)}: {trouble}")
    return None
