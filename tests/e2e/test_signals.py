"""Ctrl-C and SIGTERM, whatever the engine is doing: everyone is told, everything is written, nothing is left."""

from __future__ import annotations

import json
import random
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import trio
from programs import Done, Watched, a_case, answer, read_request, running, says, serve, watch

SIGNALS = [signal.SIGINT, signal.SIGTERM]
WATCHED = ("--ws-server", "--ws-port", "0", "--format", "json")
AFTER = "\n  - {name: after, type: wait, seconds: 0}\n"

# One step that is under way for as long as anyone waits, in different ways.
MOMENTS = {
    "in a request": "  - {name: stuck, url: '${url}/slow'}",
    "in a wait": "  - {name: stuck, type: wait, seconds: 1000}",
    "in a condition": "  - {name: stuck, type: wait, condition: 'false', max_wait: 1000}",
    "in a retry's rest": (
        "  - {name: stuck, url: '${url}/busy', validations: [{status_code: 201}],\n"
        "     retry_policy: {max_attempts: 5, strategy: fixed, base_delay: 500}}"
    ),
}


async def slow_or_busy(stream: trio.abc.Stream) -> None:
    while (request := await read_request(stream)) is not None:
        if b"/slow" in request:
            await trio.sleep_forever()
        await stream.send_all(answer())


