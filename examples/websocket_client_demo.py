"""Watches a test run live: a program on `sisyphus.live.watch`, to copy and change.

    python examples/websocket_client_demo.py [--host HOST] [--port PORT] [--wait SECONDS]

Start it before the run, during the run or in its last seconds: it waits for the server, and gets the run from its start.
A connection that breaks is opened again, without loss. To just look at a run: `sisyphus-api-engine watch`.

Exit code: 0 when the run has ended, 1 when there is no server or it is gone for good, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator

import trio

from sisyphus import words
from sisyphus.errors import WatchError
from sisyphus.events import (
    CaseFinished,
    CaseStarted,
    Data,
    ErrorOccurred,
    Logged,
    Progressed,
    StepFinished,
    StepStarted,
    VariableSet,
)
from sisyphus.live import watch

LANGUAGE = words.choose()  # of the library's sentences too, as the environment says
CHINESE = {
    "No server at {url} yet; waiting up to {wait:g} s. To start one, in another terminal:": (
        "{url} 还没有服务器，最多等待 {wait:g} 秒。请在另一个终端启动："
    ),
    "Watching {url}": "正在观看 {url}",
    "The run has ended.": "测试已结束。",
    "The connection is lost; trying again.": "连接已断开，正在重试。",
    "Stopped.": "已停止。",
    "{steps} steps": "{steps} 个步骤",
    "{passed} of {total} steps passed, {failed} failed, {skipped} skipped": (
        "共 {total} 个步骤：{passed} 个通过，{failed} 个失败，{skipped} 个跳过"
    ),
    "{retries} retries": "重试 {retries} 次",
    "{passed} passed, {failed} failed": "{passed} 通过，{failed} 失败",
    "about {seconds:.1f} s left": "约剩 {seconds:.1f} 秒",
    "cases {done}/{total}": "用例 {done}/{total}",
    "passed": "通过", "failed": "失败", "error": "错误", "cancelled": "已取消", "success": "成功", "failure": "失败",
    "skipped": "跳过", "extracted": "提取", "profile": "环境配置", "global": "全局", "step": "步骤",
}  # fmt: skip

COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "grey": 90, "bold": 1}
MARKS = {"success": ("✓", "green"), "passed": ("✓", "green"), "skipped": ("-", "yellow"), "cancelled": ("-", "yellow")}
LEVELS = {"warning": "yellow", "error": "red", "critical": "red"}


def say(text: str, **values: object) -> str:
    """The text in the user's language."""
    if LANGUAGE == "zh":
        text = CHINESE.get(text, text)
    return text.format_map(values) if values else text


def paint(text: str, colour: str) -> str:
    """Colours for a terminal, none for a file."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"


def plain(value: object) -> str:
    """Any value as one line that cannot move the terminal's cursor, whatever a tested service has answered."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def marked(status: str) -> str:
    mark, colour = MARKS.get(status, ("✗", "red"))
    return paint(f"{mark} {say(status)}", colour)


def shown(data: Data) -> str | None:
    """What to print of an event: each type has a class, whose attributes are the fields of the protocol."""
    match data:
        case CaseStarted():
            steps = say("{steps} steps", steps=data.total_steps)
            about = f"\n  {paint(plain(data.description), 'grey')}" if data.description else ""
            return f"{paint(f'▶ {plain(data.test_name)}', 'bold')} · {steps}{about}"
        case CaseFinished():
            counts = say(
                "{passed} of {total} steps passed, {failed} failed, {skipped} skipped",
                passed=data.passed_steps, total=data.total_steps, failed=data.failed_steps, skipped=data.skipped_steps,
            )  # fmt: skip
            return f"{marked(data.status)} · {counts} · {data.duration:.3f} s"
        case StepStarted():
            place = paint(f"[{data.step_index + 1}/{data.total_steps}]", "blue")
            return f"  {place} {plain(data.step_name)} ({plain(data.step_type)})"
        case StepFinished():
            retries = " · " + say("{retries} retries", retries=data.retry_count) if data.retry_count else ""
            return f"  {marked(data.status)} · {data.duration:.3f} s{retries}"
        case Progressed():
            return "  " + paint(" · ".join(progress(data)), "grey")
        case Logged(level="debug"):
            return None  # for machines: people have the other events
        case Logged():
            context = " " + paint(plain(data.context), "grey") if data.context else ""
            level = paint(f"{data.level.upper():<8}", LEVELS.get(data.level, "grey"))
            return f"    {level} {plain(data.message)}{context}"
        case ErrorOccurred():
            kind = paint(f"    ✗ {plain(data.error_type)} ({data.error_category})", "red")
            return f"{kind}: {plain(data.message)}\n      → {plain(data.suggestion)}"
        case VariableSet():
            return f"    {plain(data.variable_name)} = {plain(data.variable_value)} ({say(data.source)})"


def progress(data: Progressed) -> Iterator[str]:
    yield f"{data.percentage:.2f} % ({data.current_step}/{data.total_steps})"
    yield say("{passed} passed, {failed} failed", passed=data.passed_steps, failed=data.failed_steps)
    if data.estimated_remaining is not None:
        yield say("about {seconds:.1f} s left", seconds=data.estimated_remaining)
    if data.cases_total is not None:
        yield say("cases {done}/{total}", done=data.cases_completed, total=data.cases_total)


def tell(line: str) -> None:
    """Says what is not part of the run."""
    print(line, file=sys.stderr, flush=True)


async def follow(url: str, wait: float) -> None:
    waiting = say(
        "No server at {url} yet; waiting up to {wait:g} s. To start one, in another terminal:", url=url, wait=wait
    )
    start = "  sisyphus-api-engine --cases test.yaml --ws-server"
    lost = say("The connection is lost; trying again.")
    cases = set()
    async with watch(
        url, wait=wait, on_wait=lambda: tell(f"{waiting}\n{start}"), on_break=lambda: tell(lost)
    ) as run:  # fmt: skip
        tell(say("Watching {url}", url=url))
        async for received in run:
            case = received.event.test_case_id
            cases.add(case)
            text = shown(received.event.data)
            if text is not None:
                # As soon as there are several cases, each line says which one it is about.
                about = f"{paint(f'{case} |', 'blue')} " if len(cases) > 1 else ""
                print(about + text.replace("\n", f"\n{about}"), flush=True)
    tell(say("The run has ended."))


def main() -> int:
    parser = argparse.ArgumentParser(description="Watches a test run live.")
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=8765, help="default 8765")
    parser.add_argument("--wait", type=float, default=30.0, metavar="SECONDS", help="for the server, default 30")
    options = parser.parse_args()
    host = f"[{options.host}]" if ":" in options.host else options.host
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character shows another
    code = 0
    try:
        trio.run(follow, f"ws://{host}:{options.port}", options.wait)
    except* WatchError as gone:
        tell(str(gone.exceptions[0]))
        code = 1
    except* KeyboardInterrupt:
        tell(say("Stopped."))
        code = 130
    except* BrokenPipeError:
        # Whoever read our output has enough, as `head` does. Python would complain about it once more on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


if __name__ == "__main__":
    sys.exit(main())
