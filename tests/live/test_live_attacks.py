"""What an attacker would try, over real sockets: others still get in, and nothing grows."""

from __future__ import annotations

import contextlib
import functools
import resource
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from sisyphus.journal import Journal
from sisyphus.live import LiveSettings, Serving, serve, watcher
from sisyphus.live.lobby import MOST

ATTACKERS = 10_000
AT_A_TIME = 1500  # that this process can hold open


def in_time(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Real sockets need real time, but never this much."""

    @functools.wraps(test)
    async def bounded(**fixtures: Any) -> None:
        with trio.fail_after(60):
            await test(**fixtures)

    return bounded


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
async def serving(journal: Journal, nursery: trio.Nursery) -> AsyncIterator[Serving]:
    yield await nursery.start(serve, journal, LiveSettings(port=0))
    journal.close()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def tasks() -> int:
    return trio.lowlevel.current_statistics().tasks_living


async def watch(serving: Serving, client_of: Any) -> Any:
    client = client_of(await trio.open_tcp_stream("127.0.0.1", serving.port))
    await client.shake_hands()
    return client


@in_time
async def test_ten_thousand_who_connect_and_say_nothing_keep_nobody_out(
    many_files: None, journal: Journal, serving: Serving, client_of: Any, emit_to: Callable[..., None]
) -> None:
    before, memory = tasks(), resident()
    watchers = [await watch(serving, client_of)]
    most, silent = 0, []
    for number in range(ATTACKERS):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", serving.port))
        silent.append(sock)
        if number % 100 == 99:
            await trio.sleep(0.001)
            most = max(most, tasks())
        if number % 2500 == 2499:
            watchers.append(await watch(serving, client_of))
        if len(silent) == AT_A_TIME:
            for each in silent[:500]:
                each.close()
            del silent[:500]
    emit_to(journal, 3)
    for client in watchers:
        assert [await client.next() for _ in range(3)] == [1, 2, 3]
    assert most < before + 3 * MOST
    assert resident() < memory + 50
    for sock in silent:
        sock.close()
    for client in watchers:
        await client.stream.aclose()
    await until(lambda: tasks() <= before)


@in_time
async def test_who_dribbles_its_head_makes_room_for_who_does_not(
    many_files: None, journal: Journal, serving: Serving, client_of: Any, emit_to: Callable[..., None]
) -> None:
    slow = [await trio.open_tcp_stream("127.0.0.1", serving.port) for _ in range(MOST + 20)]
    for stream in slow:
        await send(stream, b"GET / HTTP/1.1\r\nX-Slow: ")
    client = await watch(serving, client_of)
    dropped = 0
    for stream in slow:
        with trio.move_on_after(0.01):
            dropped += await all_of(stream) == b""
    assert 20 <= dropped < MOST
    emit_to(journal, 1)
    assert await client.next() == 1
    for stream in [*slow, client.stream]:
        await stream.aclose()


async def send(stream: trio.abc.SendStream, data: bytes) -> None:
    with contextlib.suppress(trio.BrokenResourceError):
        await stream.send_all(data)


async def all_of(stream: trio.abc.ReceiveStream) -> bytes:
    got = b""
    try:
        async for data in stream:
            got += data
    except trio.BrokenResourceError:
        pass
    return got


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - nobody tells
        await trio.sleep(0.01)


HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
REFUSALS = {b"HTTP/1.1 %d" % status for status in (400, 403, 405, 426, 501)}
WEBSOCKET = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b"X: " + b"x" * 40_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        HEAD + b"".join(b"X-%d: y\r\n" % number for number in range(101)) + b"\r\n",
        HEAD + b"x: y\r\n" * 3000 + b"\r\n",
    ],
    ids=["a header of 40 kB", "a path of 40 kB", "102 headers", "3001 headers"],
)
@in_time
async def test_a_head_that_is_too_much_is_refused(serving: Serving, said: bytes) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", serving.port) as stream:
        await send(stream, said)
        answer = await all_of(stream)
    assert answer.split(b" ")[1] in {b"431", b"400", b"414"}
    assert len(answer) < 2000


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n X: folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX\x00: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"GET /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /events",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\r\n" * 5000,
        b"\x00" * 5000,
        HEAD + WEBSOCKET.replace(b"13", b"13\r\nSec-WebSocket-Version: 8") + b"\r\n",
        HEAD + WEBSOCKET + b"Content-Length: 10\r\n\r\n",
        HEAD + WEBSOCKET + b"Transfer-Encoding: chunked\r\n\r\n",
        HEAD + WEBSOCKET.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"") + b"\r\n",
        HEAD + WEBSOCKET + b"Sec-WebSocket-Protocol: sisyphus.token.x\r\n\r\n",
        HEAD + WEBSOCKET + b"Origin: http://evil.example\r\n\r\n",
        (HEAD + WEBSOCKET).replace(b"localhost", b"evil.example") + b"\r\n",
        HEAD + WEBSOCKET + b"Sec-WebSocket-Protocol: \xff\r\n\r\n",
    ],
)
@in_time
async def test_a_head_that_two_might_read_differently_gets_one_answer_that_refuses(
    serving: Serving, client_of: Any, said: bytes
) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", serving.port) as stream:
        await send(stream, said)
        with trio.CancelScope() as waiting:
            waiting.deadline = trio.current_time() + 12
            answer = await all_of(stream)
    assert not waiting.cancelled_caught
    assert answer == b"" or answer[:12] in REFUSALS, answer
    assert answer.count(b"HTTP/1.1 ") <= 1
    await (await watch(serving, client_of)).stream.aclose()


def frame(opcode: int, payload: bytes, *, final: bool = True, length: int | None = None) -> bytes:
    first, size = opcode | (0x80 if final else 0), len(payload) if length is None else length
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65_536:
        head = struct.pack("!BBH", first, 0xFE, size)
    else:
        head = struct.pack("!BBQ", first, 0xFF, size)
    return head + b"\0\0\0\0" + payload


@pytest.mark.parametrize(
    "said",
    [
        frame(1, b"x" * 65_537),
        frame(2, b"x" * 65_537),
        frame(1, b"x" * 40_000, final=False) + frame(0, b"x" * 40_000),
        frame(1, b"hello", length=2**62),
        frame(8, struct.pack("!H", 1000) + b"x" * 200),
        frame(9, b"x" * 1000),
        frame(0, b"nothing was begun"),
        frame(1, b"\xc3\x28"),
        frame(3, b""),
    ],
    ids=[
        "large text",
        "large bytes",
        "large in two",
        "endless",
        "long reason",
        "long ping",
        "no begin",
        "no UTF-8",
        "no such",
    ],
)
@in_time
async def test_frames_that_are_too_large_or_none_end_only_who_sent_them(
    journal: Journal, serving: Serving, client_of: Any, emit_to: Callable[..., None], said: bytes
) -> None:
    polite, rude = await watch(serving, client_of), await trio.open_tcp_stream("127.0.0.1", serving.port)
    before = tasks()
    await send(rude, HEAD + WEBSOCKET + b"\r\n")
    assert (await rude.receive_some()).startswith(b"HTTP/1.1 101 ")
    await send(rude, said)
    if b"hello" not in said:
        await all_of(rude)
    await rude.aclose()
    await until(lambda: tasks() <= before)
    emit_to(journal, 1)
    assert await polite.next() == 1
    await polite.stream.aclose()


@in_time
async def test_an_endless_message_of_nothing_ends_who_sends_it(
    journal: Journal, serving: Serving, client_of: Any, emit_to: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "NOISE_BYTES", 200_000)
    client, memory = await watch(serving, client_of), resident()
    await client.stream.send_all(frame(1, b"", final=False) + frame(0, b"", final=False) * 10_000)
    emit_to(journal, 1)
    assert await client.next() == 1
    with pytest.raises(trio.BrokenResourceError):
        while True:
            await client.stream.send_all(frame(0, b"", final=False) * 10_000)
    assert resident() < memory + 20
    await client.stream.aclose()


@in_time
async def test_messages_that_mean_nothing_may_come_for_ever(
    journal: Journal, serving: Serving, client_of: Any, emit_to: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "NOISE_BYTES", 200_000)
    client = await watch(serving, client_of)
    for _ in range(20):
        await client.stream.send_all(frame(1, b"x" * 60_000))
    emit_to(journal, 1)
    assert await client.next() == 1
    await client.stream.aclose()


@in_time
async def test_who_comes_and_goes_a_thousand_times_leaves_nothing_behind(
    journal: Journal, serving: Serving, client_of: Any
) -> None:
    await (await watch(serving, client_of)).stream.aclose()
    await trio.sleep(0.1)
    files, living = open_files(), tasks()
    for number in range(1000):
        stream = await trio.open_tcp_stream("127.0.0.1", serving.port)
        match number % 4:
            case 0:
                await send(stream, HEAD + WEBSOCKET + b"\r\n")
            case 1:
                await send(stream, b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            case 2:
                await send(stream, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if number % 3 == 0:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await stream.aclose()
    await until(lambda: open_files() <= files and tasks() <= living)
