"""What a run needs whose events are far more than the journal keeps."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from tests.bench.harness import LIMIT, Figure

EVENTS = 1_000_000
STEPS = 200
# Both are bounded: the journal has the last 65,536 events, and the details are of the last 65,536 steps, four events each.
FULL = 4 * 65_536

# A run of cases that are all the same loaded case: what grows is what the run keeps, not what it was given. The live
# server is on, so that every event is encoded and kept in the journal as far as its bound goes.
PROGRAM = """
import gc, json, os, sys, trio
import sisyphus
from sisyphus.app import LiveRun, Settings
from sisyphus.live.server import LiveSettings

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

class Meter:
    def __init__(self):
        self.seen, self.samples = 0, []
    def handle(self, event):
        self.seen += 1
        if self.seen % (EVENTS // 20) == 0:
            self.samples.append((self.seen, resident()))
    def finish(self, result):
        self.result = result

steps = "".join("  - {name: s%d, type: wait, seconds: 0}\\n" % n for n in range(STEPS))
case = sisyphus.loads("name: x\\nsteps:\\n" + steps)
meter = Meter()
count = -(-EVENTS // (4 * STEPS + 2))
live = LiveSettings(host="127.0.0.1", port=0)
run = LiveRun([case] * count, Settings(live=live, keep_steps=False), [meter])
run.events.close()
trio.run(run.supervise)
print(json.dumps({"seen": meter.seen, "passed": meter.result.passed, "samples": meter.samples}))
"""


def million_events() -> Iterator[Figure]:
    program = f"EVENTS, STEPS = {EVENTS}, {STEPS}\n{PROGRAM}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=LIMIT * 3, check=False)
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert told["passed"]
    assert told["seen"] >= EVENTS
    beyond = [memory for seen, memory in told["samples"] if seen > FULL]
    growth = beyond[-1] - beyond[0]
    yield Figure(
        name=f"memory of a run that emits {told['seen']:,} events",
        measured=f"{beyond[-1]:.0f} MiB at the end",
        comparison=f"{beyond[0]:.0f} MiB when journal and details were full",
        ratio=f"{growth:+.1f} MiB",
        promised="flat",
        kept=growth <= 0.02 * beyond[0] + 2,
    )
