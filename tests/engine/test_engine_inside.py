"""Whatever steps are inside each other, and whenever they are cancelled: the events and the results fit together."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from player import Played, play
from trio.testing import MockClock

from sisyphus.report.fold import Fold
from sisyphus.results import StepResult

Shape = dict[str, Any]

_LEAVES = st.one_of(
    st.builds(lambda s: {"type": "wait", "seconds": s}, st.sampled_from([0, 0.5, 2, 7])),
    st.just({"type": "print", "message": "x"}),
    st.just({"type": "print", "message": "${nothing}"}),  # an error
    st.just({"type": "wait", "condition": False, "max_wait": 1}),  # a failure
)


def _around(steps: st.SearchStrategy[list[Shape]]) -> st.SearchStrategy[Shape]:
    loop = st.builds(
        lambda inner, n, more: {"type": "loop", "loop_count": n, "steps": inner, **more},
        steps, st.integers(0, 3), st.sampled_from([{}, {"break_if": "index == 1"}, {"interval": 1}, {"fail_fast": True}]),
    )  # fmt: skip
    concurrent = st.builds(
        lambda inner, n, fast: {"type": "concurrent", "max_concurrency": n, "steps": inner, "fail_fast": fast},
        steps, st.integers(1, 4), st.booleans(),
    )  # fmt: skip
    return st.builds(
        lambda step, more: {**step, **more},
        st.one_of(loop, concurrent),
        st.sampled_from([
            {}, {"timeout": 3}, {"retry_times": 1, "retry_delay": 100}, {"ignore": True}, {"on_failure": "stop"},
            {"setup": {"type": "print", "message": "up"}, "teardown": [{"type": "wait", "seconds": 1}]},
        ]),
    )  # fmt: skip


def _shapes(depth: int) -> st.SearchStrategy[Shape]:
    if depth == 0:
        return _LEAVES
    return st.one_of(_LEAVES, _around(st.lists(_shapes(depth - 1), min_size=1, max_size=3)))


CASES = st.lists(_shapes(3), min_size=1, max_size=3)


def case_text(steps: list[Shape]) -> str:
    numbers = iter(range(10_000))

    def named(step: Shape) -> Shape:
        step = {"name": f"s{next(numbers)}", **{key: value for key, value in step.items() if key != "ignore"}}
        if "steps" in step:
            step["steps"] = [named(inner) for inner in step["steps"]]
        return step

    return json.dumps({"name": "x", "steps": [named(step) for step in steps]})


def check(played: Played) -> None:
    """Every step that began ended, under a path of its own and inside a step that was under way; results say the same."""
    under_way: set[str] = set()
    seen: set[str] = set()
    ended: dict[str, tuple[str, str | None, int | None]] = {}
    for event in played.events:
        data = event.data
        if data.type == "step_start":
            path = data.path or str(data.step_index)
            assert path not in seen
            assert data.parent is None or (data.parent in under_way and path.rpartition("/")[0] == data.parent)
            seen.add(path)
            under_way.add(path)
        elif data.type == "step_complete":
            assert isinstance(event.result, StepResult)
            path = event.result.path
            assert path in under_way
            assert not any(other.startswith(f"{path}/") for other in under_way)
            under_way.remove(path)
            assert (data.status, data.parent, data.iteration) == (
                event.result.status,
                event.result.parent,
                event.result.iteration,
            )
            ended[path] = (data.status, data.parent, data.iteration)
    assert not under_way
    assert [event.data.type for event in played.events][-1] == "test_complete"
    top = [status for status, parent, _ in ended.values() if parent is None]
    case = played.case
    assert (case.passed_steps, case.failed_steps) == (
        top.count("success"), top.count("failure") + top.count("error"),
    )  # fmt: skip
    assert [data.current_step for data in played.data("progress")] == list(range(1, len(top) + 1))
    assert folded(played) == ended


def folded(played: Played) -> dict[str, tuple[str, str | None, int | None]]:
    """Path to outcome, of the tree that reports show."""
    fold = Fold({})
    for event in played.events:
        fold.handle(event)
    (case,) = fold._cases.values()
    found: dict[str, tuple[str, str | None, int | None]] = {}

    def walk(steps: tuple[StepResult, ...], parent: str | None) -> None:
        ordinals = [int(step.path.rpartition("/")[2]) for step in steps]
        assert ordinals == sorted(ordinals)
        for step in steps:
            assert step.parent == parent
            found[step.path] = (step.status, step.parent, step.iteration)
            walk(step.children, step.path)

    walk(case.steps, None)
    return found


def run_virtually(steps: list[Shape], end_after: float = float("inf")) -> tuple[Played, float]:
    async def main() -> tuple[Played, float]:
        scope = trio.CancelScope(deadline=trio.current_time() + end_after)
        began = trio.current_time()
        with trio.fail_after(10_000):
            return await play(case_text(steps), scope=scope), trio.current_time() - began

    return trio.run(main, clock=MockClock(autojump_threshold=0))


PATIENT = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@PATIENT
@given(CASES)
def test_every_step_that_begins_ends_inside_the_one_around_it_and_the_results_are_the_events(
    steps: list[Shape],
) -> None:
    played, _ = run_virtually(steps)
    check(played)


@PATIENT
@given(CASES, st.floats(0.01, 12))
def test_cancelled_at_any_moment_it_is_gone_within_its_limit_and_every_step_has_its_end(
    steps: list[Shape], moment: float
) -> None:
    played, took = run_virtually(steps, moment)
    check(played)
    assert took <= moment + 10.001
    for step in played.steps:  # what was set up was taken down
        if step.type in {"loop", "concurrent"} and any(
            s.parent == step.path and s.role == "setup" for s in played.steps
        ):
            assert any(s.parent == step.path and s.role == "teardown" for s in played.steps)


@pytest.mark.parametrize("moment", [0.1, 1, 2.5, 4.9])
async def test_fifty_at_once_are_cancelled_with_their_teardowns(moment: float, autojump_clock: MockClock) -> None:
    inner = '{name: "w", type: wait, seconds: 5, teardown: [{name: d, type: wait, seconds: 8}, {type: print, message: down}]}'
    text = f"name: x\nsteps:\n  - name: c\n    type: concurrent\n    max_concurrency: 50\n    steps: [{', '.join([inner] * 60)}]\n"
    played = await play(text, scope=trio.CancelScope(deadline=trio.current_time() + moment))
    check(played)
    assert played.logs("info").count("down") == 50
    assert trio.current_time() <= moment + 8.001
