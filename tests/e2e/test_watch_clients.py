"""The clients of the users' guide, as printed there, and the one in `examples/`, against a real server."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
from attrs import frozen
from programs import NODE_PACKAGES, node_with_websocket

from sisyphus.journal import Journal
from sisyphus.live import LiveSettings, Serving, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

DEMO = Path(__file__).parents[2] / "examples" / "websocket_client_demo.py"

GUIDE_PYTHON = """\
import asyncio
import websockets
import json

async def connect_to_websocket():
    uri = "ws://localhost:8765"
    async with websockets.connect(uri) as websocket:
        async for message in websocket:
            event = json.loads(message)
            print(f"Event: {event['type']}")
            print(f"Data: {event['data']}")

asyncio.run(connect_to_websocket())
"""

GUIDE_JAVASCRIPT = """\
const ws = new WebSocket('ws://localhost:8765');

ws.onmessage = function(event) {
    const data = JSON.parse(event.data);
    console.log('Event:', data.type);
    console.log('Data:', data.data);
};

ws.onopen = function() {
    console.log('Connected to WebSocket server');
};

ws.onclose = function() {
    console.log('Disconnected from WebSocket server');
};
"""

COUNTS = {"total_steps": 2, "passed_steps": 1, "failed_steps": 1}

SCRIPT: list[tuple[str, dict[str, Any]]] = [
    ("test_start", {"test_name": "结账 checkout", "total_steps": 2, "description": "from cart to receipt"}),
    ("step_start", {"step_name": "log in", "step_type": "request", "step_index": 0, "total_steps": 2}),
    ("log", {"level": "info", "message": "POST /login", "context": {"attempt": 1}}),
    ("variable_update", {"variable_name": "token", "variable_value": "***", "source": "extracted"}),
    (
        "step_complete",
        {"step_name": "log in", "status": "success", "duration": 0.25, "retry_count": 3, "has_error": False},
    ),
    (
        "progress",
        COUNTS | {"current_step": 1, "percentage": 50.0, "failed_steps": 0, "estimated_remaining": 2.5},
    ),
    ("step_start", {"step_name": "pay", "step_type": "request", "step_index": 1, "total_steps": 2}),
    (
        "error",
        {
            "error_type": "AssertionError",
            "error_category": "assertion",
            "message": "expected 200, got 500\x1b[2J",
            "suggestion": "look at the log",
            "step_name": "pay",
        },
    ),
    ("step_complete", {"step_name": "pay", "status": "failure", "duration": 1.0, "retry_count": 0, "has_error": True}),
    ("progress", COUNTS | {"current_step": 2, "percentage": 100.0, "estimated_remaining": None}),
    ("test_complete", COUNTS | {"status": "failed", "skipped_steps": 0, "duration": 1.25}),
]
TYPES = [kind for kind, _ in SCRIPT]

ENGLISH = """\
▶ 结账 checkout · 2 steps
  from cart to receipt
  [1/2] log in (request)
    INFO     POST /login {"attempt": 1}
    token = *** (extracted)
  ✓ success · 0.250 s · 3 retries
  50.00 % (1/2) · 1 passed, 0 failed · about 2.5 s left
  [2/2] pay (request)
    ✗ AssertionError (assertion): expected 200, got 500\\x1b[2J
      → look at the log
  ✗ failure · 1.000 s
  100.00 % (2/2) · 1 passed, 1 failed
✗ failed · 1 of 2 steps passed, 1 failed, 0 skipped · 1.250 s
"""


def in_time(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Processes need real time, but never this much."""

    @wraps(test)
    async def bounded(**fixtures: Any) -> None:
        with trio.fail_after(30):
            await test(**fixtures)

    return bounded


def tell(journal: Journal, script: list[tuple[str, dict[str, Any]]], case: str = "case-1") -> None:
    for kind, data in script:
        event = {
            "type": kind,
            "timestamp": "2026-01-01T00:00:00.000+00:00",
            "data": data,
            "test_case_id": case,
            "step_name": data.get("step_name"),
            "run_id": "0b7f3c52-5d3e-4f0f-9d0a-0f5c4f6f9a11",
            "seq": journal.last_seq + 1,
        }
        journal.append(event["seq"], json.dumps(event, ensure_ascii=False).encode())


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
async def serving(journal: Journal, nursery: trio.Nursery) -> Serving:
    return await nursery.start(serve, journal, LiveSettings(port=0))


async def start(nursery: trio.Nursery, *command: str | Path, stdout: int = subprocess.PIPE, **environment: str) -> Any:
    """A client, in the language the test says, that goes on while the test does other things."""
    base = {name: value for name, value in os.environ.items() if name not in {"LC_ALL", "LC_MESSAGES", "NO_COLOR"}}
    return await nursery.start(
        partial(
            trio.run_process,
            [str(part) for part in command],
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
            env=base | {"LANG": "en_US.UTF-8", "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"} | environment,
        )
    )


async def text_until(stream: trio.abc.ReceiveStream, end: str) -> str:
    """What comes up to and with this text, or up to the end of the stream."""
    text = b""
    while end.encode() not in text:
        more = await stream.receive_some()
        if not more:
            break
        text += more
    return text.decode()


@frozen
class Done:
    """What became of a client."""

    code: int
    stdout: str
    stderr: str


async def run(*command: str | Path, closing: Journal | None = None, last: str = "", **environment: str) -> Done:
    """Runs a client to its end; `closing` ends when the client has shown `last`."""
    texts = {}

    async def keep(name: str, stream: trio.abc.ReceiveStream) -> None:
        texts[name] = texts.get(name, "") + await text_until(stream, "the end of the stream")

    async with trio.open_nursery() as nursery:
        process = await start(nursery, *command, **environment)
        nursery.start_soon(keep, "stderr", process.stderr)
        if closing is not None:
            texts["stdout"] = await text_until(process.stdout, last)
            closing.close()
        nursery.start_soon(keep, "stdout", process.stdout)
    return Done(process.returncode, texts["stdout"], texts["stderr"])


def demo(port: int, *more: str) -> list[str | Path]:
    # Warnings are errors: a socket left open is one.
    return [sys.executable, "-W", "error", "-X", "dev", DEMO, "--port", str(port), *more]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


# The guide


@in_time
async def test_the_guides_python_example_sees_the_whole_run(journal: Journal, serving: Serving) -> None:
    tell(journal, SCRIPT)
    script = GUIDE_PYTHON.replace("localhost:8765", f"localhost:{serving.port}")
    done = await run(sys.executable, "-c", script, closing=journal, last="1.25}")
    assert done.stderr == ""
    assert done.code == 0
    lines = done.stdout.splitlines()
    assert lines[::2] == [f"Event: {kind}" for kind in TYPES]
    assert lines[1::2] == [f"Data: {data}" for _, data in SCRIPT]


@pytest.mark.real
@in_time
async def test_the_guides_javascript_example_sees_the_whole_run(journal: Journal, serving: Serving) -> None:
    options, prelude = await node_with_websocket()
    tell(journal, SCRIPT)
    script = prelude + GUIDE_JAVASCRIPT.replace("localhost:8765", f"localhost:{serving.port}")
    done = await run("node", *options, "-e", script, closing=journal, last="duration: 1.25", NODE_PATH=NODE_PACKAGES)
    assert done.stderr == ""
    assert done.code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "Connected to WebSocket server"
    assert [line.removeprefix("Event: ") for line in lines if line.startswith("Event: ")] == TYPES
    assert lines[-1] == "Disconnected from WebSocket server"


# The demo


@in_time
async def test_the_demo_shows_each_type_of_event(journal: Journal, serving: Serving) -> None:
    tell(journal, SCRIPT)
    done = await run(*demo(serving.port), closing=journal, last="1.250 s")
    assert done.stdout == ENGLISH
    assert done.stderr.splitlines() == [f"Watching ws://localhost:{serving.port}", "The run has ended."]
    assert done.code == 0


@in_time
async def test_the_demo_speaks_chinese(journal: Journal, serving: Serving) -> None:
    tell(journal, SCRIPT)
    done = await run(*demo(serving.port), closing=journal, last="1.250 s", LANG="zh_CN.UTF-8")
    assert "▶ 结账 checkout · 2 个步骤" in done.stdout
    assert "✗ 失败 · 共 2 个步骤：1 个通过，1 个失败，0 个跳过" in done.stdout
    assert done.stderr.endswith("测试已结束。\n")


@in_time
async def test_the_demo_says_which_case_a_line_is_about_when_there_are_several(
    journal: Journal, serving: Serving
) -> None:
    tell(journal, SCRIPT[:1])
    tell(journal, SCRIPT[:1], case="case-2")
    tell(journal, [("progress", dict(SCRIPT[5][1], cases_completed=0, cases_total=2))], case="case-2")
    done = await run(*demo(serving.port), closing=journal, last="cases 0/2")
    assert "case-1 |" not in done.stdout
    assert "case-2 | ▶ 结账 checkout · 2 steps\ncase-2 |   from cart to receipt\n" in done.stdout
    assert done.stdout.endswith(" · cases 0/2\n")


@in_time
async def test_the_demo_passes_over_what_a_later_version_sends(journal: Journal, serving: Serving) -> None:
    journal.append(1, b'{"type": "weather", "data": {"sun": true}, "seq": 1}')
    tell(journal, SCRIPT[-1:])
    done = await run(*demo(serving.port), closing=journal, last="1.250 s")
    assert done.stdout.startswith("✗ failed")
    assert done.code == 0


@pytest.mark.parametrize(
    "message", ['["no", "object"]', '{"type": "log", "data": {"level": "info"}, "seq": 1}', "no JSON"]
)
@in_time
async def test_the_demo_says_that_what_comes_is_no_event(journal: Journal, serving: Serving, message: str) -> None:
    journal.append(1, message.encode())
    done = await run(*demo(serving.port))
    assert done.stderr.splitlines()[1:] == [f"what ws://localhost:{serving.port} sends is no event: {message}"]
    assert done.code == 1


@in_time
async def test_the_demo_uses_colours_on_a_terminal(journal: Journal, serving: Serving) -> None:
    tell(journal, SCRIPT)
    ours, terminal = pty.openpty()
    try:
        async with trio.open_nursery() as nursery:
            process = await start(nursery, *demo(serving.port), stdout=terminal)
            await text_until(process.stderr, "Watching")
            journal.close()
        assert b"\x1b[32m" in os.read(ours, 65_536)
    finally:
        os.close(terminal)
        os.close(ours)


@in_time
async def test_the_demo_waits_for_a_server_that_is_not_there_yet(journal: Journal) -> None:
    port = free_port()
    async with trio.open_nursery() as nursery:
        process = await start(nursery, *demo(port, "--wait", "20"))
        told = await text_until(process.stderr, "--ws-server")
        assert f"No server at ws://localhost:{port} yet; waiting up to 20 s." in told
        await nursery.start(serve, journal, LiveSettings(port=port))
        tell(journal, SCRIPT)
        await text_until(process.stdout, "1.250 s")
        journal.close()
        assert "The run has ended." in await text_until(process.stderr, "ended.")
        assert await process.wait() == 0


@in_time
async def test_the_demo_gives_up_on_a_server_that_does_not_come() -> None:
    port = free_port()
    done = await run(*demo(port, "--wait", "0.1"))
    assert done.code == 1
    assert done.stderr.splitlines()[-1] == (
        f"nobody can be watched at ws://localhost:{port}: all attempts to connect to localhost:{port} failed"
    )


@in_time
async def test_the_demo_says_that_a_host_does_not_exist() -> None:
    done = await run(*demo(8765, "--host", "x" * 64 + ".invalid"))
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.startswith("there is no host 'xxx")


@in_time
async def test_the_demo_goes_on_when_a_lost_server_is_back(journal: Journal, nursery: trio.Nursery) -> None:
    async with trio.open_nursery() as server:
        serving = await server.start(serve, journal, LiveSettings(port=0))
        tell(journal, SCRIPT[:3])
        process = await start(nursery, *demo(serving.port))
        await text_until(process.stdout, "POST /login")
        server.cancel_scope.cancel()
    await text_until(process.stderr, "The connection is lost; trying again.")
    await nursery.start(serve, journal, LiveSettings(port=serving.port))
    tell(journal, SCRIPT[3:])
    rest = await text_until(process.stdout, "1.250 s\n")
    assert rest.strip("\n") == ENGLISH.partition('"attempt": 1}\n')[2].strip("\n")
    journal.close()
    assert await process.wait() == 0


@in_time
async def test_the_demo_ends_at_ctrl_c_without_a_traceback(journal: Journal, serving: Serving) -> None:
    tell(journal, SCRIPT[:3])
    async with trio.open_nursery() as nursery:
        process = await start(nursery, *demo(serving.port))
        await text_until(process.stdout, "POST /login")
        process.send_signal(signal.SIGINT)
        told = await text_until(process.stderr, "Stopped.")
        assert "Traceback" not in told
        assert await process.wait() == 130


@in_time
async def test_the_demo_ends_quietly_when_nobody_reads_it_any_more(journal: Journal, serving: Serving) -> None:
    tell(journal, SCRIPT[:3])
    async with trio.open_nursery() as nursery:
        process = await start(nursery, *demo(serving.port))
        await text_until(process.stdout, "POST /login")
        await process.stdout.aclose()
        tell(journal, SCRIPT[3:])
        assert await process.wait() == 0
        assert await text_until(process.stderr, "never") == f"Watching ws://localhost:{serving.port}\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"garbage\r\n\r\n", "what listens at {url} is not the event stream of a run"),
        (b"", "nobody can be watched at {url}: "),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "{url} refuses: no"),
        (b"HTTP/1.1 301 Elsewhere\r\nContent-Length: 0\r\n\r\n", "{url} refuses: HTTP 301"),
        (
            b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
            "what listens at {url} is not the event stream of a run",
        ),
    ],
    ids=["garbage", "nothing", "http 404", "http 301", "wrong accept"],
)
@in_time
async def test_the_demo_says_that_something_else_listens_there(nursery: trio.Nursery, answer: bytes, said: str) -> None:
    async def answer_and_close(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(answer)

    listeners = await nursery.start(trio.serve_tcp, answer_and_close, 0)
    url = f"ws://localhost:{listeners[0].socket.getsockname()[1]}"
    done = await run(*demo(listeners[0].socket.getsockname()[1], "--wait", "0"))
    assert done.stderr.startswith(said.format(url=url))
    assert (done.code, done.stdout) == (1, "")