def ended_in_order(done: Done) -> Any:
    """What holds for every interrupted run; gives its document."""
    assert done.code == 130, done
    assert "Traceback" not in done.err
    assert "Exception ignored" not in done.err
    assert done.document["status"] == "cancelled"
    return done.document


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("number", SIGNALS, ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_the_running_step_ends_as_cancelled_and_everyone_is_told(
    moment: str, number: int, tmp_path: Path, nursery: trio.Nursery
) -> None:
    url = await serve(nursery, slow_or_busy)
    case = a_case(tmp_path, f"name: c\nconfig: {{variables: {{url: '{url}'}}}}\nsteps:\n{MOMENTS[moment]}{AFTER}")
    watched = Watched()
    async with running(case, *WATCHED, "-o", "result.json", cwd=tmp_path) as underway:
        live = await underway.url()
        nursery.start_soon(watch, live, watched)
        begun = "log" if "retry" in moment else "step_start"
        await watched.until(lambda so_far: begun in so_far.types)
        await trio.sleep(0.1)  # into the step
        began = time.monotonic()
        underway.interrupt(number)
        done = await underway.done()
        await watched.closed()

    document = ended_in_order(done)
    assert time.monotonic() - began < 5
    (case_result,) = document["cases"]
    (step,) = case_result["steps"]
    assert (step["name"], step["status"], step["error"]["message"]) == ("stuck", "error", "cancelled")
    assert (case_result["status"], case_result["skipped_steps"]) == ("cancelled", 1)
    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8")) == document
    assert watched.types[-4:] == ["error", "step_complete", "progress", "test_complete"]
    assert watched.data("test_complete")[0]["status"] == "cancelled"
    assert watched.code == 1000
    assert watched.seqs == list(range(1, len(watched.seqs) + 1))
    assert not listens(int(live.rsplit(":", 1)[1]))
    nursery.cancel_scope.cancel()


LOADING = """
import sys, time
from sisyphus.case import load

def forever(paths, choices):
    print("loading", file=sys.stderr, flush=True)
    time.sleep(20)

load.load_all = forever
from sisyphus.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("number", SIGNALS, ids=["SIGINT", "SIGTERM"])
async def test_while_files_are_read_nothing_has_to_be_told(number: int, tmp_path: Path) -> None:
    (tmp_path / "loading.py").write_text(LOADING)
    async with running("case.yaml", *WATCHED, cwd=tmp_path, program=str(tmp_path / "loading.py")) as underway:
        await underway.until("loading\n", "err")
        underway.interrupt(number)
        done = await underway.done()

    assert (done.code, done.out, done.err) == (130, "", "loading\ninterrupted\n")


async def test_cases_that_had_not_begun_are_told_as_cancelled(tmp_path: Path) -> None:
    for name in "abc":
        a_case(tmp_path, f"name: {name}\nsteps:\n  - {{name: rest, type: wait, seconds: 1000}}\n", f"{name}.yaml")
    watched = Watched()
    async with running(".", "--jobs", 2, *WATCHED, cwd=tmp_path) as underway, trio.open_nursery() as nursery:
        nursery.start_soon(watch, await underway.url(), watched)
        await watched.until(lambda so_far: so_far.types.count("step_start") == 2)
        underway.interrupt()
        done = await underway.done()

    document = ended_in_order(done)
    assert [(case["name"], case["status"]) for case in document["cases"]] == [
        ("a", "cancelled"), ("b", "cancelled"), ("c", "cancelled"),
    ]  # fmt: skip
    assert watched.types.count("test_start") == watched.types.count("test_complete") == 2


async def test_the_text_on_stdout_is_whole_too(tmp_path: Path) -> None:
    case = a_case(tmp_path, f"name: c\nsteps:\n{MOMENTS['in a wait']}{AFTER}")
    async with running(case, "--ws-server", "--ws-port", 0, cwd=tmp_path) as underway:
        await underway.until("watch live", "out")
        await trio.sleep(0.1)
        underway.interrupt()
        done = await underway.done()

    assert done.code == 130
    assert done.err == "interrupted; the run is being ended (once more: at once)\n"
    assert "✗ stuck" in done.out
    assert "✗ cancelled · steps: 0 of 2 passed, 1 failed, 1 skipped" in done.out
    assert "1 case: 1 cancelled" in done.out


async def a_deaf_watcher(url: str) -> trio.SocketStream:
    """Shakes hands and then reads nothing, with so small a buffer that the server notices soon."""
    sock = trio.socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    await sock.connect(("127.0.0.1", int(url.rsplit(":", 1)[1])))
    stream = trio.SocketStream(sock)
    await stream.send_all(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await stream.receive_some(16)
    return stream


def a_loud_case(tmp_path: Path, url: str, last: str = "") -> Path:
    """A case whose events are more than the buffers of a connection hold."""
    steps = "".join(
        f"  - {{name: s{number}, url: '{url}', extractors: [{{name: big, path: $}}]}}\n" for number in range(12)
    )
    config = "config: {websocket: {send_variables: true}}\n"
    return a_case(tmp_path, f"name: loud\n{config}steps:\n{steps}{last}")


LOUD = answer(json.dumps("x" * 500_000).encode())


async def test_a_signal_while_watchers_are_drained_ends_the_waiting_for_those_who_do_not_read(
    tmp_path: Path, nursery: trio.Nursery
) -> None:
    case = a_loud_case(tmp_path, await serve(nursery, says(LOUD, hang_up=False)))
    reading = Watched()
    async with running(case, *WATCHED, "--ws-drain", 60, cwd=tmp_path) as underway:
        url = await underway.url()
        async with await a_deaf_watcher(url):
            nursery.start_soon(watch, url, reading)
            await underway.until("for watchers who still read", "err")
            began = time.monotonic()
            underway.interrupt()
            done = await underway.done()

    assert time.monotonic() - began < 5
    assert done.code == 130
    assert "Traceback" not in done.err
    assert done.document["status"] == "passed"  # the run itself was over
    assert (reading.types[-1], reading.code) == ("test_complete", 1000)
    nursery.cancel_scope.cancel()


async def test_a_watcher_who_does_not_read_holds_an_interrupted_run_no_longer_than_promised(
    tmp_path: Path, nursery: trio.Nursery
) -> None:
    url = await serve(nursery, says(LOUD, hang_up=False))
    case = a_loud_case(tmp_path, url, last="  - {name: stuck, type: wait, seconds: 1000}\n")
    reading = Watched()
    async with running(case, *WATCHED, "--ws-drain", 60, cwd=tmp_path) as underway:
        live = await underway.url()
        async with await a_deaf_watcher(live):
            nursery.start_soon(watch, live, reading)
            await reading.until(lambda so_far: any(event["step_name"] == "stuck" for event in so_far.events))
            began = time.monotonic()
            underway.interrupt()
            done = await underway.done()

    assert time.monotonic() - began < 10
    ended_in_order(done)
    assert (reading.types[-1], reading.code) == ("test_complete", 1000)
    nursery.cancel_scope.cancel()


async def test_a_second_signal_ends_the_process_at_once_also_while_a_watcher_holds_it(
    tmp_path: Path, nursery: trio.Nursery
) -> None:
    case = a_loud_case(tmp_path, await serve(nursery, says(LOUD, hang_up=False)), last=MOMENTS["in a wait"])
    async with running(case, *WATCHED, "--ws-drain", 60, cwd=tmp_path) as underway:
        url = await underway.url()
        async with await a_deaf_watcher(url):
            await watch(url, until="step_start")
            underway.interrupt()
            await underway.until("for watchers who still read", "err")
            began = time.monotonic()
            underway.interrupt()
            done = await underway.done()

    assert time.monotonic() - began < 1
    assert done.code == 130
    assert "Traceback" not in done.err
    nursery.cancel_scope.cancel()


BUSY = """
import sys, time
from sisyphus.steps import wait

async def busy(spec, context):
    print("busy", file=sys.stderr, flush=True)
    ends = time.monotonic() + 20
    while time.monotonic() < ends:  # nothing else in this process gets its turn
        pass

wait.execute = busy
from sisyphus.cli import main
sys.exit(main())
"""


async def test_a_second_signal_ends_the_process_at_once_also_while_the_loop_is_busy(tmp_path: Path) -> None:
    case = a_case(tmp_path, f"name: c\nsteps:\n{MOMENTS['in a wait']}\n")
    (tmp_path / "busy.py").write_text(BUSY)
    async with running(case, cwd=tmp_path, program=str(tmp_path / "busy.py")) as underway:
        await underway.until("busy", "err")
        underway.interrupt()
        await trio.sleep(0.3)
        assert underway.process.poll() is None  # the first one waits for its turn
        began = time.monotonic()
        underway.interrupt()
        done = await underway.done()

    assert time.monotonic() - began < 1
    assert done.code == 130
    assert "Traceback" not in done.err


async def test_no_child_is_left_behind_and_no_temporary_file(tmp_path: Path, nursery: trio.Nursery) -> None:
    case = a_case(tmp_path, """
        name: c
        config: {mock_server: {routes: [{path: /slow, response: {fixed_delay: 1000}}]}}
        steps: [{name: stuck, url: /slow}]
        """)  # fmt: skip
    async with running(case, *WATCHED, "-o", "result.json", cwd=tmp_path) as underway:
        await watch(await underway.url(), until="step_start")
        await trio.sleep(0.2)
        underway.interrupt()
        done = await underway.done()

    ended_in_order(done)
    assert {path.name for path in await trio.Path(tmp_path).iterdir()} == {"case.yaml", "result.json"}


# Thirty moments from the start of the process to after its end; always the same ones, so that a failure can be found.
DELAYS = [round(random.Random(2026).uniform(0.0, 1.5), 3) for _ in range(30)]


async def one_interruption(delay: float, tmp_path: Path, failures: list[str]) -> None:
    """Interrupts a short run after its server is there and so many seconds more."""
    watched = Watched()
    async with running("case.yaml", *WATCHED, cwd=tmp_path) as underway, trio.open_nursery() as nursery:
        try:
            url = await underway.url()
            nursery.start_soon(watch, url, watched)
            await trio.sleep(delay)
            if underway.process.poll() is None:
                underway.interrupt(SIGNALS[int(delay * 1000) % 2])
            done = await underway.done()
            with trio.fail_after(5):
                await watched.closed()
            problems(delay, done, watched, failures)
        except (AssertionError, ValueError, trio.TooSlowError) as exc:
            failures.append(f"{delay}: {exc!r}")
            nursery.cancel_scope.cancel()


def problems(delay: float, done: Done, watched: Watched, failures: list[str]) -> None:
    status = done.document["status"]
    told = watched.data("test_complete")
    checks = {
        "exit code": done.code == (130 if status == "cancelled" else done.code) and done.code in {0, 130},
        "no traceback": "Traceback" not in done.err and "Exception ignored" not in done.err,
        "close frame": watched.code == 1000,
        "no hole": watched.seqs == list(range(1, len(watched.seqs) + 1)),
        "one end for each beginning": watched.types.count("test_start") == len(told),
        "the same end": not told or told[0]["status"] == done.document["cases"][0]["status"],
    }
    failures.extend(f"{delay}: {name}: {done}" for name, kept in checks.items() if not kept)


@pytest.mark.parametrize("part", range(3))  # so that each has its own limit
async def test_whatever_the_moment_everyone_gets_the_same_end(part: int, tmp_path: Path) -> None:
    a_case(tmp_path, """
        name: c
        config:
          websocket: {send_variables: true}
          mock_server:
            routes:
              - path: /a
                responses: [{status_code: 503}, {body: {n: 1}, fixed_delay: 0.1}]
              - path: /b
                response: {body: {n: 2}}
        steps:
          - {name: a, url: /a, retry_policy: {max_attempts: 3, strategy: fixed, base_delay: 0.2}}
          - {name: b, url: /b, extractors: [{name: n, path: $.n}]}
          - {name: rest, type: wait, seconds: 0.3}
          - {name: until, type: wait, condition: "n == 2"}
        """)  # fmt: skip
    failures: list[str] = []
    limit = trio.CapacityLimiter(4)

    async def limited(delay: float) -> None:
        async with limit:
            await one_interruption(delay, tmp_path, failures)

    async with trio.open_nursery() as nursery:
        for delay in DELAYS[part::3]:
            nursery.start_soon(limited, delay)

    assert failures == []
