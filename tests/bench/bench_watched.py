"""The 500-step run with and without watchers: the whole program, watched over real sockets."""

from __future__ import annotations

import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.bench.cases import requests_case
from tests.bench.harness import LIMIT, Figure, engine, folder, free_port, in_turn, medians, nginx

WATCHERS = 50
EVENTS = 500 * 3 + 2  # test_start, test_complete, and three events a step; variables are not sent by default

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def watched_run(case: Path, watchers: int) -> float:
    """Seconds that the run itself took, as its summary says, with so many watchers from its start to its end."""
    port = free_port()
    command = engine("--cases", str(case), "--ws-server", "--ws-host", "127.0.0.1", "--ws-port", str(port), "-o", "-")
    began = time.monotonic()
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        reader = subprocess.Popen([sys.executable, __file__, str(port), str(watchers)], stdout=subprocess.PIPE)
        out, _ = program.communicate(timeout=LIMIT)
        seen, _ = reader.communicate(timeout=LIMIT)
    finally:
        program.kill()
    assert program.returncode == 0, out
    assert time.monotonic() - began < LIMIT
    frames = [int(count) for count in seen.split()]
    assert frames == [EVENTS] * watchers, frames
    import json

    return float(json.loads(out)["duration"])


def fifty_watchers() -> Iterator[Figure]:
    with nginx() as url, folder() as home:
        case = requests_case(home / "many.yaml", url, 500)
        with_them, without = medians(
            in_turn(9, lambda: watched_run(case, WATCHERS), lambda: watched_run(case, 0)),
        )
    yield Figure(
        name=f"the 500-step run with {WATCHERS} watchers attached",
        measured=f"{with_them:.3f} s",
        comparison=f"{without:.3f} s: no watcher",
        ratio=f"{with_them / without:.3f}",
        promised="≤ 1.10",
        kept=with_them / without <= 1.10,
    )


def read(port: int, watchers: int) -> list[int]:
    """Connects, reads to the end, and counts the text frames that each watcher got."""
    counts: dict[socket.socket, int] = {}
    buffers: dict[socket.socket, bytearray] = {}
    selector = selectors.DefaultSelector()
    for _ in range(watchers):
        connection = _connected(port)
        connection.sendall(HANDSHAKE)
        selector.register(connection, selectors.EVENT_READ)
        counts[connection], buffers[connection] = -1, bytearray()
    while selector.get_map():
        for key, _ in selector.select(LIMIT):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            data = connection.recv(1 << 18)
            if not data or _count(connection, data, counts, buffers):
                selector.unregister(connection)
                connection.close()
    return list(counts.values())


def _connected(port: int) -> socket.socket:
    for _ in range(500):
        connection = socket.socket()
        if connection.connect_ex(("127.0.0.1", port)) == 0:
            return connection
        connection.close()
        time.sleep(0.01)
    raise RuntimeError("nobody serves")


def _count(
    connection: socket.socket,
    data: bytes,
    counts: dict[socket.socket, int],
    buffers: dict[socket.socket, bytearray],
) -> bool:
    """Takes what came; whether it was a close frame, after which the connection is answered and done."""
    buffer = buffers[connection]
    buffer += data
    if counts[connection] < 0:  # the handshake's answer
        head, found, rest = bytes(buffer).partition(b"\r\n\r\n")
        if not found:
            return False
        assert b" 101 " in head, head
        buffer[:] = rest
        counts[connection] = 0
    at = 0
    while len(buffer) - at >= 2:
        kind, length, begin = buffer[at] & 0x0F, buffer[at + 1], at + 2
        if length == 126:
            length, begin = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
        elif length == 127:
            length, begin = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
        if len(buffer) < begin + length:
            break
        at = begin + length
        if kind == 8:
            connection.sendall(b"\x88\x80\0\0\0\0")
            return True
        counts[connection] += kind == 1
    del buffer[:at]
    return False


if __name__ == "__main__":
    with closing(sys.stdout):
        print(*read(int(sys.argv[1]), int(sys.argv[2])))
