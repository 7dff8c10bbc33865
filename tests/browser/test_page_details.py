"""What the page shows of one step, and lets people take with them."""

from __future__ import annotations

import json
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import h11
import pytest
import trio
from attrs import define, field
from chromium import Browser, Page
from runs import ENDED, Story, a_story, served

SHOWN = "document.querySelector('#detail').innerText.includes({})"


async def opened(page: Page, name: str) -> None:
    await page.click("#tree .row.step", name)
    await page.until(f"document.querySelector('#detail h2')?.innerText.includes({json.dumps(name)})")


async def copied(page: Page, button: str) -> str:
    """What is in the clipboard when the button says that it is there."""
    await page.click("#detail .actions button", button)
    await page.until(
        "[...document.querySelectorAll('#detail .actions button')].some((one) => one.innerText === 'Copied')"
    )
    text: str = await page.run("clipboard.readText()")
    return text


async def allowed_to_read(browser: Browser, page: Page) -> None:
    """Lets the test see the clipboard, whatever becomes of the page's own way to it."""
    await browser.ask(
        "Browser.grantPermissions",
        permissions=["clipboardReadWrite", "clipboardSanitizedWrite"],
        browserContextId=browser.context,
    )
    await page.run("window.clipboard = navigator.clipboard; 0")


@pytest.mark.parametrize("way", ["as pages do", "as old pages do"])
async def test_a_copy_button_copies(browser: Browser, tmp_path: Path, way: str) -> None:
    page = await browser.page()
    await page.go(a_story(2, failing=[1]).report(tmp_path / "report.html"))
    await page.until(ENDED)
    await allowed_to_read(browser, page)
    if way == "as old pages do":  # those that are not served from localhost or by TLS
        await page.run("Object.defineProperty(navigator, 'clipboard', {value: undefined}); 0")
    await opened(page, "Step 1")
    await page.until(SHOWN.format("'Copy as JSON'"))
    assert json.loads(await copied(page, "Copy as JSON")) == {"name": "Step 1", "type": "request", "status": "failure"}
    await page.until("!document.querySelector('#detail .actions').innerText.includes('Copied')")


@define
class Recorder:
    """A service that keeps what it is asked."""

    port: int = 0
    requests: list[tuple[str, str, str, bytes]] = field(factory=list)

    async def answer(self, stream: trio.SocketStream) -> None:
        server = h11.Connection(h11.SERVER)
        request, body = None, b""
        while not isinstance(event := server.next_event(), h11.EndOfMessage | h11.ConnectionClosed):
            if event is h11.NEED_DATA:
                server.receive_data(await stream.receive_some())
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
        if request is not None:
            kind = dict(request.headers).get(b"content-type", b"").decode().partition("boundary=")
            body = body.replace(kind[2].encode(), b"BOUNDARY") if kind[2] else body
            self.requests.append((request.method.decode(), request.target.decode(), kind[0], body))
            await stream.send_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await stream.aclose()


@asynccontextmanager
async def recorder() -> AsyncIterator[Recorder]:
    service = Recorder()
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, service.answer, 0)
        service.port = listeners[0].socket.getsockname()[1]
        yield service
        nursery.cancel_scope.cancel()


REQUESTS = {
    "a query": "url: '/list?name=a%20b&q=x'",
    "brackets": "url: '/list[1]/{x}?a[]=1'",
    "JSON": """{url: /, method: POST, json: {text: "it's $HOME `id` \\\\ \\"x\\"", list: [1, null]}}""",
    "long numbers": "{url: /, method: POST, json: [9007199254740993, -12345678901234567890, {id: 1792000000000000001}]}",
    "a form": "{url: /, method: PUT, data: {name: 'a b&c', more: [1, 2], none: null, yes: true, id: 1792000000000000001}}",
    "a text with an at": "{url: /, method: POST, body: '@/etc/hostname', headers: {Content-Type: text/plain}}",
    "a body to GET": "{url: /, method: GET, json: {query: all}}",
    "a form with files": """{url: /, method: POST, data: {title: '@title.txt'}, files: {one: "notes.txt"}}""",
    "only a head": "{url: /, method: HEAD}",
}


async def test_the_command_that_is_copied_sends_what_the_engine_sent(browser: Browser, tmp_path: Path) -> None:
    await trio.Path(tmp_path / "notes.txt").write_text("some notes\n")
    steps = "".join(f"  - name: {json.dumps(name)}\n    request: {as_flow(it)}\n" for name, it in REQUESTS.items())
    async with recorder() as service:
        case = f"name: Sent\nconfig: {{base_url: 'http://127.0.0.1:{service.port}'}}\nsteps:\n{steps}"
        async with served(tmp_path, case) as (_, url):
            page = await browser.page(height=1200)
            await page.go(url)
            await page.until(ENDED)
            await allowed_to_read(browser, page)
            sent, service.requests = service.requests, []
            assert len(sent) == len(REQUESTS)
            for name in REQUESTS:
                await opened(page, name)
                await page.until(SHOWN.format("'Copy as curl'"))
                command = shlex.split(await copied(page, "Copy as curl"))
                assert command[0] == "curl"
                done = await trio.run_process(
                    [*command, "--silent", "--noproxy", "*"], cwd=tmp_path, check=False, capture_stdout=True
                )
                assert done.returncode == 0, command
    for name, before, now in zip(REQUESTS, sent, service.requests, strict=True):
        assert meant(now) == meant(before), name


def as_flow(request: str) -> str:
    return request if request.startswith("{") else f"{{{request}}}"


