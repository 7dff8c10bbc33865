"""What each connection gets that says what it wants, or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from sisyphus.live.head import HEAD_SECONDS
from sisyphus.live.lobby import LAST_CALL_SECONDS

if TYPE_CHECKING:
    from trio.testing import MockClock


def body_of(answer: bytes) -> str:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Connection: close" in head
    return body.decode()


async def test_a_browser_that_opens_the_address_is_told_what_it_is(autojump_clock: MockClock, house: Any) -> None:
    answer = await house.ask(b"GET / HTTP/1.1\r\nHost: localhost:8765\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert b"\r\nUpgrade: websocket\r\n" in answer
    assert "ws://localhost:8765/" in body_of(answer)


async def test_another_path_is_not_found(autojump_clock: MockClock, house: Any) -> None:
    answer = await house.ask(b"GET /favicon.ico HTTP/1.1\r\nHost: localhost:8765\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert "/favicon.ico" in body_of(answer)


@pytest.mark.parametrize(("path", "status"), [(b"/", b"426"), (b"/x", b"404")])
async def test_who_asks_for_the_head_gets_no_body(
    autojump_clock: MockClock, house: Any, path: bytes, status: bytes
) -> None:
    answer = await house.ask(b"HEAD " + path + b" HTTP/1.1\r\nHost: localhost:8765\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.endswith(b"\r\n\r\n")


async def test_garbage_is_answered_with_a_sentence(autojump_clock: MockClock, house: Any) -> None:
    answer = await house.ask(b"garbage\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert "not an HTTP request" in body_of(answer)


async def test_a_wrong_handshake_is_answered_with_a_sentence(autojump_clock: MockClock, house: Any) -> None:
    answer = await house.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 426")
    assert "Sec-WebSocket-Version: 13" in body_of(answer)


async def test_who_dribbles_a_head_is_dropped(autojump_clock: MockClock, house: Any) -> None:
    stream = house.visit()
    await stream.send_all(b"GET / HTTP/1.1\r\n")
    with pytest.raises(trio.BrokenResourceError):
        while True:
            await trio.sleep(0.7)
            await stream.send_all(b"X-More: and more\r\n")
    assert HEAD_SECONDS < trio.current_time() < HEAD_SECONDS + 0.7
    assert house.gone == 1


async def test_who_leaves_without_a_word_is_no_error(autojump_clock: MockClock, house: Any) -> None:
    await house.visit().aclose()
    await trio.sleep(1)
    assert house.gone == 1


async def test_who_leaves_before_the_answer_is_no_error(autojump_clock: MockClock, house: Any) -> None:
    stream = house.visit()
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await stream.aclose()
    await trio.sleep(2)
    assert house.gone == 1


async def test_at_the_end_who_has_said_nothing_has_little_time_left(autojump_clock: MockClock, house: Any) -> None:
    house.visit()
    await trio.sleep(1)
    house.journal.close()
    house.door.last_call()
    await trio.sleep(LAST_CALL_SECONDS * 2)
    assert house.gone == 1


async def test_after_the_last_call_nobody_may_take_long(autojump_clock: MockClock, house: Any) -> None:
    house.door.last_call()
    house.visit()
    await trio.sleep(LAST_CALL_SECONDS * 2)
    assert house.gone == 1
