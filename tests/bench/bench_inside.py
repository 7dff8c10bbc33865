"""Steps inside steps: loads, steps at the same time, and loops of many rounds."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.harness import LIMIT, Figure, engine, folder, in_turn, medians, nginx

BARE = str(Path(__file__).parent / "bare_load.py")
TASKS, EACH = 50, 20

REQUEST = 'url: "/things/${index}?page=1", headers: {X-Trace: "trace-${index}"}, validations: [{eq: ["$.data.id", 7]}]'
LOAD = "  - {{name: load, {request}, parallel: {{threads: {tasks}, iterations: {each}}}}}\n"
CONCURRENT = """\
  - name: loop
    type: loop
    loop_count: {each}
    steps: [{{name: at once, type: concurrent, max_concurrency: {tasks}, steps: [{inner}]}}]
"""
LOOP = "  - {{name: loop, type: loop, loop_count: {rounds}, steps: [{{name: rest, type: wait, seconds: 0}}]}}\n"


def load_of_fifty() -> Iterator[Figure]:
    with nginx() as url, folder() as home:
        load = _case(home / "load.yaml", LOAD.format(request=REQUEST, tasks=TASKS, each=EACH), url)
        inner = ", ".join(f"{{name: s{number}, {REQUEST}}}" for number in range(TASKS))
        group = _case(home / "group.yaml", CONCURRENT.format(tasks=TASKS, each=EACH, inner=inner), url)
        ours, bare, steps = medians(
            in_turn(3, lambda: TASKS * EACH / _took(load), lambda: _bare(url), lambda: TASKS * EACH / _took(group))
        )
    yield Figure(
        name=f"`parallel` load of {TASKS}, one validation each, nginx",
        measured=f"{ours:,.0f} requests/s",
        comparison=f"{bare:,.0f} requests/s: {TASKS} tasks with httpx on trio",
        ratio=f"{ours / bare:.2f}",
        promised="≥ 0.9",
        kept=ours / bare >= 0.9,
    )
    yield Figure(
        name=f"`concurrent` of {TASKS} steps in a loop, each with its events",
        measured=f"{steps:,.0f} requests/s",
        comparison=f"{bare:,.0f} requests/s: {TASKS} tasks with httpx on trio",
        ratio=f"{steps / bare:.2f}",
        promised="",
        kept=True,
    )


def many_rounds() -> Iterator[Figure]:
    with folder() as home:
        one, few, many = (_case(home / f"{rounds}.yaml", LOOP.format(rounds=rounds)) for rounds in (1, 1_000, 10_000))
        start, thousand, ten = medians(in_turn(3, lambda: _cpu(one), lambda: _cpu(few), lambda: _cpu(many)))
    short, long = (thousand - start) / 999, (ten - start) / 9_999
    yield Figure(
        name="`loop`, CPU time of a round of 10,000, with its events and its part of the result",
        measured=f"{long * 1e6:.0f} µs",
        comparison=f"{short * 1e6:.0f} µs: of 1,000",
        ratio=f"{long / short:.2f}",
        promised="≤ 1.10",
        kept=long / short <= 1.10,
    )


def _cpu(case: Path) -> float:
    """CPU seconds of a whole run: what a busy machine leaves alone."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _took(case)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _case(path: Path, steps: str, url: str = "http://127.0.0.1:9") -> Path:
    path.write_text(f"name: x\nconfig: {{base_url: '{url}'}}\nsteps:\n{steps}")
    return path


def _took(case: Path) -> float:
    """Seconds that the case's one step took, start-up left out."""
    out = subprocess.run(
        engine("--cases", str(case), "--format", "json"), capture_output=True, check=True, timeout=LIMIT
    ).stdout
    (step,) = json.loads(out)["cases"][0]["steps"]
    return float(step["duration"])


def _bare(url: str) -> float:
    command = [sys.executable, BARE, url, str(TASKS), str(EACH)]
    return float(subprocess.run(command, capture_output=True, check=True, timeout=LIMIT).stdout)
