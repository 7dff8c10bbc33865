"""What becomes of a script when the engine around it goes away, or is interrupted."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path

import trio
from programs import a_case, running

SLEEPER = """
name: c
steps:
  - name: s
    type: script
    timeout: 60
    script: |
      import os, signal, subprocess, time
      signal.signal(signal.SIGTERM, signal.SIG_IGN)
      signal.signal(signal.SIGINT, signal.SIG_IGN)
      child = subprocess.Popen(["sleep", "50"], start_new_session=True)
      open("file", "w").write("x")
      log(f"up in {os.getcwd()} with {os.getpid()} and {child.pid}.")
      time.sleep(50)
"""


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def leaves_nothing(number: int, tmp_path: Path) -> None:
    case = a_case(tmp_path, SLEEPER)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with trio.fail_after(30):
        async with running(case, "-v", cwd=tmp_path, env={"TMPDIR": str(temporary)}) as underway:
            found = await underway.until(r"up in (\S+) with (\d+) and (\d+)\.")
            script, child = int(found[2]), int(found[3])
            assert Path(found[1]).parent == temporary
            assert alive(script)
            assert alive(child)
            began = time.monotonic()
            underway.interrupt(number)
            await underway.done()
            while any(map(alive, (script, child))) or list(temporary.iterdir()):  # noqa: ASYNC110 - they tell nobody
                await trio.sleep(0.01)
    assert time.monotonic() - began < 5


async def test_an_interrupted_engine_leaves_nothing_of_a_script(tmp_path: Path) -> None:
    await leaves_nothing(signal.SIGINT, tmp_path)


async def test_a_killed_engine_leaves_nothing_of_a_script(tmp_path: Path) -> None:
    await leaves_nothing(signal.SIGKILL, tmp_path)
