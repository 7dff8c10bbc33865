from __future__ import annotations

import math

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from sisyphus.live import lobby as lobby_module
from sisyphus.live.head import HEAD_SECONDS
from sisyphus.live.lobby import ANSWER_SECONDS, LAST_CALL_SECONDS, Guest, Lobby


class Guests:
    """Guests who stay until they are sent away, and when that was."""

    def __init__(self, lobby: Lobby, nursery: trio.Nursery) -> None:
        self._lobby, self._nursery = lobby, nursery
        self.inside: dict[int, Guest] = {}
        self.left: dict[int, float] = {}

    async def come(self, *numbers: int) -> None:
        for number in numbers:
            self._nursery.start_soon(self._stay, number)
            await wait_all_tasks_blocked()

    async def _stay(self, number: int) -> None:
        with self._lobby.guest() as guest:
            self.inside[number] = guest
            await trio.sleep_forever()
        self.left[number] = trio.current_time()


@pytest.fixture
def lobby() -> Lobby:
    return Lobby()


@pytest.fixture
def guests(lobby: Lobby, nursery: trio.Nursery) -> Guests:
    return Guests(lobby, nursery)


async def test_who_says_nothing_leaves_in_time(autojump_clock: MockClock, guests: Guests) -> None:
    await guests.come(1)
    await trio.sleep(1000)
    assert guests.left == {1: HEAD_SECONDS}


async def test_who_was_heard_has_time_for_its_answer(autojump_clock: MockClock, guests: Guests) -> None:
    await guests.come(1)
    await trio.sleep(9)
    guests.inside[1].is_heard()
    await trio.sleep(1000)
    assert guests.left == {1: 9 + ANSWER_SECONDS}


async def test_who_went_in_may_stay(autojump_clock: MockClock, guests: Guests, lobby: Lobby) -> None:
    await guests.come(1)
    guests.inside[1].is_heard()
    lobby.goes_in(guests.inside[1])
    lobby.last_call()
    await trio.sleep(1000)
    assert guests.left == {}


async def test_when_it_is_full_the_oldest_makes_room(
    autojump_clock: MockClock, guests: Guests, lobby: Lobby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lobby_module, "MOST", 3)
    await guests.come(1, 2, 3)
    assert guests.left == {}
    await guests.come(4)
    assert list(guests.left) == [1]
    lobby.goes_in(guests.inside[3])
    await guests.come(5)
    assert list(guests.left) == [1]
    await guests.come(6)
    assert list(guests.left) == [1, 2]


async def test_at_the_last_call_who_has_said_nothing_has_little_time_left(
    autojump_clock: MockClock, guests: Guests, lobby: Lobby
) -> None:
    await guests.come(1, 2)
    guests.inside[2].is_heard()
    lobby.last_call()
    await guests.come(3)
    await trio.sleep(1)
    assert guests.left == {1: LAST_CALL_SECONDS, 3: LAST_CALL_SECONDS}


async def test_a_guest_that_leaves_by_itself_is_forgotten(lobby: Lobby) -> None:
    for _ in range(3):
        with lobby.guest() as guest:
            assert guest.scope.deadline < math.inf
    assert lobby._guests == {}
