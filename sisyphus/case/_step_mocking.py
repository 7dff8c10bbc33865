"""The spellings of a step's own `mock`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sisyphus.case._answering import answers
from sisyphus.case._shapes import as_map, each, example, require
from sisyphus.case.draft import Draft, spellings, take
from sisyphus.errors import Mark
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Findings, Place

_MOCK: Final = spellings(
    "enabled", "response", "responses", "conditions",
    rules="conditions", default_response="response", else_response="response",
)  # fmt: skip
_CHOICE: Final = spellings("condition", "response", "responses", when="condition")
_EXAMPLE: Final = "mock: {response: {status_code: 200, body: {id: 1}}}"


def step_mock_draft(value: Any, place: Place, found: Findings) -> Draft | None:
    """What answers a step; None if nothing is asked for."""
    if value in (None, {}, False):
        return None
    source = as_map(value, place, "mock", found, _EXAMPLE)
    if source is None:
        return None
    draft = take(source, _MOCK, "mock", found)
    draft["where"] = Mark(*draft.place)
    written, at = draft.pop("conditions", None), draft.place_of("conditions")
    choices = each(written, at, draft.key_of("conditions"), lambda item, here: _choice(item, here, found), found)
    says = not {"response", "responses"}.isdisjoint({*draft, *draft.meant})
    if says:
        otherwise = Draft(draft.place)
        otherwise["responses"], otherwise["where"] = answers(draft, found), draft["where"]
        choices.append(otherwise)
    elif not choices and draft.lacks("conditions") and draft.get("enabled") is not False:
        found.wrong(draft.place, tr("a mock needs a response"), example(_EXAMPLE))
    draft["choices"] = choices
    return draft


def _choice(value: Any, place: Place, found: Findings) -> Draft | None:
    form = "{condition: \"request.method == 'GET'\", response: {body: {id: 1}}}"
    source = as_map(value, place, tr("a condition of a mock"), found, form)
    if source is None:
        return None
    draft = take(source, _CHOICE, tr("a condition of a mock"), found)
    draft["where"] = Mark(*draft.place)
    require(draft, "condition", tr("a condition of a mock needs its condition"), form, found)
    if draft.lacks("response") and draft.lacks("responses"):
        found.wrong(draft.place, tr("a condition of a mock needs a response"), example(form))
    draft["responses"] = answers(draft, found)
    return draft
