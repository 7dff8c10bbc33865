"""`sisyphus-api-engine mock FILE` as a process, asked by real clients."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import httpx
import pytest
import trio
from programs import a_case, engine, running

ORDERS = """
    name: orders
    mock_server:
      - {name: one order, path: '/orders/{id}', response: {body: {id: '${path_params.id|int}'}}}
      - {path: /gone, failure: connection_error}
      - {path: /slow, failure: timeout}
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_says_where_it_is_answers_shows_each_request_and_ends_with_0(number: int, tmp_path: Path) -> None:
    file = a_case(tmp_path, ORDERS)
    async with running("mock", file, cwd=tmp_path) as underway:
        url = (await underway.until(r"mock server at (http://127\.0\.0\.1:\d+) \(Ctrl-C ends it\)\n"))[1]
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            assert (await client.get("/orders/7")).json() == {"id": 7}
            with pytest.raises(httpx.TransportError):
                await client.get("/gone")
            assert (await client.get("/a%1b[31m%0a")).status_code == 404
            with trio.move_on_after(0.1):
                await client.get("/slow")
        await underway.until("GET /slow ")
        underway.interrupt(number)
        done = await underway.done()

    lines = done.out.splitlines()
    assert lines[1:4] == ["  GET /orders/{id}  ·  one order", "  GET /gone", "  GET /slow"]
    assert [line.rpartition(" ms")[0].rpartition(", ")[0] for line in lines[4:]] == [
        "GET /orders/7 → 200",
        "GET /gone → connection closed",
        r"GET /a\x1b[31m\n → 404",
        "GET /slow → no answer, the client left",
    ]
    assert (done.code, done.err) == (0, "")


async def test_it_ends_at_once_with_requests_under_way(tmp_path: Path, nursery: trio.Nursery) -> None:
    async with running("mock", a_case(tmp_path, ORDERS), cwd=tmp_path) as underway:
        url = (await underway.until(r"at (http://\S+)"))[1]
        stream = await trio.open_tcp_stream("127.0.0.1", int(url.rpartition(":")[2]))
        await stream.send_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await trio.sleep(0.1)
        underway.interrupt()
        with trio.fail_after(5):
            assert (await underway.done()).code == 0
        await stream.aclose()


async def test_a_case_is_served_at_the_place_that_is_asked_for(tmp_path: Path) -> None:
    case = a_case(tmp_path, "{name: c, config: {mock_server: [{path: /a}]}, steps: []}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with running("mock", case, "--host", "localhost", "--port", port, cwd=tmp_path) as underway:
        await underway.until(rf"at http://127\.0\.0\.1:{port} ")
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://127.0.0.1:{port}/a")).status_code == 200
        underway.interrupt()
        assert (await underway.done()).code == 0


async def test_a_taken_port_ends_with_3_and_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = await engine("mock", a_case(tmp_path, ORDERS), "--port", port, cwd=tmp_path)
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        f"the mock server cannot listen on 127.0.0.1:{port}: Address already in use "
        "(choose another with --host and --port; port 0 is any free one)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "mock serves one file; try: sisyphus-api-engine mock orders.yaml"),
        (["a.yaml", "b.yaml"], "mock serves one file"),
        (["none.yaml"], "none.yaml does not exist"),
        (["bad.yaml"], "bad.yaml:1:1: there is no mock server in this file"),
        (["bad.yaml", "--prot", "1"], "there is no option '--prot' (did you mean '--port'?)"),
        (["bad.yaml", "--port", "70000"], "--port: a port is a number from 0 to 65535, got '70000'"),
        (["bad.yaml", "--lang", "zh"], "bad.yaml:1:1: 这个文件里没有模拟服务器"),
    ],
)
async def test_what_cannot_be_served_ends_with_2(arguments: list[str], said: str, tmp_path: Path) -> None:
    a_case(tmp_path, "name: c", "bad.yaml")
    done = await engine("mock", *arguments, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


async def test_help_is_about_the_command(tmp_path: Path) -> None:
    done = await engine("mock", "--help", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("usage: sisyphus-api-engine mock [options] FILE")
    assert "--port PORT" in done.out


async def test_cases_in_a_folder_of_that_name_run_by_its_path(tmp_path: Path) -> None:
    a_case(tmp_path, "{name: c, steps: []}", "mock/c.yaml")
    done = await engine("./mock", cwd=tmp_path)
    assert (done.code, "1 case" in done.out) == (0, True)