def meant(request: tuple[str, str, str, bytes]) -> tuple[str, str, str, object]:
    """A request without what two clients write differently."""
    method, target, kind, body = request
    if kind == "application/json":
        return method, target, kind, json.loads(body)
    if kind.startswith("multipart"):
        return (
            method,
            target,
            kind,
            [part.partition(b"\r\n\r\n")[2].strip(b"-\r\n") for part in body.split(b"BOUNDARY")],
        )
    if "urlencoded" in kind:
        return method, target, kind, body.replace(b"%20", b"+")
    return method, target, kind, body


async def test_what_failed_is_where_the_page_begins(browser: Browser, tmp_path: Path) -> None:
    page = await browser.page()
    # All of a small report is there before the page would draw its beginning a second time, and then nothing happens.
    await page.ask(
        "Page.addScriptToEvaluateOnNewDocument", source="window.passed = 0; performance.now = () => window.passed;"
    )
    await page.go(a_story(40, failing=[7, 9]).report(tmp_path / "report.html"))
    await page.until(ENDED)
    await page.run("window.passed = 10000")
    await page.until(SHOWN.format("'What failed'"))
    assert [text.splitlines()[0] for text in await page.texts("#detail .links li")] == ["Step 7", "Step 9"]


async def test_who_is_in_the_details_with_the_keyboard_stays_there(browser: Browser, tmp_path: Path) -> None:
    steps = "".join(
        f"  - {{name: wait {at}, type: wait, seconds: 0.2}}\n  - {{name: fail {at}, url: /a, validations: [{{status_code: 201}}]}}\n"
        for at in range(60)
    )
    case = f"name: Failing\nconfig: {{mock_server: [{{path: /a, response: {{body: {{}}}}}}]}}\nsteps:\n{steps}"
    async with served(tmp_path, case) as (_, url):
        page = await browser.page()
        await page.go(url)
        await page.click("#tree .row.case", "Failing")
        links = "document.querySelectorAll('#detail .links .link')"
        await page.until(f"{links}.length > 0")
        await page.run(f"{links}[0].focus()")
        seen = await page.run("document.querySelector('#problem-count').innerText")
        await page.until(f"Number(document.querySelector('#problem-count').innerText) > {int(seen) + 4}")
        assert await page.run(f"document.activeElement === {links}[0]")
        before = await page.run(f"{links}.length")
        await page.run("document.querySelector('#search').focus()")
        await page.until(f"{links}.length > {before}")


async def test_a_step_that_never_ended_says_so(browser: Browser, tmp_path: Path) -> None:
    story = Story()
    story.tell("test_start", test_name="Cut off", total_steps=1, description=None)
    story.tell("step_start", "Hanging", step_type="request", step_index=0, total_steps=1)
    about = {"status": "cancelled", "passed_steps": 0, "failed_steps": 0, "skipped_steps": 1, "duration": 0.1}
    story.tell("test_complete", total_steps=1, **about)
    page = await browser.page()
    await page.go(story.report(tmp_path / "report.html"))
    await page.until(ENDED)
    await opened(page, "Hanging")
    await page.until(SHOWN.format("'The step did not end.'"))


async def test_a_load_is_shown_by_its_numbers_and_not_by_one_of_its_answers(browser: Browser, tmp_path: Path) -> None:
    load = """
    name: Load
    config: {mock_server: [{path: /a, response: {body: {n: 1}}}]}
    steps: [{name: Many, url: /a, parallel: {threads: 2, iterations: 10}}]
    """
    async with served(tmp_path, load) as (_, url):
        page = await browser.page()
        await page.go(url)
        await page.until(ENDED)
        await opened(page, "Many")
        await page.until(SHOWN.format("'p95'"))
        told = await page.text("#detail")
    assert "Requests\n20\n" in told
    assert "200 × 20" in told
    assert "One of the requests" in told
    assert "Where the time went" not in told


async def test_a_number_is_shown_as_it_came_however_long(browser: Browser, tmp_path: Path) -> None:
    case = """
    name: Ids
    config:
      websocket: {send_variables: true}
      mock_server: [{path: /a, response: {body: {id: 1792000000000000001, small: 7, part: 0.5}}}]
    steps: [{name: Ask, url: /a, extract: {id: $.id}}]
    """
    report = tmp_path / "report.html"
    async with served(tmp_path, case, "--html", report) as (underway, url):
        page = await browser.page()
        await page.go(url)
        await page.until(ENDED)
        await opened(page, "Ask")
        await page.until(SHOWN.format("'0.5'"))
        told = await page.text("#detail pre")
        await page.click("#tab-variables")
        await page.until("document.querySelector('#variables code')?.innerText === '1792000000000000001'")
        underway.interrupt()
        await underway.done()
    await page.go(report.as_uri())
    await page.until(ENDED)
    await opened(page, "Ask")
    await page.until(SHOWN.format("'0.5'"))
    assert await page.text("#detail pre") == told
    assert '"id": 1792000000000000001,' in told


async def test_what_a_step_tells_besides_its_answer_is_shown_too(browser: Browser, tmp_path: Path) -> None:
    poll = """
    name: Poll
    config: {mock_server: [{path: /a, response: {body: {state: done}}}]}
    steps: [{name: Wait for it, type: poll, url: /a, poll_config: {condition: {path: $.state, operator: eq, expect: done}}}]
    """
    async with served(tmp_path, poll) as (_, url):
        page = await browser.page()
        await page.go(url)
        await page.until(ENDED)
        await opened(page, "Wait for it")
        await page.until(SHOWN.format("'ended_by'"))
        assert "Response" in await page.text("#detail")
