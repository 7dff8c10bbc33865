from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import httpcore
import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from sisyphus.http.network import HEAD_START, Stream, Unanswered, connect_tcp

# ---- names and addresses: sockets that connect when they are told to


class FakeSocket(trio.socket.SocketType):
    """Connects after the seconds or at the event that its address is told, or fails with the error it is told."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.closed = False

    async def connect(self, address: Any) -> None:
        host = address[0]
        self._world.attempts.append((host, trio.current_time()))
        outcome = self._world.outcomes[host]
        if isinstance(outcome, OSError):
            raise outcome
        if isinstance(outcome, trio.Event):
            await outcome.wait()
        else:
            await trio.sleep(outcome)
        self._world.connected.append(host)

    def setsockopt(self, *args: Any) -> None: ...

    def getsockopt(self, *args: Any) -> int:
        return 0

    type = socket.SOCK_STREAM  # type: ignore[assignment]

    def getpeername(self) -> Any: ...

    def close(self) -> None:
        self.closed = True


class World(trio.abc.HostnameResolver, trio.abc.SocketFactory):
    """Names that resolve to the addresses it is told, after `lookup` seconds."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}
        self.outcomes: dict[str, float | trio.Event | OSError] = {}
        self.lookup = 0.0
        self.attempts: list[tuple[str, float]] = []
        self.connected: list[str] = []
        self.sockets: list[FakeSocket] = []

    async def getaddrinfo(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        await trio.sleep(self.lookup)
        name = host.decode() if isinstance(host, bytes) else host
        if name not in self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in self.addresses[name]
        ]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        raise NotImplementedError

    def socket(self, *args: Any) -> FakeSocket:
        self.sockets.append(FakeSocket(self))
        return self.sockets[-1]

    def open_sockets(self) -> int:
        return sum(not one.closed for one in self.sockets)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    trio.socket.set_custom_hostname_resolver(world)
    trio.socket.set_custom_socket_factory(world)
    await trio.lowlevel.checkpoint()
    yield world
    trio.socket.set_custom_hostname_resolver(None)
    trio.socket.set_custom_socket_factory(None)


async def test_resolving_and_connecting_are_timed_apart(world: World, autojump_clock: MockClock) -> None:
    world.lookup = 2.0
    world.addresses["api.test"] = ["10.0.0.1"]
    world.outcomes["10.0.0.1"] = 3.0
    stream = await connect_tcp("api.test", 80)
    assert (stream.dns, stream.connect) == (2.0, 3.0)


async def test_an_address_is_not_looked_up(world: World, autojump_clock: MockClock) -> None:
    world.outcomes["10.0.0.1"] = 3.0
    stream = await connect_tcp("10.0.0.1", 80)
    assert (stream.dns, stream.connect) == (None, 3.0)


async def test_the_next_address_starts_after_a_head_start_and_the_first_to_connect_wins(
    world: World, autojump_clock: MockClock
) -> None:
    world.addresses["api.test"] = ["fe80::1", "10.0.0.1"]
    world.outcomes = {"fe80::1": 60.0, "10.0.0.1": 1.0}
    stream = await connect_tcp("api.test", 80)
    assert world.attempts == [("fe80::1", 0.0), ("10.0.0.1", HEAD_START)]
    assert stream.connect == HEAD_START + 1.0
    assert (world.connected, world.open_sockets()) == (["10.0.0.1"], 1)


async def test_the_next_address_starts_at_once_when_one_fails(world: World, autojump_clock: MockClock) -> None:
    world.addresses["api.test"] = ["::1", "127.0.0.1"]
    world.outcomes = {"::1": ConnectionRefusedError("no"), "127.0.0.1": 1.0}
    stream = await connect_tcp("api.test", 80)
    assert (stream.connect, world.open_sockets()) == (1.0, 1)


async def test_the_second_address_is_of_the_other_family(world: World, autojump_clock: MockClock) -> None:
    world.addresses["api.test"] = ["fe80::1", "fe80::2", "10.0.0.1"]
    world.outcomes = {"fe80::1": 60.0, "fe80::2": 60.0, "10.0.0.1": 0.0}
    await connect_tcp("api.test", 80)
    assert [host for host, _ in world.attempts] == ["fe80::1", "10.0.0.1"]


