"""The spellings of a `wait` step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sisyphus.case._shapes import example, milliseconds
from sisyphus.case.draft import ANYTHING, pending, spellings
from sisyphus.errors import Mark
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Draft, Findings

WAIT: Final = spellings(
    "seconds", "duration", "duration_ms", "interval", "max_wait", "condition", delay="seconds", wait_time="seconds"
) | pending("wait_condition")

_TIMES: Final = ("seconds", "duration", "duration_ms")


def finish_wait(draft: Draft, found: Findings) -> Draft:
    """Completes a wait whose keys are the model's already."""
    draft["where"] = Mark(*draft.place)
    for key in (*_TIMES, "condition"):
        if draft.get(key, True) is None:
            del draft[key]
    said = [key for key in (*_TIMES, "condition") if key in draft]
    if len(said) > 1:
        shown = [f"'{draft.key_of(key)}'" for key in said]
        message = tr(
            "a wait step waits for one thing, but both {one} and {other} are given", one=shown[0], other=shown[1]
        )
        found.wrong(draft.place_of(said[1]), message, tr("keep one of them"))
        draft.discard(said[1])
    elif not said and draft.meant.isdisjoint({*_TIMES, "condition", "wait_condition", ANYTHING}):
        found.wrong(draft.place, tr("a wait step needs either seconds or a condition"), example("seconds: 2"))
    seconds = milliseconds(draft, "duration_ms", found)
    if seconds is not None:
        draft.put("seconds", seconds, draft.place_of("duration_ms"))
    draft.move("duration", "seconds")
    return draft
