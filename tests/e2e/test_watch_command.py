"""`sisyphus-api-engine watch` as a process, beside real runs, on lines that break, and on a terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
import trustme
from programs import a_case, command, engine, environment, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CASE = """
    name: orders
    config: {mock_server: [{path: /a}]}
    steps:
      - {name: one, url: /a}
      - {name: two, url: /a, validations: [{status_code: 404}]}
      - {name: rest, type: wait, seconds: %s}
      - {name: last, url: /a}
"""
SERVED = ("--ws-server", "--ws-port", 0, "--ws-wait-clients", 1, "--format", "json")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def told(text: str) -> list[str]:
    """The lines without what is measured."""
    return [line.rpartition("  ·  ")[0] or line.rpartition(" · ")[0] or line for line in text.splitlines()]


async def test_it_shows_a_run_as_its_own_terminal_does_and_ends_as_it_ends(tmp_path: Path) -> None:
    async with running(a_case(tmp_path, CASE % 0), *SERVED, cwd=tmp_path) as run:
        done = await engine("watch", await run.url(), cwd=tmp_path)
        assert (await run.done()).code == 1
    assert told(done.out) == [
        "",
        "orders",
        "  ✓ one",
        "  ✗ two",
        "      expected the status 404, got 200",
        "      → Compare what was expected with what came; if the API changed on purpose, change the case.",
        "  ✓ rest",
        "  ✓ last",
        "  ✗ failed · steps: 3 of 4 passed, 1 failed, 0 skipped",
        "",
        "1 case: 1 failed",
    ]
    assert (done.code, done.err) == (1, "")


async def test_it_waits_for_a_run_that_is_not_there_yet(tmp_path: Path) -> None:
    port = free_port()
    async with running("watch", f"localhost:{port}", cwd=tmp_path) as watcher:
        await watcher.until(f"nobody is at ws://localhost:{port} yet; waiting up to 30 s\n", "err")
        run = await engine(
            a_case(tmp_path, "{name: c, steps: []}"), *SERVED[:2], port, *SERVED[3:], "--lang", "zh", cwd=tmp_path
        )  # fmt: skip
        done = await watcher.done()
    assert (run.code, done.code, done.out.count("1 case: 1 passed")) == (0, 0, 1)


async def test_events_as_lines_are_those_of_the_event_log(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    async with running(a_case(tmp_path, CASE % 0), *SERVED, "--event-log", log, cwd=tmp_path) as run:
        done = await engine("watch", await run.url(), "--json", cwd=tmp_path)
        await run.done()
    assert done.out == log.read_text(encoding="utf-8")
    assert done.code == 1


async def test_an_interrupted_run_ends_its_watcher_with_130_too(tmp_path: Path) -> None:
    async with running(a_case(tmp_path, CASE % 60), *SERVED, cwd=tmp_path) as run:
        async with running("watch", await run.url(), cwd=tmp_path) as watcher:
            await watcher.until("✗ two")
            run.interrupt()
            done = await watcher.done()
        assert (await run.done()).code == 130
    assert done.code == 130
    assert "1 case: 1 cancelled" in done.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_ctrl_c_ends_it_quietly_and_the_run_goes_on(number: int, tmp_path: Path) -> None:
    async with running(a_case(tmp_path, CASE % 2), *SERVED, cwd=tmp_path) as run:
        async with running("watch", await run.url(), cwd=tmp_path) as watcher:
            await watcher.until("✗ two")
            watcher.interrupt(number)
            done = await watcher.done()
        assert (done.code, done.err) == (130, "")
        assert (await run.done()).code == 1


class Line:
    """Carries bytes to a server, and can be cut."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.carried = trio.CancelScope()

    async def carry(self, near: trio.SocketStream) -> None:
        with trio.CancelScope() as self.carried:
            async with near, await trio.open_tcp_stream("localhost", self.port) as far, trio.open_nursery() as nursery:
                nursery.start_soon(self._pump, near, far)
                await self._pump(far, near)
                nursery.cancel_scope.cancel()

    async def _pump(self, source: trio.SocketStream, sink: trio.SocketStream) -> None:
        async for data in source:
            await sink.send_all(data)


@asynccontextmanager
async def line(to: str) -> AsyncIterator[tuple[Line, str]]:
    carrier = Line(int(to.rpartition(":")[2]))
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, carrier.carry, 0)
        yield carrier, f"ws://localhost:{listeners[0].socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


