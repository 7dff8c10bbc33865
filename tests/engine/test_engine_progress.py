from __future__ import annotations

from sisyphus.engine.progress import Tally


def test_failures_and_errors_are_both_failed_steps_and_only_errors_are_errors() -> None:
    tally = Tally(5)
    for status in ("success", "failure", "error", "skipped"):
        tally.count(status)
    assert (tally.passed, tally.failed, tally.skipped, tally.errors, tally.done) == (1, 2, 1, 1, 4)


def test_percentages_have_two_decimals_and_end_at_100() -> None:
    tally = Tally(3)
    seen = []
    for _ in range(3):
        tally.count("success")
        seen.append(tally.progress(1.0, 0, 1).percentage)
    assert seen == [33.33, 66.67, 100.0]


def test_the_remaining_time_is_unknown_until_a_step_ran() -> None:
    tally = Tally(4)
    tally.count("skipped")
    assert tally.progress(1.0, 0, 1).estimated_remaining is None
    tally.count("success")
    assert tally.progress(3.0, 0, 1).estimated_remaining == 6.0


def test_a_case_without_steps_is_done() -> None:
    assert Tally(0).progress(0.0, 0, 1).percentage == 100.0


def test_the_number_of_cases_is_told_only_if_there_are_several() -> None:
    assert Tally(1).progress(0.0, 0, 1).cases_total is None
    several = Tally(1).progress(0.0, 2, 5)
    assert (several.cases_completed, several.cases_total) == (2, 5)
