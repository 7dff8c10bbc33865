from __future__ import annotations

import pytest
import trio
from player import Played, Service, answer, play
from trio.testing import MockClock

from sisyphus.case.model import MockServer
from sisyphus.errors import StartError

TWO = """
name: two
description: two steps
config: {base_url: "http://api", websocket: {send_variables: true}}
steps:
  - {name: a, url: /a, extract: {p: $.path}, validations: [{eq: [$.path, /a]}]}
  - {name: b, url: /b, validations: [{eq: [$.path, /a]}]}
"""


async def test_the_events_of_a_case_come_in_the_order_of_the_contract(service: Service) -> None:
    played = await play(TWO, service=service)
    assert played.types == [
        "test_start",
        "step_start", "log", "variable_update", "step_complete", "progress",
        "step_start", "log", "error", "step_complete", "progress",
        "test_complete",
    ]  # fmt: skip
    assert played.logs("debug") == ["step 1 of 2 begins: a", "step 2 of 2 begins: b"]
    (start,) = played.data("test_start")
    assert (start.test_name, start.total_steps, start.description) == ("two", 2, "two steps")
    assert [(d.step_name, d.step_type, d.step_index, d.total_steps) for d in played.data("step_start")] == [
        ("a", "request", 0, 2),
        ("b", "request", 1, 2),
    ]
    assert [(d.status, d.has_error, d.retry_count) for d in played.data("step_complete")] == [
        ("success", False, 0),
        ("failure", True, 0),
    ]
    (end,) = played.data("test_complete")
    assert (end.status, end.total_steps, end.passed_steps, end.failed_steps, end.skipped_steps) == (
        "failed",
        2,
        1,
        1,
        0,
    )
    assert {event.test_case_id for event in played.events} == {"case-1"}


async def test_a_watcher_may_be_spared_progress_logs_and_variables() -> None:
    played = await play(
        """
        name: x
        config: {base_url: "http://api", websocket: {send_progress: false, send_logs: false}}
        steps: [{name: a, url: /a, enabled: false}, {name: b, url: /b, extract: {p: $.path}}]
        """
    )
    assert {event.data.type for event in played.events if not event.sent} == {"progress", "log", "variable_update"}
    assert {event.data.type for event in played.events if event.sent} == {
        "test_start", "step_start", "step_complete", "test_complete",
    }  # fmt: skip


async def test_timestamps_are_aware_and_never_go_back(autojump_clock: MockClock) -> None:
    played = await play("{name: x, steps: [{name: a, type: wait, seconds: 5}, {name: b, type: wait, seconds: 1}]}")
    stamps = [event.timestamp for event in played.events]
    assert stamps == sorted(stamps)
    assert all(stamp.utcoffset() is not None for stamp in stamps)
    assert (stamps[-1] - stamps[0]).total_seconds() == 6


async def test_case_timeout_ends_the_running_step_and_counts_the_rest_as_skipped(autojump_clock: MockClock) -> None:
    played = await play(
        """
        name: x
        config: {case_timeout: 4}
        steps:
          - {name: a, type: wait, seconds: 3}
          - {name: b, type: wait, seconds: 3}
          - {name: c, type: wait, seconds: 3}
        """
    )
    assert played.statuses == ["success", "error"]
    assert played.steps[1].error is not None
    assert played.steps[1].error.category == "timeout"
    assert "case_timeout" in played.steps[1].error.message
    assert (played.case.status, played.case.skipped_steps, played.case.duration) == ("error", 1, 4)
    assert played.types[-1] == "test_complete"


async def test_cancelling_the_run_ends_step_and_case_and_says_so(autojump_clock: MockClock) -> None:
    scope = trio.CancelScope()
    scope.deadline = trio.current_time() + 4
    played = await play(
        """
        name: x
        steps:
          - {name: a, type: wait, seconds: 3}
          - {name: b, type: wait, seconds: 3}
          - {name: c, type: wait, seconds: 3}
        """,
        scope=scope,
    )
    assert scope.cancelled_caught
    assert played.types[-4:] == ["error", "step_complete", "progress", "test_complete"]
    assert played.steps[1].status == "error"
    assert played.steps[1].error is not None
    assert played.steps[1].error.message == "cancelled"
    assert played.case.status == "cancelled"


