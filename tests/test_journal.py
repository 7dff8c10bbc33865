from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from sisyphus.journal import Interest, Journal, Overtaken, Pending


def journal_of(*seqs: int, max_events: int = 100, max_bytes: int = 10_000) -> Journal:
    journal = Journal(max_events=max_events, max_bytes=max_bytes)
    for seq in seqs:
        journal.append(seq, b"%d" % seq)
    return journal


def test_a_reader_gets_all_that_follows_its_cursor_in_one_piece() -> None:
    journal = journal_of(1, 2, 3)
    assert journal.read(0) == Pending((b"1", b"2", b"3"), 3, (1, 2, 3))
    assert journal.read(1) == Pending((b"2", b"3"), 3, (2, 3))


def test_a_reader_that_has_everything_gets_nothing_and_keeps_its_cursor() -> None:
    assert journal_of(1, 2).read(2) == Pending((), 2)
    assert journal_of().read(0) == Pending((), 0)


def test_numbers_left_out_are_no_loss() -> None:
    journal = journal_of(2, 5, 9)
    assert journal.read(0) == Pending((b"2", b"5", b"9"), 9, (2, 5, 9))
    assert journal.read(3) == Pending((b"5", b"9"), 9, (5, 9))
    assert journal.read(5) == Pending((b"9",), 9, (9,))


def test_a_piece_ends_before_the_event_that_would_be_too_much() -> None:
    journal = Journal()
    for seq, size in ((1, 40), (2, 60), (3, 1)):
        journal.append(seq, b"x" * size)
    assert journal.read(0, max_bytes=100).cursor == 2
    assert journal.read(0, max_bytes=99).cursor == 1


def test_an_event_larger_than_a_piece_comes_alone() -> None:
    journal = Journal()
    journal.append(1, b"x" * 500)
    journal.append(2, b"y")
    assert journal.read(0, max_bytes=100) == Pending((b"x" * 500,), 1, (1,))


def test_beyond_the_number_of_events_the_oldest_go() -> None:
    journal = journal_of(1, 2, 3, 4, 5, max_events=3)
    assert (journal.first_seq, journal.last_seq) == (3, 5)
    assert journal.read(journal.floor).payloads == (b"3", b"4", b"5")


def test_beyond_the_number_of_bytes_the_oldest_go() -> None:
    journal = Journal(max_bytes=10)
    for seq in (1, 2, 3):
        journal.append(seq, b"four")
    assert journal.read(journal.floor).payloads == (b"four", b"four")
    assert journal.first_seq == 2


def test_the_newest_event_is_kept_however_large_it_is() -> None:
    journal = Journal(max_bytes=10)
    journal.append(1, b"small")
    journal.append(2, b"much larger than ten bytes")
    assert journal.read(journal.floor).payloads == (b"much larger than ten bytes",)


def test_a_reader_that_was_overtaken_learns_what_is_left() -> None:
    journal = journal_of(1, 2, 3, 4, max_events=2)
    with pytest.raises(Overtaken) as overtaken:
        journal.read(1)
    assert overtaken.value.first_seq == 3


def test_a_reader_at_the_last_evicted_event_has_lost_nothing() -> None:
    journal = journal_of(1, 2, 7, 8, max_events=2)
    assert journal.read(2).payloads == (b"7", b"8")


def test_evicted_events_give_their_memory_back() -> None:
    journal = Journal(max_events=10)
    for seq in range(1, 10_000):
        journal.append(seq, b"x" * 100)
    assert sum(map(len, journal._payloads)) == 10 * 100
    assert len(journal._payloads) <= 2 * 10 + 1


def of_two_cases(**bounds: int) -> Journal:
    journal = Journal(**bounds)
    for seq in range(1, 11):
        journal.append(seq, b"%d" % seq, kind="log" if seq % 3 else "error", case=f"case-{seq % 2}")
    return journal


@pytest.mark.parametrize(
    ("only", "wanted"),
    [
        (Interest(), tuple(range(1, 11))),
        (Interest(types=frozenset({"error"})), (3, 6, 9)),
        (Interest(types=frozenset({"error", "log"})), tuple(range(1, 11))),
        (Interest(case="case-0"), (2, 4, 6, 8, 10)),
        (Interest(types=frozenset({"error"}), case="case-0"), (6,)),
        (Interest(case="case-7"), ()),
    ],
)
def test_who_wants_only_some_events_gets_those_and_a_cursor_behind_all_of_them(
    only: Interest, wanted: tuple[int, ...]
) -> None:
    pending = of_two_cases().read(0, only=only)
    assert (pending.seqs, pending.cursor) == (wanted, 10)
    assert pending.payloads == tuple(b"%d" % seq for seq in wanted)


