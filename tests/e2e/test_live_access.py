"""A real run, watched by real clients: whom it lets in, where they begin, and what is left of it afterwards."""

from __future__ import annotations

import json
import os
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import trio
import trustme
from programs import NODE_PACKAGES, Underway, a_case, engine, node_with_websocket, running
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

STEPS = "".join(f"  - {{name: s{number}, type: wait, seconds: 0.002}}\n" for number in range(60))
LONG = f"name: long\nsteps:\n{STEPS}  - {{name: last, type: wait, seconds: 0.4}}\n"
MIXED = """
    name: mixed
    config:
      websocket: {send_variables: true}
      mock_server: {routes: [{path: /user, response: {body: {name: 李雷}}}]}
    steps:
      - {name: get, url: /user, extractors: [{name: user, path: $.name}]}
      - {name: wrong, url: /user, validations: [{eq: [$.name, other]}]}
      - {name: never, type: wait, seconds: 0, skip_if: "true"}
"""
V1 = "sisyphus.v1"
OPEN = ("--ws-port", "0", "--format", "json")


@asynccontextmanager
async def watched_run(
    folder: Path, *arguments: object, case: str = LONG, **env: str
) -> AsyncIterator[tuple[Underway, str]]:
    path = a_case(folder, case)
    async with running(path, *OPEN, *arguments, cwd=folder, env=env) as underway:
        yield underway, await underway.url()


def messages(url: str, *, most: int | None = None, **options: Any) -> tuple[list[dict[str, Any]], int | None]:
    """What `websockets` gets, and the code of the close frame."""
    got: list[dict[str, Any]] = []
    # Where more has come than it has room for, it does not see the answer to its close.
    with connect(url, open_timeout=10, close_timeout=0.2, **options) as socket:
        try:
            while len(got) != most:
                got.append(json.loads(socket.recv(timeout=10)))
        except ConnectionClosed:
            return got, socket.close_code
    return got, None


async def in_thread(function: Any, *arguments: Any, **options: Any) -> Any:
    return await trio.to_thread.run_sync(partial(function, *arguments, **options))


def refused(url: str, **options: Any) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught, connect(url, open_timeout=10, **options):
        pass
    response = caught.value.response
    return response.status_code, (response.body or b"").decode()


def curl() -> str:
    return _program("curl")


def _program(name: str) -> str:
    if path := shutil.which(name):
        return path
    missing = f"there is no {name} (Debian: {name})"
    if os.environ.get("SISYPHUS_NO_SKIP") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