async def test_a_step_that_is_cancelled_in_a_rest_says_cancelled_and_not_why_it_rested(
    autojump_clock: MockClock,
) -> None:
    scope = trio.CancelScope()
    scope.deadline = trio.current_time() + 4
    played = await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - {name: a, url: /a, validations: [{status_code: 404}], retry_policy: {strategy: fixed, base_delay: 10}}
        """,
        scope=scope,
    )
    assert played.step.status == "error"
    assert played.step.error is not None
    assert played.step.error.message == "cancelled"
    assert [attempt.status for attempt in played.step.attempts] == ["failure"]


async def test_cancelling_before_a_case_began_leaves_it_without_events(autojump_clock: MockClock) -> None:
    scope = trio.CancelScope()
    scope.deadline = trio.current_time() + 1
    long = "{name: x, steps: [{name: a, type: wait, seconds: 3}]}"
    played = await play(long, long, scope=scope, jobs=1)
    assert [event.test_case_id for event in played.events] == ["case-1"] * len(played.events)


async def test_steps_that_never_wait_can_be_cancelled_between_them() -> None:
    scope = trio.CancelScope()
    steps = "".join(f"  - {{name: s{n}, url: /, enabled: false}}\n" for n in range(100))
    played = await play(
        f"name: x\nsteps:\n{steps}",
        scope=scope,
        on_event=lambda event: scope.cancel() if event.data.type == "step_complete" else None,
    )
    assert played.case.status == "cancelled"
    assert len(played.steps) < 50


@pytest.mark.parametrize("buffer", [0, 1000])
@pytest.mark.parametrize("after", [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
async def test_whenever_it_is_cancelled_what_was_begun_is_ended(
    autojump_clock: MockClock, after: float, buffer: int
) -> None:
    scope = trio.CancelScope()
    scope.deadline = trio.current_time() + after
    service = Service()
    service.delay = 1
    case = """
    name: x
    config: {base_url: "http://api", retries: 1}
    steps:
      - {name: a, url: /a, validations: [{status_code: 404}]}
      - {name: b, type: wait, seconds: 1}
    """
    played = await play(case, case, service=service, scope=scope, buffer=buffer)
    _everything_begun_is_ended(played)


def _everything_begun_is_ended(played: Played) -> None:
    for case_id in {event.test_case_id for event in played.events}:
        types = [event.data.type for event in played.events if event.test_case_id == case_id]
        assert types[0] == "test_start"
        assert types[-1] == "test_complete"
        assert types.count("step_start") == types.count("step_complete") == types.count("progress")
        assert types.count("test_complete") == 1


async def test_jobs_limits_how_many_cases_run_at_a_time(autojump_clock: MockClock) -> None:
    case = "{name: x, steps: [{name: a, type: wait, seconds: 10}]}"
    began = trio.current_time()
    await play(*[case] * 6, jobs=3)
    assert trio.current_time() - began == 20


async def test_cases_begin_in_the_order_of_the_input(autojump_clock: MockClock) -> None:
    case = "{name: x, steps: [{name: a, type: wait, seconds: 10}]}"
    played = await play(*[case] * 5, jobs=1)
    assert [e.test_case_id for e in played.events if e.data.type == "test_start"] == [f"case-{n}" for n in range(1, 6)]
    assert played.data("progress")[-1].cases_total == 5
    assert played.data("progress")[-1].cases_completed == 4


async def test_fail_fast_begins_nothing_more(autojump_clock: MockClock) -> None:
    bad = """
    name: bad
    config: {base_url: "http://api"}
    steps: [{name: a, url: /a, validations: [{status_code: 404}]}, {name: b, url: /b}]
    """
    played = await play(bad, bad, jobs=1, max_failures=1)
    assert played.statuses == ["failure", "skipped"]
    assert len(played.cases) == 1


async def test_a_number_of_failed_cases_ends_the_run_however_many_steps_of_them_failed(
    autojump_clock: MockClock,
) -> None:
    bad = """
    name: bad
    steps: [{name: a, type: wait, seconds: "${x}"}, {name: b, type: wait, seconds: "${x}"}]
    """
    good = "{name: good, steps: [{name: c, type: wait, seconds: 0}]}"
    played = await play(bad, good, bad, good, jobs=1, max_failures=2)
    assert [case.status for case in played.cases] == ["error", "passed", "error"]
    assert played.statuses == ["error", "error", "success", "error", "skipped"]
    assert played.steps[-1].reason == "stopped at 2 failed cases (--max-failures)"


async def test_a_case_that_fails_as_a_whole_counts_too(autojump_clock: MockClock) -> None:
    slow = "{name: slow, config: {case_timeout: 1}, steps: [{name: a, type: wait, seconds: 5}]}"
    broken = "{name: broken, config: {mock_server: []}, steps: []}"

    async def no_mock(server: MockServer, *, task_status: trio.TaskStatus[str]) -> None:
        raise StartError("no port is free")

    played = await play(slow, broken, slow, jobs=1, max_failures=2, serve_mock=no_mock)
    assert [case.name for case in played.cases] == ["slow", "broken"]


async def test_a_disabled_case_has_no_events() -> None:
    played = await play("{name: x, enabled: false, steps: [{name: a, url: /}]}")
    assert played.events == []


async def test_a_case_without_steps_passes() -> None:
    played = await play("{name: x, steps: []}")
    assert played.types == ["test_start", "test_complete"]
    assert played.case.status == "passed"


async def test_the_mock_servers_address_is_the_base_url_and_a_variable() -> None:
    service = Service()
    ended = trio.Event()

    async def serve(server: MockServer, *, task_status: trio.TaskStatus[str]) -> None:
        task_status.started({"url": "http://mock:99", "requests": []})
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    played = await play(
        """
        name: x
        config: {mock_server: {routes: [{path: /a}]}}
        steps: [{name: a, url: /a}, {name: b, url: "${mock_url}/b"}]
        """,
        service=service,
        serve_mock=serve,
    )
    assert [str(request.url) for request in service.asked] == ["http://mock:99/a", "http://mock:99/b"]
    assert played.case.status == "passed"
    assert ended.is_set()


async def test_a_case_that_is_cancelled_while_its_mock_server_starts_ends(autojump_clock: MockClock) -> None:
    async def serve(server: MockServer, *, task_status: trio.TaskStatus[str]) -> None:
        with trio.CancelScope(shield=True):  # something that takes its time, as a first import does
            await trio.sleep(1)
        task_status.started({"url": "http://mock:99", "requests": []})
        await trio.sleep(1000)

    scope = trio.CancelScope(deadline=trio.current_time() + 0.5)
    text = "{name: x, config: {mock_server: {routes: [{path: /a}]}}, steps: [{name: a, url: /a}]}"
    played = await play(text, serve_mock=serve, scope=scope)
    assert trio.current_time() < 10
    assert played.case.status == "cancelled"


async def test_a_mock_server_that_cannot_start_is_the_cases_error() -> None:
    async def serve(server: MockServer, *, task_status: trio.TaskStatus[str]) -> None:
        raise StartError("127.0.0.1:80 is in use")

    played = await play("{name: x, config: {mock_server: {port: 80}}, steps: [{name: a, url: /a}]}", serve_mock=serve)
    assert played.types == ["test_start", "error", "test_complete"]
    assert (played.case.status, played.case.skipped_steps) == ("error", 1)
    assert played.case.error is not None
    assert "in use" in played.case.error.message


async def test_a_crash_of_the_engine_still_ends_every_case(autojump_clock: MockClock) -> None:
    class Broken(Service):
        async def __call__(self, request: object) -> object:  # type: ignore[override]
            raise ZeroDivisionError

    events: list[str] = []
    service = Broken()
    crashing = "{name: x, steps: [{name: a, url: 'http://api/'}]}"
    waiting = "{name: y, steps: [{name: a, type: wait, seconds: 10}]}"
    with pytest.RaisesGroup(ZeroDivisionError):
        await play(crashing, waiting, service=service, on_event=lambda event: events.append(_told(event)))
    assert "case-1 step_complete error" in events
    assert "case-1 test_complete error" in events
    assert "case-2 test_complete cancelled" in events


async def test_a_crash_outside_of_any_step_is_told_before_the_case_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(pools: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("sisyphus.engine.case.Session", broken)
    events: list[str] = []
    with pytest.RaisesGroup(ZeroDivisionError):
        await play("{name: x, steps: []}", on_event=lambda event: events.append(_told(event)))
    assert events == ["case-1 test_start ", "case-1 error ", "case-1 test_complete error"]


def _told(event: object) -> str:
    data = event.data  # type: ignore[attr-defined]
    return f"{event.test_case_id} {data.type} {getattr(data, 'status', '')}"  # type: ignore[attr-defined]


async def test_legacy_warnings_are_logged_where_they_arise() -> None:
    service = Service().will(answer(200))
    played = await play(
        """
        name: x
        config: {base_url: "http://api", compat: legacy}
        steps: [{name: a, url: "/a", body: {n: "${nowhere}", m: "${nowhere}"}}]
        """,
        service=service,
    )
    assert played.step.status == "success"
    (warning,) = played.step.warnings
    assert warning.startswith("'nowhere' is not defined")
    assert played.logs("warning") == [warning]


@pytest.mark.parametrize(("base", "url"), [("http://api", "/a/${nowhere}"), ("http://${nowhere}/", "/a")])
async def test_half_a_url_is_never_asked_for_in_the_legacy_dialect_either(base: str, url: str) -> None:
    service = Service().will(answer(200))
    played = await play(
        f"""
        name: x
        config: {{base_url: "{base}", compat: legacy}}
        steps: [{{name: a, url: "{url}"}}]
        """,
        service=service,
    )
    assert played.step.status == "error"
    assert service.asked == []


async def test_the_warnings_of_the_file_are_logged() -> None:
    played = await play("{name: x, priority: high, steps: []}")
    assert any("priority" in message for message in played.logs("warning"))


async def test_a_seed_makes_what_is_random_repeatable() -> None:
    case = """
    name: x
    config: {base_url: "http://api", seed: 5}
    steps: [{name: a, url: "/${random_int()}/${uuid()}"}]
    """
    urls = []
    for _ in range(2):
        service = Service()
        await play(case, service=service)
        urls.append(str(service.asked[0].url))
    assert urls[0] == urls[1]
