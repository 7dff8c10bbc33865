from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import memory_stream_pair

from sisyphus.live.head import MAX_HEAD_BYTES, BadHead, HeadParser, read_head

REQUEST = b"GET /events?after=3 HTTP/1.1\r\nHost: localhost:8765\r\nUpgrade: WebSocket\r\nCookie: a=\xe9\r\n\r\n"


def test_a_head_says_what_was_asked_for() -> None:
    head = HeadParser().feed(REQUEST)
    assert head is not None
    assert (head.method, head.path, head.target, head.http_version) == ("GET", "/events", "/events?after=3", "1.1")
    assert head.values("host") == ("localhost:8765",)
    assert head.values("cookie") == ("a=é",)
    assert head.values("origin") == ()


def test_the_words_of_a_header_are_found_however_they_are_written() -> None:
    head = HeadParser().feed(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nConnection: TE\r\n\r\n")
    assert head is not None
    assert head.tokens("connection") == {"keep-alive", "upgrade", "te"}


def test_a_head_may_come_byte_by_byte() -> None:
    parser = HeadParser()
    heads = [parser.feed(bytes((byte,))) for byte in REQUEST]
    assert heads[:-1] == [None] * (len(REQUEST) - 1)
    assert heads[-1] is not None
    assert heads[-1].received == REQUEST


def test_what_came_behind_the_head_is_kept_with_it() -> None:
    head = HeadParser().feed(REQUEST + b"\x81\x85early")
    assert head is not None
    assert head.received == REQUEST + b"\x81\x85early"


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_with_a_sentence(garbage: bytes) -> None:
    with pytest.raises(BadHead, match=r"This is not an HTTP request: .+\.") as bad:
        HeadParser().feed(garbage)
    assert bad.value.status == 400


def test_a_head_that_does_not_end_is_refused() -> None:
    parser = HeadParser()
    parser.feed(b"GET / HTTP/1.1\r\n")
    with pytest.raises(BadHead) as bad:
        for _ in range(MAX_HEAD_BYTES // 100 + 1):
            parser.feed(b"X-Padding: " + b"x" * 87 + b"\r\n")
    assert bad.value.status == 431


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=20))
def test_any_bytes_give_a_head_nothing_or_a_refusal(pieces: list[bytes]) -> None:
    parser = HeadParser()
    try:
        for piece in pieces:
            parser.feed(piece)
    except BadHead as bad:
        assert 400 <= bad.status < 500  # noqa: PT017 - most bytes raise, some do not


async def test_who_leaves_before_the_head_is_complete_asked_for_nothing() -> None:
    near, far = memory_stream_pair()
    await near.send_all(REQUEST[:20])
    await near.send_eof()
    with trio.fail_after(5):
        assert await read_head(far) is None
