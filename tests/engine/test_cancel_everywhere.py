"""Random cases of every step type, cancelled at random moments of virtual time: everyone is told, all is taken down."""

from __future__ import annotations

import os
import random

import attrs
import httpx
import pytest
import trio
from cancelling import Cases, check, hooks_of
from player import Played, Service, case_of, play
from trio.testing import MockClock

ROUNDS = int(os.environ.get("SISYPHUS_CANCEL_ROUNDS", "9"))  # cases; each is cancelled at four moments
MOMENTS = 4
GONE = 12.0  # seconds that clean-up has after a cancellation, and what its last words take


def a_service() -> Service:
    service = Service().will(httpx.Response(200, json={"path": "/a"}))
    service.delay = 0.3
    return service


def facts(played: Played) -> list[tuple[str, dict[str, object]]]:
    return [(event.data.type, attrs.asdict(event.data, recurse=False)) for event in played.events]


async def seconds_of(text: str) -> float:
    """How long the case takes if nobody cancels it; what has to hold holds of that run too."""
    began = trio.current_time()
    check(facts(await play(case_of(text), service=a_service())), hooks_of(text))
    return trio.current_time() - began


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_a_run_that_is_cancelled_anywhere_ends_in_order(seed: int, autojump_clock: MockClock) -> None:
    draw = random.Random(seed)
    text = Cases(draw).case()
    whole = await seconds_of(text)
    for _ in range(MOMENTS):
        moment = draw.uniform(0, whole)
        scope = trio.CancelScope(deadline=trio.current_time() + moment)
        began = trio.current_time()
        played = await play(case_of(text), service=a_service(), scope=scope)
        took = trio.current_time() - began
        assert took <= moment + GONE, f"{took - moment:g} s after the cancellation: {text}"
        if played.events:  # else it was cancelled before it began
            check(facts(played), hooks_of(text))
            assert played.case.status == ("cancelled" if scope.cancelled_caught else played.case.status)


@pytest.mark.parametrize("seed", range(ROUNDS // 3))
async def test_a_case_that_takes_too_long_ends_in_order(seed: int, autojump_clock: MockClock) -> None:
    draw = random.Random(1000 + seed)
    text = Cases(draw).case()
    limit = round(draw.uniform(0.01, max(await seconds_of(text), 0.02)), 3)
    limited = text.replace('"base_url"', f'"case_timeout": {limit}, "base_url"', 1)
    began = trio.current_time()
    played = await play(case_of(limited), service=a_service())
    assert trio.current_time() - began <= limit + GONE
    check(facts(played), hooks_of(text))
