"""Loads: one request many times at once, as numbers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio
from player import Played, Service, answer, case_of, play
from trio.testing import MockClock

from sisyphus.errors import CaseFileError

HEAD = 'name: x\nconfig: {base_url: "http://api", retry_times: 3, variables: {n: 4}}\nsteps:\n'


async def load(fields: str, parallel: str = "{threads: 2, iterations: 3}", **options: Any) -> Played:
    return await play(f"{HEAD}  - {{name: l, url: /a, parallel: {parallel}, {fields}}}\n", **options)


def performance(played: Played) -> dict[str, Any]:
    return dict((played.step_named("l").response or {})["performance"])


async def test_each_thread_makes_so_many_requests_without_events_of_their_own(service: Service) -> None:
    played = await load("", service=service)
    assert len(service.asked) == 6
    assert [data.step_name for data in played.data("step_start")] == ["l"]
    summary = performance(played)
    assert (summary["count"], summary["failures"], summary["by_status"]) == (6, 0, {"200": 6})
    assert played.step.status == "success"


async def test_threads_begin_over_the_ramp_up_and_rest_for_the_think_time(
    service: Service, autojump_clock: MockClock
) -> None:
    came: list[float] = []

    async def note(request: httpx.Request) -> httpx.Response:
        came.append(round(trio.current_time(), 6))
        return answer()

    await load("", '{threads: "${n}", iterations: 2, ramp_up: 8, think_time: 1.5}', service=note)
    assert sorted(came) == [0, 1.5, 2, 3.5, 4, 5.5, 6, 7.5]


async def test_every_request_is_rendered_anew_with_its_numbers(service: Service) -> None:
    await load(
        'params: {i: "${index}"}, variables: {twice: "${index * 2}"}, headers: {X: "${thread}-${iteration}-${twice}"}',
        service=service,
    )
    assert sorted(request.url.params["i"] for request in service.asked) == [*"012345"]
    assert sorted(request.headers["X"][:3] for request in service.asked) == ["0-0", "0-1", "0-2", "1-0", "1-1", "1-2"]
    assert all(int(request.headers["X"][4:]) == 2 * int(request.url.params["i"]) for request in service.asked)


async def test_times_are_those_of_the_answers(autojump_clock: MockClock) -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await trio.sleep(int(request.url.params["i"]) / 100)
        return answer()

    played = await load('params: {i: "${index + 1}"}', "{threads: 1, iterations: 100}", service=slow)
    summary = performance(played)
    # Virtual time stands still for the stopwatch of requests; how long it took is measured by trio's clock.
    assert summary["duration"] == pytest.approx(50.5)
    assert summary["requests_per_second"] == pytest.approx(2, abs=0.1)
    assert list(summary) == [
        "threads", "count", "failures", "error_rate", "duration", "requests_per_second", "min", "mean", "p50", "p90",
        "p95", "p99", "max", "by_status", "reasons",
    ]  # fmt: skip


async def test_validations_of_answers_are_asked_of_each_and_those_of_the_performance_once(service: Service) -> None:
    service.will(answer(200), answer(503), answer(200))
    checks = "validations: [{status_code: 200}, {lt: [$.performance.p95, 60000]}, {eq: [performance.count, 6]}]"
    played = await load(checks, "{threads: 1, iterations: 6}", service=service)
    step = played.step_named("l")
    assert step.status == "failure"
    assert step.error is not None
    assert step.error.message == "1 of 6 requests failed; the first: expected the status 200, got 503"
    assert [check.path for check in step.checks] == ["$.performance.p95", "performance.count"]
    assert performance(played)["reasons"] == [{"reason": "expected the status 200, got 503", "count": 1}]


@pytest.mark.parametrize(
    ("check", "status"),
    [
        ("{le: [$.performance.failures, 1]}", "success"),
        ("{lt: [$.performance.failures, 1]}", "failure"),
        ("{or: [{eq: [$.performance.error_rate, 0.5]}, {eq: [$.performance.failures, 0]}]}", "success"),
        ("{gt: [$.performance.count, 0]}", "failure"),
    ],
)
async def test_failures_fail_the_load_unless_a_validation_says_how_many_may_be(
    check: str, status: str, service: Service
) -> None:
    service.will(answer(500), answer(200))
    played = await load(f"validations: [{check}]", "{threads: 1, iterations: 2}", service=service)
    assert played.step_named("l").status == status


async def test_without_validations_of_answers_a_status_of_400_or_more_is_a_failure(service: Service) -> None:
    service.will(answer(404), answer(302), answer(200))
    played = await load("follow_redirects: false", "{threads: 1, iterations: 3}", service=service)
    step = played.step_named("l")
    assert (step.status, performance(played)["by_status"]) == ("failure", {"200": 1, "302": 1, "404": 1})
    assert "the first: status 404" in str(step.error)


async def test_a_load_without_any_answer_is_an_error_and_is_not_retried(service: Service) -> None:
    service.will(httpx.ConnectError("refused"))
    played = await load("", service=service)
    step = played.step_named("l")
    assert (step.status, step.error and step.error.category) == ("error", "network")
    assert (len(service.asked), len(step.attempts)) == (6, 1)
    summary = performance(played)
    assert (summary["failures"], summary["by_status"], summary["p95"]) == (6, {"network": 6}, None)


async def test_a_load_may_say_itself_how_often_it_is_tried(service: Service, autojump_clock: MockClock) -> None:
    service.will(*[answer(500)] * 6, answer(200))
    played = await load("retry_times: 1", service=service)
    assert (played.step.status, len(played.step.attempts), len(service.asked)) == ("success", 2, 12)


async def test_the_timeout_is_that_of_each_request(autojump_clock: MockClock) -> None:
    async def hangs_once(request: httpx.Request) -> httpx.Response:
        await trio.sleep(60 if request.url.params["i"] == "0" else 1)
        return answer()

    played = await load('timeout: 5, params: {i: "${index}"}', "{threads: 1, iterations: 3}", service=hangs_once)
    assert trio.current_time() == pytest.approx(7)
    assert performance(played)["by_status"] == {"200": 2, "timeout": 1}
    assert performance(played)["reasons"] == [{"reason": "no end within the timeout of 5 s", "count": 1}]


async def test_extractors_see_the_performance_and_the_last_good_answer(service: Service) -> None:
    service.will(answer(200, {"kind": "t"}))
    played = await load("extract: {rate: $.performance.error_rate, kind: $.kind}", service=service)
    assert played.step.extracted == {"rate": 0.0, "kind": "t"}


async def test_a_long_load_shows_life_every_second(autojump_clock: MockClock) -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await trio.sleep(0.35)
        return answer()

    played = await load("", "{threads: 2, iterations: 6}", service=slow)
    lines = played.logs("info")
    assert [line.split(",")[0] for line in lines] == ["4 of 12 requests", "10 of 12 requests"]
    (first, _) = [data for data in played.data("log") if data.level == "info"]
    assert first.context["performance"]["count"] == 4


async def test_a_load_that_is_cut_off_tells_what_it_did(autojump_clock: MockClock) -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await trio.sleep(1)
        return answer(200 if request.url.params["i"] != "1" else 500)

    text = HEAD.replace("{base_url", "{case_timeout: 3.5, base_url")
    step = "{name: l, url: /a, params: {i: '${index}'}, parallel: {threads: 2, iterations: 100}}"
    played = await play(f"{text}  - {step}\n", service=slow)
    assert (played.step.status, played.step.error and played.step.error.type) == ("error", "StepTimeout")
    summary = performance(played)
    assert (summary["count"], summary["failures"], summary["duration"]) == (6, 1, 3.5)
    assert summary["p50"] is not None


async def test_what_was_done_before_a_load_is_tried_again_is_not_told_twice(autojump_clock: MockClock) -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await trio.sleep(1)
        return answer(500)

    text = HEAD.replace("{base_url", "{case_timeout: 3.5, base_url")
    step = "{name: l, url: /a, parallel: {threads: 2, iterations: 2}, retry_policy: {max_attempts: 5, base_delay: 0}}"
    played = await play(f"{text}  - {step}\n", service=slow)
    assert (performance(played)["count"], len(played.step.attempts)) == (2, 1)


async def test_memory_and_reasons_are_bounded(autojump_clock: MockClock) -> None:
    async def always_new(request: httpx.Request) -> httpx.Response:
        return answer(200, {"n": request.url.params["i"]})

    checks = "validations: [{eq: [$.n, nothing]}]"
    played = await load(f'params: {{i: "${{index}}"}}, {checks}', "{threads: 5, iterations: 20}", service=always_new)
    assert len(performance(played)["reasons"]) == 10
    assert performance(played)["failures"] == 100


async def test_a_template_that_fails_in_every_request_ends_all_the_same(service: Service) -> None:
    played = await load('params: {i: "${nobody}"}', "{threads: 3, iterations: 100}", service=service)
    assert played.step.status == "error"
    assert performance(played)["count"] == 300


@pytest.mark.parametrize("threads", ['"${n - 4}"', '"${n / 3}"'])
async def test_threads_that_are_no_whole_number_are_an_error(threads: str) -> None:
    played = await load("", f"{{threads: {threads}}}")
    assert played.step.status == "error"
    assert "threads must be a whole number from 1 on" in str(played.step.error)


@pytest.mark.parametrize("parallel", ["{threads: 10001}", "{iterations: 1000000001}"])
def test_more_than_a_load_can_have_is_a_problem_of_the_file(parallel: str) -> None:
    with pytest.raises(CaseFileError, match=r"3:\d+: (threads|iterations) may be 10+ at most"):
        case_of(f"name: x\nsteps:\n  - {{name: l, url: /a, parallel: {parallel}}}\n")


@pytest.mark.parametrize("key", ["threads", "iterations"])
async def test_more_than_a_load_can_have_is_the_error_of_its_step(key: str, service: Service) -> None:
    # Without a bound, tasks would be made until there is no memory left, and nobody could stop that.
    played = await load("", f'{{{key}: "${{10 ** 300}}"}}', service=service)
    assert played.step.error is not None
    assert "at most" in played.step.error.message
    assert service.asked == []