async def test_if_no_address_answers_the_first_error_is_told_with_all_behind_it(
    world: World, autojump_clock: MockClock
) -> None:
    first, second = ConnectionRefusedError("first"), OSError("second")
    world.addresses["api.test"] = ["::1", "127.0.0.1"]
    world.outcomes = {"::1": first, "127.0.0.1": second}
    with pytest.raises(ConnectionRefusedError, match="first") as caught:
        await connect_tcp("api.test", 80)
    assert isinstance(caught.value.__cause__, ExceptionGroup)
    assert caught.value.__cause__.exceptions == (first, second)
    assert world.open_sockets() == 0


async def test_two_that_connect_at_the_same_moment_leave_one_open(world: World, autojump_clock: MockClock) -> None:
    now = trio.Event()
    world.addresses["api.test"] = ["::1", "127.0.0.1"]
    world.outcomes = {"::1": now, "127.0.0.1": now}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connect_tcp, "api.test", 80)
        await trio.sleep(1)
        now.set()
    assert (len(world.connected), world.open_sockets()) == (2, 1)


async def test_one_that_connects_at_the_moment_of_a_cancellation_is_closed(
    world: World, autojump_clock: MockClock
) -> None:
    now = trio.Event()
    world.addresses["api.test"] = ["::1", "127.0.0.1"]
    world.outcomes = {"::1": now, "127.0.0.1": 60.0}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connect_tcp, "api.test", 80)
        await trio.sleep(1)
        now.set()
        nursery.cancel_scope.cancel()
    assert (world.connected, world.open_sockets()) == (["::1"], 0)


@pytest.mark.parametrize("after", [0.1, HEAD_START + 0.1])
async def test_cancelled_while_connecting_no_socket_stays_open(
    world: World, autojump_clock: MockClock, after: float
) -> None:
    world.addresses["api.test"] = ["::1", "127.0.0.1"]
    world.outcomes = {"::1": 60.0, "127.0.0.1": 60.0}
    with trio.move_on_after(after):
        await connect_tcp("api.test", 80)
    assert (trio.current_time(), world.open_sockets()) == (after, 0)


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "a" * 70 + ".test"])
async def test_a_name_without_address_is_a_gaierror(world: World, autojump_clock: MockClock, host: str) -> None:
    with pytest.raises(socket.gaierror):
        await connect_tcp(host, 80)


# ---- the stream: does an answer begin?


def a_connection() -> tuple[Stream, trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]:
    ours, theirs = memory_stream_pair()
    return Stream(ours, FakeSocket(World()), dns=None, connect=0.0), theirs.send_stream, theirs.receive_stream


async def test_a_connection_that_ends_at_once_is_unanswered() -> None:
    stream, theirs, _ = a_connection()
    await stream.write(b"GET")
    theirs.close()
    with pytest.raises(Unanswered) as caught:
        await stream.read(100)
    assert not caught.value.reused


async def test_a_connection_that_ends_after_an_earlier_answer_is_unanswered_and_reused() -> None:
    stream, theirs, _ = a_connection()
    await stream.write(b"GET")
    await theirs.send_all(b"answer")
    assert await stream.read(100) == b"answer"
    await stream.write(b"GET")
    theirs.close()
    with pytest.raises(Unanswered) as caught:
        await stream.read(100)
    assert caught.value.reused


async def test_the_end_of_an_answer_that_has_begun_is_just_the_end() -> None:
    stream, theirs, _ = a_connection()
    await stream.write(b"GET")
    await theirs.send_all(b"answer")
    theirs.close()
    assert [await stream.read(100), await stream.read(100)] == [b"answer", b""]


async def test_a_connection_that_takes_nothing_more_is_a_write_error() -> None:
    stream, _, theirs = a_connection()
    theirs.close()
    with pytest.raises(httpcore.WriteError):
        await stream.write(b"GET")


async def test_writing_nothing_is_not_the_beginning_of_a_request() -> None:
    stream, theirs, _ = a_connection()
    await stream.write(b"GET")
    await theirs.send_all(b"answer")
    await stream.read(100)
    await stream.write(b"")
    theirs.close()
    assert await stream.read(100) == b""
