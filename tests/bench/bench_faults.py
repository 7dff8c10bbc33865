"""What a thousand watchers do to a run of which three hundred misbehave: the figures of ``docs/reliability.md``.

    python -m tests.bench.bench_faults [--steps N] [--seconds S] [--watchers N] [--rounds N]

The same run twice, in turn: watched by the good ones alone, and by all. With the defaults it takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from attrs import frozen

from tests.bench.harness import HEADER, Figure, free_port

CROWD = str(Path(__file__).parent / "crowd.py")
CASES = 20  # at a time

# The documented bound of a watched run's memory, in MiB: the interpreter and the engine, what the journal keeps, and for
# each watcher its tasks, its connection, and the batch that it is being sent.
BOUND = (150, 64, 0.2)

PROGRAM = '''
import json, os, sys, time, trio
from pathlib import Path
import sisyphus
from sisyphus.app import LiveRun, Settings
from sisyphus.live.serving import LiveSettings

port, steps, seconds, watchers, cases = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
each = steps // cases
text = "name: x\\nsteps:\\n" + "".join("  - {name: s%d, type: wait, seconds: %f}\\n" % (n, seconds / each) for n in range(each))
case = sisyphus.loads(text)
live = LiveSettings(host="127.0.0.1", port=port, wait_clients=watchers, linger=float(sys.argv[6]), drain=min(30, 3 * float(sys.argv[6])))

class Meter:
    """The CPU time that the process has used when the run begins, and when it is over."""
    began = ended = None
    def handle(self, event):
        self.began = self.began or time.process_time()
    def finish(self, result):
        self.ended = time.process_time()
    def close(self):
        pass

meter = Meter()
run = LiveRun([case] * cases, Settings(jobs=cases, live=live, keep_steps=False), [meter])
run.events.close()

def link_of(number):
    try:
        return os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        return None  # that of the listing itself

def sockets():
    links = [link for number in os.listdir("/proc/self/fd") if (link := link_of(number))]
    return sum(link.startswith("socket:") for link in links)

async def main():
    before = trio.lowlevel.current_statistics().tasks_living, sockets()
    await run.supervise()
    return before, (trio.lowlevel.current_statistics().tasks_living, sockets())

before, after = trio.run(main)
peak = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps({
    "duration": run.result.duration, "passed": run.result.passed, "peak": peak / 1024,
    "left": [after[0] - before[0], after[1] - before[1]], "cpu": meter.ended - meter.began,
}))
'''


@frozen(kw_only=True)
class Watched:
    """A run, and what its watchers saw."""

    duration: float
    cpu: float
    peak: float
    left: tuple[int, int]
    good: int
    restless: int
    visits: int
    events: int


def watched(*, steps: int, seconds: float, good: int, each: int, linger: float | None = None) -> Watched:
    """One run with `good` watchers, and `each` of every bad kind."""
    port = free_port()
    # Who comes again and again is far behind when the run ends, and has until then to get the rest.
    linger = max(10.0, seconds * 0.3) if linger is None else linger
    crowds = [(kind, each) for kind in ("deaf", "restless", "vanishing") if each]
    crowds += [("good", good // 2), ("good", good - good // 2)]
    # Those who come and go are never all there.
    arguments = [str(port), str(steps), str(seconds), str(good + each), str(CASES), str(linger)]
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE)
    _pin(program, 0)
    readers: list[tuple[str, subprocess.Popen[bytes]]] = []
    try:
        _wait_for(port)
        for number, (kind, count) in enumerate(crowds):
            command = [sys.executable, CROWD, str(port), kind, str(count), str(seconds), str(number)]
            readers.append((kind, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)))
            _pin(readers[-1][1], 1)
        out, _ = program.communicate(timeout=seconds * 3 + 120)
        seen = [(kind, json.loads(reader.communicate(timeout=60)[0])) for kind, reader in readers]
    finally:
        program.kill()
        for _, reader in readers:
            reader.kill()
    told = json.loads(out)
    assert told["passed"]
    counts = {count for kind, what in seen if kind in {"good", "restless"} for count in what["counts"]}
    checksums = {checksum for kind, what in seen if kind == "good" for checksum in what["checksums"]}
    assert len(counts) == len(checksums) == 1, f"{len(counts)} lengths, {len(checksums)} contents: {seen}"[:1000]
    return Watched(
        duration=told["duration"], cpu=told["cpu"], peak=told["peak"], left=tuple(told["left"]),
        good=sum(what["whole"] for kind, what in seen if kind == "good"),
        restless=sum(what["whole"] for kind, what in seen if kind == "restless"),
        visits=sum(what["visits"] for kind, what in seen if kind == "restless"),
        events=counts.pop(),
    )  # fmt: skip


def _pin(process: subprocess.Popen[bytes], number: int) -> None:
    """The run has a core to itself, the crowds have the others: else it would be the crowd that slows the run."""
    if hasattr(os, "sched_setaffinity") and len(cores := sorted(os.sched_getaffinity(0))) > 1:
        os.sched_setaffinity(process.pid, cores[:1] if number == 0 else cores[1:])


def _wait_for(port: int) -> None:
    import socket
    import time

    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("nobody serves")


def figures(alone: list[Watched], among: list[Watched], *, good: int, each: int) -> list[Figure]:
    """The lines of the table."""
    without, with_them = (statistics.median(each.duration for each in runs) for runs in (alone, among))
    peak, bound = max(run.peak for run in among), BOUND[0] + BOUND[1] + BOUND[2] * (good + 3 * each)
    whole = min(run.good for run in among)
    visits = sum(run.visits for run in among) // len(among)
    return [
        Figure(
            name=f"wall time of a run with {good} good watchers and {3 * each} bad ones",
            measured=f"{with_them:.2f} s", comparison=f"{without:.2f} s: the {good} good ones alone",
            ratio=f"{with_them / without:.3f}", promised="≤ 1.05", kept=with_them / without <= 1.05,
        ),
        Figure(
            name="CPU time of its process meanwhile",
            measured=f"{statistics.median(run.cpu for run in among):.2f} s",
            comparison=f"{statistics.median(run.cpu for run in alone):.2f} s: the good ones alone", ratio="",
            promised="", kept=True,
        ),
        Figure(
            name="good watchers who got each event once and in order, and the end",
            measured=f"{whole} of {good}", comparison=f"{among[0].events:,} events each", ratio="",
            promised="all", kept=whole == good,
        ),
        Figure(
            name="restless watchers who did over all their visits, or were told what they lack",
            measured=f"{min(run.restless for run in among)} of {each}", comparison=f"{visits:,} visits", ratio="",
            promised="all", kept=all(run.restless == each for run in among),
        ),
        Figure(
            name="memory of the whole process, at its highest",
            measured=f"{peak:.0f} MiB", comparison=f"{max(run.peak for run in alone):.0f} MiB: the good ones alone",
            ratio="", promised=f"≤ {bound:.0f} MiB", kept=peak <= bound,
        ),
        Figure(
            name="tasks and sockets that are left at the end", measured=f"{max(run.left for run in among)}",
            comparison="", ratio="", promised="(0, 0)", kept=all(run.left <= (0, 0) for run in among),
        ),
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=200.0, help="how long the steps wait, all told")
    parser.add_argument("--watchers", type=int, default=1000, help="of which 3 in 10 misbehave")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    each = options.watchers // 10
    good = options.watchers - 3 * each
    alone, among = [], []
    for _ in range(options.rounds):
        alone.append(watched(steps=options.steps, seconds=options.seconds, good=good, each=0))
        print(alone[-1], flush=True)
        among.append(watched(steps=options.steps, seconds=options.seconds, good=good, each=each))
        print(among[-1], flush=True)
    table = figures(alone, among, good=good, each=each)
    print(f"\n{HEADER}", *(figure.row() for figure in table), sep="\n")
    return 0 if all(figure.kept for figure in table) else 1


if __name__ == "__main__":
    sys.exit(main())
