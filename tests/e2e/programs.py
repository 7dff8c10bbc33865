"""The product as a process, and what stands around it: servers that misbehave, and watchers."""

from __future__ import annotations

import functools
import inspect
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
from attrs import define, field, frozen
from trio_websocket import ConnectionClosed, wrap_client_stream

if TYPE_CHECKING:
    import ssl

ROOT = Path(__file__).parents[2]
LIMIT = 30.0  # seconds for one test; processes need real time, but never this much

_VALIDATE = "import sys; from sisyphus.cli import validate_main; sys.exit(validate_main())"
_FOREIGN = re.compile("SISYPHUS_|NO_COLOR$|FORCE_COLOR$|LC_|LANG|PYTHONUNBUFFERED$")


def bounded(item: pytest.Function, limit: float = LIMIT) -> None:
    """Gives an async test its limit, in seconds."""
    test = item.obj
    if inspect.iscoroutinefunction(test):

        @functools.wraps(test)
        async def in_time(**fixtures: Any) -> None:
            with trio.fail_after(limit):
                await test(**fixtures)

        item.obj = in_time


def environment(**more: str) -> dict[str, str]:
    """A process's environment that says nothing about language, colours or this project, but what the test says."""
    plain = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    return plain | {"LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)} | more


def command(*arguments: object, program: str = "sisyphus-api-engine") -> list[str]:
    starts = {"sisyphus-api-engine": ["-m", "sisyphus"], "sisyphus-api-validate": ["-c", _VALIDATE]}
    return [sys.executable, *starts.get(program, [program]), *map(str, arguments)]


@frozen
class Done:
    """A process that ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its stdout as one JSON document, which has to be all there is."""
        return json.loads(self.out)

    @property
    def steps(self) -> dict[str, Any]:
        """The steps of all cases in that document, by name."""
        return {step["name"]: step for case in self.document["cases"] for step in case["steps"]}


async def engine(
    *arguments: object, cwd: Path, env: Mapping[str, str] | None = None, program: str = "sisyphus-api-engine"
) -> Done:
    """Runs the engine to its end."""
    done = await trio.run_process(
        command(*arguments, program=program),
        capture_stdout=True, capture_stderr=True, check=False, cwd=cwd, env=environment(**env or {}),
    )  # fmt: skip
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@define
class Underway:
    """An engine that is running."""

    process: trio.Process
    said: dict[str, bytearray] = field(factory=lambda: {"out": bytearray(), "err": bytearray()})
    _news: trio.Event = field(factory=trio.Event)
    _open: int = 2

    async def listen(self, name: str, stream: trio.abc.ReceiveStream) -> None:
        async for data in stream:
            self.said[name] += data
            self._tell()
        self._open -= 1
        self._tell()

    async def until(self, pattern: str, where: str = "out") -> re.Match[str]:
        """What the engine says there, as soon as it has said it."""
        while True:
            if found := re.search(pattern, self.said[where].decode(errors="replace")):
                return found
            assert self._open, f"it ended without {pattern!r}: {self.said}"
            await self._news.wait()

    async def url(self) -> str:
        """Where it can be watched."""
        return (await self.until(r"watch live: (wss?://\S+)\n", "err"))[1]

    def interrupt(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)

    async def done(self) -> Done:
        code = await self.process.wait()
        while self._open:
            await self._news.wait()
        return Done(code, self.said["out"].decode(), self.said["err"].decode())

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()


@asynccontextmanager
async def running(
    *arguments: object, cwd: Path, env: Mapping[str, str] | None = None, program: str = "sisyphus-api-engine"
) -> AsyncIterator[Underway]:
    """The engine while it runs; it is killed if the block ends before it."""
    process = await trio.lowlevel.open_process(
        command(*arguments, program=program), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
        env=environment(**env or {}),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    underway = Underway(process)
    async with process.stdout, process.stderr, trio.open_nursery() as nursery:
        nursery.start_soon(underway.listen, "out", process.stdout)
        nursery.start_soon(underway.listen, "err", process.stderr)
        try:
            yield underway
        finally:
            if process.poll() is None:
                process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
            nursery.cancel_scope.cancel()


def a_case(folder: Path, text: str, name: str = "case.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return path


Handler = Callable[[trio.abc.Stream], Awaitable[None]]


async def serve(nursery: trio.Nursery, handler: Handler, tls: ssl.SSLContext | None = None) -> str:
    """Leaves each connection to the handler; gives the URL of a server that listens already."""

    async def handle(stream: trio.abc.Stream) -> None:
        try:
            async with stream if tls is None else trio.SSLStream(stream, tls, server_side=True) as secured:
                await handler(secured)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client hung up, or does not trust us

    listeners = await nursery.start(functools.partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
    return f"{'https' if tls else 'http'}://127.0.0.1:{listeners[0].socket.getsockname()[1]}"


async def read_request(stream: trio.abc.Stream) -> bytes | None:
    """The next request's head, or None if the client left."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = await stream.receive_some(65536)
        if not more:
            return None
        got += more
    return got


def says(*parts: bytes, hang_up: bool = True) -> Handler:
    """A handler that answers each request with these bytes."""

    async def handle(stream: trio.abc.Stream) -> None:
        while await read_request(stream) is not None:
            for part in parts:
                await stream.send_all(part)
            if hang_up:
                return

    return handle


def answer(body: bytes = b"{}", *headers: str, content_type: str = "application/json") -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", f"Content-Type: {content_type}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@define
class Watched:
    """What a watcher got."""

    events: list[dict[str, Any]] = field(factory=list)
    code: int | None = None
    _news: trio.Event = field(factory=trio.Event)

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    @property
    def seqs(self) -> list[int]:
        return [event["seq"] for event in self.events]

    def data(self, kind: str) -> list[dict[str, Any]]:
        return [event["data"] for event in self.events if event["type"] == kind]

    async def until(self, holds: Callable[[Watched], bool]) -> None:
        """Returns as soon as it holds of what came so far."""
        while not holds(self):
            assert self.code is None, f"the run ended before: {self.types}"
            await self._news.wait()

    async def closed(self) -> None:
        """Returns when the server has closed the connection."""
        while self.code is None:
            await self._news.wait()

    def tell(self) -> None:
        self._news.set()
        self._news = trio.Event()


async def watch(url: str, into: Watched | None = None, *, until: str | None = None) -> Watched:
    """Watches to the end of the run, or to the first event of a type; opens and closes its socket itself."""
    watched = Watched() if into is None else into
    host, port = url.removeprefix("ws://").rstrip("/").rsplit(":", 1)
    async with await trio.open_tcp_stream(host, int(port)) as stream, trio.open_nursery() as nursery:
        connection = await wrap_client_stream(nursery, stream, host, "/")
        try:
            while until is None or until not in watched.types:
                watched.events.append(json.loads(await connection.get_message()))
                watched.tell()
        except ConnectionClosed as closed:
            watched.code = int(closed.reason.code) if closed.reason is not None else -1
            watched.tell()
        nursery.cancel_scope.cancel()
    return watched


NODE_PACKAGES = "/usr/share/nodejs"  # where Debian puts them


async def node_with_websocket() -> tuple[list[str], str]:
    """How to give Node a WebSocket: its own (from Node 20 on, behind a flag at first), else that of the package `ws`."""
    ways = [
        ([], ""),
        (["--experimental-websocket", "--no-warnings"], ""),
        ([], "globalThis.WebSocket = require('ws');"),
    ]
    for options, prelude in ways if shutil.which("node") else ():
        probe = ["node", *options, "-e", f"{prelude}; new WebSocket('ws://127.0.0.1:9').onerror = () => 0"]
        environment = {**os.environ, "NODE_PATH": NODE_PACKAGES}
        done = await trio.run_process(probe, check=False, capture_stdout=True, capture_stderr=True, env=environment)
        if done.returncode == 0:
            return options, prelude
    missing = "there is no Node with a WebSocket (Debian: nodejs, node-ws)"
    if os.environ.get("SISYPHUS_NO_SKIP") == "1":
        pytest.fail(missing)
    pytest.skip(missing)
