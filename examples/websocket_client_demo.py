"""Watches a test run live.

    python examples/websocket_client_demo.py [--host HOST] [--port PORT] [--wait SECONDS]

Start it before the run, during the run or in its last seconds: it waits for the server, and gets the run from its start.
It needs nothing but trio-websocket, and may be copied as it is.

Exit code: 0 when the run has ended, 1 when there is no server or the connection broke, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import trio
from trio_websocket import CloseReason, ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream

Data = dict[str, Any]

NORMAL_CLOSURE = 1000
ABNORMAL_CLOSURE = 1006  # never sent: the connection ended without a close frame

DEFAULT_PORT = 8765
SECONDS_BETWEEN_TRIES = 0.5
SECONDS_FOR_HANDSHAKE = 5.0

CHINESE = {
    "No server at {url} yet; waiting up to {wait:g} s. To start one, in another terminal:": (
        "{url} 还没有服务器，最多等待 {wait:g} 秒。请在另一个终端启动："
    ),
    "No server at {url}. Is the run over, or does it use another port?": "{url} 没有服务器。测试是否已结束，或使用了其他端口？",
    "There is no host '{host}'.": "找不到主机“{host}”。",
    "Something listens at {url}, but it is not the event stream of a test run{detail}.": (
        "{url} 有程序在监听，但它不是测试的事件流{detail}。"
    ),
    " (HTTP {status})": "（HTTP {status}）",
    "Watching {url}": "正在观看 {url}",
    "The run has ended.": "测试已结束。",
    "The server vanished before the run ended.": "测试结束前服务器消失了。",
    "The server closed the connection: {code} {reason}": "服务器关闭了连接：{code} {reason}",
    "Stopped.": "已停止。",
    "{steps} steps": "{steps} 个步骤",
    "{passed} of {total} steps passed, {failed} failed, {skipped} skipped": (
        "共 {total} 个步骤：{passed} 个通过，{failed} 个失败，{skipped} 个跳过"
    ),
    "{retries} retries": "重试 {retries} 次",
    "{passed} passed, {failed} failed": "{passed} 通过，{failed} 失败",
    "about {seconds:.1f} s left": "约剩 {seconds:.1f} 秒",
    "cases {done}/{total}": "用例 {done}/{total}",
    "not an event: {message}": "不是事件：{message}",
    "passed": "通过",
    "failed": "失败",
    "error": "错误",
    "cancelled": "已取消",
    "success": "成功",
    "failure": "失败",
    "skipped": "跳过",
    "extracted": "提取",
    "profile": "环境配置",
    "global": "全局",
    "step": "步骤",
}

COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "grey": 90, "bold": 1}
MARKS = {"success": ("✓", "green"), "passed": ("✓", "green"), "skipped": ("-", "yellow"), "cancelled": ("-", "yellow")}


def language() -> str:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def say(text: str, **values: object) -> str:
    """The text in the user's language."""
    if language() == "zh":
        text = CHINESE.get(text, text)
    return text.format_map(values) if values else text


def paint(text: str, colour: str) -> str:
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"


