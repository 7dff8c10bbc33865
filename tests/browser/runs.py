"""What the browser is shown: real runs, runs behind a cable that can be cut, and made-up reports of any size."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import gzip
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from attrs import define, field
from programs import Underway, a_case, running

from sisyphus.page import report_page

STATE = "document.documentElement.dataset.state"
SEQ = "Number(document.documentElement.dataset.seq)"
ENDED = f"!['waiting', 'running', undefined].includes({STATE})"
ROWS = "[...document.querySelectorAll('#tree .row')].sort((a, b) => a.place - b.place)"

HOSTILE = "<img src=x onerror=\"document.title='hurt';alert(1)\"></script><script>alert(2)</script>"

MIXED = f"""
    name: Orders
    config:
      websocket: {{send_variables: true}}
      setup:
        - {{name: Log in, url: /login, method: POST, body: {{user: ann}}, extract: {{session_id: $.id}}}}
      mock_server:
        routes:
          - {{path: /login, method: POST, response: {{body: {{id: 77}}}}}}
          - {{path: "/users/{{id}}", response: {{body: {{id: "${{path_params.id|int}}", name: Ann}}}}}}
          - {{path: /page, response: {{headers: {{Content-Type: text/html}}, body: {json.dumps(HOSTILE)}}}}}
    steps:
      - {{name: Get user 7, url: /users/7, validations: [{{eq: [$.name, Ann]}}]}}
      - name: Each user
        type: loop
        loop_count: 3
        loop_variable: n
        steps:
          - {{name: "User ${{n}}", url: "/users/${{n}}"}}
          - {{name: "Check ${{n}}", url: "/users/${{n}}", validations: [{{lt: [$.id, 2]}}]}}
      - {{name: Wrong name, url: /users/8, validations: [{{eq: [$.name, Bob]}}]}}
      - {{name: Left out, url: /users/9, skip_if: "true"}}
      - {{name: {json.dumps(HOSTILE)}, url: /page}}
      - {{name: Say it, type: print, message: {json.dumps(HOSTILE)}}}
