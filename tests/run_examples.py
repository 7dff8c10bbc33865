"""Runs every case in examples/ as a user would, each in a process of its own; ends with 1 if any is not green."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import databases
import httpx

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 60  # seconds for one example


def main() -> int:
    with real_databases():
        return run_all()


@contextmanager
def real_databases() -> Iterator[None]:
    """Servers for the examples that need some; without them these skip their steps, in CI they may not."""
    try:
        with databases.running() as servers:
            os.environ.update(servers.environment())
            yield
    except databases.MissingError as exc:
        if os.environ.get("SISYPHUS_NO_SKIP") == "1":
            raise
        print(f"without database servers: {exc}")
        yield


def run_all() -> int:
    projects = [path.parent for path in ROOT.glob("examples/*/.sisyphus")]
    programs = [*ROOT.glob("examples/embed_*.py"), *ROOT.glob("examples/*/run.py")]
    examples = sorted([*ROOT.glob("examples/[!_]*.yaml"), *programs, *projects])
    served = sorted(ROOT.glob("examples/_mock_*.yaml"))
    failed = [path for path in examples if not passes(path)]
    failed += [path for path in projects if not passes(path, "--tags", "smoke and not slow")]
    failed += [path for path in served if not serves(path)]
    print(f"{len(examples) + len(served) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not examples or not served else 0


def serves(path: Path) -> bool:
    """Starts a mock server by itself, asks it, and ends it as a user would."""
    command = [sys.executable, "-m", "sisyphus", "mock", str(path), "--port", "0", "--lang", "en"]
    began = time.monotonic()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8") as server:
        guard = threading.Timer(LIMIT, server.kill)
        guard.start()
        try:
            problem = what_is_wrong_with(server)
        finally:
            guard.cancel()
            server.kill()
    print(f"{'FAILED' if problem else 'ok    '} {path.name} ({time.monotonic() - began:.1f} s)", flush=True)
    if problem:
        print(problem)
    return not problem


def what_is_wrong_with(server: subprocess.Popen[str]) -> str | None:
    assert server.stdout is not None
    said = server.stdout.readline()
    found = re.match(r"mock server at (\S+) ", said)
    if found is None:
        return f"it said {said!r}"
    with httpx.Client(base_url=found[1], trust_env=False, timeout=LIMIT) as client:
        order = client.post("/orders", json={"amount": 5})
        if (order.status_code, order.json()["amount"]) != (201, 5):
            return f"an order was answered with {order.status_code} {order.text}"
        if client.get(order.headers["Location"]).json()["id"] != 1003:
            return "the order that was made is not there"
    server.send_signal(signal.SIGINT)
    code = server.wait(LIMIT)
    said = server.stdout.read()
    return None if code == 0 and "POST /orders → 201" in said else f"it ended with {code} and said {said!r}"


def passes(path: Path, *more: str) -> bool:
    command = (
        [sys.executable, str(path)]
        if path.suffix == ".py"
        else [sys.executable, "-m", "sisyphus", "--cases", str(path), "--override", "websocket.port=0", *more]
    )
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        timeout=LIMIT,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    print(
        f"{'ok    ' if done.returncode == 0 else 'FAILED'} {path.name} ({time.monotonic() - began:.1f} s)", flush=True
    )
    if done.returncode != 0:
        print(done.stdout, done.stderr, sep="\n")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
