"""Setups and teardowns: of steps, of cases, and however they end."""

from __future__ import annotations

import pytest
import trio
from player import Played, Service, answer, play
from trio.testing import MockClock


def told(played: Played) -> list[str]:
    return played.logs("info")


STEP = """
name: x
config: {{base_url: "http://api"}}
steps:
  - name: main
    url: /a
    setup: {setup}
    teardown: {teardown}
"""


async def test_setup_runs_before_the_attempts_and_teardown_after_the_extraction(service: Service) -> None:
    played = await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - name: main
            url: "/${who}"
            before_step: {name: prepare, url: /who, extract: {who: path}}
            extract: {seen: path}
            after_step:
              - {name: "clean ${seen}", url: "/clean${seen}"}
        """,
        service=service,
    )
    assert [request.url.path for request in service.asked] == ["/who", "/who", "/clean/who"]
    assert [step.name for step in played.steps] == ["prepare", "clean /who", "main"]
    assert played.step_named("main").status == "success"


async def test_steps_inside_have_events_with_their_parent_and_count_for_nothing(service: Service) -> None:
    played = await play(
        STEP.format(setup="{type: print, message: up}", teardown="[{name: d, url: /d}]"), service=service
    )
    starts = [(data.step_name, data.path, data.parent, data.role) for data in played.data("step_start")]
    assert starts == [("main", None, None, None), ("setup", "0/0", "0", "setup"), ("d", "0/1", "0", "teardown")]
    ends = [(data.step_name, data.path, data.parent, data.role) for data in played.data("step_complete")]
    assert ends == [("setup", "0/0", "0", "setup"), ("d", "0/1", "0", "teardown"), ("main", None, None, None)]
    (progress,) = played.data("progress")
    assert (progress.current_step, progress.total_steps, progress.percentage) == (1, 1, 100.0)
    (end,) = played.data("test_complete")
    assert (end.total_steps, end.passed_steps) == (1, 1)


async def test_a_failing_setup_makes_the_step_an_error_that_made_no_attempt_and_is_torn_down(service: Service) -> None:
    setup = "[{name: s, url: /s, validations: [{status_code: 404}]}, {name: never, url: /n}]"
    played = await play(STEP.format(setup=setup, teardown="{name: d, url: /d}"), service=service)
    main = played.step_named("main")
    assert main.status == "error"
    assert main.error is not None
    assert main.error.message.startswith("the setup failed: 's': ")
    assert [request.url.path for request in service.asked] == ["/s", "/d"]


async def test_a_failing_teardown_makes_the_step_an_error_and_its_other_steps_still_run(service: Service) -> None:
    teardown = "[{name: d, url: /d, validations: [{status_code: 404}]}, {name: e, url: /e}]"
    played = await play(STEP.format(setup="[]", teardown=teardown), service=service)
    main = played.step_named("main")
    assert (main.status, main.attempts[0].status) == ("error", "success")
    assert [request.url.path for request in service.asked] == ["/a", "/d", "/e"]


async def test_a_vetoed_step_has_neither_setup_nor_teardown(service: Service) -> None:
    played = await play(
        """
        name: x
        steps:
          - {name: main, url: /a, skip_if: true, setup: {type: print, message: a}, teardown: {type: print, message: b}}
        """,
        service=service,
    )
    assert played.statuses == ["skipped"]
    assert told(played) == ["skipped: skip_if holds: true"]


async def test_teardown_runs_when_the_case_runs_out_of_time_and_may_take_its_time(autojump_clock: MockClock) -> None:
    played = await play(
        """
        name: x
        config: {case_timeout: 5}
        setup: {type: print, message: case up}
        teardown: [{name: rest, type: wait, seconds: 9}, {type: print, message: case down}]
        steps:
          - {name: main, type: wait, seconds: 60, teardown: [{name: r, type: wait, seconds: 9}, {type: print, message: down}]}
        """
    )
    assert told(played) == ["case up", "down", "case down"]
    assert trio.current_time() == pytest.approx(5 + 9 + 9)
    assert played.case.status == "error"
    assert played.types[-1] == "test_complete"


async def test_a_teardown_that_takes_more_than_ten_seconds_after_the_end_is_cut_off(autojump_clock: MockClock) -> None:
    played = await play(
        """
        name: x
        config: {case_timeout: 5}
        teardown: [{name: rest, type: wait, seconds: 60}]
        steps: [{name: main, type: wait, seconds: 60}]
        """
    )
    assert trio.current_time() == pytest.approx(15)
    assert [(step.name, step.status) for step in played.steps] == [("main", "error"), ("rest", "error")]
    assert played.types.count("step_start") == played.types.count("step_complete") == 2
    assert [step.error.message for step in played.steps if step.error is not None] == [
        "the case did not end within its case_timeout of 5 s",
        "cut off: a teardown has 10 s once what it belongs to was ended, after Ctrl-C less",
    ]


async def test_a_teardown_of_a_step_that_is_cut_off_says_so(autojump_clock: MockClock) -> None:
    played = await play(
        """
        name: x
        steps:
          - name: around
            type: loop
            timeout: 5
            loop_count: 1
            loop_steps:
              - name: main
                type: wait
                seconds: 60
                teardown: {name: rest, type: loop, loop_count: 2, loop_steps: [{name: inside, type: wait, seconds: 60}]}
        """
    )
    reasons = {step.name: step.error.message for step in played.steps if step.error is not None}
    assert reasons["main"] == "the step 'around' around this one reached its time limit"
    assert reasons["inside"] == reasons["rest"]
    assert reasons["rest"].startswith("cut off: a teardown has 10 s")


async def test_a_teardown_without_a_cancellation_has_no_limit(autojump_clock: MockClock) -> None:
    played = await play(
        """
        name: x
        steps: [{name: main, type: wait, seconds: 0, teardown: [{name: rest, type: wait, seconds: 60}]}]
        """
    )
    assert trio.current_time() == pytest.approx(60)
    assert played.case.status == "passed"


async def test_a_cancelled_run_is_torn_down_once_and_goes_on_being_cancelled(autojump_clock: MockClock) -> None:
    scope = trio.CancelScope(deadline=trio.current_time() + 3)
    played = await play(
        """
        name: x
        teardown: {type: print, message: case down}
        steps:
          - {name: main, type: wait, seconds: 60, teardown: {type: print, message: down}}
          - {name: never, type: wait, seconds: 60, teardown: {type: print, message: not this}}
        """,
        scope=scope,
    )
    assert scope.cancelled_caught
    assert told(played) == ["down", "case down"]
    assert played.case.status == "cancelled"


async def test_a_failing_setup_of_the_case_skips_its_steps_and_it_is_torn_down(service: Service) -> None:
    played = await play(
        """
        name: x
        config:
          base_url: "http://api"
          setup: [{name: s, url: /s, validations: [{status_code: 404}]}]
          teardown: {type: print, message: down}
        steps: [{name: main, url: /a}]
        """,
        service=service,
    )
    assert played.case.status == "error"
    assert played.step_named("main").status == "skipped"
    assert "down" in told(played)
    assert [error.message.split(":")[0] for error in played.data("error")][-1] == "the setup failed"


async def test_what_the_setup_of_the_case_extracts_its_steps_can_use(service: Service) -> None:
    service.will(answer(body={"token": "t"}), answer(body={}))
    await play(
        """
        name: x
        config: {base_url: "http://api"}
        setup: [{name: log in, url: /login, extract: {token: token}}]
        steps: [{name: main, url: "/${token}"}]
        """,
        service=service,
    )
    assert [request.url.path for request in service.asked] == ["/login", "/t"]


async def test_after_on_failure_stop_teardowns_still_run(service: Service) -> None:
    played = await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - {name: a, url: /a, on_failure: stop, validate: [{status_code: 404}], teardown: {type: print, message: a down}}
          - {name: b, url: /b}
        teardown: {type: print, message: down}
        """,
        service=service,
    )
    assert played.step_named("b").status == "skipped"
    assert told(played) == ["a down", "skipped: 'a' failed, and says on_failure: stop", "down"]


async def test_the_older_hooks_print_and_call_functions(service: Service) -> None:
    played = await play(
        STEP.format(
            setup='[{type: print, message: "hi ${1 + 1}"}, {type: function, name: upper, args: [a]}]',
            teardown="{type: function, function: \"${'uper'}\"}",
        ),
        service=service,
    )
    assert told(played) == ["hi 2"]
    upper = played.step_named("upper")
    assert upper.response == {"result": "A"}
    assert played.step_named("main").error is not None
    assert "did you mean 'upper'?" in str(played.step_named("main").error)
