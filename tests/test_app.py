"""The nurseries of a run: what every sink gets, and what a cancellation, a failure or a bad sink leaves of it."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

import sisyphus
from sisyphus import app, embedding
from sisyphus.app import LiveRun
from sisyphus.case.load import loads
from sisyphus.case.model import Case
from sisyphus.errors import OutputError, StartError, UsageError
from sisyphus.events import CaseFinished, Event, StepFinished
from sisyphus.live.server import LiveSettings, Serving
from sisyphus.results import RunResult
from sisyphus.settings import Settings, live_settings
from sisyphus.sinks import Announcer


def a_case(steps: str = "- {name: rest, type: wait, seconds: 1}", name: str = "c", config: str = "{}") -> Case:
    indented = textwrap.indent(textwrap.dedent(steps).strip(), "  ")
    return loads(f"name: {name}\nconfig: {config}\nsteps:\n{indented}\n")


LONG = a_case("- {name: rest, type: wait, seconds: 1000}\n- {name: after, type: wait, seconds: 1}", name="long")
SHORT = a_case(name="short")


class Listener:
    """A sink that remembers, and does what a test says at one event."""

    def __init__(self, at: str = "", act: Any = None) -> None:
        self.events: list[Event] = []
        self.result: RunResult | None = None
        self._at, self._act = at, act

    def handle(self, event: Event) -> None:
        self.events.append(event)
        if event.data.type == self._at:
            self._act()

    def finish(self, result: RunResult) -> None:
        self.result = result

    @property
    def types(self) -> list[str]:
        return [event.data.type for event in self.events]


def raises(exc: Exception) -> Any:
    def act(*_: object) -> None:
        raise exc

    return act


async def supervised(*cases: Case, sinks: Any = (), **settings: Any) -> LiveRun:
    run = LiveRun(list(cases), Settings(**settings), sinks)
    await run.supervise()
    return run


async def test_every_sink_sees_every_event_in_order_and_then_the_result(autojump_clock: MockClock) -> None:
    first, second = Listener(), Listener()

    run = await supervised(SHORT, sinks=[first, second])

    types = [kind for kind in first.types if kind != "log"]
    assert types == ["test_start", "step_start", "step_complete", "progress", "test_complete"]
    assert first.events == second.events
    assert first.result is second.result is run.result
    assert run.result.passed


async def test_a_reader_of_the_events_gets_them_all_also_when_it_begins_at_the_end(autojump_clock: MockClock) -> None:
    listener = Listener()
    run = await supervised(SHORT, sinks=[listener])

    assert [event async for event in run.events] == listener.events


async def test_events_end_when_the_result_is_there(autojump_clock: MockClock) -> None:
    run = LiveRun([SHORT], Settings(), ())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.supervise)
        async for _ in run.events:
            pass
        assert run.result.passed


def test_the_result_is_not_there_before_the_end() -> None:
    run = LiveRun([SHORT], Settings(), ())

    with pytest.raises(RuntimeError, match="the run has no result before it is over"):
        _ = run.result


async def test_a_run_that_is_cancelled_tells_everyone_its_end(autojump_clock: MockClock) -> None:
    listener = Listener("step_start", lambda: run.cancel("enough"))
    run = LiveRun([LONG, SHORT], Settings(jobs=1), [listener])

    await run.supervise()

    assert trio.current_time() < 1
    assert listener.types[-4:] == ["error", "step_complete", "progress", "test_complete"]
    finished = [event.data for event in listener.events if isinstance(event.data, StepFinished | CaseFinished)]
    assert [data.status for data in finished] == ["error", "cancelled"]
    assert [case.status for case in run.result.cases] == ["cancelled", "cancelled"]
    assert run.result.exit_code == 130
    assert listener.result is run.result


async def test_a_run_may_be_cancelled_before_it_begins(autojump_clock: MockClock) -> None:
    listener = Listener()
    run = LiveRun([SHORT], Settings(), [listener])
    run.cancel()

    await run.supervise()

    assert listener.types in ([], ["test_start", "test_complete"])
    assert [case.status for case in run.result.cases] == ["cancelled"]


async def test_cancelling_after_the_end_changes_nothing(autojump_clock: MockClock) -> None:
    run = await supervised(SHORT)

    run.cancel()

    assert run.result.passed


async def test_a_caller_that_is_cancelled_gets_the_end_told_and_is_cancelled_on(autojump_clock: MockClock) -> None:
    listener = Listener()
    run = LiveRun([LONG], Settings(), [listener])

    with trio.move_on_after(5) as scope:
        await run.supervise()
        pytest.fail("the cancellation goes on")  # pragma: no cover

    assert scope.cancelled_caught
    assert trio.current_time() == pytest.approx(5)
    assert listener.types[-1] == "test_complete"
    assert listener.result is not None
    assert listener.result.status == "cancelled"


async def test_a_sink_that_fails_at_an_event_costs_no_other_sink_anything(autojump_clock: MockClock) -> None:
    bad, good = Listener("step_start", raises(ZeroDivisionError("sink"))), Listener()
    run = LiveRun([SHORT], Settings(), [bad, good])

    with pytest.raises(ZeroDivisionError, match="sink"):
        await run.supervise()

    assert bad.types == ["test_start", "step_start"]
    assert bad.result is None
    assert good.types[-1] == "test_complete"
    assert good.result is run.result
    assert run.result.passed


async def test_an_output_that_cannot_be_finished_is_told_once_the_others_are(autojump_clock: MockClock) -> None:
    bad, good = Listener(), Listener()
    bad.finish = raises(OutputError("cannot write x: full"))  # type: ignore[method-assign]
    run = LiveRun([SHORT], Settings(), [bad, good])

    with pytest.raises(OutputError, match="cannot write x: full"):
        await run.supervise()

    assert good.result is run.result


async def test_of_several_troubles_the_first_is_raised_and_names_the_others(autojump_clock: MockClock) -> None:
    sinks = [Listener(), Listener()]
    for name, sink in zip("ab", sinks, strict=True):
        sink.finish = raises(OutputError(name))  # type: ignore[method-assign]

    with pytest.raises(OutputError) as raised:
        await supervised(SHORT, sinks=sinks)

    assert str(raised.value) == "a"
    assert raised.value.__notes__ == ["OutputError: b"]


async def test_a_crash_of_the_engine_is_told_before_it_is_raised(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sisyphus.engine import case as engine_case

    def crash(*_: object) -> None:
        raise ZeroDivisionError("engine")

    monkeypatch.setattr(engine_case, "run_step", crash)
    listener = Listener()
    run = LiveRun([SHORT], Settings(), [listener])

    with pytest.RaisesGroup(pytest.RaisesExc(ZeroDivisionError, match="engine"), flatten_subgroups=True):
        await run.supervise()

    assert listener.types[-1] == "test_complete"
    assert run.result.status == "error"
    assert listener.result is run.result


async def test_steps_are_kept_only_for_those_who_want_them(autojump_clock: MockClock) -> None:
    kept, not_kept = await supervised(SHORT), await supervised(SHORT, keep_steps=False)

    assert [len(run.result.cases[0].steps) for run in (kept, not_kept)] == [1, 0]


async def test_cases_wait_together(autojump_clock: MockClock) -> None:
    run = await supervised(*[SHORT] * 20, jobs=20)

    assert trio.current_time() == pytest.approx(1)
    assert [case.id for case in run.result.cases] == [f"case-{number}" for number in range(1, 21)]


def test_a_run_needs_at_least_one_job() -> None:
    with pytest.raises(ValueError, match="jobs"):
        Settings(jobs=0)


def enabled(text: str) -> Case:
    return a_case(config=f"{{websocket: {text}}}")


def test_no_server_is_set_up_if_nobody_asks_for_one() -> None:
    assert live_settings([SHORT, enabled("{enabled: false, port: 1}")]) is None


def test_a_case_may_ask_for_a_server() -> None:
    assert live_settings([SHORT, enabled("{enabled: true, port: 9001}")]) == LiveSettings(port=9001)


def test_the_command_line_wins_over_the_case_key_by_key() -> None:
    case = enabled("{enabled: true, host: 127.0.0.2, port: 9001}")

    assert live_settings([case], port=9002) == LiveSettings(host="127.0.0.2", port=9002)
    assert live_settings([case], host="::1", drain=1.0) == LiveSettings(host="::1", port=9001, drain=1.0)


def test_a_port_of_0_is_an_answer_too() -> None:
    assert live_settings([enabled("{enabled: true, port: 9001}")], port=0) == LiveSettings(port=0)


def test_of_several_cases_the_first_that_says_a_thing_counts() -> None:
    cases = [enabled("{enabled: true, host: 127.0.0.2}"), enabled("{enabled: true, host: 127.0.0.3, port: 9001}")]

    assert live_settings(cases) == LiveSettings(host="127.0.0.2", port=9001)


def test_what_a_case_says_counts_also_where_the_command_line_enables_it() -> None:
    case = enabled("{enabled: false, port: 9001}")

    assert live_settings([case], asked=True) == LiveSettings(port=9001)


def test_the_environment_has_the_token_that_is_not_said() -> None:
    environ = {"SISYPHUS_WS_TOKEN": "from-the-environment"}

    for said, token in (
        ({}, "from-the-environment"),
        ({"token": "said"}, "said"),
        ({"token": None}, "from-the-environment"),
    ):
        settings = live_settings([SHORT], asked=True, environ=environ, **said)
        assert settings is not None
        assert settings.token == token
        assert token not in repr(settings)


def test_a_token_that_was_forgotten_lets_nobody_in() -> None:
    with pytest.raises(UsageError, match="SISYPHUS_WS_TOKEN is empty"):
        live_settings([SHORT], asked=True, environ={"SISYPHUS_WS_TOKEN": ""})
    assert live_settings([SHORT], environ={"SISYPHUS_WS_TOKEN": ""}) is None


@pytest.mark.parametrize("token", ["", "two words", "秘密"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(UsageError, match="a token is made of") as refused:
        live_settings([SHORT], asked=True, token=token)
    assert not token or token not in str(refused.value)


def test_a_server_that_cannot_be_is_refused_in_a_sentence() -> None:
    with pytest.raises(UsageError, match="the live server cannot be set up so: "):
        live_settings([SHORT], asked=True, port=70_000)


async def test_an_address_that_is_taken_refuses_the_run_before_anything_runs() -> None:
    listener = Listener()
    (socket,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    live = LiveSettings(host="127.0.0.1", port=socket.socket.getsockname()[1])
    async with socket:
        with pytest.raises(StartError, match="address already in use"):
            await supervised(SHORT, sinks=[listener], live=live)

    assert listener.events == []
    assert listener.result is None


class Announced(Listener, Announcer):
    """A sink that also hears how it is with the run as a whole."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def serving(self, serving: Serving) -> None:
        self.heard.append(f"serving {serving.host}")

    def interrupted(self) -> None:
        self.heard.append("interrupted")

    def gathering(self, count: int) -> None:
        self.heard.append(f"gathering {count}")

    def gave_up_gathering(self, count: int) -> None:
        self.heard.append(f"gave up gathering {count}")

    def log_ended(self, reason: str) -> None:
        self.heard.append(f"log ended: {reason}")

    def lingering(self, seconds: float, serving: Serving) -> None:
        self.heard.append(f"lingering {seconds:g} at {serving.host}")

    def draining(self, seconds: float) -> None:
        self.heard.append("draining")