"""


def many_waits(count: int, seconds: float) -> str:
    steps = "".join(f"  - {{name: s{number}, type: wait, seconds: {seconds}}}\n" for number in range(count))
    return f"name: long\nsteps:\n{steps}"


@asynccontextmanager
async def served(folder: Path, case: str = MIXED, *arguments: object) -> AsyncIterator[tuple[Underway, str]]:
    """A run that is watched, and the address of its page; by default it begins with the first watcher, and stays."""
    path = a_case(folder, case)
    options = ("--ws-port", "0", "--format", "json", "--ws-wait-clients", "1", "--ws-wait-timeout", "20")
    async with running(path, *options, "--ws-linger", "30", *arguments, cwd=folder) as underway:
        yield underway, (await underway.url()).replace("ws", "http", 1)


@define
class Cable:
    """Stands between a browser and a server; while it is cut, nothing gets through, and nobody answers."""

    target: int
    port: int = 0
    whole: bool = True
    taken: int = 0
    _carried: set[trio.CancelScope] = field(factory=set)

    def cut(self) -> None:
        self.whole = False
        for scope in self._carried:
            scope.cancel()

    def mend(self) -> None:
        self.whole = True

    async def carry(self, near: trio.SocketStream) -> None:
        self.taken += 1
        if not self.whole:
            return
        with trio.CancelScope() as scope:
            self._carried.add(scope)
            async with await trio.open_tcp_stream("127.0.0.1", self.target) as far, trio.open_nursery() as nursery:
                nursery.start_soon(self._copy, near, far, nursery.cancel_scope)
                await self._copy(far, near, nursery.cancel_scope)
        self._carried.discard(scope)

    async def _copy(self, source: trio.SocketStream, to: trio.SocketStream, over: trio.CancelScope) -> None:
        try:
            async for data in source:
                await to.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # either side hung up
        over.cancel()


@asynccontextmanager
async def cable(url: str) -> AsyncIterator[tuple[Cable, str]]:
    """A cable to a server, and the address of its near end."""
    target = int(url.rstrip("/").rpartition(":")[2])
    between = Cable(target)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(functools.partial(trio.serve_tcp, between.carry, 0, host="127.0.0.1"))
        between.port = listeners[0].socket.getsockname()[1]
        yield between, f"http://localhost:{between.port}"
        nursery.cancel_scope.cancel()


@define
class Story:
    """Events of a run that nobody ran."""

    lines: list[str] = field(factory=list)
    details: dict[str, Any] = field(factory=dict)
    seq: int = 0
    run_id: str = "6372d2e3-5887-435d-9931-faac46866566"
    _at: dt.datetime = dt.datetime(2026, 11, 25, 5, tzinfo=dt.UTC)

    def tell(self, kind: str, name: str | None = None, **data: Any) -> int:
        self.seq += 1
        self._at += dt.timedelta(milliseconds=1)
        if kind.startswith("step"):
            data = {"step_name": name} | data
        event = {
            "type": kind, "timestamp": self._at.isoformat(timespec="milliseconds"), "data": data,
            "test_case_id": "case-1", "step_name": name, "run_id": self.run_id, "seq": self.seq,
        }  # fmt: skip
        self.lines.append(json.dumps(event, separators=(",", ":")))
        return self.seq

    def step(self, index: int, total: int, name: str, status: str = "success", **detail: Any) -> None:
        """A step of the case, as the engine tells it: four events, five if it fails."""
        self.tell("step_start", name, step_type="request", step_index=index, total_steps=total)
        self.tell("log", name, level="debug", message=f"step {index + 1} of {total} begins: {name}", context={})
        if status == "failure":
            about = {"error_type": "AssertionError", "error_category": "assertion", "step_name": name}
            self.tell("error", name, message="expected 1, got 2", suggestion="Look at it.", **about)
        bad = status == "failure"
        seq = self.tell("step_complete", name, status=status, duration=0.002, retry_count=0, has_error=bad)
        self.details[str(seq)] = {"name": name, "type": "request", "status": status} | detail
        done = index + 1
        self.tell(
            "progress", name, current_step=done, total_steps=total, percentage=100 * done / total,
            passed_steps=done, failed_steps=0, estimated_remaining=0.1,
        )  # fmt: skip

    def report(self, path: Path) -> str:
        """The page with this run in it, on disk; gives its address."""
        page = report_page()
        content = page.begin + "".join([*_blocks(self.lines), *_detail_blocks(self.details)]).encode() + page.end
        path.write_bytes(content)
        return path.as_uri()


def a_story(steps: int, *, failing: Iterable[int] = (), name: str = "Made up") -> Story:
    story, bad = Story(), set(failing)
    story.tell("test_start", test_name=name, total_steps=steps, description=None)
    for index in range(steps):
        story.step(index, steps, f"Step {index}", "failure" if index in bad else "success")
    story.tell(
        "test_complete", status="failed" if bad else "passed", total_steps=steps, passed_steps=steps - len(bad),
        failed_steps=len(bad), skipped_steps=0, duration=0.004 * steps,
    )  # fmt: skip
    return story


def _blocks(lines: list[str]) -> Iterable[str]:
    for begin in range(0, len(lines), 10_000):
        packed = _packed("\n".join(lines[begin : begin + 10_000]))
        yield f'<script type="application/octet-stream" class="run-events">{packed}</script>\n'


def _detail_blocks(details: Mapping[str, Any]) -> Iterable[str]:
    seqs = list(details)
    for begin in range(0, len(seqs), 100):
        some = seqs[begin : begin + 100]
        packed = _packed(json.dumps({seq: details[seq] for seq in some}))
        about = f'class="run-details" data-first="{some[0]}" data-last="{some[-1]}"'
        yield f'<script type="application/octet-stream" {about}>{packed}</script>\n'


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), 1)).decode()
