"""Servers that nobody here wrote, each in a process of its own that is gone when its block is left."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

STOPPING = 10.0  # seconds for a server to end when it is asked to


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
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ends the process with its block."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
