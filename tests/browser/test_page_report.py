"""The page with a run in it: from disk, without a network, of any size, and whatever the run says."""

from __future__ import annotations

import time
from pathlib import Path

import trio
from chromium import Browser, Page
from programs import running
from runs import ENDED, HOSTILE, Story, a_story

TAKEN = "document.documentElement.dataset.events === '{}'"
# Milliseconds to the second frame after each of 60 jumps, or after none; sorted.
SCROLLED = """(async (jump) => {
  const scroll = document.querySelector('#scroll');
  const took = [];
  for (let at = 0; at < 60; at += 1) {
    const begin = performance.now();
    if (jump) scroll.scrollTop = scroll.scrollHeight * ((at * 37) % 60) / 60;
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    took.push(performance.now() - begin);
  }
  return took.sort((a, b) => a - b);
})"""


async def test_a_report_opens_from_disk_and_asks_nobody_for_anything(browser: Browser, tmp_path: Path) -> None:
    url = a_story(250, failing=[120]).report(tmp_path / "report.html")
    page = await browser.page()
    await page.go(url)
    await page.until(f"{ENDED} && {TAKEN.format(1003)}")
    assert "250 of 250 steps" in await page.text("#figures")
    assert await page.text("#connection-word") == "Report"
    await page.press("n")
    await page.until("document.querySelector('#detail').innerText.includes('expected 1, got 2')")
    assert "Step 120" in await page.text("#detail h2")
    assert [request for request in page.requests if not request.startswith("data:")] == [url]
    assert (page.sockets, page.errors) == ([], [])


async def test_a_reports_details_come_from_the_block_they_are_in(browser: Browser, tmp_path: Path) -> None:
    story = Story()
    story.tell("test_start", test_name="Made up", total_steps=250, description=None)
    for index in range(250):
        story.step(index, 250, f"Step {index}", description=f"number {index}")
    page = await browser.page()
    await page.go(story.report(tmp_path / "report.html"))
    await page.until(TAKEN.format(story.seq))
    for index in (0, 99, 100, 249, 1):
        await page.run(f"document.querySelector('#search').value = 'step {index}'")
        await page.run("document.querySelector('#search').dispatchEvent(new Event('input', {bubbles: true}))")
        # A row is where it was until the tree is drawn anew; the mouse is to meet it where it then is.
        await page.until(f"""[...document.querySelectorAll('#tree .step')].length
            && [...document.querySelectorAll('#tree .step')].every((row) => row.innerText.includes('Step {index}'))""")
        await page.click("#tree .step", f"Step {index}")
        await page.until(f"document.querySelector('#detail').innerText.includes('number {index}')")


async def test_nothing_in_a_report_runs_but_the_page_itself(browser: Browser, tmp_path: Path) -> None:
    story = Story()
    story.tell("test_start", test_name=HOSTILE, total_steps=1, description=HOSTILE)
    response = {"status_code": 200, "headers": {HOSTILE: HOSTILE}, "body": HOSTILE, "timings": {"wait": HOSTILE}}
    request = {"method": "GET", "url": "javascript:alert(3)", "headers": {"A": HOSTILE}, "body": {HOSTILE: [HOSTILE]}}
    check = {
        "type": "eq",
        "path": HOSTILE,
        "expect": HOSTILE,
        "actual": HOSTILE,
        "status": "failed",
        "message": HOSTILE,
    }
    story.step(
        0, 1, HOSTILE, "failure", request=request, response=response, validations=[check], extracted={HOSTILE: HOSTILE},
        warnings=[HOSTILE], description=HOSTILE, where=HOSTILE, reason=HOSTILE, id=HOSTILE,
    )  # fmt: skip
    story.tell("variable_update", variable_name="__proto__", variable_value={"__proto__": HOSTILE}, source=HOSTILE)
    story.tell("log", HOSTILE, level="<b>", message=HOSTILE, context={"__proto__": 1, HOSTILE: HOSTILE})
    page = await browser.page()
    await page.go(story.report(tmp_path / "report.html"))
    await page.until("document.querySelectorAll('#tree .row').length === 2")
    await page.click("#tree .step")
    await page.until("document.querySelectorAll('#detail details').length >= 4")
    for tab in ("problems", "log", "variables"):
        await page.click(f"#tab-{tab}")
        await page.until(f"document.querySelector('#{tab}').childElementCount >= {tab != 'log':d}")
    assert await page.run("document.querySelectorAll('img, iframe, a[href^=javascript]').length") == 0
    assert await page.run("document.querySelectorAll('script:not([class])').length") == 1
    assert "hurt" not in await page.run("document.title.replace(/<.*>/, '')")
    assert (page.dialogs, page.errors) == ([], [])