async def test_a_line_that_breaks_is_said_and_costs_and_repeats_nothing(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    case = a_case(tmp_path, CASE % 2)
    async with running(case, *SERVED, "--event-log", log, cwd=tmp_path) as run, line(await run.url()) as (cut, url):
        async with running("watch", url, cwd=tmp_path) as watcher:
            await watcher.until("✗ two")
            cut.carried.cancel()
            await watcher.until("! the connection is lost; trying to get it back\n")
            done = await watcher.done()
        await run.done()
    assert done.code == 1
    lines = told(done.out)
    assert [line for line in lines if line.startswith("! ")] == [
        "! the connection is lost; trying to get it back",
        "! the connection is back",
    ]
    assert [line.strip() for line in lines if line.startswith(("  ✓", "  ✗"))][:4] == [
        "✓ one", "✗ two", "✓ rest", "✓ last",
    ]  # fmt: skip


async def test_a_server_that_was_killed_ends_it_with_3_and_a_sentence(tmp_path: Path) -> None:
    async with running(a_case(tmp_path, CASE % 60), *SERVED, cwd=tmp_path) as run:
        async with running("watch", await run.url(), "--patience", "0.3", cwd=tmp_path) as watcher:
            await watcher.until("✗ two")
            run.interrupt(signal.SIGKILL)
            done = await watcher.done()
    assert done.code == 3
    assert "the connection was lost and nobody answers" in done.err
    assert "Traceback" not in done.err


async def test_a_token_and_a_certificate_of_an_authority_of_ones_own(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    secured = ("--ws-cert", tmp_path / "server.pem", "--ws-token", "a-secret-token")
    async with running(a_case(tmp_path, CASE % 0), *SERVED, *secured, cwd=tmp_path) as run:
        url = (await run.url()).partition("?")[0]
        assert url.startswith("wss://")
        nobody = await engine("watch", url, cwd=tmp_path)
        stranger = await engine("watch", url, "--ca", tmp_path / "ca.pem", cwd=tmp_path)
        done = await engine(
            "watch", url, "--ca", tmp_path / "ca.pem", cwd=tmp_path, env={"SISYPHUS_WS_TOKEN": "a-secret-token"}
        )  # fmt: skip
        await run.done()
    assert (nobody.code, "is not trusted" in nobody.err) == (3, True)
    assert (stranger.code, "token" in stranger.err) == (3, True)
    assert done.code == 1, done.err


async def test_on_a_terminal_a_line_at_the_bottom_goes_on(tmp_path: Path) -> None:
    async with running(a_case(tmp_path, CASE % 1.5), *SERVED, cwd=tmp_path) as run:
        ours, terminal = pty.openpty()
        try:
            process = await trio.lowlevel.open_process(
                command("watch", await run.url()), stdout=terminal, cwd=tmp_path, env=environment(TERM="xterm")
            )  # fmt: skip
            code = await process.wait()
            await run.done()
            os.set_blocking(ours, False)
            text = os.read(ours, 1_000_000).decode()
        finally:
            os.close(terminal)
            os.close(ours)
    assert code == 1
    assert "rest (3/4)" in text
    assert "\x1b[32m✓\x1b[0m one" in text
    assert text.endswith("1 case: 1 failed · " + text.rpartition(" · ")[2])
    assert "\r\x1b[2K" in text


async def test_it_ends_when_nobody_reads_it_any_more(tmp_path: Path) -> None:
    async with running(a_case(tmp_path, CASE % 5), *SERVED, cwd=tmp_path) as run:
        reader, writer = os.pipe()
        os.close(reader)
        process = await trio.lowlevel.open_process(
            command("watch", await run.url()), stdout=writer, stderr=-3, cwd=tmp_path, env=environment()
        )  # fmt: skip
        os.close(writer)
        with trio.fail_after(4):
            assert await process.wait() == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["a", "b"], 2, "watch shows one run; try: sisyphus-api-engine watch ws://localhost:8765"),
        (["ftp://localhost"], 3, "'ftp://localhost' is no address of a run"),
        (["localhost:1", "--wait", "0"], 3, "nobody can be watched at ws://localhost:1: "),
        (["--ca", "none.pem"], 2, "--ca: none.pem cannot be used: No such file or directory"),
        (["--ca", "empty.pem"], 2, "--ca: empty.pem cannot be used: there is no certificate (PEM) in it"),
        (["--levle", "info"], 2, "there is no option '--levle' (did you mean '--level'?)"),
        (["--level", "loud"], 2, "--level: there is no 'loud', only debug, info, warning, error"),
        (["localhost:1", "--wait", "0", "--lang", "zh"], 3, "没有"),
    ],
)
async def test_what_cannot_be_watched_is_a_sentence(
    arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:  # fmt: skip
    (tmp_path / "empty.pem").write_text("")
    done = await engine("watch", *arguments, cwd=tmp_path)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert "Traceback" not in done.err


async def test_help_is_about_the_command(tmp_path: Path) -> None:
    done = await engine("watch", "--help", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("usage: sisyphus-api-engine watch [options] [URL]")


async def test_what_was_lost_before_it_came_is_said(tmp_path: Path) -> None:
    case = a_case(tmp_path, CASE % 0)
    async with running(
        case, "--ws-server", "--ws-port", 0, "--ws-keep-events", 3, "--ws-linger", 20, "--format", "json", cwd=tmp_path
    ) as run:  # fmt: skip
        url = await run.url()
        await run.until("the finished run can be watched", "err")
        done = await engine("watch", url, "--json", cwd=tmp_path)
        shown = await engine("watch", url, cwd=tmp_path)
        run.interrupt()
    first = json.loads(done.out.splitlines()[0])["seq"]
    assert f"! events 1 to {first - 1} are lost: the server no longer has them\n" in shown.out
