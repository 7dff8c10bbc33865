"""The 500-step run with and without watchers: the whole program, watched over real sockets."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.cases import requests_case
from tests.bench.harness import LIMIT, Figure, engine, folder, free_port, in_turn, medians, nginx

WATCHERS = 50
READERS = str(Path(__file__).parent / "readers.py")
EVENTS = 500 * 4 + 2  # test_start, test_complete, and four events a step; variables are not sent by default


def watched_run(case: Path, watchers: int) -> float:
    """Seconds that the run took, as its result says, with so many watchers attached from its start to its end."""
    port = free_port()
    watching = ["--ws-server", "--ws-host", "127.0.0.1", "--ws-port", str(port), "--ws-wait-clients", str(watchers)]
    command = engine("--cases", str(case), *watching, "-o", "-")
    began = time.monotonic()
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        reader = subprocess.Popen([sys.executable, READERS, str(port), str(watchers)], stdout=subprocess.PIPE)
        out, _ = program.communicate(timeout=LIMIT)
        seen, _ = reader.communicate(timeout=LIMIT)
    finally:
        program.kill()
    assert program.returncode == 0, out
    assert time.monotonic() - began < LIMIT
    frames = [int(count) for count in seen.split()]
    assert frames == [EVENTS] * watchers, frames
    return float(json.loads(out)["duration"])


def fifty_watchers() -> Iterator[Figure]:
    with nginx() as url, folder() as home:
        case = requests_case(home / "many.yaml", url, 500)
        with_them, without = medians(
            in_turn(15, lambda: watched_run(case, WATCHERS), lambda: watched_run(case, 0)),
        )
    yield Figure(
        name=f"the 500-step run with {WATCHERS} watchers attached",
        measured=f"{with_them:.3f} s",
        comparison=f"{without:.3f} s: no watcher",
        ratio=f"{with_them / without:.3f}",
        promised="≤ 1.10",
        kept=with_them / without <= 1.10,
    )
