"""Drafts to the model's classes: what the dialect takes for granted."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import Attribute, field, frozen

from sisyphus.case.draft import Draft, Findings
from sisyphus.case.model import Route
from sisyphus.case.structure import structure

PLACE = ("c.yaml", 3, 5)


def test_a_missing_key_that_nobody_noticed_is_told() -> None:
    found = Findings()
    assert structure(Draft(PLACE), Route, found) is None
    assert [str(problem) for problem in found.problems] == ["c.yaml:3:5: path is missing"]


def test_a_missing_key_that_was_noticed_is_not_told_again() -> None:
    found = Findings()
    found.wrong(PLACE, "a route needs a path")
    assert structure(Draft(PLACE), Route, found) is None
    assert [problem.message for problem in found.problems] == ["a route needs a path"]


def _even(_instance: object, _attribute: Attribute[int], value: int) -> None:
    if value % 2:
        raise ValueError(f"{value} is odd")


@frozen
class Pair:
    one: int = field(validator=_even)
    other: int = field(validator=_even)


def test_every_value_that_a_class_refuses_is_told() -> None:
    draft, found = Draft(PLACE), Findings()
    draft.put("one", 1, ("c.yaml", 4, 1))
    draft.put("other", 3, ("c.yaml", 5, 1))
    assert structure(draft, Pair, found) is None
    assert [str(problem) for problem in found.problems] == ["c.yaml:4:1: one: 1 is odd", "c.yaml:5:1: other: 3 is odd"]


def test_what_is_no_fault_of_the_file_is_not_hidden() -> None:
    @frozen
    class Broken:
        one: Any = field(validator=_fails)

    draft = Draft(PLACE)
    draft.put("one", 1, PLACE)
    with pytest.raises(ZeroDivisionError):
        structure(draft, Broken, Findings())


def _fails(*_args: object) -> None:
    raise ZeroDivisionError