async def test_who_wants_to_hear_it_is_told_where_watchers_connect() -> None:
    announced = Announced()
    with trio.fail_after(10):
        run = await supervised(
            a_case("- {name: rest, type: wait, seconds: 0}"), sinks=[announced],
            live=LiveSettings(host="127.0.0.1", port=0),
        )  # fmt: skip

    assert announced.heard == ["serving 127.0.0.1"]
    assert run.serving is not None
    assert run.serving.port > 0


NOW = "- {name: rest, type: wait, seconds: 0}"


async def asked(serving: Serving, path: str) -> bytes:
    async with await trio.open_tcp_stream("127.0.0.1", serving.port) as stream:
        await stream.send_all(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        return b"".join([data async for data in stream])


def lingering(seconds: float) -> LiveSettings:
    return LiveSettings(host="127.0.0.1", port=0, linger=seconds)


async def test_a_finished_run_is_served_for_who_comes_late() -> None:
    announced, answers = Announced(), []
    run = LiveRun([a_case(NOW)], Settings(live=lingering(0.6)), [announced])
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.supervise)
            async for _ in run.events:
                pass
            ended = trio.current_time()
            assert run.serving is not None
            answers += [await asked(run.serving, path) for path in ("/events?format=ndjson", "/healthz")]
    assert answers[0].count(b'"type":"test_complete"') == 1
    assert b'"run_state": "finished"' in answers[1]
    assert trio.current_time() - ended >= 0.5
    assert announced.heard == ["serving 127.0.0.1", "lingering 0.6 at 127.0.0.1"]


