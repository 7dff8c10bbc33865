"""The figures of ``docs/performance.md``: ``python -m tests.bench [NAME …]``, each beside its comparison."""

from __future__ import annotations

import argparse
import platform
import sys

from tests.bench import bench_deliveries, bench_engine, bench_inside, bench_memory, bench_script, bench_watched
from tests.bench.harness import HEADER, Figure

FIGURES = {
    "start": bench_engine.start_up,
    "requests": bench_engine.five_hundred_requests,
    "loading": bench_engine.loading,
    "waiting": bench_engine.shared_waiting,
    "script": bench_script.one_script,
    "load": bench_inside.load_of_fifty,
    "rounds": bench_inside.many_rounds,
    "watched": bench_watched.fifty_watchers,
    "deliveries": bench_deliveries.five_hundred_watchers,
    "memory": bench_memory.million_events,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*FIGURES, []], help="which figures; all if none is named")
    wanted = parser.parse_args().names or list(FIGURES)
    print(f"Python {platform.python_version()}, {platform.machine()}\n\n{HEADER}", flush=True)
    figures: list[Figure] = []
    for name in wanted:
        for figure in FIGURES[name]():
            figures.append(figure)
            print(figure.row(), flush=True)
    return 0 if all(figure.kept for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
