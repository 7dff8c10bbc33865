"""Requests to which no answer came: what was sent is told all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from programs import a_case, answer, engine, read_request, running, serve

CASE = """
    name: no answer
    config: {{variables: {{password: hush-hush-4711}}}}
    steps:
      - {{name: nobody, method: POST, url: "http://127.0.0.1:1/x?token=${{password}}", json: {{password: "${{password}}", n: 1}}}}
      - {{name: late, url: "{url}/slow", timeout: 0.3, retry_times: 1, retry_delay: 0}}
      - {{name: fine, url: "{url}/fast"}}
      - {{name: nothing sent, url: "ftp://example"}}
      - {{name: never, method: PUT, url: "{url}/slow", body: text}}
"""


@pytest.fixture
async def served(nursery: trio.Nursery) -> tuple[str, trio.Event]:
    """The address of a server, and what happens when the last request is there."""
    last = trio.Event()

    async def slow_or_fast(stream: trio.abc.Stream) -> None:
        while (request := await read_request(stream)) is not None:
            if request.startswith(b"PUT"):
                last.set()
            if b"/slow" in request:
                await trio.sleep_forever()
            await stream.send_all(answer())

    return await serve(nursery, slow_or_fast), last


def asked(step: dict[str, Any]) -> str | None:
    sent = step["request"]
    return None if sent is None else f"{sent['method']} /{sent['url'].split('/', 3)[3]} {sent['body']}"


async def test_the_result_has_what_was_sent(served: tuple[str, trio.Event], tmp_path: Path) -> None:
    url, last = served
    async with running(a_case(tmp_path, CASE.format(url=url)), "--format", "json", cwd=tmp_path) as underway:
        await last.wait()
        underway.interrupt()
        done = await underway.done()
    steps = done.document["cases"][0]["steps"]
    assert [(step["name"], step["status"], asked(step), step["response"] is None) for step in steps] == [
        ("nobody", "error", "POST /x?token=*** {'password': '***', 'n': 1}", True),
        ("late", "error", "GET /slow None", True),
        ("fine", "success", "GET /fast None", False),
        ("nothing sent", "error", None, True),
        ("never", "error", "PUT /slow text", True),
    ]
    assert steps[0]["request"]["headers"]["Content-Type"] == "application/json"


async def test_the_terminal_shows_it_with_v(served: tuple[str, trio.Event], tmp_path: Path) -> None:
    text = CASE.format(url=served[0]).rpartition("- {name: never")[0]
    done = await engine(a_case(tmp_path, text), "-v", "--no-color", cwd=tmp_path)
    assert "      · POST http://127.0.0.1:1/x?token=*** → no answer\n" in done.out
    assert done.out.count("→ no answer") == 2
