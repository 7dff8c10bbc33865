"""What came of steps, kept within its room."""

from __future__ import annotations

from sisyphus.details import Details


def test_what_is_kept_is_given_back() -> None:
    details = Details()
    details.keep(5, '{"name": "步骤"}', spare=True)
    assert (details.get(5), details.get(6)) == ('{"name": "步骤"}', None)


def text(number: int) -> str:
    """Something that cannot be compressed to much less."""
    return "".join(chr(0x4E00 + (number * 7919 + at * 104729) % 20000) for at in range(400))


def test_the_oldest_that_succeeded_are_forgotten_first_and_then_the_oldest() -> None:
    details = Details(max_bytes=10_000)
    for seq in range(1, 101):
        details.keep(seq, text(seq), spare=seq != 3)
    kept = [seq for seq in range(1, 101) if details.get(seq) is not None]
    assert kept[0] == 3
    assert kept[1:] == list(range(kept[1], 101))
    for seq in range(101, 201):
        details.keep(seq, text(seq), spare=False)
    kept = [seq for seq in range(1, 201) if details.get(seq) is not None]
    assert kept == list(range(kept[0], 201))
    assert kept[0] > 101


def test_what_is_longer_than_all_the_room_takes_nothing_elses_place() -> None:
    details = Details(max_bytes=3_000)
    details.keep(1, text(1), spare=True)
    details.keep(2, "".join(map(text, range(9))), spare=False)
    assert (details.get(1), details.get(2)) == (text(1), None)
