"""The spellings of canned answers: their delays, and how they go wrong on purpose."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from sisyphus.case._shapes import as_map, each, expected, require
from sisyphus.case._tokens import check_headers
from sisyphus.case.draft import Draft, spellings, take
from sisyphus.case.yaml import Map, Seq
from sisyphus.errors import TemplateError, nearest
from sisyphus.values.functions import build_functions
from sisyphus.values.template import compile_expression, compile_template
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sisyphus.case.draft import Findings, Place

ANSWER: Final = ("delay", "max_delay", "failure")
"""What a route may say once for all of its answers."""

DELAYS: Final = spellings("delay", "max_delay", fixed_delay="delay", min_delay="delay")

_RESPONSE: Final = (
    spellings("status_code", "headers", "body", "file", "failure", status="status_code", json="body", body_file="file")
    | DELAYS
)
_DELAY: Final = {name: key for name, key in DELAYS.items() if name != "delay"}
_FAILURE: Final = spellings(
    "failure_type", "probability", "status_code", "delay", "enabled",
    type="failure_type", failure_rate="probability", status="status_code", fixed_delay="delay",
)  # fmt: skip
_STATUSES: Final = range(200, 1000)  # those that can end an answer

# A mock's templates see the request; nothing of the case, and nothing of the machine.
_NAMES: Final = frozenset({"request", "path_params", "mock"})
_NOT_FOR_MOCKS: Final = frozenset({"db_query", "env", "file"})


def response_draft(value: Any, place: Place, found: Findings) -> Draft | None:
    """One canned answer."""
    source = as_map(value, place, tr("a response"), found, "{status_code: 200, body: {id: 1}}")
    if source is None:
        return None
    draft = take(source, _RESPONSE, tr("a response"), found)
    put_delay(draft, found)
    put_failure(draft, found)
    check_headers(draft.get("headers"), found)
    _check_status(draft, found)
    if "body" in draft and draft.get("file") is not None:
        message = tr("a response has one body, but both '{one}' and '{other}' are given", one="body", other="file")
        found.wrong(draft.place_of("file"), message, tr("keep one of them"))
    return draft


def answers(draft: Draft, found: Findings) -> list[Draft]:
    """Takes `response` or `responses` out: at least one answer, if need be one that says nothing."""
    several, one = draft.pop("responses", None), draft.pop("response", None)
    given: list[Draft] = []
    if several is not None:
        place = draft.place_of("responses")
        if one is not None:
            found.said_twice(place, "responses", "response")
        given = each(several, place, "responses", lambda item, at: response_draft(item, at, found), found)
    elif one is not None and (answer := response_draft(one, draft.place_of("response"), found)) is not None:
        given = [answer]
    return given or [Draft(draft.place)]


def put_delay(draft: Draft, found: Findings) -> None:
    """``delay: {fixed_delay: 1}`` is another spelling of ``delay: 1``."""
    if isinstance(draft.get("delay"), dict):
        inner = take(draft.pop("delay"), _DELAY, tr("a delay"), found)
        draft.meant |= {"delay"}
        for key in inner:
            draft.put(key, inner[key], inner.place_of(key))
            draft.respell(key, inner.key_of(key))
    for key in ("delay", "max_delay"):
        if draft.get(key, 0) is None:
            draft.discard(key)
    least, most = draft.get("delay", 0), draft.get("max_delay")
    if _is_number(least) and _is_number(most) and least > most:
        message = tr("max_delay is less than {key}", key=draft.key_of("delay"))
        found.wrong(draft.place_of("max_delay"), message)


def put_failure(draft: Draft, found: Findings) -> None:
    """``failure: timeout`` is another spelling of ``failure: {failure_type: timeout}``."""
    value, place = draft.pop("failure", None), draft.place_of("failure")
    if value is None:
        return
    if isinstance(value, str):
        failure = Draft(place)
        failure.put("failure_type", value, place)
        failure.respell("failure_type", "failure")
    else:
        source = as_map(value, place, "failure", found, "failure: {failure_type: timeout, probability: 0.5}")
        if source is None:
            return
        failure = take(source, _FAILURE, "failure", found)
        require(failure, "failure_type", tr("a failure needs a type"), "failure_type: timeout", found)
        _check_status(failure, found)
    if switched_on(failure, found):
        draft.put("failure", failure, place)


def switched_on(draft: Draft, found: Findings) -> bool:
    """Takes out `enabled`, and says whether it is not false."""
    enabled = draft.pop("enabled", True)
    if not isinstance(enabled, bool):
        found.wrong(draft.place_of("enabled"), f"enabled: {expected(tr('true or false'), enabled)}")
    return enabled is not False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_status(draft: Draft, found: Findings) -> None:
    """Notes a status that cannot be one; text is one if it is a template."""
    status = draft.get("status_code", 200)
    key, place = draft.key_of("status_code"), draft.place_of("status_code")
    if isinstance(status, int) and not isinstance(status, bool):
        if status not in _STATUSES:
            told = tr("{status} is no status that can end an answer", status=status)
            found.wrong(place, f"{key}: {told}", tr("use 200 to 599"))
    elif not isinstance(status, str) or "{" not in status:
        hint = tr(" (write it without quotes)") if isinstance(status, str) and status.isdecimal() else ""
        found.wrong(place, f"{key}: {expected(tr('a whole number'), status)}{hint}")
        draft.discard("status_code")


def check_names(draft: Draft, found: Findings) -> None:
    """Notes names that the templates of a mock server's answer, or of a route's condition, cannot know."""
    for key in ("status_code", "headers", "body", "file", "condition"):
        if key in draft:
            condition = key == "condition"
            for text, place in _texts(draft[key], draft.place_of(key), keys=not condition):
                _check_names_of(text, place, condition=condition, found=found)
    if isinstance(draft.get("failure"), Draft):
        check_names(draft["failure"], found)


def _texts(value: Any, place: Place, *, keys: bool) -> Iterator[tuple[str, Place]]:
    if isinstance(value, str):
        yield value, place
    elif isinstance(value, Map):
        for key, inner in value.items():
            if keys:
                yield key, (value.file, *value.marks[key][:2])
            yield from _texts(inner, (value.file, *value.marks[key][2:]), keys=keys)
    elif isinstance(value, Seq):
        for inner, mark in zip(value, value.marks, strict=True):
            yield from _texts(inner, (value.file, *mark), keys=keys)


def _check_names_of(text: str, place: Place, *, condition: bool, found: Findings) -> None:
    if not condition and "{" not in text:
        return
    try:
        template = (compile_expression if condition else compile_template)(text)
    except TemplateError:
        return  # which is told by whoever looks at templates
    known = _known_names()
    functions = template.calls - _NOT_FOR_MOCKS  # are looked at as in every template
    for name in sorted(template.names - known - functions):
        message = tr("the mock server does not know '{name}', it sees nothing of the case", name=name)
        near = nearest(name, known)
        hint = tr("did you mean '{near}'?", near=near) if near else None
        found.wrong(place, message, hint or tr("it knows {names} and functions", names=", ".join(sorted(_NAMES))))


@functools.cache
def _known_names() -> frozenset[str]:
    return (_NAMES | build_functions().keys() | {"range", "dict"}) - _NOT_FOR_MOCKS
