"""Measures commands in turn, so that a noisy machine is noisy for all of them alike."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 120  # seconds for one measured command

Measure = Callable[[], float]


@frozen(kw_only=True)
class Figure:
    """One line of the table: what was measured, beside what, and whether it is what was promised."""

    name: str
    measured: str
    comparison: str
    ratio: str
    promised: str
    kept: bool

    def row(self) -> str:
        verdict = "ok" if self.kept else "MISSED"
        return f"| {self.name} | {self.measured} | {self.comparison} | {self.ratio} | {self.promised} | {verdict} |"


HEADER = "| figure | measured | comparison | ratio | promised | |\n|---|---|---|---|---|---|"


def in_turn(rounds: int, *measures: Measure) -> list[list[float]]:
    """Measures one after the other, `rounds` times over, after one round that does not count."""
    results: list[list[float]] = [[] for _ in measures]
    for number in range(rounds + 1):
        for measure, result in zip(measures, results, strict=True):
            value = measure()
            if number:
                result.append(value)
    return results


def medians(results: Sequence[Sequence[float]]) -> list[float]:
    return [statistics.median(result) for result in results]


def wall_time(command: Sequence[str], **options: object) -> float:
    """Seconds from the start of a process to its end; it must succeed."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, timeout=LIMIT, check=False, **options)  # type: ignore[call-overload]
    took = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout.decode()}\n{done.stderr.decode()}")
    return took


def engine(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sisyphus", *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(command: Sequence[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a process of its own, which listens when this is entered and is gone when it is left."""
    server = subprocess.Popen(command)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.02)
        else:
            raise RuntimeError(f"{command} does not listen on port {port}")
        yield server
    finally:
        server.terminate()
        server.wait(10)


@contextlib.contextmanager
def nginx() -> Iterator[str]:
    """A server that is not the bottleneck; answers every GET with the same JSON. Gives its base URL."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise SystemExit("nginx is the server that is not the bottleneck; install it (Debian: nginx-light)")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        answer = '{"code": 0, "data": {"id": 7, "name": "li lei", "tags": ["a", "b"], "token": "t-1"}}'
        (home / "nginx.conf").write_text(
            f"""
            daemon off; pid {home}/pid; error_log {home}/error.log; worker_processes 1;
            events {{ worker_connections 2048; }}
            http {{
              access_log off; keepalive_requests 1000000; default_type application/json;
              client_body_temp_path {home}/a; proxy_temp_path {home}/b; fastcgi_temp_path {home}/c;
              uwsgi_temp_path {home}/d; scgi_temp_path {home}/e;
              server {{ listen 127.0.0.1:{port} backlog=2048; location / {{ return 200 '{answer}'; }} }}
            }}
            """
        )
        with process([program, "-p", str(home), "-c", str(home / "nginx.conf")], port):
            yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def slow_server(seconds: float) -> Iterator[str]:
    """A server that answers every request after a time, however many come at once. Gives its base URL."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).parent / "slow_server.py"), str(port), str(seconds)]
    with process(command, port):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def peak_memory_mib(pid: int) -> float:
    """What a process needs now (its resident set), in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
