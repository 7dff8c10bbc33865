"""How many deliveries a CPU-second of the server makes, and what watching costs a run.

    python tests/bench/bench_watchers.py [--watchers N] [--seconds S]

The server runs in a process of its own, whose CPU time is what is measured; the watchers are plain sockets in this
process, which count frames and do nothing else. Beside it, in the same way, the naive server: one `send_message` of
trio-websocket per watcher and event. The whole takes some twenty seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import selectors
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import trio
import trio_websocket

from sisyphus.journal import Journal
from sisyphus.live import LiveSettings, Serving, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

RUN_EVENTS = 2500  # what a case of 500 steps emits
RUN_SECONDS = 1.0


def event(seq: int) -> bytes:
    data = {"step_name": f"step {seq}", "status": "success", "duration": 0.0123, "retry_count": 0, "has_error": False}
    fields = {
        "type": "step_complete",
        "timestamp": "2026-01-01T00:00:00.000+00:00",
        "data": data,
        "test_case_id": "case-1",
        "step_name": f"step {seq}",
        "run_id": "0b7f3c52-5d3e-4f0f-9d0a-0f5c4f6f9a11",
        "seq": seq,
    }
    return json.dumps(fields).encode()


# The server's process: one line in, one line out.


async def serve_commands(server: Callable[[Commands], Awaitable[None]]) -> None:
    await server(Commands())  # not made outside: it needs Trio


async def serve_journal(commands: Commands) -> None:
    journal = Journal()

    def emit(count: int) -> None:
        for _ in range(count):
            journal.append(journal.last_seq + 1, event(journal.last_seq + 1))

    async with trio.open_nursery() as nursery:
        serving: Serving = await nursery.start(serve, journal, LiveSettings(port=0))
        commands.reply(serving.port)
        async for command in commands:
            match command.split():
                case ["emit", count]:
                    emit(int(count))
                case ["cpu"]:
                    commands.reply(time.process_time())
                case ["run"]:
                    commands.reply(await pretend_run(emit))
        journal.close()


async def pretend_run(emit: Callable[[int], None]) -> float:
    """The CPU seconds a run takes that computes all the time, gives way to other tasks, and emits as it goes.

    Not the seconds on the clock: those depend on what else this machine does.
    """
    share = RUN_SECONDS / RUN_EVENTS
    began = time.process_time()
    for _ in range(RUN_EVENTS):
        spent = time.thread_time()
        while time.thread_time() - spent < share:
            pass
        emit(1)
        await trio.lowlevel.checkpoint()
    return time.process_time() - began


async def serve_naively(commands: Commands) -> None:
    connections: list[trio_websocket.WebSocketConnection] = []

    async def handler(request: trio_websocket.WebSocketRequest) -> None:
        connections.append(await request.accept())
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        server = await nursery.start(trio_websocket.serve_websocket, handler, "127.0.0.1", 0, None)
        commands.reply(server.port)
        seq = 0
        async for command in commands:
            match command.split():
                case ["emit", count]:
                    for _ in range(int(count)):
                        seq += 1
                        text = event(seq).decode()
                        for connection in connections:
                            await connection.send_message(text)
                case ["cpu"]:
                    commands.reply(time.process_time())
        nursery.cancel_scope.cancel("measured")


class Commands:
    """The lines of standard input, read without a thread, whose time would be counted as the server's."""

    def __init__(self) -> None:
        self._stream = trio.lowlevel.FdStream(os.dup(0))
        self._unread = b""

    def reply(self, value: float) -> None:
        print(value, flush=True)

    def __aiter__(self) -> Commands:
        return self

    async def __anext__(self) -> str:
        while b"\n" not in self._unread:
            data = await self._stream.receive_some()
            if not data:
                raise StopAsyncIteration
            self._unread += data
        line, self._unread = self._unread.split(b"\n", 1)
        return line.decode()


# The watchers' process.


class Server:
    """The other process, as this one sees it."""

    def __init__(self, process: subprocess.Popen[str], to: IO[str], back: IO[str]) -> None:
        self._process, self._to, self._back = process, to, back
        self.port = int(self.ask(""))

    def tell(self, command: str) -> None:
        self._to.write(f"{command}\n")
        self._to.flush()

    def ask(self, command: str) -> float:
        if command:
            self.tell(command)
        return float(self._back.readline())

    def stop(self) -> None:
        self._to.close()
        self._process.wait(timeout=10)
        self._back.close()


