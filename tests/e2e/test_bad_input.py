"""Bad input, end to end: a clear sentence, the right status and exit code, and no other step's result is lost."""

from __future__ import annotations

import gzip
import json
import re
import ssl
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trustme
from attrs import frozen
from programs import Handler, a_case, answer, engine, read_request, running, says, serve, watch

import sisyphus
from sisyphus.cli import main
from sisyphus.results import StepResult

GOOD = answer(b'{"n": 1}')


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SISYPHUS_LANG", "en")


# --- case files: found before anything runs, all at once -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: x\nsteps: [", r":[23]:\d+: "),
        ("name: x\n\tsteps: []\n", r":2:1: .*tab"),
        ("- name: x\n", r":1:1: "),
        ("", r":1:1: "),
        ("name: x\nname: y\nsteps: []\n", r":2:1: .*'name'.*line 1"),
        ("name: &n x\nsteps: []\n", r":1:7: .*anchor"),
        ("name: x\nsteps: []\ndescription: *n\n", r":3:14: .*alias"),
        ("name: !!str x\nsteps: []\n", r":1:7: .*tag"),
        ("name: x\nstep: []\n", r":2:1: unknown key 'step'.*did you mean 'steps'\?"),
        ("name: x\nsteps:\n  - {name: a, type: requst, url: /}\n", r":3:21: .*'requst'.*'request'"),
        ("name: x\nsteps:\n  - {name: a, url: /, validations: [{equls: [$.a, 1]}]}\n", r":3:\d+: .*'equls'.*'equals'"),
        ("name: x\nsteps:\n  - {name: a, type: wait, seconds: [1]}\n", r":3:\d+: .*seconds"),
        ("name: x\nconfig: {websocket: {port: many}}\nsteps: []\n", r":2:\d+: .*port"),
        ("name: x\nsteps:\n  - {name: a, type: wait, seconds: \"${1 +}\"}\n", r":3:\d+: "),
        ("name: x\nsteps:\n  - {name: a, type: wait, seconds: 0, depends_on: b}\n", r":3:\d+: .*'b'"),
    ],
    ids=["open bracket", "tab", "a list", "nothing at all", "a key twice", "anchor", "alias", "tag", "unknown key",
         "unknown type", "unknown comparator", "wrong type", "wrong type in config", "wrong template", "no such step"],
)  # fmt: skip
def test_a_wrong_file_is_told_with_the_place_and_nothing_runs(
    text: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text(text)
    a_case(tmp_path, "name: fine\nsteps:\n  - {name: rest, type: wait, seconds: 0}\n", "fine.yaml")

    assert main(["fine.yaml", "bad.yaml"]) == 2

    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    assert re.search(r"^bad\.yaml" + sentence, told.err, re.MULTILINE)


def test_a_file_that_is_not_utf_8_is_told_with_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_bytes(b"name: fine\ndescription: caf\xe9\nsteps: []\n")

    assert main(["bad.yaml"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("bad.yaml:2:17: ")
    assert "UTF-8" in told


async def test_missing_files_and_folders_without_cases_end_with_2(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in ("missing.yaml", "empty", "*.yml"):
        done = await engine("--cases", path, "--format", "json", "-o", "result.json", cwd=tmp_path)

        assert (done.code, done.out) == (2, "")
        assert path in done.err
        assert len(done.err.splitlines()) == 1
    assert not await trio.Path(tmp_path / "result.json").exists()


async def test_the_problems_of_all_files_are_told_at_once_and_sorted(tmp_path: Path) -> None:
    a_case(tmp_path, "name: b\nstep: []\nnmae: x\n", "b.yaml")
    a_case(tmp_path, "name: a\nsteps:\n  - {name: s, metod: GET, url: /}\n  - {name: t, typ: wait}\n", "a.yaml")

    done = await engine("b.yaml", "a.yaml", cwd=tmp_path)

    places = [":".join(line.split(":")[:2]) for line in done.err.splitlines()]
    assert done.code == 2
    assert places == sorted(places)
    assert {"a.yaml:3", "a.yaml:4", "b.yaml:2", "b.yaml:3"} <= set(places)


# --- the live server's address ---------------------------------------------------------------------------------------


async def test_a_port_that_is_taken_is_told_in_one_line_and_nothing_runs(tmp_path: Path, nursery: trio.Nursery) -> None:
    asked: list[bytes] = []

    async def handle(stream: trio.abc.Stream) -> None:
        asked.append(await read_request(stream) or b"")

    url = await serve(nursery, handle)
    port = int(url.rsplit(":", 1)[1])
    case = a_case(tmp_path, f"name: c\nsteps:\n  - {{name: ask, url: '{url}'}}\n")

    done = await engine(
        case, "--ws-server", "--ws-host", "127.0.0.1", "--ws-port", port, "--format", "json", cwd=tmp_path
    )

    assert (done.code, done.out, asked) == (3, "", [])
    assert done.err == (
        f"address already in use: 127.0.0.1:{port}; choose another port with --ws-port (0 takes a free one), "
        "or end the program that holds it\n"
    )


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
async def test_a_host_that_is_not_this_machine_is_told_in_one_line(host: str, tmp_path: Path) -> None:
    case = a_case(tmp_path, "name: c\nsteps:\n  - {name: rest, type: wait, seconds: 0}\n")

    done = await engine(case, "--ws-server", "--ws-host", host, "--ws-port", 0, cwd=tmp_path)

    assert (done.code, done.out) == (3, "")
    assert host in done.err
    assert "--ws-host" in done.err
    assert len(done.err.splitlines()) == 1


# --- steps: the bad one is told, those around it keep their results ---------------------------------------------------


@frozen
class Bad:
    """A step that cannot go well, and what has to be said of it."""

    status: str
    says: tuple[str, ...]
    category: str = ""
    answers: Handler | None = None
    url: str = ""
    more: str = ""
    warns: str = ""


def raw(*parts: bytes) -> Handler:
    return says(*parts)


async def hangs_up(stream: trio.abc.Stream) -> None:
    await read_request(stream)


async def speaks_at_once(stream: trio.abc.Stream) -> None:
    """Answers whatever comes first, as a plain server does with the beginning of a TLS handshake."""
    await stream.receive_some()
    await stream.send_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def never_answers(stream: trio.abc.Stream) -> None:
    await read_request(stream)
    await trio.sleep_forever()


async def sends_a_hundred_megabytes(stream: trio.abc.Stream) -> None:
    await read_request(stream)
    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 104857600\r\n\r\n")
    piece = b"x" * 1024 * 1024
    for _ in range(100):
        await stream.send_all(piece)


STEPS: dict[str, Bad] = {
    "unresolvable host": Bad(
        "error", ("no-such-host.invalid", "has no address"), "network", url="http://no-such-host.invalid/"
    ),
    "connection refused": Bad("error", ("nothing listens on 127.0.0.1:", "refused"), "network", url="CLOSED"),
    "no TLS there": Bad("error", ("does not speak TLS",), "network", answers=speaks_at_once, url="https"),
    "timeout": Bad("error", ("timeout of 0.2 s",), "timeout", answers=never_answers, more="timeout: 0.2"),
    "no answer": Bad("error", ("closed the connection without an answer",), "network", answers=hangs_up),
    "no HTTP": Bad("error", ("does not answer in HTTP", "220 smtp"), "network", answers=raw(b"220 smtp ready\r\n\r\n")),
    "truncated answer": Bad(
        "error", ("before the answer was complete", "10 of 100 bytes"), "network",
        answers=raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789"),
    ),
    "truncated head": Bad("error", ("in the middle of the answer's headers",), "network",
                          answers=raw(b"HTTP/1.1 200 OK\r\nContent-Le")),
    "wrong chunk": Bad(
        "error", ("is not valid HTTP",), "network",
        answers=raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nno\r\n0\r\n\r\n"),
    ),
    "missing last chunk": Bad(
        "error", ("its last chunk did not come",), "network",
        answers=raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n"),
    ),
    "no JSON": Bad(
        "failure", ("n",), "assertion", answers=raw(answer(b"<html>oops</html>")),
        more="validations: [{eq: [$.n, 1]}]", warns="the content type says application/json, but the body is not JSON",
    ),
    "no gzip": Bad(
        "error", ("the body is not gzip",), "parsing", answers=raw(answer(b"plain", "Content-Encoding: gzip")),
    ),
    "half a gzip": Bad(
        "success", (), answers=raw(answer(gzip.compress(b"x" * 1000)[:-12], "Content-Encoding: gzip")),
        warns="the compressed body ends too early",
    ),
    "invalid UTF-8": Bad(
        "success", (), answers=raw(answer(b"caf\xe9!", content_type="text/plain; charset=utf-8")),
        more="validations: [{contains: [$.text, caf]}]", warns="the body is not valid utf-8 at byte 3",
    ),
    "undefined variable": Bad(
        "error", ("'nam' is not defined", "did you mean 'name'?"), "business", answers=raw(GOOD),
        more='params: {q: "${nam}"}',
    ),
    "undefined variable in a check": Bad(
        "error", ("'nothing' is not defined",), "parsing", answers=raw(GOOD),
        more='validations: [{eq: [$.n, "${nothing}"]}]',
    ),
    "a URL that is none": Bad("error", ("'ftp://x'", "http://"), "business", url="ftp://x"),
    "a relative URL without a base": Bad("error", ("'/users' is relative", "base_url"), "business", url="/users"),
}  # fmt: skip


async def url_of(bad: Bad, nursery: trio.Nursery) -> str:
    if bad.answers is not None:
        url = await serve(nursery, bad.answers)
        return url.replace("http://", "https://") if bad.url == "https" else url
    if bad.url == "CLOSED":
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        async with listener:
            return f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
    return bad.url


def a_step(name: str, url: str, more: str = "") -> str:
    return f"- name: {name}\n  url: {json.dumps(url)}\n" + textwrap.indent(more, "  ") + "\n"


def a_case_of(*steps: str) -> sisyphus.case.model.Case:
    return sisyphus.loads("name: c\nconfig: {variables: {name: n}}\nsteps:\n" + textwrap.indent("".join(steps), "  "))


GOOD_CHECKS = "validations: [{eq: [$.n, 1]}]\nextractors: [{name: n, path: $.n}]"


@pytest.mark.parametrize("what", STEPS)
async def test_a_bad_step_is_told_and_those_around_it_keep_their_results(what: str, nursery: trio.Nursery) -> None:
    bad = STEPS[what]
    good = await serve(nursery, says(GOOD, hang_up=False))
    case = a_case_of(
        a_step("before", good, GOOD_CHECKS), a_step("bad", await url_of(bad, nursery), bad.more),
        a_step("after", good, GOOD_CHECKS),
    )  # fmt: skip

    result = await sisyphus.run(case)

    before, step, after = result.cases[0].steps
    assert (before.status, after.status) == ("success", "success")
    assert before.extracted == after.extracted == {"n": 1}
    assert_told(step, bad)
    expected = {"error": "error", "failure": "failed", "success": "passed"}[bad.status]
    assert result.status == expected
    assert result.exit_code == (0 if bad.status == "success" else 1)
    nursery.cancel_scope.cancel()


def assert_told(step: StepResult, bad: Bad) -> None:
    assert step.status == bad.status
    if bad.status == "success":
        assert step.error is None
    else:
        assert step.error is not None
        assert step.error.category == bad.category
        for words in bad.says:
            assert words in step.error.message
        assert step.error.message.count("\n") == 0
        assert step.error.suggestion
    if bad.warns:
        assert [warning for warning in step.warnings if bad.warns in warning], step.warnings


def a_context(issue: Callable[[trustme.CA], trustme.LeafCert]) -> tuple[ssl.SSLContext, trustme.CA]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issue(authority).configure_cert(context)
    return context, authority


async def test_a_certificate_that_nobody_vouches_for_is_told_and_may_be_accepted(nursery: trio.Nursery) -> None:
    context, _ = a_context(lambda authority: authority.issue_cert("127.0.0.1"))
    url = await serve(nursery, says(GOOD), tls=context)
    case = a_case_of(a_step("strict", url), a_step("lenient", url, "verify_ssl: false\n" + GOOD_CHECKS))

    strict, lenient = (await sisyphus.run(case)).cases[0].steps

    assert strict.error is not None
    assert (strict.status, strict.error.type, strict.error.category) == ("error", "TlsError", "network")
    assert "is not trusted" in strict.error.message
    assert "verify_ssl: false" in strict.error.suggestion
    assert lenient.status == "success"
    nursery.cancel_scope.cancel()


async def test_an_answer_of_a_hundred_megabytes_is_kept_to_the_limit_and_said_so(
    tmp_path: Path, nursery: trio.Nursery
) -> None:
    big, good = await serve(nursery, sends_a_hundred_megabytes), await serve(nursery, says(GOOD, hang_up=False))
    steps = (
        a_step("big", big, "stream_limit: 1000\nvalidations: [{eq: [$.size, 104857600]}]"),
        a_step("after", good, GOOD_CHECKS),
    )
    a_case(tmp_path, "name: c\nsteps:\n" + textwrap.indent("".join(steps), "  "))

    done = await engine("case.yaml", "--format", "json", cwd=tmp_path)

    step = done.steps["big"]
    assert done.code == 0
    assert (step["response"]["size"], step["response"]["truncated"]) == (104_857_600, True)
    assert len(step["response"]["text"]) == 1000
    assert "stream_limit" in step["response"]["body_note"]
    assert done.steps["after"]["extracted"] == {"n": 1}
    nursery.cancel_scope.cancel()


async def test_the_limit_is_ten_mebibytes_if_nothing_is_said(nursery: trio.Nursery) -> None:
    case = a_case_of(a_step("big", await serve(nursery, sends_a_hundred_megabytes)))

    (step,) = (await sisyphus.run(case)).cases[0].steps

    assert step.response is not None
    assert len(step.response["text"]) == 10 * 1024 * 1024
    nursery.cancel_scope.cancel()


async def test_everything_bad_in_one_file_ends_with_1_and_every_step_is_told_on_the_terminal_too(
    tmp_path: Path, nursery: trio.Nursery
) -> None:
    steps = [a_step(what, await url_of(bad, nursery), bad.more) for what, bad in STEPS.items()]
    text = "name: c\nconfig: {variables: {name: n}}\nsteps:\n" + textwrap.indent("".join(steps), "  ")
    a_case(tmp_path, text)

    done = await engine("case.yaml", "-o", "result.json", cwd=tmp_path)

    assert (done.code, done.err) == (1, "")
    result = json.loads(await trio.Path(tmp_path / "result.json").read_text(encoding="utf-8"))
    assert {step["name"]: step["status"] for step in result["cases"][0]["steps"]} == {
        what: bad.status for what, bad in STEPS.items()
    }
    for what, bad in STEPS.items():
        assert f" {what}  ·  " in done.out
        for words in bad.says:
            assert words in done.out
    nursery.cancel_scope.cancel()


# --- values that are hard to pass on -----------------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    return b'{"n": ' + b"[" * depth + b"1" + b"]" * depth + b"}"


ODD_BODIES: dict[str, bytes] = {
    "nested deep": nested(400),
    "nested deeper": nested(900),
    "nested far too deep": nested(100_000),
    "half a surrogate pair": b'{"n": "\\ud800"}',
    "a number of 5000 digits": b'{"n": ' + b"9" * 5000 + b"}",
    "a number beyond all numbers": b'{"n": 1e999}',
    "a constant that JSON lacks": b'{"n": NaN}',
    "the same key twice": b'{"n": 1, "n": 2}',
    "a NUL": b'{"n": "a\\u0000b"}',
    "a key that is empty": b'{"": 1, "n": 1}',
    "nothing": b"",
    "spaces only": b"   ",
    "an escape sequence": b'{"n": "\\u001b[2J"}',
}


@pytest.mark.parametrize("what", ODD_BODIES)
async def test_an_odd_body_reaches_watchers_result_and_terminal_and_breaks_nothing(
    what: str, tmp_path: Path, nursery: trio.Nursery
) -> None:
    odd = await serve(nursery, says(answer(ODD_BODIES[what]), hang_up=False))
    good = await serve(nursery, says(GOOD, hang_up=False))
    keep = "extractors: [{name: n, path: $.n, default: none}]"
    text = "name: c\nconfig: {websocket: {send_variables: true}}\nsteps:\n"
    steps = (
        a_step("odd", odd, keep)
        + a_step("again", odd + "/?n=1", 'headers: {X: "${n|string}"}\n')
        + a_step("after", good, keep)
    )
    a_case(tmp_path, text + textwrap.indent(steps, "  "))

    async with running("case.yaml", "--ws-server", "--ws-port", 0, "--format", "json", "-v", cwd=tmp_path) as underway:
        watched = await watch(await underway.url())
        done = await underway.done()

    assert "the engine failed" not in done.err
    assert done.steps["after"]["extracted"] == {"n": 1}
    assert done.steps["odd"]["status"] == "success"
    assert (watched.types[-1], watched.code) == ("test_complete", 1000)
    nursery.cancel_scope.cancel()
