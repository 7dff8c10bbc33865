"""Loops: how often they run, what their steps see, and what their failures come to."""

from __future__ import annotations

import pytest
import trio
from player import Played, Service, answer, play
from trio.testing import MockClock

HEAD = """
name: x
config: {base_url: "http://api", variables: {n: 3, users: [{name: ann}, {name: bob}], done: false}}
steps:
"""


async def loop(
    fields: str, steps: str = '[{name: say, type: print, message: "${index}"}]', **options: object
) -> Played:
    return await play(f"{HEAD}  - {{name: l, type: loop, {fields}, steps: {steps}}}\n", **options)  # type: ignore[arg-type]


def said(played: Played) -> list[str]:
    return played.logs("info")


def view(played: Played, name: str = "l") -> dict[str, object]:
    return dict(played.step_named(name).response or {})


@pytest.mark.parametrize(
    ("fields", "expected", "ended_by"),
    [
        ("loop_count: 3", ["0", "1", "2"], "loop_count"),
        ("loop_count: 0", [], "loop_count"),
        ('loop_count: "${n - 1}"', ["0", "1"], "loop_count"),
        ('loop_count: "${n|str}"', ["0", "1", "2"], "loop_count"),
        ("items: [7, 8]", ["0", "1"], "items"),
        ("items: []", [], "items"),
        ('items: "${users}"', ["0", "1"], "items"),
        ("loop_condition: index < 2", ["0", "1"], "loop_condition"),
        ("loop_condition: {not: index == 1}", ["0"], "loop_condition"),
        ("loop_count: 9, break_if: index == 1", ["0", "1"], "break_if"),
        ('loop_count: 4, continue_if: "${index} == 1"', ["0", "2", "3"], "loop_count"),
        ("loop_count: 4, loop_variable: i, continue_if: i != 3", ["3"], "loop_count"),
    ],
)
async def test_how_often_a_loop_runs(fields: str, expected: list[str], ended_by: str) -> None:
    name = "i" if "loop_variable" in fields else "index"
    played = await loop(fields, f'[{{name: say, type: print, message: "${{{name}}}"}}]')
    assert said(played) == expected
    assert view(played)["ended_by"] == ended_by
    assert played.case.status == "passed"


async def test_each_item_has_a_name_and_a_mapping_gives_its_entries() -> None:
    shout = '[{name: "${item.name}", type: print, message: "${item.name} ${index}"}]'
    assert said(await loop("items: [{name: a}, {name: b}]", shout)) == ["a 0", "b 1"]
    assert said(await loop("items: ['${n}'], item_variable: it", '[{name: p, type: print, message: "${it}"}]')) == ["3"]
    entries = '[{name: p, type: print, message: "${item.key}=${item.value}"}]'
    assert said(await loop("items: {a: 1, b: 2}", entries)) == ["a=1", "b=2"]


async def test_names_of_a_round_hide_variables_inside_only() -> None:
    played = await play(
        """
        name: x
        config: {variables: {index: mine}}
        steps:
          - {name: l, type: loop, loop_count: 2, steps: [{name: p, type: print, message: "${index}"}]}
          - {name: after, type: print, message: "${index}"}
        """
    )
    assert said(played) == ["0", "1", "mine"]


async def test_what_a_round_extracts_the_next_round_and_the_steps_after_see(service: Service) -> None:
    service.will(answer(body={"next": 2}), answer(body={"next": 3}), answer(body={"next": None}))
    played = await play(
        """
        name: x
        config: {base_url: "http://api", variables: {page: 1}}
        steps:
          - name: pages
            type: loop
            loop_condition: page != None
            loop_steps: [{name: get, url: "/p/${page}", extract: {page: $.next}}]
            validations: [{eq: [$.iterations, 3]}]
          - {name: last, type: print, message: "${page}"}
        """,
        service=service,
    )
    assert [request.url.path for request in service.asked] == ["/p/1", "/p/2", "/p/3"]
    assert said(played) == ["null"]
    assert played.case.status == "passed"


async def test_a_failing_step_ends_its_round_and_fails_the_loop_and_the_next_rounds_run(service: Service) -> None:
    service.will(answer(500), answer(200))
    played = await loop(
        "loop_count: 3", "[{name: get, url: /a, validate: [{status_code: 200}]}, {name: then, type: print, message: m}]",
        service=service,
    )  # fmt: skip
    step = played.step_named("l")
    assert step.status == "failure"
    assert step.error is not None
    assert step.error.message == "1 of 3 rounds failed; #1 'get': expected the status 200, got 500"
    assert (view(played)["passed"], view(played)["failed"]) == (2, 1)
    assert said(played) == ["m", "m"]
    assert played.case.status == "failed"


