"""Loops, concurrent steps, loads and the older keys for them: each way to write them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from loading import case, problems, step

from sisyphus.case.model import Step
from sisyphus.steps.concurrent import Concurrent
from sisyphus.steps.load import Load
from sisyphus.steps.loop import Loop

INNER = "steps: [{name: a, url: /a}]"


def spec(text: str) -> Any:
    return step(text).spec


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("loop_count: 3", "loop_count", 3),
        ("loop_count: '${n}'", "loop_count", "${n}"),
        ("loop_type: for, loop_count: 3", "loop_type", "for"),
        ("loop_type: FOR, loop_count: 3", "loop_type", "for"),
        ("loop_type: foreach, items: [1, 2]", "items", [1, 2]),
        ("items: '${users}', item_variable: user", "item_variable", "user"),
        ("items: {a: 1}", "items", {"a": 1}),
        ("loop_condition: n < 3", "loop_type", "while"),
        ("loop_type: while, loop_condition: n < 3, max_iterations: 7", "max_iterations", 7),
        ("loop_condition: {and: [a, b]}", "loop_condition", {"and": ["a", "b"]}),
        ("loop_count: 3, loop_variable: i", "loop_variable", "i"),
        ("loop_count: 3, interval: 0.5", "interval", 0.5),
        ("loop_count: 3, break_if: n > 1", "break_if", "n > 1"),
        ("loop_count: 3, continue_if: [a, b]", "continue_if", ["a", "b"]),
        ("loop_count: 3, ignore_failures: true", "ignore_failures", True),
        ("loop_count: 3, fail_fast: '${f}'", "fail_fast", "${f}"),
    ],
)
def test_each_field_of_a_loop(text: str, key: str, value: Any) -> None:
    loop = spec(f"{{name: l, type: loop, {text}, {INNER}}}")
    assert isinstance(loop, Loop)
    assert getattr(loop, key) == value
    assert [inner.name for inner in loop.loop_steps] == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "{name: l, type: loop, loop_count: 2, loop_steps: [{name: a, url: /a}]}",
        "{name: l, type: loop, loop_count: 2, steps: [a: {url: /a}]}",
        "{name: l, type: loop, loop: {loop_count: 2, steps: [{name: a, url: /a}]}}",
        "{name: l, type: loop, loop: {type: for, times: 2, steps: [{name: a, url: /a}]}}",
        "{name: l, loop: {count: 2, steps: [{name: a, url: /a}]}}",
        "l: {loop: {type: for, times: 2, loop_steps: [{name: a, url: /a}]}}",
    ],
)
def test_a_loop_is_spelt_in_many_ways(text: str) -> None:
    loaded = step(text)
    assert (loaded.name, loaded.type) == ("l", "loop")
    assert isinstance(loaded.spec, Loop)
    assert (loaded.spec.loop_count, [inner.name for inner in loaded.spec.loop_steps]) == (2, ["a"])


def test_concurrent_steps_are_spelt_in_two_ways() -> None:
    for text in (
        "steps: [{name: a, url: /a}], max_concurrency: 9",
        "concurrent: {concurrent_steps: [{name: a, url: /a}], max_concurrency: 9}",
    ):
        concurrent = spec(f"{{name: c, type: concurrent, fail_fast: true, {text}}}")
        assert isinstance(concurrent, Concurrent)
        assert (concurrent.max_concurrency, concurrent.fail_fast, len(concurrent.concurrent_steps)) == (9, True, 1)


def test_steps_nest_to_any_depth() -> None:
    text = "{name: a, url: /a}"
    for _ in range(20):
        text = f"{{name: l, type: loop, loop_count: 1, steps: [{text}]}}"
    loaded = step(text)
    for _ in range(20):
        (loaded,) = loaded.spec.loop_steps  # type: ignore[attr-defined]
    assert loaded.name == "a"


WRAPPED = """
name: n
id: i
description: d
tags: t
enabled: true
only_if: a == 1
on_failure: stop
setup: {type: print, message: m}
teardown: {type: print, message: m}
url: /a
timeout: 5
retry_times: 2
variables: {v: 1}
validations: [{status_code: 200}, {lt: [$.performance.p95, 5]}]
extract: {x: y}
"""


def outside(loaded: Step) -> dict[str, Any]:
    return {
        "name": loaded.name, "id": loaded.id, "description": loaded.description, "tags": loaded.tags, "only_if": loaded.only_if,
        "on_failure": loaded.on_failure, "hooks": len(loaded.setup) + len(loaded.teardown),
    }  # fmt: skip


ALL_OUTSIDE = {
    "name": "n",
    "id": "i",
    "description": "d",
    "tags": ("t",),
    "only_if": "a == 1",
    "on_failure": "stop",
    "hooks": 2,
}
NONE_OUTSIDE = {
    "name": "n",
    "id": None,
    "description": None,
    "tags": (),
    "only_if": None,
    "on_failure": "continue",
    "hooks": 0,
}


def test_what_a_loop_around_a_step_takes_from_it() -> None:
    loaded = step(WRAPPED + "loop: 3\n")
    assert outside(loaded) == ALL_OUTSIDE
    assert (loaded.type, loaded.checks, loaded.extractors, loaded.retry, loaded.variables) == ("loop", (), (), None, {})
    assert isinstance(loaded.spec, Loop)
    assert loaded.spec.loop_count == 3
    (inner,) = loaded.spec.loop_steps
    assert outside(inner) == NONE_OUTSIDE
    assert (inner.type, inner.timeout, len(inner.checks), len(inner.extractors)) == ("request", 5, 2, 1)
    assert inner.retry is not None
    assert inner.variables == {"v": 1}


def test_what_a_load_takes_from_its_step() -> None:
    loaded = step(WRAPPED + "parallel: {threads: 10, iterations: 100, ramp_up: 2, think_time: 0.5}\n")
    assert outside(loaded) == ALL_OUTSIDE
    assert (loaded.type, [check.path for check in loaded.checks], len(loaded.extractors)) == (
        "load",
        ["$.performance.p95"],
        1,
    )
    assert loaded.retry is not None
    assert isinstance(loaded.spec, Load)
    assert (loaded.spec.threads, loaded.spec.iterations, loaded.spec.ramp_up, loaded.spec.think_time) == (
        10,
        100,
        2,
        0.5,
    )
    (inner,) = loaded.spec.load_steps
    assert outside(inner) == NONE_OUTSIDE
    assert (inner.timeout, [check.op for check in inner.checks], inner.extractors, inner.retry) == (
        5,
        ["status_code"],
        (),
        None,
    )


@pytest.mark.parametrize(
    ("wrapper", "name", "shown"),
    [
        ("loop: 2", "get ${index} of ${n}", "get … of ${n}"),
        ("loop: {items: [1], item_variable: user}", "${user.name} {{ index }} ${userx}", "… … ${userx}"),
        ("data_provider: [{a: 1}]", "${a} ${n}", "… …"),
        ("parallel: {threads: 2}", "load ${thread} ${n}", "load … ${n}"),
    ],
)
def test_the_name_around_leaves_out_what_only_the_rounds_know(wrapper: str, name: str, shown: str) -> None:
    loaded = step(f"name: '{name}'\nurl: /a\n{wrapper}\n")
    assert loaded.name == shown
    (inner,) = loaded.spec.loop_steps if isinstance(loaded.spec, Loop) else loaded.spec.load_steps  # type: ignore[attr-defined]
    assert inner.name == name


def test_settings_and_names_reach_the_steps_inside() -> None:
    loaded = case(
        """
        name: c
        steps:
          - {name: before, url: /a}
          - name: l
            type: loop
            loop_count: 2
            steps: [{name: a, url: /a, depends_on: before}, {name: b, url: /b, depends_on: [a, before]}]
        """
    )
    assert len(loaded.steps) == 2


def test_what_has_no_effect_is_warned_of() -> None:
    loaded = case(
        "name: c\nsteps:\n"
        f"  - {{name: l, type: loop, loop_count: 2, max_iterations: 5, {INNER}}}\n"
        f"  - {{name: m, type: loop, loop_type: while, loop_condition: a, loop_count: 5, {INNER}}}\n"
        f"  - {{name: n, type: loop, loop_type: for, loop_condition: a, loop_count: 5, {INNER}}}\n"
    )
    assert [warning.partition(": ")[2] for warning in loaded.warnings] == [
        "'max_iterations' has no effect", "'loop_count' has no effect", "'loop_condition' has no effect",
    ]  # fmt: skip


# The fields of a loop step after `- {name: l, type: loop, `, and what is wrong, placed from there.
LOOPS = [
    (INNER, ["0: a loop needs loop_count, items or loop_condition (write for example loop_count: 3)"], -22),
    (f"loop_type: while, {INNER}", ["0: a while loop needs a loop_condition (write for example loop_condition: n < 3)"], -22),
    (f"loop_count: x, {INNER}", ["12: loop_count: expected a number, got text 'x'"], 0),
    (f"loop_count: '3', {INNER}", ["12: loop_count: expected a number, got text '3' (write it without quotes)"], 0),
    (f"loop_count: 2.5, {INNER}", ["12: loop_count: must be a whole number of at least 0, got 2.5"], 0),
    (f"loop_count: -1, {INNER}", ["12: loop_count: must not be negative, got -1"], 0),
    (f"loop_count: true, {INNER}", ["12: loop_count: expected a number, got a boolean"], 0),
    (f"loop_count: 2, items: [1], {INNER}", ["22: one thing says how often a loop runs, but both 'loop_count' and 'items' are given (keep one of them)"], 0),
    (f"loop_type: until, loop_count: 2, {INNER}", ["11: loop_type: expected one of for, while, got text 'until'"], 0),
    (f"loop_type: [for], loop_count: 2, {INNER}", ["11: loop_type: expected one of for, while, got a list"], 0),
    (f"loop_condition: a, max_iterations: 0, {INNER}", ["35: max_iterations: must be a whole number of at least 1, got 0"], 0),
    (f"loop_condition: 'a ==', {INNER}", ["16: loop_condition: 'a ==' is not a valid expression: something is missing at its end"], 0),
    (f"loop_count: 1, break_if: {{xor: [a]}}, {INNER}", ["26: break_if: a condition is an expression, true or false, a list, or one of and, or, not"], 0),
    (f"loop_count: 1, loop_variable: 'a b', {INNER}", ["30: loop_variable: 'a b' cannot be the name of a variable (write for example loop_variable: index)"], 0),
    (f"items: [1], item_variable: [x], {INNER}", ["27: item_variable: expected text, got a list"], 0),
    (f"loop_count: 1, interval: soon, {INNER}", ["25: interval: expected a number, got text 'soon'"], 0),
    (f"loop_count: 1, ignore_failures: 1, {INNER}", ["32: ignore_failures: expected true or false, got a number"], 0),
    (f"loop_count: 1, loop_cuont: 2, {INNER}", ["15: unknown key 'loop_cuont' in a step of type loop (did you mean 'loop_count'?)"], 0),
    ("loop_count: 1", ["0: a loop needs steps to repeat (write for example loop_steps: [{name: Ask, url: /state}])"], -22),
    ("loop_count: 1, steps: []", ["22: a loop needs steps to repeat (write for example loop_steps: [{name: Ask, url: /state}])"], 0),
    ("loop_count: 1, steps: {name: a, url: /a}", ["22: steps must be a list, got a mapping"], 0),
    ("loop_count: 1, steps: [{name: a}, 7]", [
        "23: a request needs a url (write for example url: /users)",
        "34: a step must be a mapping, got a number (write for example {name: Log in, url: /login})",
    ], 0),
    ("loop_count: 1, steps: [{name: a, url: '${b'}]", ["38: '${' is not closed by '}': ${b"], 0),
    ("loop_count: 1, steps: [{name: a, url: /a, depends_on: b}]", ["54: 'a' depends on 'b', which is no step"], 0),
    ("loop_count: 1, steps: [{name: a, url: /a, id: i}, {name: b, url: /b, id: i}]", [
        "73: the step on line 3 has the id 'i' too (give each step an id of its own)",
    ], 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "wrong"),
    [
        ("{type: cvs, rows: []}", "30: unknown type 'cvs' of data_provider (did you mean 'csv'?)"),
        ("{type: csv}", "23: a data_provider needs file_path (write for example data_provider: {type: csv, file_path: users.csv})"),
        ("{}", "23: a data_provider needs file_path (write for example data_provider: {type: csv, file_path: users.csv})"),
        ("{type: db}", "23: a data_provider needs sql (write for example data_provider: {database: shop, sql: select name from users})"),
        ("{type: list}", "23: a data_provider needs rows (write for example data_provider: [{user: ann}, {user: bob}])"),
        ("{file_pth: a.csv}", "24: unknown key 'file_pth' in data_provider (did you mean 'file_path'?)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_provider_of_rows(provider: str, wrong: str) -> None:
    found = problems(f"name: c\nsteps:\n  - name: l\n    url: /a\n    data_provider: {provider}\n")
    column, _, message = wrong.partition(": ")
    assert found == [f"5:{int(column) - 3}: {message}"]


@pytest.mark.parametrize(("fields", "wrong", "shift"), LOOPS, ids=[fields[:40] for fields, *_ in LOOPS])
def test_what_is_wrong_with_a_loop(fields: str, wrong: list[str], shift: int) -> None:
    beginning = "  - {name: l, type: loop, "
    found = problems(f"name: c\nsteps:\n{beginning}{fields}}}\n")
    base = len(beginning) + 1 + shift
    expected = []
    for line in wrong:
        column, _, message = line.partition(": ")
        expected.append(f"3:{base + int(column)}: {message}")
    assert found == expected


OTHERS = [
    ("{name: c, type: concurrent}", ["3:5: a concurrent step needs steps to run (write for example concurrent_steps: [{name: A, url: /a}, {name: B, url: /b}])"]),
    ("{name: c, type: concurrent, steps: [{name: a, url: /a}], max_concurrency: 0}", ["3:79: max_concurrency: must be a whole number of at least 1, got 0"]),
    ("{name: c, type: concurrent, steps: [{name: a, url: /a}], max_concurrency: two}", ["3:79: max_concurrency: expected a number, got text 'two'"]),
    ("{name: c, type: concurrent, steps: [{name: a, url: /a}], fail_fast: 1}", ["3:73: fail_fast: expected true or false, got a number"]),
    ("{name: c, type: concurrent, steps: [{name: a, url: /a, depends_on: b}, {name: b, url: /b}]}", ["3:72: 'a' depends on 'b', which does not come before it (move it down)"]),
    ("{name: s, url: /a, loop: [3]}", ["3:30: loop must be a mapping, got a list (write for example loop: {times: 3})"]),
    ("{name: s, url: /a, loop: {}}", ["3:30: a loop needs loop_count, items or loop_condition (write for example loop_count: 3)"]),
    ("{name: s, url: /a, loop: -1}", ["3:30: loop: must not be negative, got -1"]),
    ("{name: s, url: /a, loop: {tims: 3}}", ["3:31: unknown key 'tims' in a loop (did you mean 'times'?)"]),
    ("{name: s, url: /a, loop: {times: many}}", ["3:38: times: expected a number, got text 'many'"]),
    ("{name: s, url: /a, loop: {times: 3, steps: [{name: a, url: /a}]}}", ["3:48: a loop around a step repeats that step, and cannot have steps of its own (put them in a step of type loop)"]),
    ("{name: s, url: /a, parallel: 5}", ["3:34: parallel must be a mapping, got a number (write for example parallel: {threads: 10, iterations: 100})"]),
    ("{name: s, url: /a, parallel: {threads: 0, iterations: 1.5}}", [
        "3:44: threads: must be a whole number of at least 1, got 0", "3:59: iterations: must be a whole number of at least 1, got 1.5",
    ]),
    ("{name: s, url: /a, parallel: {treads: 2}}", ["3:35: unknown key 'treads' in parallel (did you mean 'threads'?)"]),
    ("{name: s, url: /a, parallel: {threads: 2, ramp_up: -1}}", ["3:56: ramp_up: must not be negative, got -1"]),
    ("{name: s, type: wait, seconds: 1, parallel: {threads: 2}}", ["3:49: a load is made of requests, and this is a step of type wait (put several steps in one of type concurrent)"]),
    ("{name: s, parallel: {threads: 2}}", ["3:5: a request needs a url (write for example url: /users)"]),
    ("{name: s, type: load, url: /a}", ["3:21: unknown step type 'load' (known: concurrent, function, loop, print, request, wait)"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrong"), OTHERS, ids=[text[:60] for text, _ in OTHERS])
def test_what_else_is_refused(text: str, wrong: list[str]) -> None:
    found = problems(f"name: c\nsteps:\n  - {text}\n")
    assert [line.partition(" (known")[0] for line in found] == [line.partition(" (known")[0] for line in wrong]
