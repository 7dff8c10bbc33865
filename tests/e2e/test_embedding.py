"""Runs inside other Trio programs, with real servers, watchers and files."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from programs import Watched, a_case, answer, read_request, serve, watch

import sisyphus
from sisyphus import LiveSettings
from sisyphus.app import LiveRun
from sisyphus.case.model import Case
from sisyphus.errors import CaseFileError, StartError, UsageError
from sisyphus.sinks import Announcer

LIVE = LiveSettings(host="127.0.0.1", port=0)
REST = "\n- {name: rest, type: wait, seconds: 0.05}\n- {name: again, type: wait, seconds: 0.05}\n"
STUCK = "\n- {name: stuck, type: wait, seconds: 1000}\n"


def a_run(steps: str = REST, name: str = "c") -> Case:
    return sisyphus.loads(f"name: {name}\nsteps:" + steps)


def where(run: LiveRun) -> str:
    assert run.serving is not None
    return run.serving.url


def open_sockets() -> set[str]:
    """What this process has open as a socket, by its number in the system."""
    links = set()
    for path in Path("/proc/self/fd").iterdir():
        try:
            links.add(str(path.readlink()))
        except OSError:
            continue
    return {link for link in links if link.startswith("socket:")}


def test_a_run_needs_nothing_but_trio_and_a_path(tmp_path: Path) -> None:
    result = trio.run(sisyphus.run, a_case(tmp_path, "name: c\nsteps:" + REST))

    assert result.passed
    assert [step.name for step in result.cases[0].steps] == ["rest", "again"]


async def test_paths_folders_globs_and_cases_may_be_mixed(tmp_path: Path) -> None:
    for name in "ab":
        a_case(tmp_path, f"name: {name}\nsteps:{REST}", f"{name}.yaml")

    result = await sisyphus.run([tmp_path, a_run(name="c"), str(tmp_path / "*.yaml")], jobs=5)

    assert [case.name for case in result.cases] == ["a", "b", "c", "a", "b"]


async def test_the_same_case_runs_twice_with_nothing_left_of_the_first_time(nursery: trio.Nursery) -> None:
    asked: list[bytes] = []

    async def handle(stream: trio.abc.Stream) -> None:
        while (request := await read_request(stream)) is not None:
            asked.append(request)
            await stream.send_all(answer(b"{}", "Set-Cookie: seen=1"))

    url = await serve(nursery, handle)
    case = a_run(f"\n- {{name: ask, url: '{url}'}}\n")

    first, second = await sisyphus.run(case), await sisyphus.run(case)

    assert first.passed
    assert second.passed
    assert first.run_id != second.run_id
    assert [b"seen=1" in request for request in asked] == [False, False]
    nursery.cancel_scope.cancel()


async def test_several_runs_at_once_share_nothing_but_the_program() -> None:
    results = []
    watched = [Watched() for _ in range(4)]

    async def one(number: int) -> None:
        async with (
            trio.open_nursery() as nursery,
            sisyphus.open_run([a_run(name=f"run {number}")] * 3, live=LIVE) as run,
        ):
            url = where(run)
            nursery.start_soon(watch, url, watched[number])
            async for _ in run.events:
                pass
        results.append(run.result)

    async with trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(one, number)

    assert len({result.run_id for result in results}) == 4
    for number, seen in enumerate(watched):
        assert {data["test_name"] for data in seen.data("test_start")} == {f"run {number}"}
        assert (seen.types.count("test_complete"), seen.code) == (3, 1000)


async def test_events_are_those_the_watchers_get() -> None:
    watched = Watched()
    async with trio.open_nursery() as nursery, sisyphus.open_run(a_run(), live=LIVE) as run:
        url = where(run)
        nursery.start_soon(watch, url, watched)
        types = [event.data.type async for event in run.events]

    assert types == watched.types
    assert run.result.passed


async def test_events_that_nobody_reads_hold_nothing_up() -> None:
    with trio.fail_after(5):
        async with sisyphus.open_run(a_run()) as run:
            pass

    assert run.result.passed


async def test_who_stops_reading_halfway_holds_nothing_up() -> None:
    with trio.fail_after(5):
        async with sisyphus.open_run(a_run()) as run:
            async for event in run.events:
                if event.data.type == "step_start":
                    break

    assert run.result.passed


async def test_leaving_the_block_waits_for_the_end() -> None:
    async with sisyphus.open_run(a_run()) as run:
        with pytest.raises(RuntimeError, match="no result before it is over"):
            _ = run.result

    assert run.result.passed


async def test_a_run_can_be_cancelled_from_within() -> None:
    watched = Watched()
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery, sisyphus.open_run(a_run(STUCK), live=LIVE) as run:
            url = where(run)
            nursery.start_soon(watch, url, watched)
            await watched.until(lambda so_far: "step_start" in so_far.types)
            run.cancel()

    assert run.result.status == "cancelled"
    assert run.result.cases[0].steps[0].error is not None
    assert (watched.types[-1], watched.code) == ("test_complete", 1000)


async def test_an_exception_in_the_block_ends_the_run_and_comes_out_as_it_is() -> None:
    watched = Watched()
    async with trio.open_nursery() as nursery:
        with pytest.raises(LookupError, match="mine"), trio.fail_after(5):
            async with sisyphus.open_run(a_run(STUCK), live=LIVE) as run:
                url = where(run)
                nursery.start_soon(watch, url, watched)
                await watched.until(lambda so_far: "step_start" in so_far.types)
                raise LookupError("mine")
        await watched.closed()

    assert run.result.status == "cancelled"
    assert (watched.types[-1], watched.code) == ("test_complete", 1000)


@pytest.mark.parametrize("how", ["run", "open_run"])
async def test_a_caller_who_is_cancelled_leaves_watchers_with_the_end_and_nothing_open(how: str) -> None:
    before = open_sockets()
    watched = Watched()
    told: list[str] = []

    class Sink(Announcer):
        def handle(self, event: object) -> None: ...

        def serving(self, serving: sisyphus.live.server.Serving) -> None:
            nursery.start_soon(watch, serving.url, watched)

        def finish(self, result: sisyphus.results.RunResult) -> None:
            told.append(result.status)

    async def embedded() -> None:
        if how == "run":
            await sisyphus.run(a_run(STUCK), live=LIVE, sinks=[Sink()])
        else:
            async with sisyphus.open_run(a_run(STUCK), live=LIVE, sinks=[Sink()]):
                await trio.sleep_forever()

    scope = trio.CancelScope()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            with scope:
                nursery.start_soon(cancel_when_begun, watched, scope)
                await embedded()
            assert scope.cancelled_caught
            await watched.closed()

    assert told == ["cancelled"]
    assert (watched.types[-1], watched.code) == ("test_complete", 1000)
    assert open_sockets() <= before


async def cancel_when_begun(watched: Watched, scope: trio.CancelScope) -> None:
    await watched.until(lambda so_far: "step_start" in so_far.types)
    scope.cancel()


async def test_a_finished_run_leaves_nothing_open(nursery: trio.Nursery) -> None:
    before = open_sockets()
    case = sisyphus.loads("""
