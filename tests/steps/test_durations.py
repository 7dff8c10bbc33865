"""Percentiles of any number of durations."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisyphus.steps.durations import EXACT, Durations


def of(values: list[float]) -> Durations:
    durations = Durations()
    for value in values:
        durations.add(value)
    return durations


def test_nothing_has_no_percentiles() -> None:
    durations = Durations()
    assert (durations.min, durations.mean, durations.max, durations.percentiles(50, 99)) == (
        None,
        None,
        None,
        [None, None],
    )


@pytest.mark.parametrize(("percent", "rank"), [(50, 50), (95, 95), (99, 99), (100, 100), (0, 1), (99.5, 100)])
def test_a_percentile_is_the_nearest_rank(percent: float, rank: int) -> None:
    values = [float(n) for n in range(1, 101)]
    random.Random(1).shuffle(values)
    assert of(values).percentiles(percent) == [rank]


@given(st.lists(st.floats(min_value=0, max_value=1e4), min_size=1, max_size=50))
def test_few_durations_are_exact(values: list[float]) -> None:
    durations = of(values)
    assert durations.percentiles(0, 50, 100) == [min(values), sorted(values)[(len(values) - 1) // 2], max(values)]
    assert (durations.min, durations.max) == (min(values), max(values))
    assert durations.mean == pytest.approx(sum(values) / len(values))


def test_many_durations_are_half_a_percent_off_at_most_and_are_not_kept() -> None:
    random_ = random.Random(7)
    values = [random_.lognormvariate(-4, 1.5) for _ in range(3 * EXACT)]
    durations = of(values)
    for percent, found in zip((50, 90, 95, 99), durations.percentiles(50, 90, 95, 99), strict=True):
        assert found == pytest.approx(sorted(values)[round(percent / 100 * len(values)) - 1], rel=0.006)
    assert durations.percentiles(100)[0] == pytest.approx(max(values), rel=0.006)
    assert durations._values is None
    assert len(durations._buckets) < 2000


def test_durations_of_any_size_are_taken() -> None:
    durations = of([0.0, 1e-9, 1e9] * EXACT)
    assert durations.percentiles(1, 99) == [pytest.approx(0, abs=2e-6), pytest.approx(1e9, rel=0.006)]
