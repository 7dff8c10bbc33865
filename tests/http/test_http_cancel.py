"""Cancelled at any point, a request leaves pools that work and no connection behind."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest
import trio
import trio.testing

from sisyphus.http import Call, Pools, Session


async def works_after(server: Any, pools: Pools, session: Session) -> None:
    server.reactions[:] = [lambda stream: stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")]
    assert (await session.send(Call(url=server.url))).text == "ok"
    assert pools.connections == 1
    await server.down_to(1)


async def test_while_connecting(serve: Any, pools: Pools, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await serve()
    connecting = trio.Event()

    async def never(*args: Any) -> Any:
        connecting.set()
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        with monkeypatch.context() as patched:
            patched.setattr("sisyphus.http.network._open", never)
            nursery.start_soon(session.send, Call(url=server.url))
            await connecting.wait()
            nursery.cancel_scope.cancel()
    assert pools.connections == 0
    await works_after(server, pools, session)


async def test_while_sending(serve: Any, pools: Pools, session: Session) -> None:
    reading = trio.Event()

    async def listens_no_more(stream: trio.abc.Stream) -> None:
        reading.set()
        await trio.sleep_forever()

    server = await serve(listens_no_more)
    async with trio.open_nursery() as nursery:
        # Without a length the double takes the request for whole before its body comes, and reads no more.
        headers = {"Transfer-Encoding": "chunked"}
        nursery.start_soon(session.send, Call(url=server.url, method="POST", body="x" * 50_000_000, headers=headers))
        await reading.wait()
        await trio.testing.wait_all_tasks_blocked(0.05)
        nursery.cancel_scope.cancel()
    assert pools.connections == 0


@pytest.mark.parametrize(
    "beginning", [b"", b"HTTP/1.1 200 OK\r\nCont", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"], ids=repr
)
@pytest.mark.parametrize("first", [0, 1], ids=["fresh", "reused"])
async def test_while_waiting_and_while_reading(
    serve: Any, pools: Pools, session: Session, answer: Any, beginning: bytes, first: int
) -> None:
    said = trio.Event()

    async def begins(stream: trio.abc.Stream) -> None:
        if beginning:
            await stream.send_all(beginning)
        said.set()
        await stream.receive_some(1)  # until the client hangs up

    server = await serve(*[answer()] * first, begins)
    for _ in range(first):
        await session.send(Call(url=server.url))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session.send, Call(url=server.url))
        await said.wait()
        await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    assert pools.connections == 0
    await works_after(server, pools, session)


async def test_while_a_small_body_becomes_a_huge_one(serve: Any, pools: Pools, session: Session, answer: Any) -> None:
    gigabytes = gzip.compress(gzip.compress(b"\0" * 10_000_000) * 500)
    assert len(gigabytes) < 64 * 1024  # all of it comes at once
    server = await serve(answer(gigabytes, "Content-Encoding: gzip, gzip"))
    began = trio.current_time()
    with trio.move_on_after(0.2) as scope:
        await session.send(Call(url=server.url))
    assert scope.cancelled_caught
    assert trio.current_time() - began < 1
    await works_after(server, pools, session)


class CancelsAt:
    """Cancels a scope in the middle of an event of httpcore's, where no await of ours stands."""

    def __init__(self, event: str, scope: trio.CancelScope) -> None:
        self._event = event
        self._scope = scope

    async def __call__(self, event: str, info: Any) -> None:
        if event == self._event:
            self._scope.cancel()


@pytest.mark.parametrize(
    "event",
    [
        "connection.connect_tcp.started",
        "connection.connect_tcp.complete",
        "http11.send_request_headers.started",
        "http11.send_request_body.complete",
        "http11.receive_response_headers.started",
        "http11.receive_response_headers.complete",
        "http11.receive_response_body.started",
    ],
)
async def test_between_any_two_events(serve: Any, pools: Pools, session: Session, event: str) -> None:
    server = await serve()
    with trio.CancelScope() as scope:
        request = httpx.Request("GET", server.url, extensions={"trace": CancelsAt(event, scope)})
        answer = await pools.handle_async_request(request)
        await answer.aread()
    assert scope.cancel_called
    await works_after(server, pools, session)


async def test_a_connection_made_in_vain_is_closed(serve: Any, pools: Pools) -> None:
    """Between its making and its first use there is one point where httpcore would forget it."""
    server = await serve()
    with trio.CancelScope() as scope:
        trace = CancelsAt("connection.connect_tcp.complete", scope)
        await pools.handle_async_request(httpx.Request("GET", server.url, extensions={"trace": trace}))
    assert scope.cancelled_caught
    assert pools.connections == 0
    await server.down_to(0)


async def test_a_run_that_is_cancelled_closes_its_connections(serve: Any, answer: Any) -> None:
    async def never(stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    server = await serve(answer(), never)
    with trio.move_on_after(0.1) as scope:
        async with Pools() as pools:
            await Session(pools).send(Call(url=server.url))
            await Session(pools).send(Call(url=server.url))
    assert scope.cancelled_caught
    assert pools.connections == 0
