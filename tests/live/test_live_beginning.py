from __future__ import annotations

import pytest

from sisyphus.live.asking import Wish
from sisyphus.live.beginning import Place, cannot_begin, place_for


@pytest.mark.parametrize(
    ("wish", "place"),
    [
        (Wish(), Place(10)),
        (Wish(live=True), Place(50)),
        (Wish(after=30), Place(30, resumed=True)),
        (Wish(after=10), Place(10, resumed=True)),
        (Wish(after=50), Place(50, resumed=True)),
        (Wish(after=9), Place(10, resumed=True, gap=(10, 10))),
        (Wish(after=0), Place(10, resumed=True, gap=(1, 10))),
        (Wish(after=30, live=True), Place(30, resumed=True)),
        (Wish(after=51), None),
        (Wish(after=30, by_itself=True), Place(30, resumed=True)),
        (Wish(after=51, by_itself=True), Place(10)),
        (Wish(after=51, by_itself=True, live=True), Place(10)),
    ],
)
def test_a_watcher_begins_behind_what_it_has_and_what_is_lost(wish: Wish, place: Place | None) -> None:
    assert place_for(wish, floor=10, newest=50) == place


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("wish", [Wish(), Wish(live=True), Wish(after=10), Wish(after=50)])
def test_who_lacks_nothing_can_begin(wish: Wish, is_told: bool) -> None:
    assert cannot_begin(wish, floor=10, newest=50, is_told=is_told) is None


def test_who_would_not_be_told_of_a_gap_cannot_begin() -> None:
    refused = cannot_begin(Wish(after=3), floor=10, newest=50, is_told=False)
    assert refused is not None
    assert refused.status == 410
    assert b"from 4 to 10" in refused.content
    assert b"after=10" in refused.content
    assert cannot_begin(Wish(after=3), floor=10, newest=50, is_told=True) is None


@pytest.mark.parametrize("is_told", [True, False])
def test_who_has_more_than_this_run_has_had_is_told_so(is_told: bool) -> None:
    refused = cannot_begin(Wish(after=51), floor=10, newest=50, is_told=is_told)
    assert refused is not None
    assert refused.status == 400
    assert b"not of this run" in refused.content
