"""Who may read a run in a browser: pages of its own server, by every way there is; other sites' pages by none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from chromium import Browser
from programs import answer, says, serve
from runs import ENDED, MIXED, STATE, cable, many_waits, served

SOURCE = """(() => {
  window.ids = []; window.names = []; window.opened = 0;
  const source = new EventSource('/events?types=step_start,step_complete');
  source.onopen = () => { opened += 1; };
  source.onmessage = (message) => ids.push(Number(message.lastEventId));
  for (const name of ['hello', 'recovered', 'close']) source.addEventListener(name, () => names.push(name));
  source.addEventListener('close', () => source.close());
})()"""

# What a page can try to learn of an address, and how far it gets.
TRY = """(async (at) => {
  const told = {};
  for (const path of ['/events', '/details?seq=5', '/healthz', '/'])
    told[path] = await fetch(at + path).then((answer) => answer.text()).then(() => 'read', () => 'refused');
  told.opaque = await fetch(at + '/events', {mode: 'no-cors'}).then((answer) => answer.text(), () => '');
  told.source = await new Promise((done) => {
    const source = new EventSource(at + '/events');
    source.onmessage = () => done('read');
    source.onerror = () => { source.close(); done('refused'); };
  });
  told.socket = await new Promise((done) => {
    const socket = new WebSocket(at.replace('http', 'ws') + '/', ['sisyphus.v1']);
    socket.onopen = () => done('read');
    socket.onerror = () => done('refused');
  });
  told.script = await new Promise((done) => {
    const script = document.createElement('script');
    script.src = at + '/details?seq=5';
    script.onload = () => done('read');
    script.onerror = () => done('refused');
    document.head.append(script);
  });
  return told;
})"""


@asynccontextmanager
async def a_site(host: str) -> AsyncIterator[str]:
    """A page of another site, which the browser finds on this machine."""
    page = answer(b"<!doctype html><title>elsewhere</title>", content_type="text/html")
    async with trio.open_nursery() as nursery:
        url = await serve(nursery, says(page))
        yield url.replace("127.0.0.1", host)
        nursery.cancel_scope.cancel()


async def test_the_browsers_own_event_source_reads_a_run_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, many_waits(40, 0.1)) as (_, url), cable(url) as (between, near):
        page = await browser.page()
        await page.go(near)
        await page.run(SOURCE)
        await page.until("ids.length > 10")
        between.cut()
        between.mend()
        await page.until("opened > 1")
        await page.until("names.includes('close')")
        assert await page.run(STATE) in {"running", "passed"}
        ids = await page.run("ids")
    assert len(ids) == 80
    assert ids == sorted(set(ids))


async def test_a_page_of_another_site_learns_nothing(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, MIXED) as (_, url), a_site("evil.example") as elsewhere:
        own = await browser.page()
        await own.go(url)
        await own.until(ENDED)
        assert set((await own.run(f"{TRY}('{url}')")).values()) >= {"read"}
        page = await browser.page()
        await page.go(elsewhere)
        told = await page.run(f"{TRY}('{url}')")
    assert told.pop("opaque") == ""
    assert set(told.values()) == {"refused"}, told


async def test_a_page_of_another_site_cannot_frame_the_page(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, MIXED) as (_, url), a_site("evil.example") as elsewhere:
        page = await browser.page()
        await page.go(elsewhere)
        await page.run(
            f"""new Promise((done) => {{
            const frame = document.createElement('iframe'); frame.src = '{url}/'; frame.onload = done; document.body.append(frame);
            }})"""
        )
        assert not page.sockets


async def test_a_name_of_another_site_for_this_server_opens_nothing(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, MIXED) as (_, url):
        page = await browser.page()
        await page.go(url.replace("localhost", "rebound.example"))
        assert await page.run("document.querySelector('#tree')") is None
        assert page.sockets == []