async def test_lingering_ends_when_the_run_is_cancelled_and_the_result_stays_what_it_was() -> None:
    run = LiveRun([a_case(NOW)], Settings(live=lingering(60)), ())
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.supervise)
            async for _ in run.events:
                pass
            run.cancel()
    assert run.result.passed


async def test_a_run_that_was_cancelled_does_not_linger() -> None:
    announced = Announced()
    run = LiveRun([LONG], Settings(live=lingering(60)), [announced])
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.supervise)
            async for event in run.events:
                if event.data.type == "step_start":
                    run.cancel()
    assert announced.heard == ["serving 127.0.0.1"]
    assert run.result.status == "cancelled"


async def test_the_state_of_a_run_is_told_while_it_waits_for_watchers_and_while_it_goes_on() -> None:
    states = []

    async def look() -> None:
        assert run.serving is not None
        answer = await asked(run.serving, "/healthz")
        states.append(json.loads(answer.partition(b"\r\n\r\n")[2]))

    live = LiveSettings(host="127.0.0.1", port=0, wait_clients=1)
    run = LiveRun([LONG, SHORT], Settings(live=live, jobs=1), ())
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(run.supervise)
            await look()
            assert run.serving is not None
            async with await trio.open_tcp_stream("127.0.0.1", run.serving.port) as stream:
                await stream.send_all(b"GET /events HTTP/1.0\r\n\r\n")
                async for event in run.events:
                    if event.data.type == "step_start":
                        await look()
                        run.cancel()
    assert [state["run_state"] for state in states] == ["waiting", "running"]
    assert {state["run_id"] for state in states} == {run.run_id}
    assert states[1]["cases"] == {"total": 2, "started": 1, "passed": 0, "failed": 0, "error": 0, "cancelled": 0}


