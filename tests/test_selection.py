"""Which cases are run: by tags, by what failed before, by shard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisyphus.case.model import Case
from sisyphus.errors import UsageError
from sisyphus.selection import Selection, Shard
from sisyphus.tags import parse_tags


def named(*cases: str) -> list[Case]:
    """Cases from ``name: tags``."""
    split = (case.partition(":") for case in cases)
    return [
        Case(name=name, file=f"{name}.yaml", root=".", tags=tuple(filter(None, tags.split(","))))
        for name, _, tags in split
    ]


CASES = named("a:smoke", "b:smoke,slow", "c:slow", "d")


def chosen(selection: Selection) -> str:
    return "".join(case.name for case in selection.of(CASES))


@pytest.mark.parametrize(
    ("tags", "exclude", "left"),
    [
        (None, None, "abcd"),
        ("smoke", None, "ab"),
        (None, "slow", "ad"),
        ("smoke", "slow", "a"),
        ("not smoke", None, "cd"),
        (None, "smoke and slow", "acd"),
    ],
)
def test_cases_are_chosen_by_their_tags_in_their_order(tags: str | None, exclude: str | None, left: str) -> None:
    selection = Selection(
        tags=parse_tags(tags) if tags else None, exclude_tags=parse_tags(exclude) if exclude else None
    )
    assert chosen(selection) == left


@pytest.mark.parametrize(
    ("tags", "exclude", "sentence"),
    [
        ("smok", None, "none of the 4 cases is selected by --tags 'smok' (did you mean 'smoke'?)"),
        ("xyz", None, "none of the 4 cases is selected by --tags 'xyz' (their tags are slow, smoke)"),
        ("smoke", "smoke", "none of the 4 cases is selected by --tags 'smoke' --exclude-tags 'smoke' (their tags are slow, smoke)"),
        (None, "not xyz", "none of the 4 cases is selected by --exclude-tags 'not xyz' (their tags are slow, smoke)"),
    ],
)  # fmt: skip
def test_tags_that_select_nothing_are_an_error(tags: str | None, exclude: str | None, sentence: str) -> None:
    selection = Selection(
        tags=parse_tags(tags) if tags else None, exclude_tags=parse_tags(exclude) if exclude else None
    )
    with pytest.raises(UsageError) as caught:
        selection.of(CASES)
    assert str(caught.value) == sentence


def test_cases_without_tags_are_told_how_to_get_some() -> None:
    with pytest.raises(UsageError, match=r"\(the cases have no tags; write for example tags: \[smoke\]\)"):
        Selection(tags=parse_tags("smoke")).of(named("a", "b"))


def test_what_failed_is_asked_after_the_tags_and_shared_out_last() -> None:
    asked: list[str] = []

    def failed(cases: object) -> list[Case]:
        asked.extend(case.name for case in cases)  # type: ignore[attr-defined]
        return [case for case in CASES if case.name in "bc"]

    assert chosen(Selection(exclude_tags=parse_tags("x"), failed=failed, shard=Shard(2, 2))) == "c"
    assert asked == ["a", "b", "c", "d"]


def test_what_only_the_run_knows_is_chosen_among_without_another_look_at_the_tags() -> None:
    rows = named("x", "y", "z")  # none of which has a tag
    selection = Selection(tags=parse_tags("nothing"), failed=lambda cases: cases[1:], shard=Shard(1, 2))
    assert [case.name for case in selection.among_rows(rows)] == ["y"]


def test_a_shard_without_a_case_is_no_error() -> None:
    assert chosen(Selection(shard=Shard(9, 9))) == ""


@given(st.integers(0, 40), st.integers(1, 12))
def test_shards_are_disjoint_balanced_and_together_everything(count: int, shards: int) -> None:
    cases = named(*(f"c{number}" for number in range(count)))
    parts = [Selection(shard=Shard(index, shards)).of(cases) for index in range(1, shards + 1)]

    assert sorted(case.name for part in parts for case in part) == sorted(case.name for case in cases)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert parts == [Selection(shard=Shard(index, shards)).of(cases) for index in range(1, shards + 1)]
