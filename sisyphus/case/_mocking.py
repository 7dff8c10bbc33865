"""The spellings of the mock server that a case brings with it."""

from __future__ import annotations

from typing import Any, Final

from sisyphus.case.draft import Draft, Findings, Place, as_map, each, ignored, pending, spellings, take
from sisyphus.errors import Mark
from sisyphus.words import tr

_MOCK: Final = spellings("host", "port", "routes", "default_response", rules="routes") | ignored("enabled")
_ROUTE: Final = spellings(
    "name", "method", "path", "response", "responses", "delay", fixed_delay="delay", url="path"
) | pending(
    "priority", "enabled", "match_type", "query_params", "headers", "body_pattern", "body_match_type", "condition",
    "else_response", "min_delay", "max_delay", "failure",
)  # fmt: skip
_MOCK_RESPONSE: Final = spellings(
    "status_code", "headers", "body", "delay", status="status_code", fixed_delay="delay", json="body"
) | pending("file")


def mock_server_draft(value: Any, place: Place, found: Findings) -> Draft | None:
    """A mock server: a mapping, or just the list of its routes."""
    if isinstance(value, list):
        draft = Draft(place)
        draft.put("routes", value, place)
    else:
        source = as_map(value, place, "mock_server", found)
        if source is None:
            return None
        draft = take(source, _MOCK, "mock_server", found)
    draft["where"] = Mark(*place)
    if "routes" in draft:
        at = draft.marks["routes"]
        draft["routes"] = each(draft["routes"], at, "routes", lambda item, here: _route(item, here, found), found)
    if draft.get("default_response") is not None:
        at = draft.marks["default_response"]
        draft["default_response"] = _mock_response(draft["default_response"], at, found)
    return draft


def _route(value: Any, place: Place, found: Findings) -> Draft | None:
    source = as_map(value, place, tr("a route"), found)
    if source is None:
        return None
    draft = take(source, _ROUTE, tr("a route"), found)
    draft["where"] = Mark(*draft.place)
    if "path" not in draft:
        found.wrong(
            draft.place, tr("a route needs a path"), tr("write for example {example}", example="path: /users/{id}")
        )
    delay, delay_place = draft.pop("delay", None), draft.marks.get("delay", place)
    if isinstance(delay, dict) and "fixed_delay" in delay:
        delay = delay["fixed_delay"]
    answers: list[Draft] = []
    if "responses" in draft:
        at = draft.marks["responses"]
        answers = each(draft["responses"], at, "responses", lambda item, here: _mock_response(item, here, found), found)
    elif "response" in draft and (one := _mock_response(draft["response"], draft.marks["response"], found)) is not None:
        answers = [one]
    draft.pop("response", None)
    if not answers:
        answers = [Draft(draft.place)]
    if delay is not None:
        for answer in answers:
            if "delay" not in answer:
                answer.put("delay", delay, delay_place)
    draft["responses"] = answers
    return draft


def _mock_response(value: Any, place: Place, found: Findings) -> Draft | None:
    source = as_map(value, place, tr("a response"), found)
    return None if source is None else take(source, _MOCK_RESPONSE, tr("a response"), found)
