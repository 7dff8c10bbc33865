"""Servers that nobody here wrote, each in a process of its own that is gone when its block is left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

STOPPING = 10.0  # seconds for a server to end when it is asked to
STARTING = 10.0


@contextlib.contextmanager
def httpbin(*options: str) -> Iterator[int]:
    """The httpbin package behind Gunicorn, on a port of 127.0.0.1; `options` are Gunicorn's, for TLS and the like.

    The socket listens before the process begins: whoever connects waits until it is there.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        fixed = ["--threads", "10", "--no-control-socket", "--bind", f"fd://{listener.fileno()}"]
        command = [sys.executable, "-m", "gunicorn", *fixed, *options, "httpbin:app"]
        with ended(subprocess.Popen(command, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)):
            yield listener.getsockname()[1]


@contextlib.contextmanager
def hypercorn(app: Path, *options: str) -> Iterator[int]:
    """An ASGI application behind Hypercorn, which speaks HTTP/2 when it has a certificate."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        bind = ["--bind", f"fd://{listener.fileno()}"]
        command = [sys.executable, "-m", "hypercorn", *bind, *options, f"{app}:app"]
        with ended(subprocess.Popen(command, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)):
            yield listener.getsockname()[1]


@contextlib.contextmanager
def nginx(folder: Path, server: str) -> Iterator[int]:
    """nginx with one ``server`` block, without its ``listen``; over TLS and HTTP/2."""
    program, port = installed("nginx", "nginx-light"), free_port()
    (folder / "nginx.conf").write_text(
        f"""
        daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
        events {{ worker_connections 512; }}
        http {{
          access_log off; default_type application/json;
          client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
          uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
          server {{ listen 127.0.0.1:{port} ssl http2; {server} }}
        }}
        """
    )
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with ended(subprocess.Popen(command, stderr=subprocess.DEVNULL), port):
        yield port


@contextlib.contextmanager
def tinyproxy(folder: Path, *settings: str) -> Iterator[int]:
    """Tinyproxy, with more settings of its file."""
    program, port = installed("tinyproxy", "tinyproxy-bin"), free_port()
    lines = [
        f"Port {port}",
        "Listen 127.0.0.1",
        "Timeout 60",
        f'LogFile "{folder}/proxy.log"',
        "MaxClients 100",
        *settings,
    ]
    (folder / "tinyproxy.conf").write_text("\n".join(lines) + "\n")
    command = [program, "-d", "-c", str(folder / "tinyproxy.conf")]
    with ended(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), port):
        yield port


def installed(program: str, package: str) -> str:
    """Where a program of Debian's is; without it the test is skipped, or fails where it may not be."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        told = f"{program} is not installed (Debian: {package})"
        if os.environ.get("SISYPHUS_NO_SKIP") == "1":
            pytest.fail(told)
        pytest.skip(told)
    return found


def free_port() -> int:
    """A port for a server that cannot be given a socket."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes], port: int | None = None) -> Iterator[None]:
    """Ends the process with its block, which begins when the process listens on `port`."""
    try:
        if port is not None:
            _wait_for(process, port)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"{process.args!r} does not listen on port {port}")