async def test_an_error_inside_makes_the_loop_an_error_even_after_a_failure(service: Service) -> None:
    steps = "[{name: get, url: \"${'/a' if index == 0 else nowhere}\", validate: [{status_code: 201}]}]"
    played = await loop("loop_count: 2", steps, service=service)
    step = played.step_named("l")
    assert (step.status, step.error and step.error.category) == ("error", "business")
    assert "2 of 2 rounds failed; #2 'get': " in str(step.error)


async def test_ignored_failures_are_counted_and_fail_nothing(service: Service) -> None:
    service.will(answer(500))
    played = await loop(
        "loop_count: 2, ignore_failures: true", "[{name: g, url: /a, validate: [{status_code: 200}]}]", service=service
    )
    assert played.step_named("l").status == "success"
    assert view(played) == {"iterations": 2, "passed": 0, "failed": 2, "skipped": 0, "ended_by": "loop_count"}


async def test_fail_fast_ends_the_loop_at_its_first_failing_round(service: Service) -> None:
    service.will(answer(500))
    played = await loop(
        'loop_count: 9, fail_fast: "${n == 3}"', "[{name: g, url: /a, validate: [{status_code: 200}]}]", service=service
    )
    assert view(played)["ended_by"] == "fail_fast"
    assert len(service.asked) == 1


async def test_on_failure_stop_inside_ends_the_loops_around_too(service: Service) -> None:
    service.will(answer(500))
    inner = "{name: i, type: loop, loop_count: 5, steps: [{name: g, url: /a, on_failure: stop, validate: [{status_code: 200}]}]}"
    played = await loop("loop_count: 5", f"[{inner}]", service=service)
    assert len(service.asked) == 1
    assert (view(played)["ended_by"], view(played, "i")["ended_by"]) == ("on_failure", "on_failure")


async def test_break_if_is_not_asked_after_a_round_that_ended_early(service: Service) -> None:
    service.will(answer(500), answer(200, {"state": "done"}))
    steps = "[{name: g, url: /a, validate: [{status_code: 200}], extract: {state: $.state}}]"
    played = await loop("loop_count: 5, ignore_failures: true, break_if: state == 'done'", steps, service=service)
    assert played.step_named("l").status == "success"
    assert view(played)["iterations"] == 2


async def test_a_while_loop_that_never_ends_is_a_failure_at_max_iterations(autojump_clock: MockClock) -> None:
    played = await loop("loop_condition: not done")
    step = played.step_named("l")
    assert step.status == "failure"
    assert step.error is not None
    assert step.error.message == "loop_condition still holds after max_iterations, 1000: not done"
    assert len(said(played)) == 1000
    few = await loop("loop_condition: 'not done', max_iterations: '${n}', ignore_failures: true")
    assert (few.step_named("l").status, len(said(few))) == ("failure", 3)


async def test_a_while_loop_whose_condition_ends_at_the_limit_is_none(autojump_clock: MockClock) -> None:
    played = await loop("loop_condition: index < 3, max_iterations: 3")
    assert played.step_named("l").status == "success"


async def test_the_interval_lies_between_rounds(autojump_clock: MockClock) -> None:
    await loop("loop_count: 4, interval: 5, continue_if: index == 1")
    assert trio.current_time() == pytest.approx(10)
    await loop("loop_condition: index < 3, interval: '${n}'")
    assert trio.current_time() == pytest.approx(16)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            'loop_count: "${users}"',
            "loop_count must be a whole number from 0 on, got [{'name': 'ann'}, {'name': 'bob'}]",
        ),
        ('loop_count: "${n - 9}"', "loop_count must be a whole number from 0 on, got -6"),
        ('loop_count: "${n / 2}"', "loop_count must be a whole number from 0 on, got 1.5"),
        ('items: "${n}"', "items must be a list, got a number"),
        ('items: "${users[0].name}"', "items must be a list, got text"),
        ("loop_condition: nobody == 1", "loop_condition: 'nobody' is not defined"),
        ("loop_count: 2, break_if: nobody == 1", "break_if: 'nobody' is not defined"),
        ("loop_count: 2, continue_if: nobody == 1", "continue_if: 'nobody' is not defined"),
        ('loop_count: 2, interval: "${users}"', "interval must be a number of seconds"),
        ('loop_condition: true, max_iterations: "${n - 3}"', "max_iterations must be a whole number from 1 on, got 0"),
        ('loop_count: 1, ignore_failures: "${n}"', "ignore_failures must be true or false, got 3"),
    ],
)
async def test_what_cannot_be_evaluated_is_the_loops_error(fields: str, message: str) -> None:
    played = await loop(fields)
    step = played.step_named("l")
    assert step.status == "error"
    assert step.error is not None
    assert step.error.message.startswith(message)


