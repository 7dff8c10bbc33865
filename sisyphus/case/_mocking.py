"""The spellings of the mock server that a case brings with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sisyphus.case._answering import (
    ANSWER,
    DELAYS,
    answers,
    check_names,
    put_delay,
    put_failure,
    response_draft,
    switched_on,
)  # fmt: skip
from sisyphus.case._routing import CRITERIA, check_criteria
from sisyphus.case._shapes import as_map, each
from sisyphus.case.draft import Draft, spellings, take
from sisyphus.case.yaml import Seq
from sisyphus.errors import Mark
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Findings, Place

MOCK: Final = spellings("host", "port", "routes", "default_response", "enabled", rules="routes")
_ROUTE: Final = (
    CRITERIA | DELAYS | spellings("name", "priority", "enabled", "response", "responses", "else_response", "failure")
)


def mock_server_draft(value: Any, place: Place, found: Findings) -> Draft | None:
    """A mock server: a mapping, or just the list of its routes; None if there is to be none."""
    if isinstance(value, Seq):
        draft = Draft(place)
        draft.put("routes", value, place)
    else:
        source = as_map(value, place, "mock_server", found, "mock_server: {routes: [{path: /users}]}")
        if source is None:
            return None
        draft = take(source, MOCK, "mock_server", found)
    return finish_mock(draft, found)


def finish_mock(draft: Draft, found: Findings) -> Draft | None:
    """Completes a mock server whose keys are the model's already; None if it is switched off."""
    draft["where"] = Mark(*draft.place)
    if "routes" in draft:
        at = draft.place_of("routes")
        draft["routes"] = each(draft["routes"], at, "routes", lambda item, here: _route(item, here, found), found)
    if draft.get("default_response") is not None:
        default = response_draft(draft["default_response"], draft.place_of("default_response"), found)
        draft["default_response"] = default
        if default is not None:
            check_names(default, found)
    return draft if switched_on(draft, found) else None


def _route(value: Any, place: Place, found: Findings) -> Draft | None:
    source = as_map(value, place, tr("a route"), found, "{path: /users, response: {body: []}}")
    if source is None:
        return None
    draft = take(source, _ROUTE, tr("a route"), found)
    draft["where"] = Mark(*draft.place)
    check_criteria(draft, found)
    put_delay(draft, found)
    put_failure(draft, found)
    draft["responses"] = given = answers(draft, found)
    otherwise = _else_response(draft, found)
    common = draft.part(ANSWER)
    for answer in given if otherwise is None else [*given, otherwise]:
        _inherit(answer, common)
        check_names(answer, found)
    check_names(draft, found)
    return draft if switched_on(draft, found) else None


def _inherit(answer: Draft, common: Draft) -> None:
    """Gives an answer what its route says for all of them, where it says nothing itself."""
    for keys in (("delay", "max_delay"), ("failure",)):
        if not any(key in answer for key in keys):
            for key in keys:
                if key in common:
                    answer.put(key, common[key], common.place_of(key))
                    answer.respell(key, common.key_of(key))


def _else_response(draft: Draft, found: Findings) -> Draft | None:
    if draft.get("else_response") is None:
        draft.pop("else_response", None)
        return None
    place = draft.place_of("else_response")
    if draft.lacks("condition"):
        message = tr("'else_response' is given where a condition does not hold, and there is none")
        found.wrong(place, message, tr("add a condition"))
    draft["else_response"] = answer = response_draft(draft["else_response"], place, found)
    return answer
