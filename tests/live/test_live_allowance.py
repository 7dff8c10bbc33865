"""What who comes again and again may cost a run, and whom it keeps waiting."""

from __future__ import annotations

import socket
from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from sisyphus.journal import Journal
from sisyphus.live.access import Access
from sisyphus.live.allowance import SAVED, SHARE, VISIT, Allowance
from sisyphus.live.door import Door
from sisyphus.live.lobby import Lobby
from sisyphus.live.run_state import RunState
from sisyphus.live.show import Show

LIMIT = 20.0
ASK = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def running() -> RunState:
    return RunState(run_id="r", state="running", cases_total=1)


def used_up(journal: Journal, run: RunState) -> Allowance:
    allowance = Allowance(journal, run)
    allowance.charge(SAVED)
    return allowance


async def test_a_crowd_that_comes_at_once_waits_for_nothing(autojump_clock: MockClock, journal: Journal) -> None:
    allowance = Allowance(journal, running())
    for _ in range(int(SAVED / VISIT)):
        assert not await allowance.wait()
        allowance.charge(VISIT)
    assert trio.current_time() == 0


async def test_who_goes_on_coming_gets_the_share_and_no_more(autojump_clock: MockClock, journal: Journal) -> None:
    allowance = used_up(journal, running())
    for _ in range(100):
        assert await allowance.wait()
        allowance.charge(VISIT)
    assert 100 * VISIT / trio.current_time() == pytest.approx(SHARE, rel=0.02)


async def test_a_rest_saves_so_much_and_no_more(autojump_clock: MockClock, journal: Journal) -> None:
    allowance = used_up(journal, running())
    await trio.sleep(10 * SAVED / SHARE)
    allowance.charge(SAVED)
    assert await allowance.wait()


async def test_each_has_its_turn(autojump_clock: MockClock, journal: Journal) -> None:
    allowance = used_up(journal, running())
    came = []

    async def come(number: int) -> None:
        await allowance.wait()
        allowance.charge(VISIT)
        came.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(come, number)
            await wait_all_tasks_blocked()
    assert came == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("state", ["waiting", "finished"])
async def test_while_no_run_is_on_there_is_no_limit(state: str, autojump_clock: MockClock, journal: Journal) -> None:
    run = running()
    allowance = used_up(journal, run)
    run.state = state  # type: ignore[assignment]
    assert not await allowance.wait()


async def test_the_end_of_the_run_lets_in_all_who_wait(autojump_clock: MockClock, journal: Journal) -> None:
    allowance = used_up(journal, running())
    allowance.charge(1000)
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(allowance.wait)
        await trio.sleep(1)
        journal.close()
    assert trio.current_time() == 1


async def test_who_has_to_wait_is_not_taken_for_silent(autojump_clock: MockClock, journal: Journal) -> None:
    allowance = used_up(journal, running())
    allowance.charge(60 * SHARE)
    lobby = Lobby()
    with lobby.guest() as guest:
        assert await lobby.queue(guest, allowance)
        lobby.last_call()
        await trio.sleep(0.1)
    assert trio.current_time() >= 60
    assert not guest.scope.cancelled_caught


async def test_who_left_while_it_waited_costs_nothing(journal: Journal, nursery: trio.Nursery) -> None:
    show = Show(journal, run=running())
    listeners = await nursery.start(partial(trio.serve_tcp, Door(show, Access(host="localhost")).receive, 0))
    port = listeners[0].socket.getsockname()[1]
    show.allowance.charge(SAVED + 0.2 * SHARE)
    with trio.fail_after(LIMIT):
        for _ in range(200):  # at their price they would take half a minute
            with socket.create_connection(("127.0.0.1", port)) as gone:
                gone.sendall(ASK)
        async with await trio.open_tcp_stream("127.0.0.1", port) as there:
            await there.send_all(ASK)
            began = trio.current_time()
            assert b" 101 " in await there.receive_some()
    assert trio.current_time() - began < 5


async def test_what_is_sent_again_is_paid_for_by_who_asks(journal: Journal, nursery: trio.Nursery) -> None:
    show = Show(journal, run=running())
    for seq in range(1, 5001):
        journal.append(seq, b'{"type":"log","data":{"message":"' + b"x" * 200 + b'"},"seq":%d}' % seq)
    listeners = await nursery.start(partial(trio.serve_tcp, Door(show, Access(host="localhost")).receive, 0))
    port = listeners[0].socket.getsockname()[1]
    show.allowance.charge(SAVED - VISIT)

    async def get() -> int:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(ASK)
            data = b""
            while b'"seq":5000}' not in data:
                data += await stream.receive_some()
        return len(data)

    began = trio.current_time()
    with trio.fail_after(LIMIT):
        assert await get() > 1_000_000  # all the same: it is only later
    assert trio.current_time() - began > 0.05
