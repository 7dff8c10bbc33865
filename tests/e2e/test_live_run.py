"""A real run, watched live by real clients: everyone gets everything, from the start, in order."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from programs import Watched, a_case, running, watch
from websockets.sync.client import connect

MOCK = """
      mock_server:
        routes:
          - {path: /user, response: {body: {name: 李雷}}}
          - path: /report
            responses: [{status_code: 503}, {body: {state: done}}]
"""
STEPS = """
    steps:
      - {name: get, url: /user, extractors: [{name: user, path: $.name}]}
      - {name: rest, type: wait, seconds: 0.4}
      - name: report
        url: /report
        retry_policy: {max_attempts: 2, strategy: fixed, base_delay: 0.1}
        validations: [{status_code: 200}]
      - {name: wrong, url: /user, validations: [{eq: [$.name, "${user}?"]}]}
      - {name: never, type: wait, seconds: 0, skip_if: "true"}
"""
OPEN = ("--ws-server", "--ws-port", "0", "--format", "json")


def watched_case(folder: Path, websocket: str = "{send_variables: true}", name: str = "case.yaml") -> Path:
    return a_case(folder, f"\n    name: 结账\n    config:\n      websocket: {websocket}{MOCK}{STEPS}", name)


def in_a_foreign_client(url: str) -> Watched:
    """The users' own client, `websockets`, in a thread."""
    watched = Watched()
    with connect(url, open_timeout=10) as socket:
        for message in socket:
            assert isinstance(message, str)
            watched.events.append(json.loads(message))
        watched.code = socket.close_code
    return watched


def whole(watched: Watched) -> bool:
    return watched.seqs == list(range(1, len(watched.seqs) + 1)) and watched.types[-1] == "test_complete"


async def test_watchers_of_every_moment_and_make_get_the_same_from_the_start_to_the_end(tmp_path: Path) -> None:
    first, amid, foreign = Watched(), Watched(), []
    async with running(watched_case(tmp_path), *OPEN, cwd=tmp_path) as underway, trio.open_nursery() as nursery:
        url = await underway.url()
        nursery.start_soon(watch, url, first)

        async def in_thread() -> None:
            foreign.append(await trio.to_thread.run_sync(in_a_foreign_client, url))

        nursery.start_soon(in_thread)
        await first.until(lambda so_far: "rest" in {event["step_name"] for event in so_far.events})
        assert "test_complete" not in first.types  # it is live
        nursery.start_soon(watch, url, amid)
        done = await underway.done()

    assert done.code == 1
    assert first.events == amid.events == foreign[0].events
    assert whole(first)
    assert (first.code, amid.code, foreign[0].code) == (1000, 1000, 1000)


async def test_a_watcher_who_comes_during_the_last_step_gets_everything_too(
    tmp_path: Path, nursery: trio.Nursery
) -> None:
    steps = "".join(f"  - {{name: s{number}, type: wait, seconds: 0}}\n" for number in range(200))
    a_case(tmp_path, f"name: c\nsteps:\n{steps}  - {{name: last, type: wait, seconds: 0.5}}\n")
    first, late = Watched(), Watched()
    async with running("case.yaml", *OPEN, cwd=tmp_path) as underway:
        url = await underway.url()
        nursery.start_soon(watch, url, first)
        await first.until(lambda so_far: so_far.events[-1]["step_name"] == "last" if so_far.events else False)
        await watch(url, late)
        await underway.done()
        await first.closed()

    assert late.events == first.events
    assert whole(late)
    assert late.types.count("step_complete") == 201


