"""The server with real sockets: one side decides who closes, every test has a deadline."""

from __future__ import annotations

import errno
import functools
import logging
import random
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from sisyphus.errors import StartError
from sisyphus.journal import Journal
from sisyphus.live import LiveSettings, Serving, serve

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def in_time(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Real sockets need real time, but never this much."""

    @functools.wraps(test)
    async def bounded(**fixtures: Any) -> None:
        with trio.fail_after(60):
            await test(**fixtures)

    return bounded


class Live:
    """A server, its journal, and connections to it."""

    def __init__(self, journal: Journal, client_of: Any) -> None:
        self.journal = journal
        self.serving = Serving(host="not yet", port=0, addresses=(), wait_for_watchers=trio.sleep)
        self._client_of = client_of
        self._streams: list[trio.SocketStream] = []

    async def start(self, nursery: trio.Nursery, *, drain: float) -> None:
        self.serving = await nursery.start(serve, self.journal, LiveSettings(port=0, drain=drain))

    async def connect(self) -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", self.serving.port)
        self._streams.append(stream)
        return stream

    async def client(self) -> Any:
        client = self._client_of(await self.connect())
        await client.shake_hands()
        return client

    def client_before_it_is_accepted(self) -> Any:
        """A client whose connection is in the backlog: no checkpoint lies between the connecting and the return."""
        sock = socket.create_connection(("127.0.0.1", self.serving.port))
        sock.setblocking(False)
        self._streams.append(trio.SocketStream(trio.socket.from_stdlib_socket(sock)))
        return self._client_of(self._streams[-1])

    async def watch_all(self) -> list[int]:
        client = await self.client()
        events = await client.all()
        assert client.closed == (1000, "")
        return events

    async def hang_up(self) -> None:
        for stream in self._streams:
            await stream.aclose()


@pytest.fixture
async def unstarted(journal: Journal, client_of: Any) -> AsyncIterator[Live]:
    live = Live(journal, client_of)
    yield live
    await live.hang_up()


@pytest.fixture
async def live(unstarted: Live, nursery: trio.Nursery) -> Live:
    await unstarted.start(nursery, drain=10.0)
    return unstarted


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def emit_more_than_buffers_hold(journal: Journal) -> None:
    for _ in range(200):
        seq = journal.last_seq + 1
        journal.append(seq, b'{"seq": %d, "padding": "%s"}' % (seq, b"x" * 60_000))


@in_time
async def test_what_it_says_about_itself_is_where_it_can_be_reached(live: Live) -> None:
    port = live.serving.port
    assert live.serving.url == f"ws://localhost:{port}"
    assert live.serving.urls[0] == f"ws://127.0.0.1:{port}"
    for host, at in live.serving.addresses:
        async with await trio.open_tcp_stream(host, at):
            pass


@pytest.mark.parametrize(
    ("host", "url"), [("localhost", "ws://localhost:9"), ("::1", "ws://[::1]:9"), ("0.0.0.0", "ws://0.0.0.0:9")]
)
def test_a_url_is_one_that_a_client_can_use(host: str, url: str) -> None:
    assert Serving(host=host, port=9, addresses=(), wait_for_watchers=trio.sleep).url == url


@pytest.mark.parametrize("wrong", [{"port": -1}, {"port": 65_536}, {"drain": -1.0}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LiveSettings(**wrong)


@in_time
async def test_a_taken_port_is_found_before_it_is_said_to_be_started(live: Live) -> None:
    async with trio.open_nursery() as nursery:
        with pytest.raises(StartError, match="already in use"):
            await nursery.start(serve, Journal(), LiveSettings(port=live.serving.port))


@in_time
async def test_a_process_without_files_to_open_goes_on_without_a_word_on_the_terminal(
    live: Live, journal: Journal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    accept, refusals = trio.SocketListener.accept, iter([OSError(errno.EMFILE, "Too many open files")])

    async def sometimes(listener: trio.SocketListener) -> trio.SocketStream:
        for refusal in refusals:
            raise refusal
        return await accept(listener)

    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own, which would take what is logged
    await wait_all_tasks_blocked()
    monkeypatch.setattr(trio.SocketListener, "accept", sometimes)
    first, second = await live.client(), await live.client()
    journal.append(1, b'{"seq": 1}')
    assert (await first.next(), await second.next()) == (1, 1)
    assert list(refusals) == []
    assert capsys.readouterr().err == ""


@in_time
async def test_it_returns_when_every_watcher_has_everything(unstarted: Live, emit_to: Callable[..., None]) -> None:
    watched = []

    async def watch() -> None:
        watched.append(await unstarted.watch_all())

    async with trio.open_nursery() as nursery:
        await unstarted.start(nursery, drain=60)
        emit_to(unstarted.journal, 10)
        for _ in range(5):
            nursery.start_soon(watch)
        await wait_all_tasks_blocked(0.01)
        emit_to(unstarted.journal, 10)
        unstarted.journal.close()
    assert watched == [list(range(1, 21))] * 5


@in_time
async def test_who_connected_before_the_end_is_served_to_the_end(live: Live, emit_to: Callable[..., None]) -> None:
    emit_to(live.journal, 3)
    clients = [live.client_before_it_is_accepted() for _ in range(50)]
    live.journal.close()
    watched = []

    async def watch(client: Any) -> None:
        await client.shake_hands()
        watched.append(await client.all())

    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(watch, client)
    assert watched == [[1, 2, 3]] * 50


@in_time
async def test_two_hundred_watchers_that_join_at_random_each_get_every_event_once_and_in_order(
    live: Live, emit_to: Callable[..., None]
) -> None:
    chance, watched = random.Random(1), []

    async def join_some_time(*, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await trio.sleep(chance.random() / 2)
        client = await live.client()
        task_status.started()
        watched.append(await client.all())
        assert client.closed == (1000, "")

    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as joining:
            for _ in range(200):
                joining.start_soon(nursery.start, join_some_time)
            for _ in range(100):
                emit_to(live.journal, chance.randrange(5))
                await trio.sleep(0.005)
        # On a busy machine some join later than they meant to; a server whose run is over is not there for them.
        live.journal.close()
    assert watched == [list(range(1, live.journal.last_seq + 1))] * 200


@in_time
async def test_a_watcher_that_stops_reading_holds_the_end_for_the_drain_and_no_longer(unstarted: Live) -> None:
    async with trio.open_nursery() as nursery:
        await unstarted.start(nursery, drain=0.3)
        await unstarted.client()
        emit_more_than_buffers_hold(unstarted.journal)
        await wait_all_tasks_blocked(0.01)
        began = trio.current_time()
        unstarted.journal.close()
    assert 0.3 <= trio.current_time() - began < 3


@in_time
async def test_a_watcher_that_was_behind_at_the_end_gets_everything_all_the_same(live: Live) -> None:
    client = await live.client()
    emit_more_than_buffers_hold(live.journal)
    await wait_all_tasks_blocked(0.01)
    live.journal.close()
    assert await client.all() == list(range(1, live.journal.last_seq + 1))
    assert client.closed == (1000, "")


@in_time
async def test_a_watcher_that_is_now_behind_and_now_not_misses_nothing(live: Live) -> None:
    client, expected = await live.client(), 0
    for _ in range(3):
        emit_more_than_buffers_hold(live.journal)
        await wait_all_tasks_blocked(0.01)
        while expected < live.journal.last_seq:
            expected += 1
            assert await client.next() == expected
    live.journal.close()
    assert await client.all() == []


@in_time
async def test_garbage_from_watchers_that_do_not_read_ends_them_in_the_middle_of_a_frame(live: Live) -> None:
    polite = await live.client()
    await wait_all_tasks_blocked(0.01)
    tasks = trio.lowlevel.current_statistics().tasks_living
    rude = [await live.client() for _ in range(10)]  # which of its tasks notices first, is left to chance
    emit_more_than_buffers_hold(live.journal)
    await wait_all_tasks_blocked(0.01)
    for client in rude:
        await client.stream.send_all(b"\xff" * 100)
    await wait_all_tasks_blocked(0.01)
    assert trio.lowlevel.current_statistics().tasks_living == tasks
    live.journal.close()
    assert await polite.all() == list(range(1, live.journal.last_seq + 1))


@in_time
async def test_a_connection_that_says_nothing_does_not_hold_the_end(unstarted: Live) -> None:
    async with trio.open_nursery() as nursery:
        await unstarted.start(nursery, drain=10)
        await unstarted.connect()
        await wait_all_tasks_blocked(0.01)
        began = trio.current_time()
        unstarted.journal.close()
    assert trio.current_time() - began < 2


@in_time
async def test_cancelling_closes_everything_at_once(unstarted: Live, emit_to: Callable[..., None]) -> None:
    async with trio.open_nursery() as nursery:
        await unstarted.start(nursery, drain=60)
        client, stranger = await unstarted.client(), await unstarted.connect()
        emit_to(unstarted.journal, 1)
        assert await client.next() == 1
        nursery.cancel_scope.cancel()
    for stream in (client.stream, stranger):
        assert await stream.receive_some() == b""
    with pytest.raises(OSError, match="all attempts to connect"):
        await unstarted.connect()


@in_time
async def test_after_the_end_nothing_is_left_open(unstarted: Live) -> None:
    before = open_files()
    async with trio.open_nursery() as nursery:
        await unstarted.start(nursery, drain=0.2)
        for _ in range(5):
            await unstarted.connect()
            await unstarted.client()
        unstarted.journal.close()
    await unstarted.hang_up()
    assert open_files() == before


# What watchers do that nobody hopes for. Each gets a fresh connection, and leaves it as it likes.


async def resets_before_a_word(stream: trio.SocketStream) -> None:
    reset(stream)
    await stream.aclose()


async def sends_half_a_head_and_leaves(stream: trio.SocketStream) -> None:
    await stream.send_all(HANDSHAKE[:40])


async def sends_garbage(stream: trio.SocketStream) -> None:
    await stream.send_all(random.Random(2).randbytes(50_000))


async def speaks_tls(stream: trio.SocketStream) -> None:
    secure = trio.SSLStream(stream, ssl.create_default_context(), server_hostname="localhost")
    with pytest.raises(trio.BrokenResourceError):
        await secure.do_handshake()


async def leaves_before_the_handshake_is_answered(stream: trio.SocketStream) -> None:
    await stream.send_all(HANDSHAKE)


async def resets_in_the_middle(stream: trio.SocketStream) -> None:
    await stream.send_all(HANDSHAKE)
    await stream.receive_some()
    reset(stream)


async def ends_its_own_direction(stream: trio.SocketStream) -> None:
    await stream.send_all(HANDSHAKE)
    await stream.receive_some()
    await stream.send_eof()


async def announces_a_frame_of_eight_exabytes(stream: trio.SocketStream) -> None:
    await stream.send_all(HANDSHAKE)
    await stream.receive_some()
    await stream.send_all(b"\x82\xff" + struct.pack("!Q", (1 << 63) - 1) + b"\0\0\0\0")
    await flood(stream, b"x" * 65_536)


async def floods_with_pings_and_never_reads(stream: trio.SocketStream) -> None:
    await stream.send_all(HANDSHAKE)
    await stream.receive_some()
    await flood(stream, (b"\x89\xfd\0\0\0\0" + b"x" * 125) * 500)


async def posts_a_large_form(stream: trio.SocketStream) -> None:
    await stream.send_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")
    await flood(stream, b"x" * 65_536)


async def sends_a_frame_with_its_handshake(stream: trio.SocketStream) -> None:
    await stream.send_all(HANDSHAKE + b"\x81\x85\0\0\0\0hello" * 1000)


async def closes_without_waiting(stream: trio.SocketStream) -> None:
    await stream.send_all(HANDSHAKE)
    await stream.receive_some()
    await stream.send_all(b"\x88\x82\0\0\0\0\x03\xe8")


async def flood(stream: trio.SocketStream, data: bytes) -> None:
    with trio.move_on_after(0.1):
        try:
            while True:
                await stream.send_all(data)
        except trio.BrokenResourceError:
            pass


def reset(stream: trio.SocketStream) -> None:
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    "behaves",
    [
        resets_before_a_word,
        sends_half_a_head_and_leaves,
        sends_garbage,
        speaks_tls,
        leaves_before_the_handshake_is_answered,
        resets_in_the_middle,
        ends_its_own_direction,
        announces_a_frame_of_eight_exabytes,
        floods_with_pings_and_never_reads,
        posts_a_large_form,
        sends_a_frame_with_its_handshake,
        closes_without_waiting,
    ],
    ids=lambda behaves: behaves.__name__,
)
@in_time
async def test_nobody_is_harmed_by_a_watcher_that(
    behaves: Callable[[trio.SocketStream], Awaitable[None]], live: Live, emit_to: Callable[..., None]
) -> None:
    polite = await live.client()
    await wait_all_tasks_blocked()
    files, tasks = open_files(), trio.lowlevel.current_statistics().tasks_living
    for _ in range(3):
        async with await live.connect() as rude:
            emit_to(live.journal, 1)
            await behaves(rude)
            emit_to(live.journal, 1)
    assert [await polite.next() for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    with trio.fail_after(5):
        while (open_files(), trio.lowlevel.current_statistics().tasks_living) != (files, tasks):  # noqa: ASYNC110
            await trio.sleep(0.01)
    emit_to(live.journal, 1)
    live.journal.close()
    assert await polite.all() == [7]
    assert polite.closed == (1000, "")
    await polite.stream.aclose()


@pytest.mark.parametrize(
    ("said", "answered"),
    [(b"garbage\r\n\r\n", b"HTTP/1.1 400"), (HANDSHAKE.replace(b"13", b"8"), b"HTTP/1.1 426")],
    ids=["garbage", "wrong version"],
)
@in_time
async def test_who_is_refused_while_still_talking_can_read_why(live: Live, said: bytes, answered: bytes) -> None:
    stream = await live.connect()
    await stream.send_all(said + b"x" * 200_000)
    assert answered in await all_of(stream)


@in_time
async def test_who_sends_too_large_a_message_can_read_that_it_was(live: Live) -> None:
    stream = (await live.client()).stream
    await stream.send_all(b"\x82\xff" + struct.pack("!Q", 200_000) + b"\0\0\0\0" + b"x" * 200_000)
    assert struct.pack("!H", 1009) in await all_of(stream)


async def all_of(stream: trio.abc.ReceiveStream) -> bytes:
    """All that comes up to a proper end; a reset raises."""
    got = bytearray()
    while data := await stream.receive_some():
        got += data
    return bytes(got)


@in_time
async def test_a_request_with_a_body_that_nobody_wants_gets_its_answer_and_a_proper_end(live: Live) -> None:
    async with await live.connect() as stream:
        await stream.send_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000)
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 405")
        assert await stream.receive_some() == b""
