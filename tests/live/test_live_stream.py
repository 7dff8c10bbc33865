from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import (
    lockstep_stream_pair,
    memory_stream_pair,
    open_stream_to_socket_listener,
    wait_all_tasks_blocked,
)

from sisyphus.live.stream import SharedStream

MUCH = b"0123456789abcdef" * 512 * 1024  # more than the kernel takes at once


@pytest.fixture
async def sockets() -> AsyncIterator[tuple[trio.SocketStream, trio.SocketStream]]:
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    async with listener, await open_stream_to_socket_listener(listener) as near, await listener.accept() as far:
        near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        yield near, far


class Chatterbox(trio.abc.HalfCloseableStream):
    """Always has something more to say."""

    said = 0

    async def receive_some(self, _max_bytes: int | None = None) -> bytes:
        self.said += 65_536
        return b"x" * 65_536

    async def send_all(self, _data: bytes | bytearray | memoryview) -> None: ...

    async def wait_send_all_might_not_block(self) -> None: ...

    async def send_eof(self) -> None: ...

    async def aclose(self) -> None: ...


class Whole(trio.abc.Stream):
    """A transport that can only be closed as a whole, as TLS."""

    async def receive_some(self, _max_bytes: int | None = None) -> bytes:
        pytest.fail("nobody should wait for more")

    async def send_all(self, _data: bytes | bytearray | memoryview) -> None: ...

    async def wait_send_all_might_not_block(self) -> None: ...

    async def aclose(self) -> None: ...


async def received(stream: trio.abc.ReceiveStream, size: int) -> bytes:
    data = bytearray()
    with trio.fail_after(10):
        while len(data) < size:
            more = await stream.receive_some()
            assert more
            data += more
    return bytes(data)


async def test_what_was_already_read_is_handed_out_first() -> None:
    near, far = memory_stream_pair()
    stream = SharedStream(far, b"already")
    await near.send_all(b" and after")
    assert await stream.receive_some(3) == b"alr"
    assert await stream.receive_some() == b"eady"
    assert await stream.receive_some() == b" and after"


async def test_writers_take_turns() -> None:
    near, far = lockstep_stream_pair()
    stream = SharedStream(far)
    async with trio.open_nursery() as nursery:
        for letter in b"abc":
            nursery.start_soon(stream.send_all, bytes((letter,)) * 100)
        data = await received(near, 300)
    assert sorted(data[at : at + 100] for at in (0, 100, 200)) == [b"a" * 100, b"b" * 100, b"c" * 100]


def test_without_a_socket_nothing_is_taken_without_waiting() -> None:
    _near, far = memory_stream_pair()
    with pytest.raises(trio.WouldBlock):
        SharedStream(far).send_nowait(b"frame")


async def test_to_a_socket_a_frame_goes_without_waiting(sockets: tuple[trio.SocketStream, trio.SocketStream]) -> None:
    near, far = sockets
    stream = SharedStream(far)
    assert stream.send_nowait(b"frame")
    assert not stream.unsent
    assert await received(near, 5) == b"frame"


async def test_what_the_socket_does_not_take_goes_out_before_anything_else(
    sockets: tuple[trio.SocketStream, trio.SocketStream],
) -> None:
    near, far = sockets
    stream = SharedStream(far)
    assert not stream.send_nowait(MUCH)
    assert stream.unsent
    with pytest.raises(trio.WouldBlock):
        stream.send_nowait(b"another")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, b"pong")
        data = await received(near, len(MUCH) + 4)
    assert data == MUCH + b"pong"
    assert not stream.unsent


async def test_flushing_sends_what_is_left(sockets: tuple[trio.SocketStream, trio.SocketStream]) -> None:
    near, far = sockets
    stream = SharedStream(far)
    stream.send_nowait(MUCH)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.flush)
        assert await received(near, len(MUCH)) == MUCH
    assert not stream.unsent


async def test_a_full_socket_takes_nothing(sockets: tuple[trio.SocketStream, trio.SocketStream]) -> None:
    near, far = sockets
    with pytest.raises(trio.WouldBlock):
        for _ in range(1000):  # the kernel goes on moving bytes to the other end for a moment
            stream = SharedStream(far)
            stream.send_nowait(MUCH)
    assert not stream.unsent
    assert await near.receive_some()


async def test_while_another_writes_nothing_is_taken(sockets: tuple[trio.SocketStream, trio.SocketStream]) -> None:
    _near, far = sockets
    stream = SharedStream(far)
    async with stream._turn:
        with pytest.raises(trio.WouldBlock):
            stream.send_nowait(b"into the middle of the other's frame")
    assert stream.send_nowait(b"a frame of its own")


async def test_a_peer_that_is_gone_is_noticed(sockets: tuple[trio.SocketStream, trio.SocketStream]) -> None:
    near, far = sockets
    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    await near.aclose()
    with pytest.raises(trio.BrokenResourceError):
        SharedStream(far).send_nowait(b"frame")


async def test_a_closed_stream_writes_nowhere(sockets: tuple[trio.SocketStream, trio.SocketStream]) -> None:
    _near, far = sockets
    stream = SharedStream(far)
    await stream.aclose()
    with pytest.raises(trio.BrokenResourceError):
        stream.send_nowait(b"frame")


async def test_taking_leave_lets_a_peer_that_still_talks_read_the_last_words(
    sockets: tuple[trio.SocketStream, trio.SocketStream],
) -> None:
    near, far = sockets
    stream = SharedStream(far)
    await near.send_all(b"x" * 100_000)  # nobody will read this; closing now would be a reset

    async def say_goodbye() -> None:
        await stream.send_all(b"goodbye")
        await stream.take_leave()
        await stream.aclose()

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say_goodbye)
            assert await received(near, 7) == b"goodbye"
            assert await near.receive_some() == b""
            await near.send_eof()


async def test_taking_leave_of_a_peer_that_never_ends_takes_a_second(autojump_clock: trio.testing.MockClock) -> None:
    _near, far = memory_stream_pair()
    await SharedStream(far).take_leave()
    assert trio.current_time() == 1


async def test_taking_leave_while_another_is_stuck_in_the_middle_of_a_frame_ends_too(
    autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    _near, far = lockstep_stream_pair()
    stream = SharedStream(far)
    nursery.start_soon(stream.send_all, b"frame")
    await wait_all_tasks_blocked()
    await stream.take_leave()
    assert trio.current_time() == 1


async def test_where_one_direction_cannot_be_ended_taking_leave_does_nothing() -> None:
    await SharedStream(Whole()).take_leave()


async def test_waiting_until_there_is_room_sends_what_is_left_first(
    sockets: tuple[trio.SocketStream, trio.SocketStream],
) -> None:
    near, far = sockets
    stream = SharedStream(far)
    stream.send_nowait(MUCH)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.wait_send_all_might_not_block)
        assert await received(near, len(MUCH)) == MUCH
    assert not stream.unsent


async def test_taking_leave_of_a_peer_that_talks_and_talks_ends_too() -> None:
    peer = Chatterbox()
    await SharedStream(peer).take_leave()
    assert peer.said == 1024 * 1024
