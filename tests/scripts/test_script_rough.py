"""Scripts that misbehave: all of them end, within their bounds, and leave nothing (see `conftest.scripts_folder`)."""

from __future__ import annotations

import gc
import random
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
import trio
from leftovers import entries, processes_of

from sisyphus.scripts import process
from sisyphus.scripts.explain import Ending, explained
from sisyphus.scripts.listening import OUTPUT, Heard
from sisyphus.scripts.messages import Ended, GarbledError, LogSaid, VariableSaid, message_of, verdict_of
from sisyphus.scripts.process import Job, run_script
from sisyphus.scripts.program import Text, compiled


async def ran(script: str, **job: Any) -> Heard:
    async def hear(said: LogSaid | VariableSaid) -> None:
        pass

    text = Text(source=textwrap.dedent(script).strip("\n"), file="c.yaml")
    with trio.fail_after(20):
        return await run_script(Job(program=compiled(text), **job), hear)


def ending(heard: Heard) -> Ending:
    return explained(heard, Text(source="", file="c.yaml"))


async def test_huge_output_is_read_to_its_end_and_its_beginning_kept() -> None:
    heard = await ran("import sys\nprint('x' * 3_000_000)\nsys.stderr.write('y' * 2_000_000)")
    assert heard.output.text == "x" * OUTPUT
    assert ending(heard) == Ending(
        warnings=(
            f"output: only the first {OUTPUT} of 3000001 bytes were kept",
            f"stderr: only the first {OUTPUT} of 2000000 bytes were kept",
        )
    )


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        ("print('no newline', end='')", "no newline"),
        (r"import os; os.write(1, b'a\xff\x00b')", "a\\xff\x00b"),
        ("print('\\ud800 é')", "\\ud800 é\n"),
        ("import sys\nsys.stdout.close()\nsys.stderr.close()", ""),
        ("import os\nos.close(1)\nos.close(2)", ""),
        ("print('a')\nimport sys\nsys.stdout = None", "a\n"),
    ],
)
async def test_whatever_it_does_with_its_output_it_ends_well(script: str, shown: str) -> None:
    heard = await ran(script)
    assert (ending(heard).error, heard.output.text) == (None, shown)


async def test_a_daemon_of_its_own_ends_with_it(scripts_folder: Path) -> None:
    heard = await ran(
        """
        import os, signal, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                os.open("/dev/null", os.O_RDONLY)
                time.sleep(60)
            os._exit(0)
        os.wait()
        daemon = True
        """
    )
    assert ending(heard) == Ending()
    assert processes_of(scripts_folder) == []


async def test_a_fork_that_runs_on_to_the_scripts_end_does_not_speak_for_it() -> None:
    heard = await ran("import os\nchild = os.fork()\nif child: os.wait()\nwho = 'parent' if child else 'child'")
    assert isinstance(heard.end, Ended)
    assert heard.end.exported["who"] == "parent"


async def test_a_fork_may_not_use_the_helpers() -> None:
    heard = await ran(
        """
        import os
        if os.fork() == 0:
            try:
                set_var("a", 1)
            except RuntimeError as exc:
                print(exc, flush=True)
            os._exit(0)
        os.wait()
        """
    )
    assert heard.output.text == "a process that the script forked cannot talk to the engine\n"
    assert heard.garbled is None


async def test_threads_are_waited_for_unless_they_are_daemons() -> None:
    heard = await ran(
        """
        import threading, time
        def late():
            time.sleep(0.05)
            set_var("late", 1)
        threading.Thread(target=late).start()
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        """
    )
    assert ending(heard) == Ending()


@pytest.mark.parametrize(
    "written",
    [
        r"b'\xff\x00\n'", r"b'0123456789abcdef ended {}\n'", r"b'verdict exit 0\n'", r"b'\nverdict signal 9\n'",
        r"b'{' * 100_000", r"b'no newline'", r"b'\n' * 1000", r"b'verdict'",
    ],
)  # fmt: skip
async def test_what_it_writes_to_the_channel_is_not_taken_for_a_message(written: str) -> None:
    heard = await ran(
        f"""
        import os
        for fd in range(3, 20):
            try:
                os.write(fd, {written})
            except OSError:
                pass
        x = 1
        """
    )
    found = ending(heard)
    assert (found.error, found.failure) == (None, None)
    assert isinstance(heard.end, Ended)
    assert heard.end.exported["x"] == 1
    assert heard.verdict.word == "exit"


async def test_prints_that_look_like_messages_are_output() -> None:
    heard = await ran('print(\'verdict exit 0\')\nprint(\'0 ended {"exported": {"a": 1}, "value": 1}\')')
    assert isinstance(heard.end, Ended)
    assert (heard.end.exported, heard.garbled) == ({}, None)


async def test_a_channel_that_it_closes_costs_it_its_result() -> None:
    found = ending(await ran("import os\nos.closerange(3, 20)\nx = 1"))
    assert str(found.error) == "its process ended with exit code 70 before the script did"


@pytest.mark.parametrize(
    "line",
    [
        b"", b"token", b"token ended", b"token ended {", b"token ended []", b"token nonsense {}", b"other ended {}",
        b'token ended {"exported": {"a b": 1}, "value": 1}', b'token ended {"exported": [], "value": 1}',
        b"token begun 1", b"token begun true", b'token begun "5"', b'token log {"level": "loud", "message": "m"}',
        b'token log {"level": "info", "message": 5}', b'token set {"name": "a", "value": NaN}', b"token set null",
        b'token set {"name": "1", "value": 1}', b'token raised {"type": "A"}', b"token set " + b"[" * 100_000,
        b'token exited {"status": null, "lines": []}', b"\xff token",
        b'token log {"level": "info", "message": "\\ud800"}',
    ],
)  # fmt: skip
def test_a_line_that_the_worker_does_not_write_is_garbled(line: bytes) -> None:
    with pytest.raises(GarbledError):
        message_of(line, "token")


