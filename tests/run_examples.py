"""Runs every case in examples/ as a user would, each in a process of its own; ends with 1 if any is not green."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import databases

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
    examples = sorted([*ROOT.glob("examples/*.yaml"), *ROOT.glob("examples/embed_*.py"), *projects])
    failed = [path for path in examples if not passes(path)]
    failed += [path for path in projects if not passes(path, "--tags", "smoke and not slow")]
    print(f"{len(examples) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not examples else 0


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
