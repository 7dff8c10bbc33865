"""What goes wrong on purpose, seen from the other end of a real connection."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from sisyphus.case.model import MockFailure, MockResponse, MockServer, Route
from sisyphus.mock.record import Record
from sisyphus.mock.server import MOST_BODY, Exchange, serve

PROMPTLY = 0.5


class Seen(list[Exchange]):
    """What the server tells of each request, and a way to wait for the first."""

    def __init__(self) -> None:
        super().__init__()
        self.any = trio.Event()

    def append(self, exchange: Exchange) -> None:
        super().append(exchange)
        self.any.set()


@asynccontextmanager
async def a_mock(*routes: Route, **fields: Any) -> AsyncIterator[tuple[Record, httpx.AsyncClient, Seen]]:
    seen = Seen()

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            record = await nursery.start(partial(serve, MockServer(routes=routes, **fields), watch=seen.append))
            async with httpx.AsyncClient(base_url=record["url"], trust_env=False, timeout=None) as client:
                yield record, client, seen
            nursery.cancel_scope.cancel()


def failing(kind: Any, path: str = "/", **fields: Any) -> Route:
    response = MockResponse(body={"a": [1, 2, 3]}, failure=MockFailure(failure_type=kind, **fields))
    return Route(path=path, method="ANY", responses=(response,))


async def request_over(url: str, request: bytes) -> trio.SocketStream:
    stream = await trio.open_tcp_stream("127.0.0.1", int(url.rpartition(":")[2]))
    await stream.send_all(request)
    return stream


async def until_closed(stream: trio.SocketStream) -> bytes:
    received = b""
    while chunk := await stream.receive_some(10_000):
        received += chunk
    return received


async def test_a_connection_error_closes_the_connection_without_a_byte() -> None:
    async with a_mock(failing("connection_error")) as (record, client, seen):
        async with await request_over(record["url"], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") as stream:
            assert await until_closed(stream) == b""
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await client.post("/", json={"a": 1})
        assert [one["status_code"] for one in record["requests"]] == [None, None]
        assert [(one.reply.ending, one.given) for one in seen] == [("close", True)] * 2


async def test_a_connection_error_on_a_used_connection_closes_that_one_only() -> None:
    routes = failing("connection_error", "/bad"), Route(path="/good", responses=(MockResponse(body="ok"),))
    async with a_mock(*routes) as (record, client, _):
        both = b"GET /good HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /bad HTTP/1.1\r\nHost: x\r\n\r\n"
        async with await request_over(record["url"], both[0]) as stream:
            answer = b""
            while not answer.endswith(b"ok"):
                answer += await stream.receive_some(10_000)
            await stream.send_all(both[1])
            assert await until_closed(stream) == b""
        assert (await client.get("/good")).text == "ok"


async def test_a_timeout_never_answers_and_ends_when_the_client_leaves() -> None:
    async with a_mock(failing("timeout")) as (record, client, seen):
        with trio.move_on_after(0.2) as patience:
            await client.get("/")
        assert patience.cancelled_caught
        await seen.any.wait()
        assert (seen[0].reply.ending, seen[0].given) == ("never", False)
        assert record["requests"][0]["status_code"] is None


async def test_a_timeout_ends_when_the_server_does() -> None:
    with trio.fail_after(5):
        async with trio.open_nursery() as clients:
            async with trio.open_nursery() as nursery:
                record = await nursery.start(serve, MockServer(routes=(failing("timeout"),)))
                stream = await request_over(record["url"], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                clients.start_soon(until_closed, stream)
                await trio.sleep(0.1)
                began = trio.current_time()
                nursery.cancel_scope.cancel()
            assert trio.current_time() - began < PROMPTLY
        await stream.aclose()
    gc.collect()


async def test_a_client_that_leaves_during_a_delay_is_noticed() -> None:
    async with a_mock(Route(path="/", responses=(MockResponse(delay=60),))) as (_, client, seen):
        with trio.move_on_after(0.1):
            await client.get("/")
        await seen.any.wait()
        assert (seen[0].given, seen[0].seconds < 5) == (False, True)


async def test_http_errors_empty_answers_and_malformed_json_arrive_as_they_are() -> None:
    routes = failing("http_error", "/error", status_code=503), failing("empty_response", "/empty")
    async with a_mock(*routes, failing("malformed_json", "/json")) as (_, client, _seen):
        error, empty, broken = [await client.get(path) for path in ("/error", "/empty", "/json")]
        assert error.status_code == 503
        assert (empty.status_code, empty.content) == (200, b"")
        assert broken.headers["Content-Type"] == "application/json"
        with pytest.raises(json.JSONDecodeError):
            broken.json()


async def test_failures_come_as_often_as_they_should_and_again_with_the_same_seed() -> None:
    flaky = failing("http_error", probability=0.5)
    runs = []
    for _ in range(2):
        async with a_mock(flaky, seed=11) as (_, client, _seen):
            runs.append([(await client.get("/")).status_code for _ in range(20)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


async def test_the_first_answer_may_fail_and_the_next_one_not() -> None:
    first = MockResponse(failure=MockFailure(failure_type="connection_error"))
    async with a_mock(Route(path="/", responses=(first, MockResponse(body="ok")))) as (_, client, _seen):
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await client.get("/")
        assert (await client.get("/")).text == "ok"


async def test_files_are_sent_with_their_type_and_never_from_outside_the_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "a.html").write_text("<p>汉</p>", encoding="utf-8")
    (project / "b.png").write_bytes(b"\x89PNG")
    (project / "c.json.gz").write_bytes(b"\x1f\x8b")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (project / "link.txt").symlink_to(tmp_path / "secret.txt")
    route = Route(path="/", responses=(MockResponse(file="${request.query.f}"),))
    async with a_mock(route, folder=str(project), root=str(project)) as (_, client, _seen):
        html, png, gz = [await client.get("/", params={"f": name}) for name in ("a.html", "b.png", "c.json.gz")]
        assert (html.text, html.headers["Content-Type"]) == ("<p>汉</p>", "text/html; charset=utf-8")
        assert (png.content, png.headers["Content-Type"]) == (b"\x89PNG", "image/png")
        assert gz.headers["Content-Type"] == "application/octet-stream"
        for name in ("../secret.txt", str(tmp_path / "secret.txt"), "link.txt", "none.txt", ".", "\0"):
            refused = await client.get("/", params={"f": name})
            assert refused.status_code == 500
            assert "secret" not in refused.text.replace("secret.txt", "")


async def test_redirects_and_several_cookies_work_with_a_real_client() -> None:
    login = MockResponse(status_code=302, headers={"Location": "/home", "Set-Cookie": ["sid=7; Path=/", "theme=dark"]})
    home = MockResponse(body="${request.cookies}")
    routes = Route(path="/login", responses=(login,)), Route(path="/home", responses=(home,))
    async with a_mock(*routes) as (_, client, _seen):
        answer = await client.get("/login", follow_redirects=True)
        assert answer.json() == {"sid": "7", "theme": "dark"}


async def test_a_body_that_is_too_large_is_refused_and_the_connection_goes_on() -> None:
    async with a_mock(Route(path="/", method="ANY")) as (record, client, _):
        chunk = b"x" * 1_000_000

        async def upload() -> AsyncIterator[bytes]:
            for _ in range(MOST_BODY // len(chunk) + 2):
                yield chunk

        assert (await client.post("/", content=upload())).status_code == 413
        assert (await client.get("/")).status_code == 200
        assert record["count"] == 1


@pytest.mark.real
async def test_curl_sees_what_each_failure_is_called_after() -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    kinds = {"connection_error": {52, 56}, "timeout": {28}, "http_error": {22}, "empty_response": {0}}
    async with a_mock(*(failing(kind, f"/{kind}") for kind in kinds)) as (record, _client, _seen):
        for kind, codes in kinds.items():
            command = [curl, "-sf", "--noproxy", "*", "--max-time", "0.5", f"{record['url']}/{kind}"]
            done = await trio.run_process(command, capture_stdout=True, check=False)
            assert (done.returncode in codes, done.stdout) == (True, b""), kind
