"""Debian's Chromium, driven over the DevTools protocol: one browser, and for each test a context of its own.

No driver stands between: the protocol is JSON over a WebSocket, which the tests speak anyway, and a test may go on with
processes and servers of its own in the same loop.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, WebSocketConnection, open_websocket_url

ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--no-default-browser-check", "--mute-audio", "--hide-scrollbars", "--force-color-profile=srgb", "--no-proxy-server",
    "--host-resolver-rules=MAP *.example 127.0.0.1", "--remote-debugging-port=0", "about:blank",
)  # fmt: skip
STARTED = 30.0  # seconds for the browser to start
SETTLED = 20.0  # seconds that a page has to become what a test expects

_KEYS = {
    "Enter": ("Enter", 13, "\r"), "Escape": ("Escape", 27, ""), "Tab": ("Tab", 9, ""), "Backspace": ("Backspace", 8, ""), " ": ("Space", 32, " "),
    "ArrowDown": ("ArrowDown", 40, ""), "ArrowUp": ("ArrowUp", 38, ""), "ArrowLeft": ("ArrowLeft", 37, ""),
    "ArrowRight": ("ArrowRight", 39, ""), "Home": ("Home", 36, ""), "End": ("End", 35, ""),
}  # fmt: skip


@contextlib.contextmanager
def chromium(program: str) -> Iterator[str]:
    """A browser; gives the address of its DevTools."""
    folder = Path(tempfile.mkdtemp(prefix="sisyphus-chromium-"))
    with (folder / "stderr").open("wb") as said:
        process = subprocess.Popen(
            [program, *ARGUMENTS, f"--user-data-dir={folder}"], stdout=subprocess.DEVNULL, stderr=said
        )
    try:
        yield _address(process, folder)
        process.terminate()
        process.wait(20)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _address(process: subprocess.Popen[bytes], folder: Path) -> str:
    """Where Chromium listens, which it writes into its profile."""
    until = time.monotonic() + STARTED
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            port, path = (folder / "DevToolsActivePort").read_text().split()
            return f"ws://127.0.0.1:{port}{path}"
        time.sleep(0.02)
    raise RuntimeError(f"Chromium did not start:\n{(folder / 'stderr').read_text(errors='replace')}")


class Refused(Exception):
    """Chromium answered with an error, or the page's script raised one."""