async def test_what_watchers_are_told_is_what_the_result_says(tmp_path: Path) -> None:
    async with running(watched_case(tmp_path), *OPEN, cwd=tmp_path) as underway:
        watched = await watch(await underway.url())
        done = await underway.done()

    (case,) = done.document["cases"]
    assert {event["run_id"] for event in watched.events} == {done.document["run_id"]}
    assert {event["test_case_id"] for event in watched.events} == {case["id"]}
    (end,) = watched.data("test_complete")
    assert {key: end[key] for key in ("status", "total_steps", "passed_steps", "failed_steps", "skipped_steps")} == {
        key: case[key] for key in ("status", "total_steps", "passed_steps", "failed_steps", "skipped_steps")
    }
    assert [(step["step_name"], step["status"], step["retry_count"]) for step in watched.data("step_complete")] == [
        (step["name"], step["status"], step["retry_count"]) for step in case["steps"]
    ]
    assert [step["status"] for step in case["steps"]] == ["success", "success", "success", "failure", "skipped"]
    assert [variable["variable_value"] for variable in watched.data("variable_update")] == ["李雷"]
    (error,) = watched.data("error")
    assert (error["step_name"], error["error_category"]) == ("wrong", "assertion")
    assert error["suggestion"]
    assert [progress["percentage"] for progress in watched.data("progress")] == [20, 40, 60, 80, 100]
    assert any("attempt 1 of 3" in log["message"] for log in watched.data("log"))


async def test_the_events_of_a_case_stand_in_the_order_of_the_contract(tmp_path: Path) -> None:
    async with running(watched_case(tmp_path), *OPEN, cwd=tmp_path) as underway:
        watched = await watch(await underway.url())
        await underway.done()

    assert (watched.types[0], watched.types[-1]) == ("test_start", "test_complete")
    steps = [event for event in watched.events if event["step_name"] is not None]
    for name in dict.fromkeys(event["step_name"] for event in steps):
        types = [event["type"] for event in steps if event["step_name"] == name]
        assert (types[0], types[-2:]) == ("step_start", ["step_complete", "progress"])
        assert set(types[1:-2]) <= {"log", "error", "variable_update"}
    times = [event["timestamp"] for event in watched.events]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("websocket", "missing"),
    [
        ("{}", {"variable_update"}),
        ("{send_variables: true}", set()),
        ("{send_variables: true, send_progress: false}", {"progress"}),
        ("{send_variables: true, send_logs: false}", {"log"}),
    ],
)
async def test_a_case_says_which_events_are_sent(websocket: str, missing: set[str], tmp_path: Path) -> None:
    async with running(watched_case(tmp_path, websocket), *OPEN, cwd=tmp_path) as underway:
        watched = await watch(await underway.url())
        await underway.done()

    assert {"variable_update", "progress", "log"} - set(watched.types) == missing
    assert {"test_start", "step_start", "error", "step_complete", "test_complete"} <= set(watched.types)
    assert (watched.seqs == list(range(1, len(watched.seqs) + 1))) is (not missing)  # counted all the same
    assert watched.seqs == sorted(set(watched.seqs))


async def test_the_command_line_wins_over_the_case_key_by_key(tmp_path: Path) -> None:
    case = watched_case(tmp_path, "{enabled: true, host: 127.0.0.1, port: 1, send_logs: false}")

    async with running(case, "--ws-port", 0, "--format", "json", cwd=tmp_path) as underway:
        url = await underway.url()
        watched = await watch(url)
        await underway.done()

    assert url.startswith("ws://127.0.0.1:")
    assert url != "ws://127.0.0.1:1"
    assert "log" not in watched.types


async def test_a_case_that_enables_it_is_served_without_a_word_on_the_command_line(tmp_path: Path) -> None:
    case = watched_case(tmp_path, "{enabled: true, port: 0}")

    async with running(case, "--format", "json", cwd=tmp_path) as underway:
        watched = await watch(await underway.url())
        await underway.done()

    assert watched.code == 1000


