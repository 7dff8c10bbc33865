"""Where a watcher begins, and whether it can."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from attrs import frozen

from sisyphus.live.answer import Answer, sentence
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.live.asking import Wish


@frozen
class Place:
    """Where a watcher begins.

    Attributes:
        cursor: the event that it begins behind.
        resumed: whether it goes on where it was.
        gap: the `seq` of the first and the last event that it lacks and cannot have any more.
    """

    cursor: int
    resumed: bool = False
    gap: tuple[int, int] | None = None


def place_for(wish: Wish, *, floor: int, newest: int) -> Place | None:
    """Where a watcher with this wish begins; None if it has events that this run has not had.

    Args:
        wish: what it asked for.
        floor: the cursor before the oldest event that can still be had.
        newest: the newest event.
    """
    if wish.after is None:
        return Place(newest if wish.live else floor)
    if wish.after > newest:
        # A page that is still open when the next run begins goes on by itself, and knows nothing of the new run.
        return Place(floor) if wish.by_itself else None
    if wish.after < floor:
        return Place(floor, resumed=True, gap=(wish.after + 1, floor))
    return Place(wish.after, resumed=True)


def cannot_begin(wish: Wish, *, floor: int, newest: int, is_told: bool) -> Answer | None:
    """Why a watcher cannot begin where it wants to; None if it can.

    Args:
        wish: what it asked for.
        floor: the cursor before the oldest event that can still be had.
        newest: the newest event.
        is_told: whether the watcher understands a message about events that are lost. To others, a hole among the
            numbers they get would look like events that are not sent.
    """
    place = place_for(wish, floor=floor, newest=newest)
    if place is None:
        return sentence(
            HTTPStatus.BAD_REQUEST,
            tr(
                "after={after} is not of this run, whose newest event is {newest}: begin without after=.",
                after=wish.after,
                newest=newest,
            ),
        )
    if place.gap is None or is_told:
        return None
    first, last = place.gap
    return sentence(
        HTTPStatus.GONE,
        tr(
            "The events from {first} to {last} are no longer kept: go on with after={last}, or with the subprotocol "
            "sisyphus.v1 or Server-Sent Events, which tell of a gap; --event-log keeps everything.",
            first=first,
            last=last,
        ),
    )