def test_what_is_selected_stays_beside_what_it_belongs_to_when_the_oldest_go() -> None:
    journal = of_two_cases(max_events=4)
    assert journal.read(journal.floor, only=Interest(types=frozenset({"error"}))).seqs == (9,)
    assert journal.read(journal.floor, only=Interest(case="case-0")).seqs == (8, 10)


def test_the_backlog_is_the_share_of_what_can_be_kept_by_number_or_by_bytes() -> None:
    journal = Journal(max_events=10, max_bytes=100)
    for seq in range(1, 5):
        journal.append(seq, b"x" * 20)
    assert [journal.backlog(cursor) for cursor in (4, 2, 0)] == pytest.approx([0, 0.4, 0.8])
    for seq in range(5, 25):
        journal.append(seq, b"x")
    assert [journal.backlog(cursor) for cursor in (24, 19, 14, 13)] == pytest.approx([0, 0.5, 1, 1])


def test_a_journal_without_events_leaves_nobody_behind() -> None:
    assert Journal().backlog(0) == 0


def test_an_empty_journal_has_no_first_event() -> None:
    journal = Journal()
    assert (journal.first_seq, journal.last_seq, journal.floor) == (None, 0, 0)


@pytest.mark.parametrize("seq", [1, 2])
def test_a_number_that_does_not_grow_is_refused(seq: int) -> None:
    with pytest.raises(ValueError, match="seq must grow"):
        journal_of(1, 2).append(seq, b"again")


def test_a_closed_journal_takes_nothing_and_stays_readable() -> None:
    journal = journal_of(1)
    journal.close()
    journal.close()
    with pytest.raises(trio.ClosedResourceError):
        journal.append(2, b"late")
    assert journal.closed
    assert journal.read(0).payloads == (b"1",)


@pytest.mark.parametrize("bounds", [{"max_events": 0}, {"max_bytes": 0}])
def test_a_journal_that_could_keep_nothing_is_refused(bounds: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one event"):
        Journal(**bounds)


@given(
    steps=st.lists(st.integers(1, 3), max_size=60),
    sizes=st.lists(st.integers(0, 9), min_size=60, max_size=60),
    max_events=st.integers(1, 12),
    max_bytes=st.integers(1, 40),
)
def test_every_cursor_either_gets_exactly_what_follows_it_or_is_told_that_it_cannot(
    steps: list[int], sizes: list[int], max_events: int, max_bytes: int
) -> None:
    journal, events, seq = Journal(max_events=max_events, max_bytes=max_bytes), [], 0
    for step, size in zip(steps, sizes, strict=False):
        seq += step
        events.append((seq, b"x" * size))
        journal.append(*events[-1])
    kept = events[-max_events:]
    while len(kept) > 1 and sum(len(payload) for _, payload in kept) > max_bytes:
        kept = kept[1:]
    gone = events[: len(events) - len(kept)]
    for cursor in range(seq + 1):
        if any(cursor < lost for lost, _ in gone):
            with pytest.raises(Overtaken):
                journal.read(cursor)
        else:
            assert journal.read(cursor).payloads == tuple(payload for at, payload in kept if at > cursor)


async def test_waiting_ends_with_the_next_event(nursery: trio.Nursery) -> None:
    journal, woken = journal_of(1), []

    async def wait(cursor: int) -> None:
        await journal.wait_beyond(cursor)
        woken.append(cursor)

    nursery.start_soon(wait, 0)
    nursery.start_soon(wait, 1)
    await wait_all_tasks_blocked()
    assert woken == [0]
    journal.append(2, b"2")
    await wait_all_tasks_blocked()
    assert woken == [0, 1]


async def test_waiting_for_a_later_event_is_not_ended_by_an_earlier_one(nursery: trio.Nursery) -> None:
    journal, woken = journal_of(1), trio.Event()

    async def wait() -> None:
        await journal.wait_beyond(2)
        woken.set()

    nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    journal.append(2, b"2")
    await wait_all_tasks_blocked()
    assert not woken.is_set()
    journal.append(3, b"3")
    await wait_all_tasks_blocked()
    assert woken.is_set()


async def test_closing_wakes_everyone() -> None:
    journal = journal_of(1)
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            for _ in range(1000):
                nursery.start_soon(journal.wait_beyond, 1)
            nursery.start_soon(journal.wait_closed)
            await wait_all_tasks_blocked()
            journal.close()


async def test_an_event_does_not_end_the_wait_for_the_closing(nursery: trio.Nursery) -> None:
    journal, closed = journal_of(), trio.Event()

    async def wait() -> None:
        await journal.wait_closed()
        closed.set()

    nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    journal.append(1, b"1")
    await wait_all_tasks_blocked()
    assert not closed.is_set()
    journal.close()
    await wait_all_tasks_blocked()
    assert closed.is_set()
