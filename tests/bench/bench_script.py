"""What a `script` step costs beside an interpreter that does nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from tests.bench.harness import Figure

ROUNDS = 25

# Steps and interpreters in turn, in one engine: what is measured is a step, not the start of the engine.
STEPS = """
import statistics, subprocess, sys, time
import trio
import sisyphus

ROUNDS = {rounds}
case = sisyphus.loads('''
name: scripts
steps: [{{name: s, type: script, script: "x = 1"}}]
''')

async def main():
    ours, bare = [], []
    for number in range(ROUNDS + 1):
        result = await sisyphus.run(case, live=None)
        (step,) = result.cases[0].steps
        assert step.status == "success", step
        began = time.perf_counter()
        await trio.run_process([sys.executable, "-c", "pass"])
        if number:
            ours.append(step.duration)
            bare.append(time.perf_counter() - began)
    print(statistics.median(ours), statistics.median(bare))

trio.run(main)
"""


def one_script() -> Iterator[Figure]:
    command = [sys.executable, "-c", STEPS.format(rounds=ROUNDS)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    ours, bare = map(float, done.stdout.split())
    yield Figure(
        name="a `script` step",
        measured=f"{ours * 1000:.0f} ms",
        comparison=f"{bare * 1000:.0f} ms: `python -c pass`",
        ratio=f"{ours / bare:.2f}",
        promised="≤ 3.0",
        kept=ours / bare <= 3.0,
    )
