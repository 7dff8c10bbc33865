"""Watchers over streams without sockets: what each gets, and how each ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair, wait_all_tasks_blocked
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from sisyphus.journal import Journal
from sisyphus.live.asking import Wish
from sisyphus.live.delivery import Delivery
from sisyphus.live.head import HEAD_SECONDS
from sisyphus.live.manners import PLAIN
from sisyphus.live.show import Show
from sisyphus.live.stream import SharedStream
from sisyphus.live.watcher import MAX_MESSAGE_BYTES, watch

WATCH = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Socket(SharedStream):
    """Takes the first frames it is given only in part, or finds that the peer is gone."""

    def __init__(self, *, gone: bool = False) -> None:
        super().__init__(memory_stream_pair()[0])
        self._gone = gone
        self._partial = False
        self.offered = 0
        self.flushed = 0

    @property
    def unsent(self) -> bool:
        return self._partial

    def send_nowait(self, _data: bytes) -> bool:
        if self._gone:
            raise trio.BrokenResourceError
        self.offered += 1
        self._partial = True
        return False

    async def flush(self) -> None:
        await trio.lowlevel.checkpoint()
        self._partial = False
        self.flushed += 1


@pytest.fixture
def delivering(journal: Journal, nursery: trio.Nursery) -> Callable[[SharedStream], Delivery]:
    def start(stream: SharedStream) -> Delivery:
        delivery = Delivery(stream, Show(journal), PLAIN, Wish())
        nursery.start_soon(delivery.run)
        return delivery

    return start


async def test_what_the_pulse_could_send_only_in_part_is_sent_on_without_another_event(
    journal: Journal, delivering: Callable[[SharedStream], Delivery]
) -> None:
    stream = Socket()
    delivery = delivering(stream)
    await wait_all_tasks_blocked()
    journal.append(1, b"{}")
    delivery.push()
    await wait_all_tasks_blocked()
    assert stream.flushed == 1


async def test_the_pulse_leaves_a_watcher_alone_that_is_behind(
    journal: Journal, delivering: Callable[[SharedStream], Delivery]
) -> None:
    stream = Socket()
    delivery = delivering(stream)
    await wait_all_tasks_blocked()
    for seq in (1, 2, 3):
        journal.append(seq, b"{}")
        delivery.push()
    assert stream.offered == 1


async def test_a_peer_that_the_pulse_finds_gone_ends_the_delivery(journal: Journal) -> None:
    delivery = Delivery(Socket(gone=True), Show(journal), PLAIN, Wish())
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(delivery.run)
            await wait_all_tasks_blocked()
            journal.append(1, b"{}")
            delivery.push()


async def test_a_watcher_gets_the_run_from_its_start_then_goes_on_live_and_is_told_the_end(
    autojump_clock: MockClock, house: Any
) -> None:
    house.emit(3)
    client = await house.watcher()
    assert [await client.next() for _ in range(3)] == [1, 2, 3]
    house.emit(1)
    assert await client.next() == 4
    house.emit(2)
    house.journal.close()
    assert await client.all() == [5, 6]
    assert client.closed == (1000, "")


async def test_a_watcher_that_comes_after_the_end_gets_everything_too(autojump_clock: MockClock, house: Any) -> None:
    house.emit(5)
    house.journal.close()
    assert await (await house.watcher()).all() == [1, 2, 3, 4, 5]


async def test_a_watcher_that_comes_when_the_oldest_events_are_gone_begins_with_the_oldest_kept(
    autojump_clock: MockClock,
    house_of: Callable[[Journal], Any],
) -> None:
    house = house_of(Journal(max_events=2))
    house.emit(5)
    house.journal.close()
    assert await (await house.watcher()).all() == [4, 5]


async def test_watchers_at_different_places_each_get_every_event_once(
    autojump_clock: MockClock, house: Any, nursery: trio.Nursery
) -> None:
    watched: list[list[int]] = []

    async def watch_all() -> None:
        watched.append(await (await house.watcher()).all())

    for _ in range(20):
        nursery.start_soon(watch_all)
        house.emit(7)
        await trio.sleep(0.003)
    house.journal.close()
    await trio.sleep(1)
    assert watched == [list(range(1, 141))] * 20


async def test_a_run_with_nothing_to_tell_is_closed_as_any_other(autojump_clock: MockClock, house: Any) -> None:
    client = await house.watcher()
    house.journal.close()
    assert await client.all() == []
    assert client.closed == (1000, "")


async def test_pings_are_answered_between_the_events(autojump_clock: MockClock, house: Any) -> None:
    client = await house.watcher()
    await client.ping(b"are you there")
    house.emit(1)
    await trio.sleep(1)
    house.journal.close()
    assert await client.all() == [1]
    assert client.pongs == [b"are you there"]


async def test_what_a_watcher_says_is_read_and_ignored(autojump_clock: MockClock, house: Any) -> None:
    client = await house.watcher()
    for _ in range(100):
        await client.send(TextMessage(data="hello?"))
        await client.send(BytesMessage(data=b"x" * MAX_MESSAGE_BYTES))
    house.emit(1)
    await trio.sleep(1)
    house.journal.close()
    assert await client.all() == [1]


async def test_a_message_larger_than_the_limit_closes_with_1009(autojump_clock: MockClock, house: Any) -> None:
    client = await house.watcher()
    await client.send(BytesMessage(data=b"x" * (MAX_MESSAGE_BYTES + 1)))
    assert await client.all() == []
    assert client.closed is not None
    assert client.closed[0] == 1009
    await trio.sleep(2)
    assert house.gone == 1


async def test_a_message_that_grows_beyond_the_limit_in_pieces_closes_with_1009(
    autojump_clock: MockClock, house: Any
) -> None:
    client = await house.watcher()
    for _ in range(MAX_MESSAGE_BYTES // 1000 + 1):
        await client.send(TextMessage(data="x" * 1000, message_finished=False))
    assert await client.all() == []
    assert client.closed is not None
    assert client.closed[0] == 1009


async def test_a_watcher_that_leaves_is_forgotten(autojump_clock: MockClock, house: Any) -> None:
    client = await house.watcher()
    await client.send(CloseConnection(code=1001))
    await trio.sleep(1)
    assert house.gone == 1
    assert house.show.pulse.watchers == 0


async def test_a_watcher_whose_connection_ends_without_a_word_is_forgotten(
    autojump_clock: MockClock, house: Any
) -> None:
    client = await house.watcher()
    await client.stream.aclose()
    await trio.sleep(1)
    assert house.gone == 1
    assert house.show.pulse.watchers == 0


@pytest.fixture
def small_house(house_of: Callable[[Journal], Any]) -> Any:
    return house_of(Journal(max_events=4))


async def test_a_watcher_that_falls_too_far_behind_is_told_where_to_go_on(
    autojump_clock: MockClock, small_house: Any, client_of: Any
) -> None:
    client = client_of(small_house.visit(lockstep_stream_pair))
    await client.shake_hands()
    small_house.emit(2)  # on its way, and stuck there
    await wait_all_tasks_blocked()
    small_house.emit(10)
    await trio.sleep(10)
    assert await client.all() == [1, 2]
    assert client.closed == (4408, "slow consumer; resume with after=2")


async def test_a_slow_watcher_that_never_reads_why_it_is_closed_is_dropped(
    autojump_clock: MockClock, small_house: Any, client_of: Any
) -> None:
    client = client_of(small_house.visit(lockstep_stream_pair))
    await client.shake_hands()
    small_house.emit(2)
    await wait_all_tasks_blocked()
    small_house.emit(10)
    assert [await client.next() for _ in range(2)] == [1, 2]
    await trio.sleep(60)
    assert small_house.gone == 1


async def test_a_stuck_watcher_keeps_nobody_waiting(autojump_clock: MockClock, house: Any, client_of: Any) -> None:
    stuck = client_of(house.visit(lockstep_stream_pair))
    await stuck.shake_hands()
    client = await house.watcher()
    began = trio.current_time()
    for seq in range(1, 50):
        house.emit(1)
        assert await client.next() == seq
    assert trio.current_time() - began < 5  # at most the pulse's rests
    house.journal.close()
    assert await client.all() == []


async def test_a_ping_during_the_goodbye_takes_nobody_down(autojump_clock: MockClock, house: Any) -> None:
    rude, polite = await house.watcher(), await house.watcher()
    house.emit(1)
    house.journal.close()
    await wait_all_tasks_blocked()  # the close frames are out
    await rude.ping(b"after your close")
    assert await polite.all() == [1]
    assert polite.closed == (1000, "")
    await trio.sleep(2)
    assert house.gone == 2


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff" * 100,
        b"\x81\x05hello",  # not masked
        b"\x83\x80\0\0\0\0",  # no such opcode
        b"\x81\x82\0\0\0\0\xff\xff",  # not UTF-8
        b"\x88\x81\0\0\0\0x",  # half a close code
        b"\x88\x82\0\0\0\0\x03\xed",  # a close code that may not be sent
        b"\xc1\x80\0\0\0\0",  # compressed, which was not agreed on
        b"\x89\xfe\x00\x7e\0\0\0\0" + b"x" * 126,  # a ping too large
        b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",  # more than there are bytes
    ],
)
async def test_frames_that_are_none_end_only_the_watcher_who_sent_them(
    autojump_clock: MockClock, house: Any, garbage: bytes
) -> None:
    rude, polite = await house.watcher(), await house.watcher()
    await rude.stream.send_all(garbage)
    await trio.sleep(2)
    assert house.gone == 1
    house.emit(2)
    house.journal.close()
    assert await polite.all() == [1, 2]


async def test_a_handshake_that_the_library_refuses_without_a_word_is_given_up(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    near, far = memory_stream_pair()
    head = WATCH.replace(b"Sec-WebSocket-Version: 13\r\n", b"")
    await watch(SharedStream(far, head), Show(Journal()), Wish(), admitted=pytest.fail)
    assert trio.current_time() == pytest.approx(HEAD_SECONDS)
    assert (await near.receive_some()).startswith(b"HTTP/1.1 400")


async def test_a_watcher_that_is_gone_before_it_is_answered_is_no_error(autojump_clock: MockClock) -> None:
    near, far = memory_stream_pair()
    await near.aclose()
    await watch(SharedStream(far, WATCH), Show(Journal()), Wish(), admitted=pytest.fail)
