"""Deliveries per CPU-second of the server, with 500 watchers, beside one `send_message` per watcher and event."""

from __future__ import annotations

import resource
import statistics
from collections.abc import Iterator

from tests.bench.bench_watchers import measure
from tests.bench.harness import Figure

WATCHERS = 500
ROUNDS = 3
SECONDS = 2.0


def five_hundred_watchers() -> Iterator[Figure]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for pending, least in ((1, 50_000), (10, 400_000)):
        rates: dict[str, list[float]] = {"journal": [], "naive": []}
        for _ in range(ROUNDS):
            for kind, found in rates.items():
                found.append(measure(kind, watchers=WATCHERS, pending=pending, seconds=SECONDS).rate)
        ours, naive = (statistics.median(rates[kind]) for kind in ("journal", "naive"))
        yield Figure(
            name=f"{WATCHERS} watchers, deliveries per CPU-second, {'one event at a time' if pending == 1 else 'ten pending'}",
            measured=f"{ours:,.0f}",
            comparison=f"{naive:,.0f}: one `send_message` of trio-websocket per watcher and event",
            ratio=f"{ours / naive:.1f} ×",
            promised=f"≥ {least:,}",
            kept=ours >= least,
        )
