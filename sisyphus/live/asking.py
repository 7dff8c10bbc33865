"""What a watcher asks for in the address it connects to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from attrs import evolve, frozen

from sisyphus.errors import nearest
from sisyphus.events import DATA_TYPES
from sisyphus.journal import EVERYTHING, Interest
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sisyphus.live.head import Head

TYPES: Final = tuple(cls.type for cls in DATA_TYPES)
TOKEN: Final = "token"  # noqa: S105 - the name of a parameter

# The largest number that JavaScript, too, takes for what it is.
_LARGEST_SEQ: Final = 2**53 - 1


class BadRequest(Exception):
    """What is asked for cannot be had; the text says why."""


@frozen(kw_only=True)
class Wish:
    """Where a watcher begins, and what it wants.

    Attributes:
        after: the `seq` of the last event that it has; wins over `live`.
        by_itself: whether a browser says that, which goes on by itself and cannot know whether this is another run.
        live: whether it wants only what is to come.
        only: which events it wants.
        ndjson: over HTTP, whether it wants lines of JSON instead of Server-Sent Events.
    """

    after: int | None = None
    by_itself: bool = False
    live: bool = False
    only: Interest = EVERYTHING
    ndjson: bool = False


def parameters(head: Head) -> Iterator[tuple[str, str]]:
    """The query's names and values, in their order; a plus is a plus, as `encodeURIComponent` has it."""
    for part in head.target.partition("?")[2].split("&"):
        if part:
            name, _, value = part.partition("=")
            yield unquote(name), unquote(value)


def wish_of(head: Head, *, over_http: bool) -> Wish:
    """Reads the query, and, over HTTP, the header by which a browser goes on where it was.

    Raises:
        BadRequest: a parameter is unknown, given twice, or cannot have that value.
    """
    given: dict[str, str] = {}
    known = [*_PARAMETERS, "format"] if over_http else [*_PARAMETERS]
    for name, value in parameters(head):
        if name not in known:
            near = nearest(name, known)
            hint = tr("did you mean '{near}'?", near=near) if near else tr("known: {names}", names=", ".join(known))
            raise BadRequest(tr("There is no parameter '{name}' ({hint}).", name=name[:40], hint=hint))
        if name in given:
            raise BadRequest(tr("The parameter '{name}' is given twice.", name=name))
        given[name] = value
    wish = Wish(
        after=_seq("after", given["after"]) if "after" in given else None,
        live=_one_of("from", given.get("from", "start"), ("start", "live")) == "live",
        only=Interest(types=_types(given.get("types")), case=_case(given.get("case"))),
        ndjson=_one_of("format", given.get("format", "sse"), ("sse", "ndjson")) == "ndjson",
    )
    return _going_on(wish, head) if over_http else wish


_PARAMETERS: Final = ("from", "after", "types", "case", TOKEN)


def _going_on(wish: Wish, head: Head) -> Wish:
    last = [value for value in head.values("last-event-id") if value]
    return evolve(wish, after=_seq("Last-Event-ID", last[-1]), by_itself=True) if last else wish


def _seq(name: str, value: str) -> int:
    if value.isascii() and value.isdigit() and len(value) < 20 and int(value) <= _LARGEST_SEQ:
        return int(value)
    message = tr("{name} takes the seq of an event, a whole number, not '{value}'.", name=name, value=value[:40])
    raise BadRequest(message)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value in known:
        return value
    message = tr("{name} is {known}, not '{value}'.", name=name, known=" | ".join(known), value=value[:40])
    raise BadRequest(message)


def _types(value: str | None) -> frozenset[str] | None:
    if value is None:
        return None
    types = [each.strip() for each in value.split(",")]
    for each in types:
        if each not in TYPES:
            near = nearest(each, TYPES)
            hint = tr("did you mean '{near}'?", near=near) if near else tr("known: {names}", names=", ".join(TYPES))
            raise BadRequest(tr("There is no event type '{type}' ({hint}).", type=each[:40], hint=hint))
    return frozenset(types)


def _case(value: str | None) -> str | None:
    if value == "":
        raise BadRequest(tr("case takes the test_case_id of a case, as in case=case-1."))
    return value
