"""Templates and paths whose every part is small and whose sum is not end with an error of the step, soon."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from sisyphus.errors import StepError
from sisyphus.values import _patience
from sisyphus.values.query import compile_query
from sisyphus.values.template import compile_template, condition_holds

LIST = [{"a": [{"b": n}]} for n in range(300)]
WIDE: dict[str, Any] = {"body": {"l": LIST}}
CHAIN: Any = None
for _ in range(60):  # half a million ways down, four steps each
    CHAIN = {"a": CHAIN}

ASKED: dict[str, Callable[[], Any]] = {
    "a loop over large text": lambda: compile_template(
        "{% for i in range(9999) %}{% set x = 'a' * 10000000 %}{% endfor %}"
    ).render({}),
    "filters within filters": lambda: compile_template(
        "${range(9999)|map('string')|map('center', 9999)|map('upper')|map('lower')|list|length}"
    ).render({}),
    "a condition": lambda: condition_holds("range(9999)|select('in', range(9999))|list|length > 3", {}),
    "every two elements": lambda: compile_query("$.l.unique()").find({
        "body": {"l": [{"a": n} for n in range(20_000)]}
    }),
    "descendants of descendants": lambda: compile_query("$..*..*..*..*[?@.nothing]").find({"body": CHAIN}),
    "a filter that looks at everything": lambda: compile_query("$..[?count($..*) == 1]").find(WIDE),
    "a filter within a filter": lambda: compile_query("$..[?@..[?count($..*) == 1]]").find(WIDE),
}


@pytest.mark.parametrize("asked", ASKED)
def test_the_time_of_one_question_is_bounded(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_patience, "MAX_SECONDS", 0.05)
    began = time.thread_time()
    with pytest.raises(StepError, match="longer than"):
        ASKED[asked]()
    assert time.thread_time() - began < 2


def test_a_usual_question_is_not_disturbed() -> None:
    assert compile_query("$.l[?@.a[0].b > 297].a[0].b").find(WIDE).values == (298, 299)


@pytest.mark.parametrize("path", ["$..x", "$..[?@.x]", "$[*][*]", "$.flatten()", "$..*"])
def test_a_body_nested_a_hundred_thousand_deep_is_searched_or_refused(path: str) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    began = time.thread_time()
    try:
        compile_query(path).find({"body": deep})
    except StepError as refused:
        assert str(refused)  # noqa: PT017 - either is fine, nothing else is
    finally:
        while deep:  # taken apart by hand: Python would do it by recursion
            (deep,) = deep
    assert time.thread_time() - began < 3
