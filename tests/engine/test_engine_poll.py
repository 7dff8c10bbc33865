"""`poll` steps and `wait_condition`, in virtual time."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio
from player import Played, Service, answer, play
from trio.testing import MockClock

from sisyphus.steps._asking import says
from sisyphus.steps.poll import rest_after

POLL = """
name: x
config: {{base_url: "http://api", retry_times: 3}}
steps:
  - name: job
    type: poll
    url: /job
    poll_config: {config}
"""
DONE = "condition: {type: jsonpath, path: $.state, operator: eq, expect: done}"


def polled(config: str, **more: Any) -> str:
    return POLL.format(config="{" + config + "}")


def state(value: str) -> httpx.Response:
    return answer(body={"state": value})


def attempts(played: Played) -> list[tuple[int | None, str]]:
    return [(step.iteration, step.status) for step in played.steps if step.parent is not None]


async def test_it_asks_until_the_condition_holds_and_shows_each_attempt(
    service: Service, autojump_clock: MockClock
) -> None:
    service.will(state("new"), state("running"), state("done"))
    played = await play(
        polled(DONE) + "    validations: [{eq: [$.state, done]}, {eq: [$.poll.attempts, 3]}]\n", service=service
    )
    job = played.step_at("0")
    assert job.status == "success"
    assert trio.current_time() == pytest.approx(4)
    assert attempts(played) == [(0, "success"), (1, "success"), (2, "success")]
    assert [data.parent for data in played.data("step_start")] == [None, "0", "0", "0"]
    assert played.logs("info") == [
        'poll attempt 1 of 30: $.state: expected "done", got "new"',
        'poll attempt 2 of 30: $.state: expected "done", got "running"',
    ]
    assert job.response is not None
    assert job.response["body"] == {"state": "done"}
    assert job.response["poll"]["ended_by"] == "condition"
    assert [data.total_steps for data in played.data("test_complete")] == [1]


async def test_a_terminal_state_ends_it_at_once_as_a_failure(service: Service, autojump_clock: MockClock) -> None:
    service.will(state("new"), state("dead"))
    config = DONE + ", fail_if: {type: jsonpath, path: $.state, operator: in, expect: [dead, lost]}"
    played = await play(polled(config), service=service)
    job = played.step_at("0")
    assert job.status == "failure"
    assert job.error is not None
    assert job.error.message.startswith("fail_if holds at attempt 2")
    assert len(service.asked) == 2  # the case's retries are no second poll


async def test_out_of_attempts_it_fails_and_says_what_it_saw_last(service: Service, autojump_clock: MockClock) -> None:
    service.will(state("new"))
    played = await play(polled(DONE + ", max_attempts: 3, interval: 500"), service=service)
    job = played.step_at("0")
    assert job.status == "failure"
    assert "in 3 attempts" in str(job.error)
    assert 'got "new"' in str(job.error)
    assert trio.current_time() == pytest.approx(1)


async def test_out_of_time_in_the_middle_of_an_attempt_it_ends_then(
    service: Service, autojump_clock: MockClock
) -> None:
    service.delay = 7
    played = await play(polled(DONE + ", timeout: 10000, on_timeout: {message: '${1 + 1} long'}"), service=service)
    job = played.step_at("0")
    assert (job.status, job.error.message if job.error else None) == ("failure", "2 long")
    assert trio.current_time() == pytest.approx(10)
    last = [step for step in played.steps if step.parent is not None][-1]
    assert last.status == "error"
    assert "the poll's timeout of 10 s was over" in str(last.error)


async def test_on_timeout_continue_makes_it_a_warning(service: Service, autojump_clock: MockClock) -> None:
    service.will(state("new"))
    played = await play(polled(DONE + ", max_attempts: 2, on_timeout: {behavior: continue}"), service=service)
    job = played.step_at("0")
    assert job.status == "success"
    assert "in 2 attempts" in job.warnings[0]


async def test_what_the_network_breaks_is_asked_again(service: Service, autojump_clock: MockClock) -> None:
    service.will(httpx.ConnectError("refused"), httpx.ReadError("broken"), state("done"))
    played = await play(polled(DONE), service=service)
    assert played.step_at("0").status == "success"
    assert [status for _, status in attempts(played)] == ["error", "error", "success"]


async def test_what_cannot_be_asked_ends_it_as_an_error(autojump_clock: MockClock, service: Service) -> None:
    played = await play(polled(DONE).replace("/job", "/${nowhere}"), service=service)
    job = played.step_at("0")
    assert job.status == "error"
    assert "'nowhere' is not defined" in str(job.error)
    assert len(attempts(played)) == 1


@pytest.mark.parametrize(
    "condition",
    [
        "{type: status_code, expect: 200}", "{type: status_code, expect: 2xx}", "{type: status_code, operator: lt, expect: 300}",
        "{type: expression, expression: \"status_code == 200 and body.state == 'done'\"}", "\"${response.body.state == 'done'}\"",
        "{and: [\"status_code == 200\", \"body.state == 'done'\"]}", "{path: $.state, expect: done}",
    ],
)  # fmt: skip
async def test_every_form_of_condition(condition: str, service: Service, autojump_clock: MockClock) -> None:
    service.will(answer(503, body={"state": "new"}), state("done"))
    played = await play(polled(f"condition: {condition}"), service=service)
    assert (played.step_at("0").status, len(service.asked)) == ("success", 2)


async def test_what_an_answer_lacks_makes_the_condition_not_hold(service: Service, autojump_clock: MockClock) -> None:
    service.will(answer(502, body="<h1>starting</h1>"), answer(body=[]), state("done"))
    played = await play(
        polled("condition: \"body.state == 'done'\", fail_if: \"body.broken.why == 'disk'\""), service=service
    )
    assert (played.step_at("0").status, len(service.asked)) == ("success", 3)


async def test_what_every_answer_lacked_is_told_when_the_attempts_are_over(
    service: Service, autojump_clock: MockClock
) -> None:
    service.will(state("done"))
    played = await play(polled("condition: \"body.stat == 'done'\", max_attempts: 2"), service=service)
    assert played.step_at("0").status == "failure"
    error = played.step_at("0").error
    assert error is not None
    assert error.message.endswith("'body.stat' is not defined (did you mean 'body.state'?)")


@pytest.mark.parametrize("condition", ["nowhere == 1", "body.state > 3"])
async def test_a_condition_that_can_never_be_told_ends_it_as_an_error(
    condition: str, service: Service, autojump_clock: MockClock
) -> None:
    service.will(state("done"))
    played = await play(polled(f"condition: {condition!r}"), service=service)
    assert (played.step_at("0").status, len(service.asked)) == ("error", 1)


def test_rests_grow_as_asked_and_are_capped() -> None:
    assert [rest_after(n, 2, "fixed") for n in (1, 2, 9)] == [2, 2, 2]
    assert [rest_after(n, 2, "linear") for n in (1, 2, 9, 99)] == [2, 4, 18, 30]
    assert [rest_after(n, 2, "exponential") for n in (1, 2, 3, 9999)] == [2, 4, 8, 30]


WAIT = """
name: x
config: {{base_url: "http://api"}}
steps:
  - {{name: up, type: wait, wait_condition: {wanted}}}
