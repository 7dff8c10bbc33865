from __future__ import annotations

import errno
import gc
import logging
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import trio

from sisyphus.case.model import MockResponse, MockServer, Route
from sisyphus.errors import StartError
from sisyphus.mock.server import serve

PROMPTLY = 0.5


@asynccontextmanager
async def a_mock(*routes: Route, **fields: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a running mock server, which is cancelled at the end."""
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            record = await nursery.start(serve, MockServer(routes=routes, **fields))
            async with httpx.AsyncClient(base_url=record["url"], trust_env=False, verify=False) as client:
                yield client
            nursery.cancel_scope.cancel()


def answering(body: Any, path: str = "/", **fields: Any) -> Route:
    method = fields.pop("method", "GET")
    return Route(path=path, method=method, responses=(MockResponse(body=body, **fields),))


async def test_the_base_url_is_there_once_it_listens() -> None:
    async with a_mock(answering({"id": 7})) as client:
        response = await client.get("/")
        assert str(client.base_url).startswith("http://127.0.0.1:")
        assert (response.status_code, response.json()) == (200, {"id": 7})
        assert response.headers["X-Mock-Route"] == "GET /"


async def test_a_process_without_files_to_open_goes_on_without_a_word_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    accept, refusals = trio.SocketListener.accept, iter([OSError(errno.EMFILE, "Too many open files")])

    async def sometimes(listener: trio.SocketListener) -> trio.SocketStream:
        for refusal in refusals:
            raise refusal
        return await accept(listener)

    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own, which would take what is logged
    monkeypatch.setattr(trio.SocketListener, "accept", sometimes)
    async with a_mock(answering("here")) as client:
        assert (await client.get("/")).text == "here"
    assert list(refusals) == []
    assert capsys.readouterr().err == ""


async def test_what_was_asked_reaches_the_templates() -> None:
    template = {
        "id": "${path_params.id}",
        "q": "${request.query.q}",
        "many": "${request.query.many}",
        "header": "${request.headers['x-mine']}",
        "name": "${request.json.name}",
        "method": "${request.method}",
    }
    async with a_mock(answering(template, "/users/{id}", method="POST")) as client:
        response = await client.post(
            "/users/%E6%B1%89?q=a%20b&many=1&many=2", json={"name": "西西弗斯"}, headers={"X-Mine": "yes"}
        )
        assert response.json() == {
            "id": "汉",
            "q": "a b",
            "many": ["1", "2"],
            "header": "yes",
            "name": "西西弗斯",
            "method": "POST",
        }


async def test_thousands_of_parameters_do_not_hold_up_everything_else() -> None:
    template = {"q": "${request.query|length}", "form": "${request.form is none}"}
    query = "&".join(f"{n:x}" for n in range(3_500))
    async with a_mock(answering(template, method="POST")) as client:
        await client.post("/")  # the first one imports
        began = time.perf_counter()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        response = await client.post(f"/?{query}", content=b"a&" * 500_000, headers=headers)
        # Looked for one by one, the parameters took seconds, and half a million of fields some more.
        assert time.perf_counter() - began < 1
        assert response.json() == {"q": 3_500, "form": True}


async def test_a_name_in_any_language_reaches_the_header() -> None:
    route = Route(path="/", name="甲", responses=(MockResponse(),))
    async with a_mock(route) as client:
        assert (await client.get("/")).headers.raw[-1][1] != b""
        raw = dict((await client.get("/")).headers.raw)
        assert raw[b"X-Mock-Route"].decode() == "甲"


async def test_head_gets_the_headers_of_get_and_no_body() -> None:
    async with a_mock(answering("abc")) as client:
        response = await client.head("/")
        assert (response.headers["Content-Length"], response.content) == ("3", b"")
        assert (await client.get("/")).text == "abc"


async def test_an_answer_without_a_body_leaves_the_connection_usable() -> None:
    async with a_mock(answering({"ignored": True}, "/none", status_code=204), answering("x")) as client:
        assert (await client.get("/none")).status_code == 204
        assert (await client.get("/")).text == "x"


async def test_delays_do_not_hold_up_other_requests() -> None:
    async with a_mock(answering("slow", "/slow", delay=0.2), answering("fast", "/fast")) as client:
        order: list[str] = []

        async def ask(path: str) -> None:
            order.append((await client.get(path)).text)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "/slow")
            await trio.sleep(0.05)
            nursery.start_soon(ask, "/fast")
        assert order == ["fast", "slow"]


async def test_a_client_that_leaves_in_the_middle_of_its_request_is_no_trouble() -> None:
    async with a_mock(answering("x", method="POST"), answering("x", "/ok")) as client:
        stream = await trio.open_tcp_stream("127.0.0.1", client.base_url.port or 0)
        await stream.send_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        await trio.sleep(0.02)
        await stream.aclose()
        assert (await client.get("/ok")).status_code == 200


async def test_what_is_not_http_is_refused() -> None:
    async with a_mock(answering("x")) as client:
        async with await trio.open_tcp_stream("127.0.0.1", client.base_url.port or 0) as stream:
            await stream.send_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
            assert (await stream.receive_some(1000)).startswith(b"HTTP/1.1 400")
        assert (await client.get("/")).status_code == 200


async def test_a_websocket_is_refused() -> None:
    async with a_mock(answering("x")) as client:
        async with await trio.open_tcp_stream("127.0.0.1", client.base_url.port or 0) as stream:
            await stream.send_all(
                b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            assert (await stream.receive_some(1000)).startswith(b"HTTP/1.1 403")


async def test_a_given_port_is_used() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with a_mock(answering("x"), port=port) as client:
        assert client.base_url.port == port
        assert (await client.get("/")).text == "x"


async def test_a_taken_port_names_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with trio.open_nursery() as nursery:
            with pytest.raises(
                StartError, match=f"the mock server cannot listen on 127.0.0.1:{port}: Address already in use"
            ):
                await nursery.start(serve, MockServer(port=port))


async def test_a_host_that_is_not_this_machine_is_named() -> None:
    async with trio.open_nursery() as nursery:
        with pytest.raises(StartError, match=r"cannot listen on 192\.0\.2\.1:0: "):
            await nursery.start(serve, MockServer(host="192.0.2.1"))


@pytest.mark.parametrize(
    ("host", "reached_at"),
    [("localhost", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("::", "[::1]")],
)
async def test_the_url_can_be_reached_whatever_the_host_is_called(host: str, reached_at: str) -> None:
    trio.socket.set_custom_hostname_resolver(TwoAddresses())
    async with a_mock(answering("x"), host=host) as client:
        assert str(client.base_url).startswith(f"http://{reached_at}:")
        assert (await client.get("/")).text == "x"


class TwoAddresses(trio.abc.HostnameResolver):
    """Every name has two addresses of this machine."""

    async def getaddrinfo(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.1", "127.0.0.2")]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        raise NotImplementedError


async def test_cancelled_it_closes_at_once_with_connections_idle_waiting_and_stuck() -> None:
    routes = (answering("x"), answering("x", "/slow", delay=60), answering("x" * 50_000_000, "/huge"))
    with trio.fail_after(10):
        async with trio.open_nursery() as clients:
            async with trio.open_nursery() as nursery:
                record = await nursery.start(serve, MockServer(routes=routes))
                port = int(record["url"].rpartition(":")[2])
                streams = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(4)]
                await streams[0].send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                await streams[0].receive_some(1000)
                await streams[1].send_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
                await streams[2].send_all(b"GET /huge HTTP/1.1\r\nHost: x\r\n\r\n")  # and never reads it
                await trio.sleep(0.2)
                began = trio.current_time()
                nursery.cancel_scope.cancel()
            assert trio.current_time() - began < PROMPTLY
            with pytest.raises(OSError, match=r"all attempts to connect|refused"):
                await trio.open_tcp_stream("127.0.0.1", port)
            for stream in streams:
                await stream.aclose()
            clients.cancel_scope.cancel()
    gc.collect()  # a socket left open would warn here, and warnings are errors


SCRIPT = """
import gc, httpx, trio
from sisyphus.case.model import MockResponse, MockServer, Route
from sisyphus.mock.server import serve

async def main():
    server = MockServer(routes=(Route(path="/"), Route(path="/slow", responses=(MockResponse(delay=60),))))
    async with trio.open_nursery() as nursery:
        record = await nursery.start(serve, server)
        async with httpx.AsyncClient(base_url=record["url"], trust_env=False) as client:
            print((await client.get("/")).status_code)
            with trio.move_on_after(0.1):
                await client.get("/slow")
            async with await trio.open_tcp_stream("127.0.0.1", client.base_url.port) as stream:
                await stream.send_all(b"POST / HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 9\\r\\n\\r\\nhalf")
                await trio.sleep(0.05)
            nursery.start_soon(client.get, "/slow")
            await trio.sleep(0.1)
            nursery.cancel_scope.cancel()

trio.run(main)
gc.collect()
"""


def test_nothing_is_written_to_the_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", SCRIPT], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout, done.stderr) == ("200\n", "")


def test_importing_the_server_imports_neither_hypercorn_nor_starlette() -> None:
    script = "import sys, sisyphus.mock.server; print({'hypercorn', 'starlette'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "set()\n"


async def test_a_header_in_utf8_reaches_the_templates_as_it_was_meant() -> None:
    server = MockServer(routes=(Route(path="/a", responses=(MockResponse(body="${request.headers['x-name']}"),)),))
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            url = (await nursery.start(serve, server))["url"]
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.get(f"{url}/a", headers={"X-Name": "张三".encode()})
            nursery.cancel_scope.cancel()
    assert answer.text == "张三"
