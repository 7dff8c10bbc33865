"""What canned answers come to, and how they go wrong on purpose."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisyphus.canned.reply import Reply, broken_json, reply_of
from sisyphus.case.model import MockFailure, MockResponse
from sisyphus.errors import FieldError


def made(response: MockResponse, seed: int = 0, **names: Any) -> Reply:
    return reply_of(response, names, random.Random(seed))


def failing(kind: Any, **fields: Any) -> MockResponse:
    response = {key: fields.pop(key) for key in ("body", "file", "headers", "delay") if key in fields}
    return MockResponse(failure=MockFailure(failure_type=kind, **fields), **response)


def headers(reply: Reply) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in reply.wire_headers()}


def test_a_timeout_is_no_answer_and_a_connection_error_a_closed_connection() -> None:
    assert made(failing("timeout", body="x")).ending == "never"
    assert made(failing("connection_error", body="x")).ending == "close"
    assert made(MockResponse()).ending == "answer"


def test_an_http_error_has_a_status_of_its_own() -> None:
    reply = made(failing("http_error", body="x", delay=2))
    assert (reply.status_code, reply.delay, reply.ending) == (500, 2, "answer")
    assert json.loads(reply.content) == {"error": "the mock server fails on purpose, with status 500"}
    assert made(failing("http_error", status_code=503)).status_code == 503
    assert made(failing("http_error", status_code="${code}"), code=502).status_code == 502


def test_an_empty_response_has_the_headers_and_no_content() -> None:
    reply = made(failing("empty_response", body={"a": 1}, headers={"X": "y"}))
    assert (reply.status_code, reply.content) == (200, b"")
    assert headers(reply) == {"x": "y", "content-type": "application/json", "content-length": "0"}
    assert made(failing("empty_response", file="a.json")).file is None


@pytest.mark.parametrize("body", [{"a": [1, 2]}, "text", 12, None, "", [], "[]", "汉"])
def test_malformed_json_says_it_is_json_and_is_none(body: Any) -> None:
    reply = made(failing("malformed_json", body=body, headers={"Content-Type": "text/csv"}))
    assert headers(reply)["content-type"] == "application/json"
    assert headers(reply)["content-length"] == str(len(reply.content))
    with pytest.raises(ValueError, match=r"."):
        json.loads(reply.content)


def test_malformed_json_of_a_file_is_its_broken_content() -> None:
    reply = made(failing("malformed_json", file="a.json")).filled(b'{"a": 1}', "a.html")
    assert (reply.content, reply.headers) == (b'{"a"', [("Content-Type", "application/json")])


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)) | st.binary())  # fmt: skip
def test_no_content_stays_json_when_it_is_broken(value: Any) -> None:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    with pytest.raises(ValueError, match=r"."):
        json.loads(broken_json(content))


@pytest.mark.parametrize(("fields", "delay"), [({}, 60), ({"delay": 5}, 5)])
def test_a_large_delay_is_the_same_answer_much_later(fields: dict[str, Any], delay: float) -> None:
    failure = MockFailure(failure_type="large_delay", **fields)
    reply = made(MockResponse(body="x", delay=1, failure=failure))
    assert (reply.content, reply.status_code, reply.delay) == (b"x", 200, delay)


def test_a_failure_happens_as_often_as_its_probability_says_and_again_with_the_same_seed() -> None:
    response = MockResponse(failure=MockFailure(failure_type="timeout", probability=0.3))
    lot, again = random.Random("7"), random.Random("7")
    endings = [reply_of(response, {}, lot).ending for _ in range(1000)]
    assert endings == [reply_of(response, {}, again).ending for _ in range(1000)]
    assert 250 < endings.count("never") < 350
    never, always = (MockFailure(failure_type="timeout", probability=chance) for chance in (0, 1))
    assert {made(MockResponse(failure=never), seed).ending for seed in range(50)} == {"answer"}
    assert {made(MockResponse(failure=always), seed).ending for seed in range(50)} == {"never"}


def test_a_delay_between_two_bounds_is_drawn_anew_each_time() -> None:
    response, lot = MockResponse(delay=1, max_delay=3), random.Random(1)
    delays = [reply_of(response, {}, lot).delay for _ in range(100)]
    assert all(1 <= delay <= 3 for delay in delays)
    assert len(set(delays)) == 100
    assert made(MockResponse(delay=2)).delay == 2


def test_a_file_is_filled_in_with_its_type_unless_the_answer_gives_one() -> None:
    plain = made(MockResponse(file="${name}.bin"), name="a")
    assert plain.file == "a.bin"
    assert headers(plain.filled(b"abc", "a.png"))["content-type"] == "image/png"
    own = made(MockResponse(file="a", headers={"content-type": "x/y"})).filled(b"abc", "a.png")
    assert headers(own) == {"content-type": "x/y", "content-length": "3"}


def test_a_list_of_values_repeats_the_header() -> None:
    reply = made(MockResponse(headers={"Set-Cookie": ["a=1; Path=/", "b=${n}"]}), n=2)
    assert reply.headers == [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2")]


def test_a_body_that_is_nested_too_deeply_cannot_be_sent() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(FieldError, match="nested too deeply"):
        made(MockResponse(body="${deep}"), deep=deep)


def test_a_null_character_that_is_echoed_in_a_header_does_not_break_the_answer() -> None:
    reply = made(MockResponse(headers={"X-Echo": "${asked}"}), asked="a\0b")
    assert headers(reply)["x-echo"] == "a b"