def plain(value: object) -> str:
    """Any value as one line that cannot move the terminal's cursor, whatever a tested service has answered."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


# One function per type of event: its data in, what to print out.


def test_start(data: Data) -> str:
    line = paint(f"▶ {plain(data['test_name'])}", "bold") + " · " + say("{steps} steps", steps=data["total_steps"])
    return line + (f"\n  {paint(plain(data['description']), 'grey')}" if data.get("description") else "")


def test_complete(data: Data) -> str:
    mark, colour = MARKS.get(data["status"], ("✗", "red"))
    counts = say(
        "{passed} of {total} steps passed, {failed} failed, {skipped} skipped",
        passed=data["passed_steps"],
        total=data["total_steps"],
        failed=data["failed_steps"],
        skipped=data["skipped_steps"],
    )
    return paint(f"{mark} {say(data['status'])}", colour) + f" · {counts} · {data['duration']:.3f} s"


def step_start(data: Data) -> str:
    place = f"[{data['step_index'] + 1}/{data['total_steps']}]"
    return f"  {paint(place, 'blue')} {plain(data['step_name'])} ({plain(data['step_type'])})"


def step_complete(data: Data) -> str:
    mark, colour = MARKS.get(data["status"], ("✗", "red"))
    retries = " · " + say("{retries} retries", retries=data["retry_count"]) if data.get("retry_count") else ""
    return "  " + paint(f"{mark} {say(data['status'])}", colour) + f" · {data['duration']:.3f} s{retries}"


def progress(data: Data) -> str:
    parts = [
        f"{data['percentage']:.2f} % ({data['current_step']}/{data['total_steps']})",
        say("{passed} passed, {failed} failed", passed=data["passed_steps"], failed=data["failed_steps"]),
    ]
    if data.get("estimated_remaining") is not None:
        parts.append(say("about {seconds:.1f} s left", seconds=data["estimated_remaining"]))
    if data.get("cases_total") is not None:
        parts.append(say("cases {done}/{total}", done=data["cases_completed"], total=data["cases_total"]))
    return paint("  " + " · ".join(parts), "grey")


def log(data: Data) -> str:
    level = plain(data["level"]).upper()
    colour = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}.get(level, "grey")
    context = " " + paint(plain(data["context"]), "grey") if data.get("context") else ""
    return f"    {paint(f'{level:<8}', colour)} {plain(data['message'])}{context}"


def error(data: Data) -> str:
    line = paint(f"    ✗ {plain(data['error_type'])} ({plain(data['error_category'])})", "red")
    line += f": {plain(data['message'])}"
    return line + (f"\n      → {plain(data['suggestion'])}" if data.get("suggestion") else "")


def variable_update(data: Data) -> str:
    return f"    {plain(data['variable_name'])} = {plain(data['variable_value'])} ({say(plain(data['source']))})"


SHOWN: dict[str, Callable[[Data], str]] = {
    show.__name__: show
    for show in (test_start, test_complete, step_start, step_complete, progress, log, error, variable_update)
}


class Screen:
    """Prints events; as soon as there are several cases, each line says which one it is about."""

    def __init__(self) -> None:
        self._cases: set[str] = set()

    def show(self, message: str | bytes) -> None:
        try:
            event = json.loads(message)
            kind, data = event["type"], event["data"]
            if kind == "log" and data["level"] == "debug":
                return  # for machines: people have the other events
            text = SHOWN[kind](data) if kind in SHOWN else f"  {plain(kind)} {plain(data)}"
        except (ValueError, KeyError, TypeError):
            text = say("not an event: {message}", message=plain(str(message)))
        else:
            text = self._with_case(event.get("test_case_id"), text)
        print(text, flush=True)

    def _with_case(self, case: str | None, text: str) -> str:
        if case is None:
            return text
        self._cases.add(case)
        if len(self._cases) == 1:
            return text
        return "\n".join(f"{paint(f'{plain(case)} |', 'blue')} {line}" for line in text.split("\n"))


class Failed(Exception):
    """There is nothing to watch, or no longer; the text says why."""


async def connect(host: str, port: int, url: str, wait: float) -> trio.SocketStream:
    """Opens the connection, as soon as there is somebody to answer."""
    told = False
    with trio.move_on_after(wait):
        while True:
            try:
                return await trio.open_tcp_stream(host, port)
            except (socket.gaierror, UnicodeError) as gone:
                raise Failed(say("There is no host '{host}'.", host=host)) from gone
            except OSError:
                if not told:
                    told = True
                    announce_waiting(url, port, wait)
            await trio.sleep(SECONDS_BETWEEN_TRIES)
    raise Failed(say("No server at {url}. Is the run over, or does it use another port?", url=url))


def announce_waiting(url: str, port: int, wait: float) -> None:
    text = say(
        "No server at {url} yet; waiting up to {wait:g} s. To start one, in another terminal:", url=url, wait=wait
    )
    there = "" if port == DEFAULT_PORT else f" --ws-port {port}"
    print(f"{text}\n  sisyphus-api-engine --cases test.yaml --ws-server{there}", file=sys.stderr, flush=True)


async def watch(host: str, port: int, wait: float) -> None:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    url = f"ws://{address}"
    connection: WebSocketConnection | None = None
    # trio-websocket's client leaves its socket open when the server closes first: whoever opens it here closes it here.
    async with await connect(host, port, url, wait) as stream:
        try:
            async with trio.open_nursery() as nursery:
                with trio.move_on_after(SECONDS_FOR_HANDSHAKE):
                    connection = await wrap_client_stream(nursery, stream, address, "/")
                if connection:
                    print(say("Watching {url}", url=url), file=sys.stderr, flush=True)
                    await follow(connection)
                nursery.cancel_scope.cancel()
        except ExceptionGroup as group:
            # A reply that is no handshake makes trio-websocket raise one thing or another; only this one says something.
            if connection is None:
                raise Failed(not_the_stream(url, group.subgroup(ConnectionRejected))) from group
            raise
    if connection is None:
        raise Failed(not_the_stream(url, None))
    explain(connection.closed)


async def follow(connection: WebSocketConnection) -> None:
    screen = Screen()
    with suppress(ConnectionClosed):
        while True:
            screen.show(await connection.get_message())


def explain(closed: CloseReason | None) -> None:
    """Says that the run has ended; raises if it has not."""
    if closed is None or closed.code == ABNORMAL_CLOSURE:
        raise Failed(say("The server vanished before the run ended."))
    if closed.code != NORMAL_CLOSURE:
        reason = plain(closed.reason or "")
        raise Failed(say("The server closed the connection: {code} {reason}", code=int(closed.code), reason=reason))
    print(say("The run has ended."), file=sys.stderr)


def not_the_stream(url: str, rejected: ExceptionGroup[ConnectionRejected] | None) -> str:
    detail = ""
    if rejected and isinstance(first := rejected.exceptions[0], ConnectionRejected):
        detail = say(" (HTTP {status})", status=first.status_code)
    return say(
        "Something listens at {url}, but it is not the event stream of a test run{detail}.", url=url, detail=detail
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Watches a test run live.")
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"default {DEFAULT_PORT}")
    parser.add_argument("--wait", type=float, default=30.0, metavar="SECONDS", help="for the server, default 30")
    options = parser.parse_args()
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="replace")  # a terminal that lacks a character shows another
    code = 0
    try:
        trio.run(watch, options.host, options.port, options.wait)
    except* KeyboardInterrupt:
        print(say("Stopped."), file=sys.stderr)
        code = 130
    except* Failed as failed:
        if code == 0:  # after Ctrl-C, how it failed is no news
            print(*failed.exceptions, sep="\n", file=sys.stderr)
            code = 1
    except* BrokenPipeError:
        # Whoever read our output has enough, as `head` does. Python would complain about it once more on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


if __name__ == "__main__":
    sys.exit(main())
