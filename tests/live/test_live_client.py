"""The client library against the real server: typed events, each once, whatever happens to the connection."""

from __future__ import annotations

import json
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest
import trio
import trustme
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket

from sisyphus.errors import WatchError
from sisyphus.events import Logged
from sisyphus.journal import Journal
from sisyphus.live import LiveSettings, Serving, serve, watch
from sisyphus.live.run_state import RunState

LIMIT = 20.0
RUN_ID = "0b7f3c52-5d3e-4f0f-9d0a-0f5c4f6f9a11"


async def served(
    nursery: trio.Nursery, journal: Journal, port: int = 0, run_id: str = RUN_ID, **settings: Any
) -> Serving:
    run = RunState(run_id=run_id, state="running", cases_total=1)
    make = LiveSettings(host="127.0.0.1", port=port, **settings)

    started: Serving = await nursery.start(partial(serve, journal, make, run=run))
    return started


class Cutter:
    """A line between client and server that breaks off in the middle of anything."""

    def __init__(self, port: int, seed: int) -> None:
        self.port = port
        self.cuts = 0
        self._random = random.Random(seed)

    async def carry(self, near: trio.SocketStream) -> None:
        async with near, await trio.open_tcp_stream("127.0.0.1", self.port) as far, trio.open_nursery() as nursery:
            nursery.start_soon(self._pump, near, far, nursery, None)
            nursery.start_soon(self._pump, far, near, nursery, self._random.randrange(300, 6000))

    async def _pump(
        self, source: trio.SocketStream, sink: trio.SocketStream, nursery: trio.Nursery, most: int | None
    ) -> None:
        try:
            async for data in source:
                if most is not None and self.cuts < 12:
                    await sink.send_all(data[:most])
                    most -= len(data)
                    if most <= 0:
                        self.cuts += 1
                        break
                else:
                    await sink.send_all(data)
        except trio.BrokenResourceError:
            pass  # the other side is gone, which is what this is about
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def line(cutter: Cutter) -> AsyncIterator[int]:
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, cutter.carry, 0)
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def test_it_yields_every_event_typed_and_ends_with_the_run(
    journal: Journal, emit_to: Any, nursery: trio.Nursery
) -> None:
    with trio.fail_after(LIMIT):
        serving = await served(nursery, journal)
        emit_to(journal, 3)
        seen = []
        async with watch(f"ws://127.0.0.1:{serving.port}") as run:
            async for received in run:
                assert isinstance(received.event.data, Logged)
                seen.append(received.seq)
                if received.seq == 3:
                    emit_to(journal, 2)
                    journal.close()
    assert seen == [1, 2, 3, 4, 5]
    assert (run.run_id, run.last_seq, run.reconnects, run.lost) == (RUN_ID, 5, 0, [])


@pytest.mark.parametrize("seed", range(5))
async def test_a_connection_that_breaks_anywhere_loses_and_repeats_nothing(
    seed: int, journal: Journal, emit_to: Any, nursery: trio.Nursery
) -> None:
    cutter = Cutter(0, seed)
    seen = []
    with trio.fail_after(LIMIT):
        serving = await served(nursery, journal)
        cutter.port = serving.port
        emit_to(journal, 100)
        async with line(cutter) as port, watch(f"ws://127.0.0.1:{port}") as run:
            async for received in run:
                seen.append(received.seq)
                if received.seq in {50, 100, 150}:
                    emit_to(journal, 50)
                if received.seq == 200:
                    journal.close()
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) == 250
    assert run.reconnects >= 1


async def test_what_the_server_no_longer_has_is_told(nursery: trio.Nursery, emit_to: Any) -> None:
    journal = Journal(max_events=10)
    with trio.fail_after(LIMIT):
        serving = await served(nursery, journal, linger=5)
        emit_to(journal, 30)
        journal.close()
        async with watch(f"ws://127.0.0.1:{serving.port}", after=5) as run:
            seen = [received.seq async for received in run]
    assert seen == list(range(21, 31))
    assert run.lost == [(6, 20)]