async def test_every_event_that_is_sent_is_a_line_of_the_log_also_without_a_server(tmp_path: Path) -> None:
    listener, path = Listener(), tmp_path / "events.jsonl"
    variables = "- {name: rest, type: wait, seconds: 0}"
    quiet = a_case(variables, config="{websocket: {send_logs: false}}")
    with trio.fail_after(10):
        run = await supervised(quiet, quiet, sinks=[listener], event_log=path)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert {line["run_id"] for line in lines} == {run.run_id}
    assert [line["type"] for line in lines] == [event.data.type for event in listener.events if event.sent]
    assert [line["seq"] for line in lines] == [
        seq for seq, event in enumerate(listener.events, start=1) if event.sent
    ]  # fmt: skip
    assert len(lines) < len(listener.events)


async def test_a_log_that_cannot_be_written_refuses_the_run_before_anything_runs(tmp_path: Path) -> None:
    listener = Listener()
    with pytest.raises(StartError, match="cannot write the event log"):
        await supervised(SHORT, sinks=[listener], event_log=tmp_path)
    assert listener.events == []


async def test_a_disk_that_is_full_costs_the_run_nothing_and_is_told_at_once_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sisyphus.line_file.LineFile.append", full)
    announced = Announced()
    case = a_case("- {name: rest, type: wait, seconds: 0.5}\n- {name: after, type: wait, seconds: 0}")
    run = LiveRun([case], Settings(event_log=tmp_path / "events.jsonl"), [announced])
    with trio.fail_after(10), pytest.raises(OutputError, match="ends with event 0: No space left on device"):
        await run.supervise()
    assert len(announced.heard) == 1
    assert announced.heard[0].startswith("log ended: ")
    assert announced.types[-1] == "test_complete"
    assert run.result.passed


async def test_cases_that_ask_for_a_server_get_none_where_the_program_says_so(autojump_clock: MockClock) -> None:
    run = await supervised(enabled("{enabled: true}"), live=None)

    assert run.serving is None


def test_neighbouring_paths_are_loaded_together_and_stand_in_their_order(tmp_path: Any) -> None:
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\nsteps: [{{name: s, type: wait, seconds: 0}}]\n")

    run = embedding.prepare_run([tmp_path / "b.yaml", SHORT, tmp_path], (), {})

    assert [case.name for case in run._cases] == ["b", "short", "a", "b"]


def test_the_environment_of_a_run_is_read_while_loading_too(tmp_path: Any) -> None:
    (tmp_path / "a.yaml").write_text("name: a\nsteps: [{name: s, type: wait, seconds: 0}]\n")

    run = embedding.prepare_run(tmp_path, (), {"env_prefix": "APP_", "environ": {"APP_HOST": "h"}, "jobs": 3})

    assert run._cases[0].config.variables == {"host": "h"}
    assert run._settings.jobs == 3


def test_an_option_that_does_not_exist_is_an_error_of_the_program() -> None:
    with pytest.raises(TypeError, match="job"):
        embedding.prepare_run(SHORT, (), {"job": 1})


def test_public_names_are_there_and_no_others() -> None:
    assert sisyphus.run is embedding.run
    assert sisyphus.open_run is embedding.open_run
    assert sisyphus.LiveSettings is LiveSettings
    assert sisyphus.load.__name__ == "load"
    assert set(sisyphus.__all__) <= {*dir(sisyphus), *sisyphus._HOMES}
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = sisyphus.runn


def test_an_interruption_is_bounded() -> None:
    """Both are promised: gone within 10 s, and the last words within that."""
    assert app.CLEAN_UP + app.LAST_WORDS < 10