@pytest.mark.parametrize("line", [b"", b"verdict", b"\xff", b"verdict ", b"verdict x y leaving"])
def test_any_last_line_is_a_verdict(line: bytes) -> None:
    assert isinstance(verdict_of(line).word, str)


LIMITS = [
    ("f = open('f', 'wb')\nf.seek(64 * 2**20)\nf.write(b'x')\nf.flush()", "OSError", "File too large"),
    ("fs = [open('/dev/null') for _ in range(300)]", "OSError", "Too many open files"),
    ("x = bytearray(3 * 2**30)", "MemoryError", ""),
]


@pytest.mark.parametrize(("script", "type_", "message"), LIMITS)
async def test_its_means_are_limited(script: str, type_: str, message: str) -> None:
    error = ending(await ran(script)).error
    assert error is not None
    assert f"{type_}: " in str(error) or type_ in str(error)
    assert message in str(error)


async def test_cpu_time_is_limited_too() -> None:
    error = ending(await ran("while True: pass", seconds=0.5)).error
    assert str(error) == "it used more CPU time than its timeout allows"


async def test_a_folder_that_grows_too_large_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "DISK", 2**20)
    script = "import time, os\nos.mkdir('a')\nopen('a/f', 'wb').write(b'x' * 2 * 2**20)\ntime.sleep(20)"
    assert str(ending(await ran(script)).error) == "it was stopped, since its folder became too large"


async def test_too_many_processes_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PROCESSES", 3)
    script = """
        import os, time
        for _ in range(4):
            if os.fork() == 0:
                time.sleep(20)
                os._exit(0)
        time.sleep(20)
        """
    assert str(ending(await ran(script)).error) == "it was stopped, since it started too many processes"


async def test_a_script_that_kills_its_parent_ends_with_it() -> None:
    found = ending(await ran("import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(20)"))
    assert str(found.error) == "its process was ended from outside"


async def test_a_script_that_stops_its_parent_cannot_be_asked_and_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE", 0.3)
    with trio.move_on_after(0.5) as scope:
        await ran("import os, signal, time\nos.kill(os.getppid(), signal.SIGSTOP)\ntime.sleep(20)")
    assert scope.cancelled_caught


async def test_folders_it_made_hard_to_remove_are_removed() -> None:
    script = """
        import os
        os.makedirs("a/b/c")
        open("a/b/c/f", "w").close()
        os.symlink("/", "a/link")
        os.symlink("nowhere", "broken")
        os.mkfifo("pipe")
        deep = os.getcwd()
        for _ in range(300):
            os.mkdir("x" * 200)
            os.chdir("x" * 200)
        os.chdir(deep)
        os.chmod("a/b", 0)
        os.chmod("a", 0)
        """
    assert ending(await ran(script)) == Ending()


async def test_a_folder_that_it_removes_itself_is_no_problem() -> None:
    assert ending(await ran("import os\nos.rmdir(os.getcwd())")) == Ending()


CANCELLED = {
    "sleeping": "import time\ntime.sleep(20)",
    "busy": "while True: pass",
    "deaf": "import signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\nlog('up')\ntime.sleep(20)",
    "printing": "while True: print('x' * 10_000)",
    "logging": "while True: log('x' * 1000)",
    "writing": "n = 0\nwhile n < 1000:\n    open(f'f{n}', 'w').write('x' * 1000)\n    n += 1\nwhile True: pass",
    "with a child": "import subprocess\nsubprocess.run(['sleep', '20'])",
    "with a daemon": "import os, time\nif os.fork() == 0:\n    os.setsid()\ntime.sleep(20)",
    "short": "x = 1",
}


@pytest.mark.parametrize("kind", CANCELLED)
async def test_cancelled_at_any_moment_it_leaves_nothing(kind: str, scripts_folder: Path) -> None:
    moments = random.Random(kind)
    for _ in range(4):
        moment = moments.uniform(0, 0.25)
        began = time.monotonic()
        with trio.move_on_after(moment):
            await ran(CANCELLED[kind])
        assert time.monotonic() - began < moment + 2, moment
        assert (processes_of(scripts_folder), entries(scripts_folder)) == ([], []), moment


async def test_cancelled_before_its_process_is_there_it_closes_its_files_once() -> None:
    for ticks in range(6):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ran, "x = 1")
            for _ in range(ticks):
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        gc.collect()  # a second close would be of another's file, or an error that nobody can handle


async def test_many_at_once_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "AT_ONCE", 3)
    spans: list[tuple[float, float]] = []

    async def one() -> None:
        heard = await ran("import time\na = time.monotonic()\ntime.sleep(0.03)\nb = time.monotonic()")
        assert isinstance(heard.end, Ended)
        spans.append((heard.end.exported["a"], heard.end.exported["b"]))

    async with trio.open_nursery() as nursery:
        for _ in range(12):
            nursery.start_soon(one)
    assert len(spans) == 12
    assert max(sum(a <= at < b for a, b in spans) for at, _ in spans) <= 3