name: c
config: {mock_server: {routes: [{path: /a, response: {body: {n: 1}}}]}}
steps: [{name: ask, url: /a}]
""")

    result = await sisyphus.run([case] * 5, live=LIVE)

    assert result.passed
    assert open_sockets() <= before


async def test_a_case_that_asks_for_a_server_gets_one_also_here() -> None:
    case = sisyphus.loads("name: c\nconfig: {websocket: {enabled: true, port: 0}}\nsteps:" + REST)

    async with sisyphus.open_run(case) as run:
        watched = await watch(where(run))

    assert watched.code == 1000


async def test_what_is_wrong_with_the_files_comes_out_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        await sisyphus.run(tmp_path / "missing.yaml")
    a_case(tmp_path, "name: c\nstep: []\n")
    with pytest.raises(CaseFileError) as refused:
        async with sisyphus.open_run(tmp_path):
            pytest.fail("nothing runs")

    assert refused.value.problems[0].mark.line == 2


@pytest.mark.parametrize("how", ["run", "open_run"])
async def test_an_address_that_is_taken_comes_out_as_it_is(how: str) -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    live = LiveSettings(host="127.0.0.1", port=listener.socket.getsockname()[1])
    async with listener:
        with pytest.raises(StartError, match="address already in use"):
            if how == "run":
                await sisyphus.run(a_run(), live=live)
            else:
                async with sisyphus.open_run(a_run(), live=live):
                    pytest.fail("nothing runs")


async def test_profile_and_overrides_are_the_command_lines(tmp_path: Path) -> None:
    path = a_case(tmp_path, """
        name: c
        config:
          variables: {who: world, n: 0}
          profiles: {dev: {variables: {who: developers}}}
        steps:
          - {name: "${who} ${n}", type: wait, seconds: 0}
        """)  # fmt: skip

    result = await sisyphus.run(path, profile="dev", overrides={"n": 5})

    assert result.cases[0].steps[0].name == "developers 5"


async def test_open_run_raises_what_run_raises() -> None:
    class Broken(Announcer):
        def handle(self, event: object) -> None:
            raise KeyError("mine")

        def finish(self, result: object) -> None: ...

    with pytest.raises(KeyError, match="mine"):
        await sisyphus.run(a_run(" []"), sinks=[Broken()])
    with pytest.raises(KeyError, match="mine"):
        async with sisyphus.open_run(a_run(" []"), sinks=[Broken()]):
            pass