async def test_what_turns_text_around_turns_nothing_beside_it(browser: Browser, tmp_path: Path) -> None:
    check = {"path": "$.\u202ename", "type": "eq", "expect": 1, "status": "failed", "description": "abc"}
    story = Story()
    story.tell("test_start", test_name="Made up", total_steps=1, description=None)
    story.step(0, 1, "Step", "failure", validations=[check])
    page = await browser.page()
    await page.go(story.report(tmp_path / "report.html"))
    await page.until("document.querySelectorAll('#tree .row').length === 2")
    await page.press("n")
    place = """((at) => {
        const text = document.querySelector('.checks .dim').firstChild, range = document.createRange();
        range.setStart(text, text.data.indexOf(at)); range.setEnd(text, text.data.indexOf(at) + 1);
        return range.getBoundingClientRect().left;
    })"""
    await page.until("document.querySelector('.checks .dim') !== null")
    assert await page.run(f"{place}('a') < {place}('c')")


async def test_a_page_that_nobody_sees_takes_in_what_comes(browser: Browser, tmp_path: Path) -> None:
    page = await browser.page()
    unseen = "Object.defineProperty(document, 'hidden', {get: () => true}); window.setTimeout = () => 0;"
    await page.ask("Page.addScriptToEvaluateOnNewDocument", source=unseen)
    await page.go(a_story(2000).report(tmp_path / "report.html"))
    await page.until("Number(document.documentElement.dataset.events) > 5000")


async def test_its_policy_stops_what_would_get_in_all_the_same(browser: Browser, tmp_path: Path) -> None:
    page = await browser.page()
    await page.go(a_story(3).report(tmp_path / "report.html"))
    await page.until(ENDED)
    await page.run(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\"><b onclick=\"document.title=2\">x</b>')"
    )
    await page.run("document.body.lastChild.click()")
    await page.run(
        "(() => { const s = document.createElement('script'); s.textContent = 'document.title = 3'; document.body.append(s); })()"
    )
    told = await page.run("fetch('http://localhost:9/').then(() => 'reached', (problem) => problem.name)")
    assert told == "TypeError"
    assert await page.run("document.title") == "✓ Passed · Made up"
    assert any("Content Security Policy" in error for error in page.errors)


async def test_damage_is_told_and_the_rest_is_shown(browser: Browser, tmp_path: Path) -> None:
    story = a_story(5)
    story.lines[3] = story.lines[3][:20]
    url = story.report(tmp_path / "report.html")
    page = await browser.page()
    await page.go(url)
    await page.until("document.querySelector('#notices').innerText.includes('could not be read')")
    assert await page.run("document.querySelectorAll('#tree .row').length") == 6
    text = (tmp_path / "report.html").read_text()
    (tmp_path / "report.html").write_text(text.replace('class="run-events">H4sI', 'class="run-events">AAAA', 1))
    await page.ask("Page.reload")
    await page.until("document.querySelector('#notices').innerText.includes('damaged')")


async def test_fifty_thousand_steps_stay_usable(browser: Browser, tmp_path: Path) -> None:
    story = a_story(50_000, failing=range(999, 50_000, 1000))
    url = story.report(tmp_path / "report.html")
    page = await browser.page()
    began = time.monotonic()
    await page.go(url)
    await page.until(TAKEN.format(story.seq), limit=45)
    took = time.monotonic() - began
    assert "50,000 of 50,000 steps" in await page.text("#figures")
    still, scrolls = await page.run(f"{SCROLLED}(false)"), await page.run(f"{SCROLLED}(true)")
    assert scrolls[30] < still[30] + 100, (still, scrolls)
    assert await page.run("document.querySelectorAll('*').length") < 1500
    await page.press("n", "n")
    await page.until("document.querySelector('#detail h2')?.innerText.includes('Step 1999')")
    await _until_shown(page, "4999", 16)  # the case, 4999 to 44999, and 49990 to 49999
    await page.ask("HeapProfiler.collectGarbage")
    heap = (await page.ask("Runtime.getHeapUsage"))["usedSize"] / 2**20
    assert heap < 150, f"{heap:.0f} MiB"
    print(
        f"{story.seq} events in {took:.2f} s; a scroll takes {scrolls[30]:.0f} ms, two frames {still[30]:.0f} ms; {heap:.0f} MiB"
    )


async def _until_shown(page: Page, text: str, rows: int) -> None:
    await page.run(f"document.querySelector('#search').value = '{text}'")
    await page.run("document.querySelector('#search').dispatchEvent(new Event('input', {bubbles: true}))")
    await page.until(f"document.querySelectorAll('#tree .row').length === {rows}")


async def test_the_engines_own_report_shows_its_run(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(
        "name: Whole\n"
        "config:\n"
        "  mock_server:\n"
        "    - {path: /a, response: {body: {text: '</script><img src=x onerror=document.title=1>'}}}\n"
        "steps:\n"
        "  - {name: Ask, url: /a, validations: [{eq: [$.text, other]}]}\n"
    )
    async with running("--cases", tmp_path / "case.yaml", "--html", "report.html", cwd=tmp_path) as underway:
        with trio.fail_after(30):
            await underway.process.wait()
    page = await browser.page()
    await page.go((tmp_path / "report.html").as_uri())
    await page.until(ENDED)
    await page.press("n")
    await page.until("document.querySelector('#detail').innerText.includes('onerror')")
    assert "Ask" in await page.text("#detail h2")
    assert (page.sockets, page.errors, page.dialogs) == ([], [], [])
    assert not (await page.run("document.title")).startswith("1")
