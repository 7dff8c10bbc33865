"""What came of steps, kept within its room."""

from __future__ import annotations

import json
import tracemalloc
import zlib

from hypothesis import given
from hypothesis import strategies as st

from sisyphus.details import Details


def test_what_is_kept_is_given_back() -> None:
    details = Details()
    details.keep(5, '{"name": "步骤"}', spare=True)
    assert (details.get(5), details.get(6)) == ('{"name": "步骤"}', None)


def test_nothing_is_nothing_also_beside_others_in_a_block() -> None:
    details = Details()
    for seq, kept in enumerate(["", "", "x" * 40_000, "", "y" * 40_000]):
        details.keep(seq, kept, spare=True)
    assert [details.get(seq) for seq in range(4)] == ["", "", "x" * 40_000, ""]


def text(number: int) -> str:
    """Something that cannot be compressed to much less."""
    return "".join(chr(0x4E00 + (number * 7919 + at * 104729) % 20000) for at in range(400))


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.integers(0, 40_000)), max_size=30))
def test_it_is_as_if_each_were_kept_by_itself(steps: list[tuple[int, bool, int]]) -> None:
    details = Details()
    kept, seq = {}, 0
    for gap, spare, length in steps:
        seq += gap
        kept[seq] = f"{seq}ü" * (length // 4)
        details.keep(seq, kept[seq], spare=spare)
    assert {at: details.get(at) for at in range(seq + 2)} == {at: kept.get(at) for at in range(seq + 2)}


def test_the_oldest_that_succeeded_are_forgotten_first_and_then_the_oldest() -> None:
    details = Details(max_bytes=100_000)
    for seq in range(1, 1001):
        details.keep(seq, text(seq), spare=seq != 3)
    kept = [seq for seq in range(1, 1001) if details.get(seq) is not None]
    assert kept[0] == 3
    assert kept[1:] == list(range(kept[1], 1001))
    for seq in range(1001, 2001):
        details.keep(seq, text(seq), spare=False)
    kept = [seq for seq in range(1, 2001) if details.get(seq) is not None]
    assert kept == list(range(kept[0], 2001))
    assert kept[0] > 1001


def test_so_many_steps_are_kept_and_no_more() -> None:
    details = Details(max_steps=1000)
    for seq in range(1, 5001):
        details.keep(seq, f"step {seq} " + "x" * 1000, spare=seq % 100 != 0)
    kept = [seq for seq in range(1, 5001) if details.get(seq) is not None]
    assert 900 < len(kept) <= 1000
    assert {seq for seq in kept if seq % 100 == 0} == set(range(100, 5001, 100))
    others = [seq for seq in kept if seq % 100]
    assert others == [seq for seq in range(others[0], 5001) if seq % 100]


def test_what_is_longer_than_all_the_room_takes_nothing_elses_place() -> None:
    details = Details(max_bytes=30_000)
    details.keep(1, text(1), spare=True)
    details.keep(2, "".join(map(text, range(60))), spare=False)
    assert (details.get(1), details.get(2)) == (text(1), None)


def test_what_is_large_is_unpacked_only_for_itself() -> None:
    details = Details()
    details.keep(1, "before", spare=True)
    details.keep(2, "x" * 1_000_000, spare=True)
    details.keep(3, "after", spare=True)
    tracemalloc.start()
    try:
        assert (details.get(1), details.get(3)) == ("before", "after")
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_steps_that_are_alike_take_little_room() -> None:
    details = Details(max_bytes=200_000)
    steps = {
        seq: json.dumps({"name": f"get thing {seq}", "status": "success", "body": "a" * 100}) for seq in range(5000)
    }
    alone = sum(len(zlib.compress(step.encode(), 1)) for step in steps.values())
    for seq, step in steps.items():
        details.keep(seq, step, spare=True)
    kept = sum(details.get(seq) is not None for seq in steps)
    assert kept > 1.5 * 5000 * 200_000 / alone
