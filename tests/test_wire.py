"""Facts to the JSON that `docs/live-protocol.md` promises, and back."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import attrs
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from sisyphus.events import (
    DATA_TYPES,
    CaseFinished,
    CaseStarted,
    Data,
    ErrorOccurred,
    Event,
    Logged,
    Progressed,
    StepFinished,
    StepStarted,
    VariableSet,
)
from sisyphus.wire import decode, dumps, encode

RUN_ID = "0b7f3c52-5d3e-4f0f-9d0a-0f5c4f6f9a11"
MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=dt.UTC)

STARTED = CaseStarted(test_name="结账", total_steps=2, description=None)
FINISHED = CaseFinished(status="failed", total_steps=4, passed_steps=2, failed_steps=1, skipped_steps=1, duration=1.5)
STEP_STARTED = StepStarted(step_name="pay", step_type="request", step_index=0, total_steps=2)
STEP_FINISHED = StepFinished(step_name="pay", status="error", duration=0.25, retry_count=2, has_error=True)
PROGRESSED = Progressed(
    current_step=1, total_steps=3, percentage=33.33, passed_steps=1, failed_steps=0, estimated_remaining=None
)
LOGGED = Logged(level="warning", message="again", context={"attempt": 1})
FAILED = ErrorOccurred(
    error_type="ConnectError", error_category="network", message="refused", suggestion="start it", step_name="pay"
)
VARIABLE = VariableSet(variable_name="token", variable_value={"a": [1, None, True]}, source="extracted")
ALL = (STARTED, FINISHED, STEP_STARTED, STEP_FINISHED, PROGRESSED, LOGGED, FAILED, VARIABLE)

# The contract, letter by letter.
KEYS = {
    "test_start": {"test_name", "total_steps", "description"},
    "test_complete": {"status", "total_steps", "passed_steps", "failed_steps", "skipped_steps", "duration"},
    "step_start": {"step_name", "step_type", "step_index", "total_steps"},
    "step_complete": {"step_name", "status", "duration", "retry_count", "has_error"},
    "progress": {
        "current_step", "total_steps", "percentage", "passed_steps", "failed_steps", "estimated_remaining",
    },
    "log": {"level", "message", "context"},
    "error": {"error_type", "error_category", "message", "suggestion", "step_name"},
    "variable_update": {"variable_name", "variable_value", "source"},
}  # fmt: skip


def event(data: Data, **fields: Any) -> Event:
    return Event(data=data, timestamp=MOMENT, **fields)


def sent(value: Any) -> Any:
    """What a watcher gets for the value of a variable."""
    raw = encode(event(evolve(VARIABLE, variable_value=value)), seq=1, run_id=RUN_ID)
    return json.loads(raw, parse_constant=_no_json)["data"]["variable_value"]


def _no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def test_there_are_the_eight_types_of_the_contract_and_no_other() -> None:
    assert {cls.type for cls in DATA_TYPES} == KEYS.keys()
    assert {data.type for data in ALL} == KEYS.keys()


@pytest.mark.parametrize("data", ALL, ids=lambda data: data.type)
def test_the_data_of_each_type_has_exactly_the_keys_of_the_contract(data: Data) -> None:
    message = json.loads(encode(event(data), seq=1, run_id=RUN_ID))

    assert message["type"] == data.type
    assert message["data"].keys() == KEYS[data.type]


def test_a_message_has_exactly_the_seven_keys_of_the_contract() -> None:
    message = json.loads(encode(event(STEP_STARTED, test_case_id="case-1", step_name="pay"), seq=7, run_id=RUN_ID))

    assert message == {
        "type": "step_start",
        "timestamp": "2026-01-02T03:04:05.678+00:00",
        "data": {"step_name": "pay", "step_type": "request", "step_index": 0, "total_steps": 2},
        "test_case_id": "case-1",
        "step_name": "pay",
        "run_id": RUN_ID,
        "seq": 7,
    }


def test_what_an_event_is_not_about_is_null_and_not_left_out() -> None:
    message = json.loads(encode(event(STARTED), seq=1, run_id=RUN_ID))

    assert message["test_case_id"] is None
    assert message["step_name"] is None
    assert message["data"]["description"] is None


def test_the_timestamp_always_has_milliseconds_and_the_offset() -> None:
    on_the_second = evolve(event(STARTED), timestamp=MOMENT.replace(microsecond=0))

    message = json.loads(encode(on_the_second, seq=1, run_id=RUN_ID))

    assert message["timestamp"] == "2026-01-02T03:04:05.000+00:00"


def test_progress_counts_the_cases_only_in_a_run_of_several() -> None:
    several = evolve(PROGRESSED, cases_completed=0, cases_total=2)

    message = json.loads(encode(event(several), seq=1, run_id=RUN_ID))

    assert message["data"].keys() == KEYS["progress"] | {"cases_completed", "cases_total"}
    assert message["data"]["cases_completed"] == 0


def test_an_unknown_remaining_time_is_null() -> None:
    assert json.loads(encode(event(PROGRESSED), seq=1, run_id=RUN_ID))["data"]["estimated_remaining"] is None


def test_a_message_is_utf_8_on_one_line() -> None:
    raw = encode(event(evolve(LOGGED, message="第一行\n第二行 😀")), seq=1, run_id=RUN_ID)

    assert b"\n" not in raw
    assert "第一行" in raw.decode()
    assert json.loads(raw)["data"]["message"] == "第一行\n第二行 😀"


@pytest.mark.parametrize("data", ALL, ids=lambda data: data.type)
def test_what_is_decoded_is_what_was_encoded(data: Data) -> None:
    original = event(data, test_case_id="case-1", step_name="pay")

    received = decode(encode(original, seq=3, run_id=RUN_ID))

    assert received.event == original
    assert (received.seq, received.run_id) == (3, RUN_ID)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=JSON, seq=st.integers(min_value=1), name=st.none() | st.text())
def test_any_json_survives_the_way_there_and_back(value: Any, seq: int, name: str | None) -> None:
    original = event(evolve(VARIABLE, variable_value=value), step_name=name)

    received = decode(encode(original, seq=seq, run_id=RUN_ID))

    assert received.event == original
    assert received.seq == seq


@pytest.mark.parametrize(
    "message",
    ["[]", "{}", '{"type": "hello", "data": {}}', "null", "not json", b"\xff"],
)
def test_what_is_no_message_of_the_protocol_is_refused(message: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's and UTF-8's own complaints are fine too
        decode(message)


def test_numbers_that_json_lacks_are_sent_as_text() -> None:
    assert sent([float("nan"), float("inf"), {"x": float("-inf")}]) == ["nan", "inf", {"x": "-inf"}]


def test_one_odd_number_does_not_change_what_stands_beside_it() -> None:
    beside = {"text": "é 中 😀", "n": 1.5, "b": False, "none": None}

    assert sent([beside, float("nan")]) == [beside, "nan"]


def test_bytes_are_sent_as_base64() -> None:
    assert base64.b64decode(sent(b"\x00\xff")) == b"\x00\xff"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, 2), [1, 2]),
        ({3}, [3]),
        (MOMENT, "2026-01-02T03:04:05.678000+00:00"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        ({1: "one"}, {"1": "one"}),
        (1j, "1j"),
    ],
)
def test_values_that_json_lacks_are_sent_as_what_is_nearest(value: Any, expected: Any) -> None:
    assert sent(value) == expected


def test_half_a_surrogate_pair_does_not_reach_the_watchers() -> None:
    """A strict reader, such as Rust's or Go's, takes the whole message for broken."""
    raw = dumps({"name\ud800": "a\udc80b"})

    assert not any(0xD800 <= ord(char) <= 0xDFFF for text in _texts(json.loads(raw)) for char in text)
    assert "a" in raw
    assert "b" in raw


def test_a_whole_character_beyond_the_first_plane_survives_beside_half_a_pair() -> None:
    assert "😀" in json.loads(dumps(["😀\ud800"]))[0]


@pytest.mark.parametrize("depth", [100, 500, 5_000])
def test_nesting_of_any_depth_is_sent_and_cut_off_where_json_cannot_follow(depth: int) -> None:
    value: Any = "the bottom"
    for _ in range(depth):
        value = [value]

    received = sent(value)

    levels = 0
    while isinstance(received, list):
        (received,), levels = received, levels + 1
    assert levels >= min(depth, 150)
    assert received in {"the bottom", "…"}


def test_a_message_with_an_indent_is_for_people_and_still_the_same_value() -> None:
    assert json.loads(dumps({"a": [1]}, indent=2)) == {"a": [1]}
    assert "\n  " in dumps({"a": [1]}, indent=2)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in _texts(part)]
    return []


@pytest.mark.parametrize("value", ["x" * 10_000_000, "\0" * 1_000_000, {"rows": ["汉" * 100] * 10_000}])
def test_no_value_makes_a_message_larger_than_readers_take(value: Any) -> None:
    raw = encode(event(evolve(VARIABLE, variable_value=value), step_name="pay"), seq=1, run_id=RUN_ID)
    assert len(raw) < 1024 * 1024
    shortened = decode(raw).event
    assert shortened.step_name == "pay"
    assert isinstance(shortened.data, VariableSet)
    assert shortened.data.variable_name == VARIABLE.variable_name
    whole = value if isinstance(value, str) else dumps(value)
    assert shortened.data.variable_value == f"{whole[:10_000]}… (shortened: {len(whole)} characters)"


def test_a_value_that_readers_take_is_whole() -> None:
    assert sent("x" * 900_000) == "x" * 900_000


@pytest.mark.parametrize("data", ALL, ids=lambda data: data.type)
def test_no_name_and_no_text_makes_a_message_larger_than_readers_take(data: Data) -> None:
    texts = {key: "\0" * 2_000_000 for key, value in attrs.asdict(data).items() if isinstance(value, str)}
    raw = encode(event(evolve(data, **texts), step_name="\0" * 2_000_000), seq=1, run_id=RUN_ID)
    assert len(raw) < 1024 * 1024
    assert json.loads(raw)["seq"] == 1