@contextmanager
def started(kind: str) -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        server = Server(process, process.stdin, process.stdout)
        yield server
        server.stop()
    finally:
        process.kill()


class Watchers:
    """Sockets that count frames; text frames of a server say their length in the first bytes."""

    def __init__(self, port: int, number: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._sockets = [self._connected(port) for _ in range(number)]
        self._frames = dict.fromkeys(self._sockets, 0)
        self._partial = dict.fromkeys(self._sockets, b"")

    def _connected(self, port: int) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", port))
        sock.sendall(
            f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += sock.recv(1)
        sock.setblocking(False)
        self._selector.register(sock, selectors.EVENT_READ)
        return sock

    def wait_for(self, frames: int) -> None:
        """Reads until each has as many frames, all told."""
        behind = sum(1 for count in self._frames.values() if count < frames)
        while behind:
            for key, _ in self._selector.select(timeout=10):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                before = self._frames[sock]
                self._frames[sock] += self._count(sock)
                behind -= before < frames <= self._frames[sock]

    def _count(self, sock: socket.socket) -> int:
        data, count, at = self._partial[sock] + sock.recv(1 << 20), 0, 0
        while len(data) - at >= 4:
            length = data[at + 1]
            end = at + 2 + length if length < 126 else at + 4 + int.from_bytes(data[at + 2 : at + 4])
            if end > len(data):
                break
            at, count = end, count + 1
        self._partial[sock] = data[at:]
        return count

    def close(self) -> None:
        self._selector.close()
        for sock in self._sockets:
            sock.close()


class Measured(NamedTuple):
    deliveries: int
    cpu: float

    @property
    def rate(self) -> float:
        return self.deliveries / self.cpu


def measure(kind: str, *, watchers: int, pending: int, seconds: float) -> Measured:
    """Emits `pending` events, waits until all watchers have them, and again, for some seconds."""
    with started(kind) as server:
        crowd = Watchers(server.port, watchers)
        server.tell("emit 1")
        crowd.wait_for(1)
        emitted, until, cpu = 1, time.monotonic() + seconds, server.ask("cpu")
        while time.monotonic() < until:
            server.tell(f"emit {pending}")
            emitted += pending
            crowd.wait_for(emitted)
        cpu = server.ask("cpu") - cpu
        crowd.close()
    return Measured((emitted - 1) * watchers, cpu)


def measure_run(watchers: int) -> float:
    """The CPU seconds of a pretended run that is watched by so many; the best of three."""
    best = float("inf")
    for _ in range(3):
        with started("journal") as server:
            crowd = Watchers(server.port, watchers)
            server.tell("run")
            crowd.wait_for(RUN_EVENTS)
            best = min(best, server.ask(""))
            crowd.close()
    return best


def report(watchers: int, seconds: float) -> None:
    print(f"{watchers} watchers; deliveries per CPU-second of the server")
    for name, kind, pending in (
        ("one event at a time", "journal", 1),
        ("ten pending", "journal", 10),
        ("fifty pending", "journal", 50),
        ("naive, one at a time", "naive", 1),
        ("naive, ten pending", "naive", 10),
    ):
        result = measure(kind, watchers=watchers, pending=pending, seconds=seconds)
        print(f"  {name:<22}{result.rate:>12,.0f}   ({result.deliveries:,} in {result.cpu:.2f} s)", flush=True)
    alone, watched = measure_run(0), measure_run(50)
    print(f"A run of {RUN_EVENTS} events that computes for {RUN_SECONDS:g} s; CPU seconds of its process")
    print(f"  alone {alone:.3f} s, with 50 watchers {watched:.3f} s: {watched / alone:.3f} times")


def main() -> None:
    parser = argparse.ArgumentParser(description=Path(__file__).name)
    parser.add_argument("--watchers", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--serve", choices=("journal", "naive"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.serve:
        trio.run(serve_commands, serve_journal if options.serve == "journal" else serve_naively)
    else:
        report(options.watchers, options.seconds)


if __name__ == "__main__":
    main()
