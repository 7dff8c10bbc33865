"""The spellings of a `wait` step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sisyphus.case.draft import kind_of, pending, spellings
from sisyphus.errors import Mark
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Draft, Findings

WAIT: Final = spellings(
    "seconds", "duration", "duration_ms", "interval", "max_wait", "condition", delay="seconds", wait_time="seconds"
) | pending("wait_condition")


def finish_wait(draft: Draft, found: Findings) -> Draft:
    """Completes a wait whose keys are the model's already."""
    draft["where"] = Mark(*draft.place)
    if "duration_ms" in draft:
        value, place = draft.pop("duration_ms"), draft.marks["duration_ms"]
        if isinstance(value, int | float) and not isinstance(value, bool):
            draft.put("seconds", value / 1000, place)
        else:
            found.wrong(place, tr("expected {expected}, got {kind}", expected=tr("a number"), kind=kind_of(value)))
    draft.move("duration", "seconds")
    if ("seconds" in draft) == ("condition" in draft):
        found.wrong(
            draft.place,
            tr("a wait step needs either seconds or a condition"),
            tr("write for example {example}", example="seconds: 2"),
        )
    return draft