"""


async def test_a_wait_for_a_service_ends_when_it_answers_well(service: Service, autojump_clock: MockClock) -> None:
    service.will(httpx.ConnectError("refused"), answer(503), state("up"))
    played = await play(WAIT.format(wanted="{type: api, request: {url: /health}}"), service=service)
    assert played.step.status == "success"
    assert trio.current_time() == pytest.approx(4)
    assert played.step.response is not None
    assert played.step.response["checks"] == 3


async def test_a_wait_for_a_service_that_never_is_ready_shows_its_last_answer(
    service: Service, autojump_clock: MockClock
) -> None:
    service.will(state("new"))
    wanted = "{type: api, request: {url: /a}, check: \"body.state == 'up'\", interval: 1, timeout: 5}"
    played = await play(WAIT.format(wanted=wanted), service=service)
    assert played.step.status == "failure"
    assert 'last seen: 200 {"state":"new"}' in str(played.step.error)
    assert trio.current_time() == pytest.approx(5)


async def test_a_service_that_is_starting_is_waited_for(service: Service, autojump_clock: MockClock) -> None:
    service.will(answer(502, body="<h1>starting</h1>"), state("up"))
    wanted = "{type: api, request: {url: /a}, check: \"body.state == 'up'\"}"
    assert (await play(WAIT.format(wanted=wanted), service=service)).step.status == "success"


async def test_what_the_last_answer_lacked_is_told_with_it(service: Service, autojump_clock: MockClock) -> None:
    service.will(state("up"))
    wanted = '{type: api, request: {url: /a}, check: "body.ready.since == 1", timeout: 5}'
    played = await play(WAIT.format(wanted=wanted), service=service)
    assert played.step.error is not None
    assert played.step.error.message.endswith("""last seen: 200 {"state":"up"}; 'body.ready' is not defined""")


async def test_a_wait_that_never_got_an_answer_says_so(service: Service, autojump_clock: MockClock) -> None:
    service.delay = 60
    played = await play(WAIT.format(wanted="{type: api, request: {url: /a}, timeout: 5}"), service=service)
    assert played.step.error is not None
    assert played.step.error.message.endswith("(0 checks): a status below 400; last seen: no answer")


async def test_a_wait_for_a_row_of_a_database(service: Service) -> None:
    played = await play(
        """
        name: x
        steps:
          - {name: make, type: database, database: {type: sqlite}, operation: script, sql: "create table t (n); insert into t values (7)"}
          - name: wait
            type: wait
            wait_condition: {type: database, database: {type: sqlite}, sql: "select n from t", check: "row.n == 7 and rows|length == 1"}
        """
    )
    assert [step.status for step in played.steps] == ["success", "success"]


def test_a_row_that_is_not_there_yet_is_waited_for() -> None:
    assert says("row.n == 7", {"rows": [], "row": None}) == (False, "'row.n' is not defined")
    assert says("row.n == 7", {"rows": [{"n": 7}], "row": {"n": 7}}) == (True, None)