async def test_steps_inside_are_numbered_through_the_rounds_and_count_for_nothing() -> None:
    played = await loop("loop_count: 2", "[{name: a, type: wait, seconds: 0}, {name: b, type: wait, seconds: 0}]")
    places = [(s.name, s.path, s.parent, s.iteration, s.index) for s in played.steps]
    assert places == [
        ("a", "0/0", "0", 0, 0), ("b", "0/1", "0", 0, 1), ("a", "0/2", "0", 1, 0), ("b", "0/3", "0", 1, 1),
        ("l", "0", None, None, 0),
    ]  # fmt: skip
    assert [(data.current_step, data.percentage) for data in played.data("progress")] == [(1, 100.0)]
    assert (played.case.total_steps, played.case.passed_steps) == (1, 1)


async def test_loops_nest_and_the_inner_index_hides_the_outer() -> None:
    inner = '{name: i, type: loop, loop_count: 2, loop_variable: k, steps: [{name: p, type: print, message: "${index}${k}"}]}'
    assert said(await loop("loop_count: 2", f"[{inner}]")) == ["00", "01", "10", "11"]


async def test_a_loops_timeout_ends_its_steps_which_say_so(autojump_clock: MockClock) -> None:
    played = await loop("loop_count: 9, timeout: 5", "[{name: w, type: wait, seconds: 2}]")
    step = played.step_named("l")
    assert step.error is not None
    assert step.error.message == "no end within the timeout of 5 s"
    last = [s for s in played.steps if s.name == "w"][-1]
    assert last.error is not None
    assert last.error.message == "the step 'l' around this one reached its time limit"
    assert trio.current_time() == pytest.approx(5)


async def test_loop_on_a_step_repeats_it_under_its_own_name(service: Service) -> None:
    service.will(answer(200), answer(500), answer(200))
    played = await play(
        """
        name: x
        config: {base_url: "http://api", variables: {n: 3}}
        steps:
          - name: "get ${index}"
            id: g
            url: "/a/${double}"
            variables: {double: "${index * 2}"}
            loop: {type: for, times: "${n}"}
            only_if: n == 3
            validations: [{status_code: 200}]
          - {name: after, type: print, message: "${steps.g.status}"}
        """,
        service=service,
    )
    assert [request.url.path for request in service.asked] == ["/a/0", "/a/2", "/a/4"]
    assert [(s.name, s.type, s.status) for s in played.steps[:4]] == [
        ("get 0", "request", "success"), ("get 1", "request", "failure"), ("get 2", "request", "success"),
        ("get …", "loop", "failure"),
    ]  # fmt: skip
    assert said(played) == ["failure"]


async def test_a_data_provider_gives_a_step_the_keys_of_each_row(service: Service) -> None:
    await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - name: "log in ${user}"
            url: "/${user}/${_data_index}/${_data_total}"
            data_provider: [{user: ann}, {user: bob}]
        """,
        service=service,
    )
    assert [request.url.path for request in service.asked] == ["/ann/0/2", "/bob/1/2"]


async def test_a_step_with_rows_a_loop_and_retries_has_them_inside_each_other(
    service: Service, autojump_clock: MockClock
) -> None:
    service.will(answer(500), answer(200))
    played = await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - name: s
            url: "/${user}/${index}"
            data_provider: [{user: a}, {user: b}]
            loop: 2
            retry_times: 1
            validations: [{status_code: 200}]
        """,
        service=service,
    )
    assert [request.url.path for request in service.asked] == ["/a/0", "/a/0", "/a/1", "/b/0", "/b/1"]
    assert played.case.status == "passed"
