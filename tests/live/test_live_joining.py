"""Watchers who come where they want to, and are told what they cannot have: over WebSocket, in virtual time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, wait_all_tasks_blocked

from sisyphus.event_log import EventLog
from sisyphus.journal import Journal
from sisyphus.live.watcher import PING_EVERY, PONG_WITHIN
from sisyphus.version import __version__

V1 = "sisyphus.v1"


@pytest.fixture
def small_house(house_of: Callable[..., Any]) -> Any:
    return house_of(Journal(max_events=8))


async def test_who_wants_only_what_is_to_come_gets_nothing_older(autojump_clock: MockClock, house: Any) -> None:
    house.emit(5)
    client = await house.watcher("/?from=live")
    await wait_all_tasks_blocked()
    house.emit(2)
    house.journal.close()
    assert await client.all() == [6, 7]


async def test_who_comes_back_gets_what_is_newer_and_nothing_twice(autojump_clock: MockClock, house: Any) -> None:
    house.emit(5)
    client = await house.watcher("/?after=3")
    house.emit(1)
    house.journal.close()
    assert await client.all() == [4, 5, 6]


@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        ("types=error", [2, 4, 6]),
        ("types=error,progress", [2, 3, 4, 6]),
        ("case=case-2", [3, 5]),
        ("case=case-2&types=progress", [3]),
        ("case=case-9", []),
        ("types=error&after=2", [4, 6]),
        ("types=error&from=live", [6]),
    ],
)
async def test_who_wants_only_some_events_gets_those(
    autojump_clock: MockClock, house: Any, query: str, seqs: list[int]
) -> None:
    for kind, case in (("log", 1), ("error", 1), ("progress", 2), ("error", 1), ("log", 2)):
        house.emit(1, kind=kind, case=f"case-{case}")
    client = await house.watcher(f"/?{query}")
    await wait_all_tasks_blocked()
    house.emit(1, kind="error")
    house.journal.close()
    assert await client.all() == seqs
    assert client.closed == (1000, "")


async def test_a_thousand_events_that_nobody_wants_do_not_keep_a_watcher_from_what_it_wants(
    autojump_clock: MockClock, house: Any
) -> None:
    house.emit(1000)
    house.emit(1, kind="error")
    client = await house.watcher("/?types=error")
    assert await client.next() == 1001
    house.emit(1000)
    house.emit(1, kind="error")
    assert await client.next() == 2002
    house.journal.close()
    assert await client.all() == []


async def test_watchers_with_the_same_wish_share_what_is_made_for_them(house: Any) -> None:
    clients = [await house.watcher(f"/?types={kind}") for kind in ("log", "log", "error")]
    await wait_all_tasks_blocked()
    assert len(house.show._batches) == 2
    for client in clients:
        await client.stream.aclose()
    with trio.fail_after(5):
        while house.gone < 3:  # noqa: ASYNC110
            await trio.sleep(0.01)
    assert len(house.show._batches) == 0


async def test_with_the_subprotocol_a_watcher_is_greeted_first(autojump_clock: MockClock, house: Any) -> None:
    house.emit(3)
    client = await house.watcher("/", V1)
    assert client.subprotocol == V1
    assert await client.next() == 1
    assert client.words == [
        (
            "hello",
            {
                "protocol": V1, "engine_version": __version__, "run_id": house.show.run.run_id,
                "first_seq": 1, "last_seq": 3, "run_state": "running",
            },
        )
    ]  # fmt: skip


async def test_before_the_first_event_the_greeting_says_that_there_is_none(
    autojump_clock: MockClock, house: Any
) -> None:
    client = await house.watcher("/", "graphql-ws", V1)
    house.journal.close()
    assert await client.all() == []
    (hello,) = [data for kind, data in client.words if kind == "hello"]
    assert hello["first_seq"] > hello["last_seq"]


async def test_without_the_subprotocol_there_are_events_only(autojump_clock: MockClock, house: Any) -> None:
    house.emit(3)
    house.journal.close()
    for offered in ((), ("graphql-ws",)):
        client = await house.watcher("/?after=1", *offered)
        assert client.subprotocol is None
        assert await client.all() == [2, 3]
        assert client.words == []


async def test_who_comes_back_in_time_is_told_that_nothing_is_lost(autojump_clock: MockClock, house: Any) -> None:
    house.emit(5)
    client = await house.watcher("/?after=2", V1)
    house.journal.close()
    assert await client.all() == [3, 4, 5]
    assert client.words[1:] == [("recovered", {"recovered": True})]


async def test_who_comes_back_too_late_is_told_which_events_are_lost(
    autojump_clock: MockClock, small_house: Any
) -> None:
    small_house.emit(20)
    small_house.journal.close()
    client = await small_house.watcher("/?after=5", V1)
    assert await client.all() == list(range(13, 21))
    assert [kind for kind, _ in client.words] == ["hello", "recovered"]
    assert client.words[0][1]["first_seq"] == 13
    assert client.words[1][1] == {"recovered": False, "gap": [6, 12]}


async def test_what_was_not_sent_is_no_gap(autojump_clock: MockClock, house_of: Callable[..., Any]) -> None:
    journal = Journal(max_events=3)
    for seq in (2, 5, 6, 9, 12):
        journal.append(seq, b'{"seq":%d}' % seq)
    journal.close()
    house = house_of(journal)
    lacks_nothing, lacks_one = await house.watcher("/?after=5", V1), await house.watcher("/?after=2", V1)
    assert await lacks_nothing.all() == await lacks_one.all() == [6, 9, 12]
    assert lacks_nothing.words[1][1] == {"recovered": True}
    assert lacks_one.words[1][1] == {"recovered": False, "gap": [3, 5]}


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("after=3", b"410 Gone", b"from 4 to 12"),
        ("after=21", b"400 Bad Request", b"not of this run"),
        ("after=x", b"400 Bad Request", b"a whole number"),
        ("form=live", b"400 Bad Request", b"did you mean 'from'"),
        ("types=logs", b"400 Bad Request", b"did you mean 'log'"),
    ],
)
async def test_what_a_watcher_cannot_have_is_said_before_there_is_a_websocket(
    autojump_clock: MockClock, small_house: Any, query: str, status: bytes, said: bytes
) -> None:
    small_house.emit(20)
    answer = await small_house.ask(
        b"GET /?" + query.encode() + b" HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert said in answer


async def test_a_watcher_that_falls_behind_is_told_before_it_is_closed(
    autojump_clock: MockClock, small_house: Any, client_of: Any
) -> None:
    client = client_of(small_house.visit(lockstep_stream_pair))
    await client.shake_hands("/", V1)
    await wait_all_tasks_blocked()
    small_house.emit(2)
    assert [await client.next() for _ in range(2)] == [1, 2]
    await wait_all_tasks_blocked()
    small_house.emit(1)  # on its way, and stuck there
    await trio.sleep(1)
    small_house.emit(6)
    assert await client.next() == 3
    await wait_all_tasks_blocked()
    small_house.emit(20)
    assert await client.all() == [4, 5, 6, 7, 8, 9]  # what was in its hands already
    assert client.words[1:] == [("lag", {"behind": 6})]  # once is enough
    assert client.closed == (4408, "slow consumer; resume with after=9")


async def test_a_watcher_that_is_overtaken_at_once_is_told_as_well(
    autojump_clock: MockClock, small_house: Any, client_of: Any
) -> None:
    client = client_of(small_house.visit(lockstep_stream_pair))
    await client.shake_hands("/", V1)
    small_house.emit(1)
    assert await client.next() == 1
    await trio.sleep(1)
    small_house.emit(1)  # on its way, and stuck there
    await trio.sleep(1)
    small_house.emit(50)
    assert await client.all() == [2]
    assert client.words[1:] == [("lag", {"behind": 50})]
    assert client.closed == (4408, "slow consumer; resume with after=2")


async def test_a_watcher_that_has_caught_up_is_told_anew_when_it_falls_behind_again(
    autojump_clock: MockClock, small_house: Any, client_of: Any
) -> None:
    client = client_of(small_house.visit(lockstep_stream_pair))
    await client.shake_hands("/", V1)
    small_house.emit(1)
    expected = await client.next()
    await wait_all_tasks_blocked()
    for _ in range(3):
        small_house.emit(1)  # stuck
        await trio.sleep(1)
        small_house.emit(6)
        for _ in range(7):
            expected += 1
            assert await client.next() == expected
        await wait_all_tasks_blocked()
    assert [kind for kind, _ in client.words[1:]] == ["lag"] * 3


async def test_who_comes_late_to_a_full_journal_is_not_called_slow(autojump_clock: MockClock, small_house: Any) -> None:
    small_house.emit(8)
    small_house.journal.close()
    client = await small_house.watcher("/", V1)
    assert await client.all() == list(range(1, 9))
    assert [kind for kind, _ in client.words] == ["hello"]


# Heartbeats


async def test_a_watcher_is_asked_every_twenty_seconds_whether_it_is_there(
    autojump_clock: MockClock, house: Any, nursery: trio.Nursery
) -> None:
    client = await house.watcher()
    nursery.start_soon(client.all)
    await trio.sleep(200)
    assert 9 <= client.pings <= 11
    assert house.gone == 0
    house.journal.close()


async def test_who_does_not_answer_is_dropped(autojump_clock: MockClock, house: Any, nursery: trio.Nursery) -> None:
    client = await house.watcher()
    client.answers_pings = False
    with pytest.raises(EOFError):
        await client.all()
    assert PING_EVERY / 2 + PONG_WITHIN <= trio.current_time() <= PING_EVERY + PONG_WITHIN + 1
    assert client.pings == 1
    assert house.show.pulse.watchers == 0


async def test_who_does_not_even_read_is_dropped(autojump_clock: MockClock, house: Any, client_of: Any) -> None:
    client = client_of(house.visit(lockstep_stream_pair))
    await client.shake_hands()
    house.emit(1)
    await trio.sleep(PING_EVERY + PONG_WITHIN + 1)
    assert house.show.pulse.watchers == 0


# The event log as the second tier


@pytest.fixture
def logged_house(house_of: Callable[..., Any], tmp_path: Path, nursery: trio.Nursery) -> Iterator[Any]:
    with EventLog(tmp_path / "events.jsonl") as log:
        nursery.start_soon(log.write_behind)
        yield house_of(Journal(max_events=8), log=log)


async def test_what_memory_has_lost_comes_from_the_file_and_what_it_has_from_memory(logged_house: Any) -> None:
    logged_house.emit(100)
    with trio.fail_after(10):
        late = await logged_house.watcher("/", V1)
        back = await logged_house.watcher("/?after=30", V1)
        assert [await late.next() for _ in range(100)] == list(range(1, 101))
        logged_house.emit(5)
        logged_house.journal.close()
        logged_house.log.close()
        assert await late.all() == list(range(101, 106))
        assert await back.all() == list(range(31, 106))
    assert late.words[0][1]["first_seq"] == 1
    assert back.words[1] == ("recovered", {"recovered": True})


async def test_who_understands_no_words_is_not_refused_where_the_file_has_everything(logged_house: Any) -> None:
    logged_house.emit(100)
    with trio.fail_after(10):
        client = await logged_house.watcher("/?after=30&types=log")
        logged_house.journal.close()
        logged_house.log.close()
        assert await client.all() == list(range(31, 101))


async def test_only_some_events_can_be_had_from_the_file_too(logged_house: Any) -> None:
    for _ in range(50):
        logged_house.emit(1, kind="log")
        logged_house.emit(1, kind="error", case="case-2")
    with trio.fail_after(10):
        client = await logged_house.watcher("/?types=error&case=case-2")
        logged_house.journal.close()
        logged_house.log.close()
        assert await client.all() == list(range(2, 101, 2))


async def test_a_log_that_has_failed_is_as_good_as_none(logged_house: Any) -> None:
    logged_house.log._file.append = _full  # type: ignore[method-assign]
    logged_house.emit(100)
    with trio.fail_after(10):
        while not logged_house.log.failed:  # noqa: ASYNC110
            await trio.sleep(0.01)
        logged_house.journal.close()
        client = await logged_house.watcher("/?after=30", V1)
        assert await client.all() == list(range(93, 101))
    assert client.words[1] == ("recovered", {"recovered": False, "gap": [31, 92]})


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("with_log", [False, True])
@pytest.mark.parametrize("seed", range(10))
async def test_who_breaks_off_and_comes_back_all_the_time_misses_nothing_but_what_it_is_told(
    house_of: Callable[..., Any], tmp_path: Path, seed: int, with_log: bool
) -> None:
    """Each event comes once and in order, or lies within a gap that was told; with the log, there is no gap."""
    chance = random.Random(seed)
    log = EventLog(tmp_path / "events.jsonl") if with_log else None
    house = house_of(Journal(max_events=30), log=log)
    got: list[int] = []
    lost: set[int] = set()

    async def emit() -> None:
        for _ in range(60):
            house.emit(chance.randrange(20))
            await trio.sleep(chance.choice((0, 0, 0.001, 0.005)))
        house.journal.close()
        if log is not None:
            log.close()

    with log or nullcontext():
        async with trio.open_nursery() as nursery:
            if log is not None:
                nursery.start_soon(log.write_behind)
            nursery.start_soon(emit)
            with trio.fail_after(20):
                while not (house.journal.closed and (got or [0])[-1] == house.journal.last_seq):
                    client = await house.watcher(f"/?after={(got or [0])[-1]}", V1)
                    for _ in range(chance.randrange(40)):
                        seq = await client.next()
                        for kind, data in client.words:
                            if kind == "recovered" and not data["recovered"]:
                                lost.update(range(data["gap"][0], data["gap"][1] + 1))
                        client.words.clear()
                        if seq is None:
                            break
                        got.append(seq)
                    await client.stream.aclose()
                    await trio.sleep(chance.choice((0, 0.001, 0.01)))
    assert sorted([*got, *lost]) == list(range(1, house.journal.last_seq + 1))
    assert got == sorted(got)
    assert not (with_log and lost)