async def fetched(*arguments: object) -> tuple[int, str]:
    done = await trio.run_process(
        [curl(), "-sS", "--noproxy", "*", "--max-time", "15", *map(str, arguments)],
        capture_stdout=True, capture_stderr=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.decode() or done.stderr.decode()


def arguments_of(underway: Underway) -> str:
    return Path(f"/proc/{underway.process.pid}/cmdline").read_bytes().decode()


def http(url: str, path: str) -> str:
    return url.partition("/?")[0].replace("ws", "http", 1) + path


def seqs(events: list[dict[str, Any]]) -> list[int]:
    return [event["seq"] for event in events if "seq" in event]


# Joining


async def test_who_breaks_off_and_comes_back_gets_each_event_once(tmp_path: Path) -> None:
    async with watched_run(tmp_path, "--ws-linger", 20) as (underway, url):
        first, _ = await in_thread(messages, url, most=20, subprotocols=[V1])
        rest, code = await in_thread(messages, f"{url}/?after={first[-1]['seq']}", subprotocols=[V1])
        whole, _ = await in_thread(messages, url)
        underway.interrupt()
        done = await underway.done()
    assert done.code == 0
    assert [message["type"] for message in first[:2]] == ["hello", "test_start"]
    assert [message["type"] for message in rest[:2]] == ["hello", "recovered"]
    assert rest[1]["data"] == {"recovered": True}
    assert seqs(first) + seqs(rest) == seqs(whole)
    assert [message for message in [*first, *rest] if "seq" in message] == whole
    assert code == 1000


async def test_what_a_small_memory_has_lost_comes_from_the_event_log(tmp_path: Path) -> None:
    log = tmp_path / "log" / "events.jsonl"
    arguments = ("--event-log", log, "--ws-keep-events", 10, "--ws-linger", 20)
    async with watched_run(tmp_path, *arguments) as (underway, url):
        await underway.until("can be watched", "err")
        whole, _ = await in_thread(messages, url)
        back, _ = await in_thread(messages, f"{url}/?after=17", subprotocols=[V1])
        some, _ = await in_thread(messages, f"{url}/?types=step_start&after=17")
        underway.interrupt()
        await underway.done()
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert whole == lines
    assert seqs(whole) == list(range(1, len(whole) + 1))
    assert back[1]["data"] == {"recovered": True}
    assert back[2:] == lines[17:]
    assert some == [line for line in lines[17:] if line["type"] == "step_start"]


async def test_without_the_log_what_is_lost_is_told(tmp_path: Path) -> None:
    async with watched_run(tmp_path, "--ws-keep-events", 10, "--ws-linger", 20) as (underway, url):
        await underway.until("can be watched", "err")
        back, _ = await in_thread(messages, f"{url}/?after=17", subprotocols=[V1])
        plain = await in_thread(refused, f"{url}/?after=17")
        beyond = await in_thread(refused, f"{url}/?after=100000")
        wrong = await in_thread(refused, f"{url}/?typs=log")
        underway.interrupt()
        await underway.done()
    gap = back[1]["data"]["gap"]
    assert gap[0] == 18
    assert seqs(back) == list(range(gap[1] + 1, gap[1] + 11))
    assert plain[0] == 410
    assert f"from 18 to {gap[1]}" in plain[1]
    assert (beyond[0], wrong[0]) == (400, 400)
    assert "did you mean 'types'" in wrong[1]


async def test_ctrl_c_while_a_finished_run_is_served_ends_that_and_not_the_run(tmp_path: Path) -> None:
    async with watched_run(tmp_path, "--ws-linger", 600, case="name: c\nsteps: [{name: s, type: wait, seconds: 0}]\n") as (
        underway, _,
    ):  # fmt: skip
        await underway.until("can be watched at", "err")
        assert json.loads(underway.said["out"])["status"] == "passed"  # it is not held back
        began = trio.current_time()
        underway.interrupt()
        done = await underway.done()
    assert done.code == 0
    assert trio.current_time() - began < 3
    assert "interrupted" not in done.err


# Other ways to read


@pytest.mark.real
async def test_curl_follows_the_run_to_its_end(tmp_path: Path) -> None:
    async with watched_run(tmp_path, case=MIXED) as (underway, url):
        followed = await fetched("-N", http(url, "/events?types=step_complete"))
        done = await underway.done()
    assert followed[0] == 0  # the body ended as it should
    blocks = [block for block in followed[1].split("\n\n") if block.startswith("id: ")]
    events = [json.loads(block.partition("data: ")[2]) for block in blocks]
    assert [event["data"]["step_name"] for event in events] == ["get", "wrong", "never"]
    assert followed[1].rstrip().split("\n")[-2] == "event: close"
    assert done.code == 1


@pytest.mark.real
async def test_curl_reads_lines_and_what_stands_beside_them(tmp_path: Path) -> None:
    async with watched_run(tmp_path, "--ws-linger", 20, case=MIXED) as (underway, url):
        _, lines = await fetched("-N", http(url, "/events?format=ndjson"))
        _, health = await fetched(http(url, "/healthz"))
        _, described = await fetched(http(url, "/asyncapi.json"))
        _, head = await fetched("-I", http(url, "/events"))
        underway.interrupt()
        await underway.done()
    events = [json.loads(line) for line in lines.splitlines()]
    assert seqs(events) == list(range(1, len(events) + 1))
    assert json.loads(health)["steps"] == {"success": 1, "failure": 1, "error": 0, "skipped": 1}
    assert json.loads(health)["run_state"] == "finished"
    schemas = json.loads(described)["components"]["schemas"]
    assert {event["type"] for event in events} == set(schemas) - {"hello", "recovered", "lag", "close", "details"}
    for event in events:
        jsonschema.validate(event, strictly(schemas[event["type"]]), cls=jsonschema.Draft202012Validator)
    assert head.startswith("HTTP/1.1 200 OK")


def strictly(schema: Any) -> Any:
    """The same without room for what is not described."""
    if isinstance(schema, dict):
        closed = {"additionalProperties": False} if "properties" in schema else {}
        return {**closed, **{key: strictly(value) for key, value in schema.items()}}
    return [strictly(value) for value in schema] if isinstance(schema, list) else schema


async def test_words_of_the_server_are_as_they_are_described(tmp_path: Path) -> None:
    async with watched_run(tmp_path, "--ws-linger", 20, case=MIXED) as (underway, url):
        got, _ = await in_thread(messages, f"{url}/?after=1", subprotocols=[V1])
        _, described = await fetched(http(url, "/asyncapi.json"))
        underway.interrupt()
        await underway.done()
    schemas = json.loads(described)["components"]["schemas"]
    for message in got:
        jsonschema.validate(message, strictly(schemas[message["type"]]), cls=jsonschema.Draft202012Validator)


# Who may watch

TOKEN = "tok-correct.horse~battery_staple"
NODE = """
    const [url, token] = process.argv.slice(1);
    const ws = new WebSocket(url, ['sisyphus.v1', 'sisyphus.token.' + token]);
    let count = 0;
    ws.onmessage = () => count++;
    ws.onerror = (error) => console.log('error', error.message);
    ws.onclose = (close) => console.log(ws.protocol, close.code, count > 2);
"""


async def test_a_token_is_asked_for_everywhere_and_shown_nowhere(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    arguments = ("--event-log", log, "--ws-linger", 20, "-v", "-o", tmp_path / "result.json")
    async with watched_run(tmp_path, *arguments, SISYPHUS_WS_TOKEN=TOKEN, case=LEAKING) as (underway, url):
        assert TOKEN not in url
        answers = [
            await fetched(http(url, path)) for path in ("/", "/events", "/healthz", "/asyncapi.json", "/nothing")
        ]
        without = await in_thread(refused, url)
        wrong = await in_thread(refused, f"{url}/?token={TOKEN[:-1]}")
        header, _ = await in_thread(messages, url, additional_headers={"Authorization": f"Bearer {TOKEN}"})
        query, _ = await in_thread(messages, f"{url}/?token={TOKEN}")
        offered, _ = await in_thread(messages, url, subprotocols=[V1, f"sisyphus.token.{TOKEN}"])
        _, lines = await fetched(http(url, f"/events?format=ndjson&token={TOKEN}"))
        _, odd = await fetched(http(url, f"/events?format=ndjson&token={TOKEN}&token={TOKEN}"))
        cmdline = arguments_of(underway)
        underway.interrupt()
        done = await underway.done()
    assert all(text.startswith("This run is watched with a token") for _, text in answers)
    assert (without[0], wrong[0]) == (401, 401)
    assert header == query == [message for message in offered if "seq" in message]
    assert seqs(header) == [json.loads(line)["seq"] for line in lines.splitlines()]
    result = (tmp_path / "result.json").read_text(encoding="utf-8")
    shown = [done.out, done.err, cmdline, log.read_text(encoding="utf-8"), result, odd, wrong[1], lines]
    assert not any(TOKEN in text for text in shown)
    assert TOKEN not in repr(offered)


# A case that tries to tell what it must not know.
LEAKING = """
    name: leaking
    config: {websocket: {send_variables: true}, variables: {t: "${env.SISYPHUS_WS_TOKEN | default('none')}"}}
    steps:
      - {name: "step ${t}", type: wait, seconds: 0}
"""


@pytest.mark.real
async def test_a_token_on_the_command_line_is_gone_from_the_list_of_processes(tmp_path: Path) -> None:
    async with watched_run(tmp_path, "--ws-token", TOKEN) as (underway, url):
        cmdline = arguments_of(underway)
        await in_thread(messages, f"{url}/?token={TOKEN}")
        await underway.done()
    assert TOKEN not in cmdline
    assert "--ws-token\0" + "*" * len(TOKEN) + "\0" in cmdline


async def test_a_token_that_is_made_is_told_with_the_address(tmp_path: Path) -> None:
    async with watched_run(tmp_path, "--ws-token", "auto", "--ws-linger", 20) as (underway, url):
        address, _, token = url.partition("/?token=")
        got, _ = await in_thread(messages, url)
        without = await in_thread(refused, address)
        underway.interrupt()
        done = await underway.done()
    assert len(token) == 32
    assert got
    assert without[0] == 401
    assert token not in done.out


@pytest.mark.real
async def test_a_browsers_websocket_brings_the_token_as_a_subprotocol(tmp_path: Path) -> None:
    options, prelude = await node_with_websocket()
    async with watched_run(tmp_path, "--ws-token", TOKEN) as (underway, url):
        done = await trio.run_process(
            ["node", *options, "-e", prelude + NODE, url, TOKEN],
            capture_stdout=True,
            env={**os.environ, "NODE_PATH": NODE_PACKAGES},
        )
        await underway.done()
    assert done.stdout.decode() == "sisyphus.v1 1000 true\n"


async def test_pages_of_elsewhere_and_borrowed_names_are_refused(tmp_path: Path) -> None:
    async with watched_run(tmp_path, "--ws-allow-origin", "https://CI.example:443", "--ws-linger", 20) as (
        underway,
        url,
    ):
        port = url.rpartition(":")[2]
        foreign = await in_thread(refused, url, origin="http://evil.example")
        rebound = await fetched("-i", "-H", "Host: evil.example", http(url, "/events"))
        nothing = await in_thread(refused, url, origin="null")
        allowed, _ = await in_thread(messages, url, origin="https://ci.example", most=1)
        local, _ = await in_thread(messages, url, origin="http://localhost:5173", most=1)
        page = await fetched("-i", "-H", "Origin: http://evil.example", http(url, "/events"))
        named = await fetched("--resolve", f"ci.example:{port}:127.0.0.1", f"http://ci.example:{port}/healthz")
        underway.interrupt()
        await underway.done()
    assert foreign[0] == nothing[0] == 403
    assert "http://evil.example may not watch" in foreign[1]
    assert " 403 " in rebound[1].split("\r\n")[0]
    assert '"seq"' not in rebound[1] + page[1]
    assert "access-control-allow-origin" not in page[1].lower()
    assert allowed
    assert local
    assert json.loads(named[1])["status"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "warned"),
    [
        (("--ws-host", "0.0.0.0"), True),
        (("--ws-host", "0.0.0.0", "--ws-token", "t"), False),
        (("--ws-host", "127.0.0.1"), False),
    ],
)
async def test_who_lets_everyone_in_is_warned_once(tmp_path: Path, arguments: tuple[str, ...], warned: bool) -> None:
    case = a_case(tmp_path, "name: c\nsteps: [{name: s, type: wait, seconds: 0}]\n")
    done = await engine(case, *OPEN, *arguments, cwd=tmp_path)
    assert done.code == 0
    assert done.err.count("can watch this run") == warned
    assert ("--ws-token auto" in done.err) is warned


# TLS


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[Path, Path]:
    ca = trustme.CA()
    both, root = tmp_path / "server.pem", tmp_path / "ca.pem"
    ca.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(both)
    ca.cert_pem.write_to_path(root)
    return both, root


async def test_a_run_is_watched_over_tls(tmp_path: Path, certificates: tuple[Path, Path]) -> None:
    both, root = certificates
    async with watched_run(tmp_path, "--ws-cert", both, "--ws-linger", 20) as (underway, url):
        assert url.startswith("wss://localhost:")
        context = ssl.create_default_context(cafile=root)
        got, code = await in_thread(messages, url, ssl=context)
        followed = await fetched("--cacert", root, "-N", http(url, "/events?format=ndjson"))
        plain = await fetched(http(url, "/healthz").replace("https", "http"))
        underway.interrupt()
        await underway.done()
    assert code == 1000
    assert followed[0] == 0
    assert [json.loads(line) for line in followed[1].splitlines()] == got
    assert "connect with https:// and wss://" in plain[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--ws-cert", "missing.pem"), 3, "cannot read missing.pem: No such file or directory"),
        (("--ws-key", "key.pem"), 2, "--ws-key needs the certificate it belongs to: --ws-cert"),
        (("--ws-cert", "case.yaml"), 3, "cannot serve TLS with case.yaml: it has to hold a certificate and its key"),
        (("--ws-allow-origin", "*"), 2, "an origin looks like https://ci.example"),
        (("--ws-token", "two words"), 2, "a token is made of visible ASCII characters"),
        (("--ws-token", ""), 2, "a token is made of visible ASCII characters"),
        (("--ws-keep-events", "0"), 2, "must be a whole number from 1 on"),
        (("--ws-keep-bytes", "64X"), 2, "must be a size like 512K or 64M"),
        (("--ws-linger", "-1"), 2, "must be a number of seconds"),
        (("--event-log", "."), 3, "cannot write the event log"),
        (("--event-log", "/dev/full"), 3, "it is no regular file"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_runs(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    case = a_case(tmp_path, "name: c\nsteps: [{name: s, type: wait, seconds: 0}]\n")
    done = await engine(case, "--ws-server", *OPEN, *arguments, cwd=tmp_path)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert "two words" not in done.err