@define
class Browser:
    """The connection to a browser: commands and their answers, and events for whoever listens."""

    connection: WebSocketConnection
    context: str = ""
    _numbers: Iterator[int] = field(factory=lambda: itertools.count(1))
    _answers: dict[int, tuple[trio.Event, list[dict[str, Any]]]] = field(factory=dict)
    _listeners: list[Callable[[dict[str, Any]], None]] = field(factory=list)

    async def listen(self) -> None:
        while True:
            try:
                message = json.loads(await self.connection.get_message())
            except ConnectionClosed:
                return
            if waiting := self._answers.pop(message.get("id", 0), None):
                waiting[1].append(message)
                waiting[0].set()
            for listener in self._listeners if "method" in message else ():
                listener(message)

    async def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer: list[dict[str, Any]] = []
        told = trio.Event()
        self._answers[number] = (told, answer)
        message = {"id": number, "method": method, "params": parameters}
        await self.connection.send_message(json.dumps(message | ({"sessionId": session} if session else {})))
        with trio.fail_after(SETTLED):
            await told.wait()
        if "error" in answer[0]:
            raise Refused(f"{method}: {answer[0]['error']}")
        return answer[0]["result"]

    async def page(self, *, width: int = 1280, height: int = 800, language: str = "en-GB", dark: bool = False) -> Page:
        """A page of this test's context, which nobody has visited anything with."""
        target = await self.ask("Target.createTarget", url="about:blank", browserContextId=self.context)
        attached = await self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, attached["sessionId"])
        self._listeners.append(page.hear)
        for domain in ("Page", "Runtime", "Network", "Log"):
            await page.ask(f"{domain}.enable")
        await page.size(width, height)
        agent = (await self.ask("Browser.getVersion"))["userAgent"]
        await page.ask("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
        await page.prefer(dark=dark)
        return page


@define
class Page:
    """One page, and what it did: its requests, its errors, what it wrote to the console."""

    browser: Browser
    session: str
    requests: list[str] = field(factory=list)
    sockets: list[str] = field(factory=list)
    errors: list[str] = field(factory=list)
    dialogs: list[str] = field(factory=list)

    def hear(self, message: dict[str, Any]) -> None:
        if message.get("sessionId") != self.session:
            return
        told = message["params"]
        match message["method"]:
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])
            case "Network.webSocketCreated":
                self.sockets.append(told["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(told["exceptionDetails"]))
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                self.errors.append(told["entry"]["text"])
            case "Page.javascriptDialogOpening":
                self.dialogs.append(told["message"])
            case _:
                pass

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        return await self.browser.ask(method, self.session, **parameters)

    async def go(self, url: str) -> None:
        done = await self.ask("Page.navigate", url=url)
        if "errorText" in done:
            raise Refused(f"{url}: {done['errorText']}")
        await self.until("document.readyState === 'complete'")

    async def run(self, script: str) -> Any:
        """The value of an expression in the page; promises are awaited."""
        done = await self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise Refused(f"{script}: {done['exceptionDetails']}")
        return done["result"].get("value")

    async def until(self, condition: str, *, limit: float = SETTLED) -> Any:
        """The condition's value as soon as it is true in the page; the page says when it may have become so."""
        with trio.move_on_after(limit):
            while True:
                with contextlib.suppress(Refused):  # between two documents
                    if value := await self.run(condition):
                        return value
                await trio.sleep(0.03)
        shown = await self.run("document.body.innerText")
        raise AssertionError(f"it did not become true: {condition}\n{shown}\nerrors: {self.errors}")

    async def text(self, selector: str) -> str:
        return await self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? null")

    async def texts(self, selector: str) -> list[str]:
        return await self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.innerText)")

    async def click(self, selector: str, holding: str = "") -> None:
        """Clicks the first that matches, and holds this text, where it can be seen: by the mouse.

        What moves is not clicked before it stands still: the mouse would meet what stands there then.
        """
        found = await self.until(
            f"""(async () => {{
            const place = () => {{
                const one = [...document.querySelectorAll({json.dumps(selector)})].find((each) => each.checkVisibility() && each.textContent.includes({json.dumps(holding)}));
                if (!one) return null;
                one.scrollIntoView({{block: 'nearest', inline: 'nearest'}});
                const box = one.getBoundingClientRect();
                return [box.x + Math.min(box.width / 2, 60), box.y + box.height / 2];
            }};
            const before = place();
            await Promise.race([
                new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
                new Promise((over) => setTimeout(over, 200)),
            ]);
            const after = place();
            return String(before) === String(after) ? after : null;
            }})()"""
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask("Input.dispatchMouseEvent", type=kind, x=found[0], y=found[1], button="left", clickCount=1)

    async def press(self, *keys: str) -> None:
        for key in keys:
            code, number, text = _KEYS.get(key) or ("", ord(key.upper()) if key.isalnum() else 0, key)
            about = {"key": key, "code": code, "windowsVirtualKeyCode": number}
            await self.ask("Input.dispatchKeyEvent", type="keyDown", **about, **({"text": text} if text else {}))
            await self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    async def size(self, width: int, height: int) -> None:
        await self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def prefer(self, *, dark: bool = False, calm: bool = False) -> None:
        """What the system of whoever watches is set to."""
        wishes = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if calm else "no-preference",
        }
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        await self.ask("Emulation.setEmulatedMedia", features=features)

    async def offline(self, offline: bool) -> None:
        await self.ask(
            "Network.emulateNetworkConditions", offline=offline, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )

    async def shoot(self, path: Path) -> None:
        """Keeps a picture of what is seen."""
        shot = await self.ask("Page.captureScreenshot", format="png")
        await trio.Path(path).parent.mkdir(parents=True, exist_ok=True)
        await trio.Path(path).write_bytes(base64.b64decode(shot["data"]))

    async def accessible(self) -> list[dict[str, str]]:
        """What a screen reader is told: roles with their names, in order."""
        await self.ask("Accessibility.enable")
        nodes = (await self.ask("Accessibility.getFullAXTree"))["nodes"]
        return [
            {"role": node["role"]["value"], "name": node.get("name", {}).get("value", "")}
            for node in nodes
            if not node.get("ignored")
        ]


@asynccontextmanager
async def browsing(address: str) -> AsyncIterator[Browser]:
    """A context of its own in the browser, which is gone with the block, and everything in it."""
    async with open_websocket_url(address, max_message_size=64 * 2**20) as connection, trio.open_nursery() as nursery:
        browser = Browser(connection)
        nursery.start_soon(browser.listen)
        browser.context = (await browser.ask("Target.createBrowserContext"))["browserContextId"]
        try:
            yield browser
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(5):
                await browser.ask("Target.disposeBrowserContext", browserContextId=browser.context)
            nursery.cancel_scope.cancel()


def described(nodes: Sequence[dict[str, str]], role: str) -> list[str]:
    """The names of what has this role."""
    return [node["name"] for node in nodes if node["role"] == role]
