from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from sisyphus.journal import Journal
from sisyphus.live.pulse import LONGEST_REST, SHORTEST_REST, Pulse, rest_after


class Watcher:
    """Remembers when it was served, and how far the journal was."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.served: list[tuple[float, int]] = []
        self.finished = False

    def push(self) -> None:
        self.served.append((round(trio.current_time(), 6), self._journal.last_seq))

    def finish(self) -> None:
        self.finished = True


class Cpu:
    """A CPU clock that says each round took so long."""

    def __init__(self, each: float) -> None:
        self._each = each
        self._now = 0.0

    def __call__(self) -> float:
        self._now += self._each
        return self._now


@pytest.mark.parametrize(
    ("spent", "rest"), [(0.0, SHORTEST_REST), (0.0001, SHORTEST_REST), (0.001, 0.1), (0.002, 0.2), (1.0, LONGEST_REST)]
)
def test_the_rest_is_long_enough_to_leave_the_machine_to_the_run(spent: float, rest: float) -> None:
    assert rest_after(spent) == pytest.approx(rest)


async def test_the_first_event_is_served_at_once_and_what_follows_after_the_rest(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    journal = Journal()
    watcher, pulse = Watcher(journal), Pulse(journal, cpu_time=Cpu(0.001))
    pulse.join(watcher)
    nursery.start_soon(pulse.run)
    await trio.sleep(1)
    for seq in range(1, 11):
        journal.append(seq, b"{}")
        await trio.sleep(0.001)
    await trio.sleep(1)
    journal.append(11, b"{}")
    await trio.sleep(1)
    assert watcher.served == [(1.0, 1), (1.1, 10), (2.01, 11)]


async def test_the_end_does_not_wait_for_the_rest(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    journal = Journal()
    watcher, pulse = Watcher(journal), Pulse(journal, cpu_time=Cpu(1.0))
    pulse.join(watcher)
    nursery.start_soon(pulse.run)
    journal.append(1, b"{}")
    await trio.sleep(0.01)
    assert not watcher.finished
    journal.close()
    await wait_all_tasks_blocked()
    assert watcher.finished
    assert trio.current_time() == pytest.approx(0.01)


async def test_who_has_left_is_not_served(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    journal = Journal()
    watcher, pulse = Watcher(journal), Pulse(journal)
    pulse.join(watcher)
    pulse.leave(watcher)
    nursery.start_soon(pulse.run)
    journal.append(1, b"{}")
    await trio.sleep(1)
    assert watcher.served == []


async def test_a_thousand_watchers_do_not_keep_other_tasks_waiting(nursery: trio.Nursery) -> None:
    journal = Journal()
    pulse, between = Pulse(journal), []
    watchers = [Watcher(journal) for _ in range(1000)]
    for watcher in watchers:
        pulse.join(watcher)

    async def look_around() -> None:
        while between[-1:] != [1000]:
            between.append(sum(bool(watcher.served) for watcher in watchers))
            await trio.lowlevel.checkpoint()

    nursery.start_soon(pulse.run)
    journal.append(1, b"{}")
    with trio.fail_after(5):
        await look_around()
    assert max(after - before for before, after in pairwise(between)) <= 100


async def test_a_journal_that_is_closed_already_is_served_and_finished(nursery: trio.Nursery) -> None:
    journal = Journal()
    journal.append(1, b"{}")
    journal.close()
    watcher, pulse = Watcher(journal), Pulse(journal)
    pulse.join(watcher)
    with trio.fail_after(5):
        await pulse.run()
    assert watcher.finished


async def test_whoever_waits_for_watchers_goes_on_when_so_many_are_there(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    journal = Journal()
    pulse = Pulse(journal)
    gathered = []

    async def wait_for(count: int) -> None:
        await pulse.wait_for(count)
        gathered.append((trio.current_time(), count))

    for count in (0, 1, 2):
        nursery.start_soon(wait_for, count)
    for _ in range(2):
        await trio.sleep(1)
        pulse.join(Watcher(journal))
    await wait_all_tasks_blocked()
    assert sorted(gathered) == [(0.0, 0), (1.0, 1), (2.0, 2)]


async def test_a_watcher_that_left_is_not_there(autojump_clock: MockClock) -> None:
    journal = Journal()
    pulse, gone = Pulse(journal), Watcher(journal)
    pulse.join(gone)
    pulse.leave(gone)
    with trio.move_on_after(1) as scope:
        await pulse.wait_for(1)
    assert scope.cancelled_caught
