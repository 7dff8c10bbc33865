"""What is at which path."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import frozen
from trio.testing import MockClock

from sisyphus.journal import Journal
from sisyphus.live.access import Access
from sisyphus.live.answer import PROTECTION
from sisyphus.live.plain import PAGES
from sisyphus.page import live_page
from sisyphus.version import __version__


@frozen
class Got:
    status: int
    headers: dict[str, str]
    body: bytes


def parsed(answer: bytes) -> Got:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return Got(int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body)


async def get(house: Any, target: str, *more: str, method: str = "GET") -> Got:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost:8765", *more, "", ""]
    return parsed(await house.ask("\r\n".join(lines).encode()))


async def test_how_it_is_with_the_run_stands_in_a_few_numbers(autojump_clock: MockClock, house: Any) -> None:
    house.emit(3)
    house.show.run.steps["success"] = 2
    await house.watcher()
    got = await get(house, "/healthz")
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(got.body) == {
        "status": "ok",
        "run_id": house.show.run.run_id,
        "run_state": "running",
        "engine_version": __version__,
        "cases": {"total": 3, "started": 0, "passed": 0, "failed": 0, "error": 0, "cancelled": 0},
        "steps": {"success": 2, "failure": 0, "error": 0, "skipped": 0},
        "first_seq": 1,
        "last_seq": 3,
        "watchers": 1,
    }


async def test_the_protocol_is_described(autojump_clock: MockClock, house: Any) -> None:
    document = json.loads((await get(house, "/asyncapi.json")).body)
    assert document["asyncapi"] == "3.0.0"
    assert document["servers"]["run"]["host"] == "localhost:8765"


BROWSERS = [
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "application/xml, Text/HTML ;q=0.9",
]


@pytest.mark.parametrize("accept", BROWSERS)
async def test_a_browser_that_opens_the_address_gets_the_page(
    autojump_clock: MockClock, house: Any, accept: str
) -> None:
    got = await get(house, "/", f"Accept: {accept}")
    page = live_page("localhost:8765")
    assert (got.status, got.headers["Content-Type"], got.body) == (200, "text/html; charset=utf-8", page.content)
    assert got.headers["Content-Security-Policy"] == page.policy
    for name, value in PROTECTION:
        if name != "Content-Security-Policy":
            assert got.headers[name] == value


async def test_the_page_itself_holds_nothing_and_needs_no_token(autojump_clock: MockClock, house_of: Any) -> None:
    house = house_of(Journal(), access=Access(host="localhost", token="secret"))
    browser = "Accept: text/html"
    assert (await get(house, "/", browser)).body == live_page("localhost:8765").content
    for path in ("/events", "/healthz", "/asyncapi.json", "//", "/%2F", "/nothing"):
        assert (await get(house, path, browser)).status == 401
    upgrade = (
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    )
    assert (await get(house, "/", browser, *upgrade)).status == 401
    for foreign in ("Origin: https://evil.example", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: iframe"):
        assert (await get(house, "/", browser, *foreign.split("\r\n"))).status == 403


@pytest.mark.parametrize("more", [[], ["Accept: */*"], ["Accept: text/plain, text/htmlx"]])
async def test_a_client_that_does_not_upgrade_is_told_what_it_is(
    autojump_clock: MockClock, house: Any, more: list[str]
) -> None:
    got = await get(house, "/", *more)
    assert (got.status, got.headers["Upgrade"]) == (426, "websocket")
    assert "ws://localhost:8765/" in got.body.decode()
    assert "http://localhost:8765/events" in got.body.decode()


@pytest.mark.parametrize(
    "path", ["/favicon.ico", "/events/", "//", "/../etc/passwd", "/%65vents", "http://localhost/", "*"]
)
async def test_another_path_is_not_found(autojump_clock: MockClock, house: Any, path: str) -> None:
    got = await get(house, path)
    assert got.status == 404
    assert got.body.decode().startswith(f"There is nothing at {path}, only at / /events")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "X" * 300])
async def test_a_run_can_only_be_looked_at(autojump_clock: MockClock, house: Any, path: str, method: str) -> None:
    got = await get(house, path, method=method)
    assert (got.status, got.headers["Allow"]) == (405, "GET, HEAD")
    assert len(got.body) < 200


@pytest.mark.parametrize("path", [*PAGES, "/nothing"])
async def test_who_asks_for_the_head_gets_no_body(autojump_clock: MockClock, house: Any, path: str) -> None:
    got = await get(house, path, method="HEAD")
    assert got.body == b""
    assert got.status in {200, 400, 426, 404}


@pytest.mark.parametrize("path", [*PAGES, "/nothing"])
async def test_every_answer_is_for_nobody_else(autojump_clock: MockClock, house: Any, path: str) -> None:
    got = await get(house, path, method="HEAD")
    for name, value in PROTECTION:
        assert got.headers[name] == value
    assert "Access-Control-Allow-Origin" not in got.headers
    assert "Set-Cookie" not in got.headers
    assert "Server" not in got.headers


async def test_a_page_that_may_watch_may_read(autojump_clock: MockClock, house: Any) -> None:
    for path in ("/healthz", "/events"):
        got = await get(house, path, "Origin: http://localhost:3000", method="HEAD")
        assert got.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
        assert got.headers["Vary"] == "Origin"


@pytest.mark.parametrize("more", [["Origin: http://evil.example"], ["Host: evil.example"], []])
async def test_a_page_that_may_not_reads_not_even_why(
    autojump_clock: MockClock, house_of: Any, more: list[str]
) -> None:
    house = house_of(Journal(), access=Access(host="localhost", token="secret"))
    house.emit(1)
    for path in ("/events", "/healthz", "/asyncapi.json", "/", "/nothing"):
        lines = [f"GET {path} HTTP/1.1", *more, "", ""] if "Host" in "".join(more) else []
        got = await get(house, path, *more) if not lines else parsed(await house.ask("\r\n".join(lines).encode()))
        assert got.status in {401, 403}
        assert "Access-Control-Allow-Origin" not in got.headers
        assert b'"seq"' not in got.body
        assert b"secret" not in got.body


@pytest.mark.parametrize(
    "more",
    [
        ["Transfer-Encoding: chunked"],
        ["Content-Length: 5"],
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Content-Length: 5, 5"],
    ],
)
async def test_a_request_with_a_body_is_refused_since_two_may_see_its_end_in_different_places(
    autojump_clock: MockClock, house: Any, more: list[str]
) -> None:
    assert (await get(house, "/events", *more)).status == 400


async def test_a_body_of_nothing_is_none(autojump_clock: MockClock, house: Any) -> None:
    assert (await get(house, "/healthz", "Content-Length: 0")).status == 200


async def test_there_is_one_answer_to_a_connection(autojump_clock: MockClock, house: Any) -> None:
    """Nothing can be smuggled behind a request, since nothing behind it is read."""
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = await house.ask(one * 3)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close" in answer