async def test_live_and_filters_are_asked_of_the_server(journal: Journal, emit_to: Any, nursery: trio.Nursery) -> None:
    with trio.fail_after(LIMIT):
        serving = await served(nursery, journal)
        emit_to(journal, 3)
        url = f"ws://127.0.0.1:{serving.port}"
        async with watch(url, start="live", types=["log"], case="case-1") as live, watch(url, types=["error"]) as none:
            emit_to(journal, 2)
            journal.close()
            assert [received.seq async for received in live] == [4, 5]
            assert [received.seq async for received in none] == []


async def test_the_servers_refusal_is_the_errors_text(journal: Journal, nursery: trio.Nursery) -> None:
    with trio.fail_after(LIMIT):
        serving = await served(nursery, journal, token="secret-token")
        url = f"ws://127.0.0.1:{serving.port}"
        with pytest.raises(WatchError, match="token"):
            async with watch(url):
                pass
        with pytest.raises(WatchError, match="typs"):
            async with watch(f"{url}/?typs=log", token="secret-token"):
                pass
        async with watch(url, token="secret-token") as run:
            journal.close()
            assert [received async for received in run] == []


async def test_by_tls_it_trusts_whom_it_is_told_to_trust(
    journal: Journal, emit_to: Any, nursery: trio.Nursery, tmp_path: Any
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    file = tmp_path / "server.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(file))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with trio.fail_after(LIMIT):
        serving = await served(nursery, journal, certificate=file, linger=5)
        emit_to(journal, 2)
        journal.close()
        url = f"wss://127.0.0.1:{serving.port}"
        async with watch(url, ssl_context=trusting) as run:
            assert [received.seq async for received in run] == [1, 2]
        with pytest.raises(WatchError, match="is not trusted"):
            async with watch(url):
                pass


async def test_it_waits_for_a_server_that_is_not_there_yet(journal: Journal, nursery: trio.Nursery) -> None:
    with trio.fail_after(LIMIT):
        free = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = free[0].socket.getsockname()[1]
        await free[0].aclose()
        with pytest.raises(WatchError, match=f"nobody can be watched at ws://127.0.0.1:{port}"):
            async with watch(f"ws://127.0.0.1:{port}"):
                pass

        async def late() -> None:
            await trio.sleep(0.3)
            await served(nursery, journal, port=port, linger=5)
            journal.close()

        nursery.start_soon(late)
        async with watch(f"ws://127.0.0.1:{port}", wait=10) as run:
            assert [received async for received in run] == []


async def test_a_server_that_is_gone_for_good_is_an_error_that_names_the_last_event(
    journal: Journal, emit_to: Any, nursery: trio.Nursery
) -> None:
    with trio.fail_after(LIMIT):
        async with trio.open_nursery() as server:
            serving = await served(server, journal)
            emit_to(journal, 2)
            with pytest.raises(WatchError, match="the last event was 2"):
                async with watch(f"ws://127.0.0.1:{serving.port}", patience=0.3) as run:
                    async for received in run:
                        if received.seq == 2:
                            server.cancel_scope.cancel()
                            with trio.CancelScope(shield=True):
                                await trio.sleep(0.1)


async def test_another_run_at_the_same_address_is_not_taken_for_this_one(nursery: trio.Nursery, emit_to: Any) -> None:
    first, second = Journal(), Journal()
    emit_to(first, 2)
    emit_to(second, 9)
    with trio.fail_after(LIMIT):
        async with trio.open_nursery() as server:
            serving = await served(server, first)
            with pytest.raises(WatchError, match="another run"):
                async with watch(f"ws://127.0.0.1:{serving.port}", patience=5) as run:
                    async for received in run:
                        if received.seq == 2:
                            server.cancel_scope.cancel()
                            with trio.CancelScope(shield=True):
                                await trio.sleep(0.1)
                                await served(nursery, second, port=serving.port, run_id="another")


HELLO = {"type": "hello", "data": {"run_id": RUN_ID, "first_seq": 1, "last_seq": 2}}
LOG = {
    "type": "log", "timestamp": "2026-11-25T02:44:09.588+00:00", "test_case_id": None, "step_name": None,
    "run_id": RUN_ID, "seq": 1, "data": {"level": "info", "message": "", "context": {}},
}  # fmt: skip


@pytest.mark.parametrize(
    "messages",
    [
        ["nothing that is JSON"],
        ["[]"],
        [b"\xff"],
        [json.dumps({"type": "hello", "data": {"first_seq": [1]}})],
        ['{"type": "hello", "data": {"first_seq": Infinity}}'],
        [json.dumps(LOG)],
        [json.dumps(HELLO), '{"type": "recovered", "data": {"recovered": false}}'],
        [json.dumps(HELLO), json.dumps({**LOG, "seq": "1"})],
        [json.dumps(HELLO), "[" * 100_000],
    ],
    ids=["no JSON", "no object", "no text", "a number that is none", "an endless one", "no hello", "a gap that is none",
         "a seq that is none", "too deep"],
)  # fmt: skip
async def test_what_is_no_runs_server_is_told_and_no_crash(messages: list[str | bytes], nursery: trio.Nursery) -> None:
    async def speak(request: WebSocketRequest) -> None:
        with suppress(ConnectionClosed):
            async with await request.accept(subprotocol="sisyphus.v1") as connection:
                for message in messages:
                    await connection.send_message(message)
                await connection.get_message()

    with trio.fail_after(LIMIT):
        server = await nursery.start(partial(serve_websocket, speak, "127.0.0.1", 0, ssl_context=None))
        with pytest.raises(WatchError, match="is no event"):
            async with watch(f"ws://127.0.0.1:{server.port}") as run:
                async for _ in run:
                    pass


async def test_who_lets_in_and_throws_out_is_asked_again_more_and_more_seldom(nursery: trio.Nursery) -> None:
    visits = 0

    async def speak(request: WebSocketRequest) -> None:
        nonlocal visits
        visits += 1
        connection = await request.accept(subprotocol="sisyphus.v1")
        await connection.send_message(json.dumps(HELLO))
        await connection.aclose(1012)

    server = await nursery.start(partial(serve_websocket, speak, "127.0.0.1", 0, ssl_context=None))
    with trio.move_on_after(2):
        async with watch(f"ws://127.0.0.1:{server.port}") as run:
            async for _ in run:
                pass
    assert 2 <= visits <= 6


async def test_a_token_in_the_address_is_shown_and_stands_in_no_message(
    journal: Journal, nursery: trio.Nursery
) -> None:
    with trio.fail_after(LIMIT):
        serving = await served(nursery, journal, token="open/sesame")
        url = f"ws://127.0.0.1:{serving.port}/?types=log&token="
        with pytest.raises(WatchError) as wrong:
            async with watch(f"{url}swordfish"):
                pass
        assert "swordfish" not in str(wrong.value)
        async with watch(f"{url}open%2Fsesame") as run:
            assert "sesame" not in repr(run)
            journal.close()
            assert [received async for received in run] == []


@pytest.mark.parametrize(
    "url",
    ["http://localhost", "ws://", "localhost:8765", "ws:///x", "ws://localhost:99999", "ws://localhost:x", "ws://[::1"],
)
async def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(WatchError, match="is no address of a run"):
        async with watch(url):
            pass


async def test_what_the_body_raises_comes_out_as_it_is(journal: Journal, nursery: trio.Nursery) -> None:
    with trio.fail_after(LIMIT):
        serving = await served(nursery, journal)
        with pytest.raises(KeyError, match="mine"):
            async with watch(f"ws://127.0.0.1:{serving.port}"):
                raise KeyError("mine")
