"""The spellings of the mock server that a case brings with it."""

from __future__ import annotations

import re
from typing import Any, Final

from sisyphus.case._shapes import as_map, each, expected, require
from sisyphus.case._tokens import check_headers, check_method
from sisyphus.case.draft import Draft, Findings, Place, pending, spellings, take
from sisyphus.case.yaml import Seq
from sisyphus.errors import Mark
from sisyphus.words import tr

_MOCK: Final = spellings("host", "port", "routes", "default_response", "enabled", rules="routes")
_ROUTE: Final = spellings(
    "name", "method", "path", "response", "responses", "delay", fixed_delay="delay", url="path"
) | pending(
    "priority", "enabled", "match_type", "query_params", "headers", "body_pattern", "body_match_type", "condition",
    "else_response", "min_delay", "max_delay", "failure",
)  # fmt: skip
_RESPONSE: Final = spellings(
    "status_code", "headers", "body", "delay", status="status_code", fixed_delay="delay", json="body"
) | pending("file", "min_delay", "max_delay")
_DELAY: Final = spellings("fixed_delay") | pending("min_delay", "max_delay")
_PARAMETER: Final = re.compile(r"\{([A-Za-z_]\w*)\}")
_STATUSES: Final = range(200, 1000)  # those that can end an answer


def mock_server_draft(value: Any, place: Place, found: Findings) -> Draft | None:
    """A mock server: a mapping, or just the list of its routes; None if there is to be none."""
    if isinstance(value, Seq):
        draft = Draft(place)
        draft.put("routes", value, place)
    else:
        source = as_map(value, place, "mock_server", found, "mock_server: {routes: [{path: /users}]}")
        if source is None:
            return None
        draft = take(source, _MOCK, "mock_server", found)
    draft["where"] = Mark(*place)
    if "routes" in draft:
        at = draft.place_of("routes")
        draft["routes"] = each(draft["routes"], at, "routes", lambda item, here: _route(item, here, found), found)
    if draft.get("default_response") is not None:
        at = draft.place_of("default_response")
        draft["default_response"] = _response(draft["default_response"], at, found)
    enabled = draft.pop("enabled", True)
    if not isinstance(enabled, bool):
        found.wrong(draft.place_of("enabled"), f"enabled: {expected(tr('true or false'), enabled)}")
    return draft if enabled is not False else None


def _route(value: Any, place: Place, found: Findings) -> Draft | None:
    source = as_map(value, place, tr("a route"), found, "{path: /users, response: {body: []}}")
    if source is None:
        return None
    draft = take(source, _ROUTE, tr("a route"), found)
    draft["where"] = Mark(*draft.place)
    check_method(draft, found)
    _check_path(draft, found)
    _put_delay(draft, found)
    answers = _answers(draft, found)
    if "delay" in draft:
        for answer in answers:
            if "delay" not in answer:
                answer.put("delay", draft["delay"], draft.place_of("delay"))
    draft["responses"] = answers
    return draft


def _check_path(draft: Draft, found: Findings) -> None:
    given = require(draft, "path", tr("a route needs a path"), "path: /users/{id}", found)
    if given and isinstance(draft["path"], str):
        names = _PARAMETER.findall(draft["path"])
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            message = tr("the path has two parameters of the name {name}", name="{" + twice + "}")
            found.wrong(draft.place_of("path"), message, tr("rename one of them"))


def _put_delay(draft: Draft, found: Findings) -> None:
    """``delay: {fixed_delay: 1}`` is another spelling of ``delay: 1``."""
    if isinstance(draft.get("delay"), dict):
        inner = take(draft["delay"], _DELAY, tr("a delay"), found)
        if "fixed_delay" in inner:
            draft.put("delay", inner["fixed_delay"], inner.place_of("fixed_delay"))
        else:
            draft.discard("delay")
    if draft.get("delay", 0) is None:
        draft.discard("delay")


def _answers(draft: Draft, found: Findings) -> list[Draft]:
    several, one = draft.pop("responses", None), draft.pop("response", None)
    answers: list[Draft] = []
    if several is not None:
        place = draft.place_of("responses")
        if one is not None:
            found.said_twice(place, "responses", "response")
        answers = each(several, place, "responses", lambda item, at: _response(item, at, found), found)
    elif one is not None and (answer := _response(one, draft.place_of("response"), found)) is not None:
        answers = [answer]
    return answers or [Draft(draft.place)]


def _response(value: Any, place: Place, found: Findings) -> Draft | None:
    source = as_map(value, place, tr("a response"), found, "{status_code: 200, body: {id: 1}}")
    if source is None:
        return None
    draft = take(source, _RESPONSE, tr("a response"), found)
    _put_delay(draft, found)
    check_headers(draft.get("headers"), found)
    status = draft.get("status_code")
    if isinstance(status, int) and not isinstance(status, bool) and status not in _STATUSES:
        found.wrong(
            draft.place_of("status_code"),
            f"status_code: {tr('{status} is no status that can end an answer', status=status)}",
            tr("use 200 to 599"),
        )
    return draft