async def test_many_cases_share_one_server_and_are_told_apart(tmp_path: Path) -> None:
    for number in range(12):
        watched_case(tmp_path, "{enabled: true, port: 0, send_variables: true}", f"cases/{number:02}.yaml")
    one, other = Watched(), Watched()
    async with (
        running("cases", "--jobs", 5, "--format", "json", cwd=tmp_path) as underway,
        trio.open_nursery() as nursery,
    ):
        url = await underway.url()
        nursery.start_soon(watch, url, one)
        nursery.start_soon(watch, url, other)
        done = await underway.done()

    assert done.err.count("watch live") == 1
    assert one.events == other.events
    assert whole(one)
    for case in done.document["cases"]:
        types = [event["type"] for event in one.events if event["test_case_id"] == case["id"]]
        assert (types[0], types[-1]) == ("test_start", "test_complete")
        assert types.count("step_complete") == 5
    assert {progress["cases_total"] for progress in one.data("progress")} == {12}
    assert max(progress["cases_completed"] for progress in one.data("progress")) >= 7
    started = [event["test_case_id"] for event in one.events if event["type"] == "test_start"]
    assert started == [f"case-{number}" for number in range(1, 13)]


async def test_fifty_watchers_who_come_and_go_change_nothing_for_the_run(tmp_path: Path) -> None:
    stayed: list[Watched] = []

    async def stays(url: str) -> None:
        stayed.append(await watch(url))

    async with running(watched_case(tmp_path), *OPEN, cwd=tmp_path) as underway, trio.open_nursery() as nursery:
        url = await underway.url()
        for _ in range(25):
            nursery.start_soon(stays, url)
            nursery.start_soon(partial(watch, url, until="step_start"))
        done = await underway.done()

    assert done.code == 1
    assert len({json.dumps(watched.events) for watched in stayed}) == 1
    assert all(whole(watched) and watched.code == 1000 for watched in stayed)


async def test_a_browser_who_asks_for_a_page_is_told_what_this_is(tmp_path: Path) -> None:
    async with running(watched_case(tmp_path), *OPEN, cwd=tmp_path) as underway:
        url = await underway.url()
        answer = await asked(int(url.rsplit(":", 1)[1]))
        done = await underway.done()

    assert "WebSocket" in answer
    assert done.code == 1


async def asked(port: int) -> Any:
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = b""
        async for data in stream:
            got += data
        return got.decode()


SHORT = "\n    name: short\n    steps: [{name: rest, type: wait, seconds: 0}]"


async def test_a_run_that_waits_for_watchers_begins_when_they_are_there(tmp_path: Path) -> None:
    waiting = ("--ws-wait-clients", "2", "--ws-port", "0", "--format", "json")
    watched = [Watched(), Watched()]
    async with running(a_case(tmp_path, SHORT), *waiting, cwd=tmp_path) as underway, trio.open_nursery() as nursery:
        url = await underway.url()
        nursery.start_soon(watch, url, watched[0])
        await trio.sleep(0.3)
        assert watched[0].events == []
        nursery.start_soon(watch, url, watched[1])
        done = await underway.done()
    assert done.code == 0
    assert all(whole(each) for each in watched)
    assert json.loads(done.out)["duration"] < 0.25  # the waiting is no part of the run


async def test_a_run_waits_for_watchers_no_longer_than_it_is_told(tmp_path: Path) -> None:
    waiting = ("--ws-wait-clients", "1", "--ws-wait-timeout", "0.2", "--ws-port", "0")
    async with running(a_case(tmp_path, SHORT), *waiting, cwd=tmp_path) as underway:
        done = await underway.done()
    assert done.code == 0
    assert "begins without 1 watchers" in done.err


async def test_ctrl_c_ends_the_waiting_for_watchers(tmp_path: Path) -> None:
    waiting = ("--ws-wait-clients", "1", "--ws-port", "0", "--format", "json")
    async with running(a_case(tmp_path, SHORT), *waiting, cwd=tmp_path) as underway:
        await underway.until("waiting for watchers", "err")
        underway.interrupt()
        done = await underway.done()
    assert done.code == 130
