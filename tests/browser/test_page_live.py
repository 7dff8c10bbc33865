"""The page in a real browser, while real runs go on."""

from __future__ import annotations

from pathlib import Path

from chromium import Browser, Page
from programs import a_case, running
from runs import ENDED, HOSTILE, MIXED, ROWS, SEQ, STATE, cable, many_waits, served


async def names(page: Page) -> list[str]:
    return await page.run(f"{ROWS}.map((row) => row.querySelector('.name').textContent)")


async def test_it_follows_a_run_to_its_end(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, many_waits(20, 0.05)) as (underway, url):
        page = await browser.page()
        await page.go(url)
        await page.until(f"{STATE} === 'running'")
        assert await page.until("document.querySelector('#bar').ariaValueNow > 0")
        assert "% · long" in await page.until("document.title.includes('%') && document.title")
        await page.until(f"{STATE} === 'passed'")
        assert "20 of 20 steps" in await page.text("#figures")
        assert await page.text("#connection-word") == "Run ended"
        assert await page.run("document.title") == "✓ Passed · long"
        assert (await names(page))[:3] == ["long", "s0", "s1"]
        assert await page.run("document.querySelector('#favicon').href.startsWith('data:image/svg+xml')")
        underway.interrupt()
        assert (await underway.done()).code == 0
        await page.until(f"{STATE} === 'passed'")  # a server that goes away after the end takes nothing with it
    assert page.errors == []
    assert {request.removeprefix(url).strip("/") for request in page.requests if not request.startswith("data:")} == {
        ""
    }


async def test_a_steps_details_are_fetched_when_it_is_opened_and_only_then(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as (_, url):
        page = await browser.page()
        await page.go(url)
        await page.until(ENDED)
        assert not [request for request in page.requests if "/details" in request]
        await page.click("#tree .row", "Wrong name")
        await page.until("document.querySelector('#detail').innerText.includes('Waiting')")
        told = await page.text("#detail")
        for part in ("expected", "Bob", "Ann", "/users/8", "Response", "Copy as curl", "What to do"):
            assert part in told
        assert len([request for request in page.requests if "/details" in request]) == 1
        assert await page.run(
            "getComputedStyle(document.querySelector('.row[aria-selected=true] .span')).backgroundImage !== 'none'"
        )


async def test_steps_inside_others_are_a_tree_with_rounds(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as (_, url):
        page = await browser.page()
        await page.go(url)
        await page.until(ENDED)
        assert (await names(page))[:4] == ["Orders", "Setup", "Get user 7", "Each user"]
        await page.click("#unfold")
        await page.until("document.querySelector('#tree').innerText.includes('Check 2')")
        assert (await names(page))[1:14] == [
            "Setup", "Log in", "Get user 7", "Each user", "Round 1", "User 0", "Check 0", "Round 2", "User 1", "Check 1",
            "Round 3", "User 2", "Check 2",
        ]  # fmt: skip
        levels = await page.run(f"{ROWS}.map((row) => row.ariaLevel)")
        assert levels[:8] == ["1", "2", "3", "2", "2", "3", "4", "4"]
        rounds = await page.run(f"{ROWS}.filter((row) => row.matches('.group')).map((row) => row.dataset.status)")
        assert rounds == ["success", "success", "success", "failure"]
        await page.click("#fold")
        await page.until("document.querySelectorAll('#tree .row').length === 1")


async def test_what_runs_hostile_text_through_it_is_shown_and_not_obeyed(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as (_, url):
        page = await browser.page()
        await page.go(url)
        await page.until(ENDED)
        assert HOSTILE in await names(page)
        await page.click("#tree .row", "onerror")
        await page.until("document.querySelector('#detail pre')?.textContent.includes('onerror')")
        await page.click("#tab-log")
        await page.until("document.querySelector('#log').textContent.includes('onerror')")
        assert await page.run("document.querySelectorAll('img, iframe, object').length") == 0
        assert await page.run("document.title") != "hurt"
    assert page.dialogs == []


async def test_a_broken_connection_costs_nothing_of_the_run(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, many_waits(60, 0.05)) as (underway, url), cable(url) as (between, near):
        page = await browser.page()
        await page.go(near)
        await page.until(f"{SEQ} > 20")
        between.cut()
        await page.until("document.querySelector('#connection').dataset.kind === 'lost'")
        assert "Connection lost" in await page.text("#connection")
        seen = await page.run(SEQ)
        between.mend()
        await page.click("#reconnect")
        await page.until(f"{SEQ} > {seen}")
        assert await page.text("#connection-word") == "Live"
        between.cut()
        between.mend()  # this time it comes back by itself
        await page.until(f"{STATE} === 'passed'")
        sockets = page.sockets
        underway.interrupt()
        result = (await underway.done()).document
        assert await page.run("document.documentElement.dataset.events") == await page.run(
            "document.documentElement.dataset.seq"
        )
        await page.size(1280, 3000)
        await page.until("document.querySelectorAll('#tree .row').length === 61")
        assert (await names(page))[1:] == [step["name"] for step in result["cases"][0]["steps"]]
    assert "from=start" in sockets[0]
    assert f"after={seen}" in sockets[-2]
    assert await page.run("document.querySelector('#notices').childElementCount") == 0


async def test_what_was_lost_is_told(browser: Browser, tmp_path: Path) -> None:
    async with (
        served(tmp_path, many_waits(80, 0.04), "--ws-keep-events", 10) as (_, url),
        cable(url) as (between, near),
    ):
        page = await browser.page()
        await page.go(near)
        await page.until(f"{SEQ} > 12")
        between.cut()
        await page.until("document.querySelector('#connection').dataset.kind === 'lost'")
        async with cable(url) as (_, other):  # a second watcher sees how far the run is
            watcher = await browser.page()
            await watcher.go(other)
            await watcher.until(f"{SEQ} > {await page.run(SEQ)} + 60")
        between.mend()
        await page.click("#reconnect")
        await page.until("document.querySelector('#notices').innerText.includes('were lost')")
        await page.until(f"{STATE} === 'passed'")


async def test_another_run_at_the_same_address_is_shown_from_its_start(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, many_waits(1000, 0.05)) as (_, url), cable(url) as (between, near):
        page = await browser.page()
        await page.go(near)
        await page.until(f"{SEQ} > 30")
        other = a_case(tmp_path, "name: another\nsteps:\n  - {name: only, type: wait, seconds: 0.1}\n", "other.yaml")
        async with running(other, "--ws-port", "0", "--format", "json", "--ws-linger", "30", cwd=tmp_path) as second:
            between.target = int((await second.url()).rpartition(":")[2])
            between.cut()
            between.mend()
            await page.until(f"{STATE} === 'passed'")
            assert await names(page) == ["another", "only"]
            assert "new run" in await page.text("#notices")


async def test_the_filter_shows_what_matches_and_what_is_around_it(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as (_, url):
        page = await browser.page()
        await page.go(url)
        await page.until(ENDED)
        await page.click("#filter .chip", "Failed")
        await page.until("!document.querySelector('#tree').innerText.includes('Get user 7')")
        assert await names(page) == ["Orders", "Each user", "Round 3", "Check 2", "Wrong name"]
        await page.click("#filter .chip", "All")
        await page.click("#search")
        for letter in "user 2":
            await page.press(letter)
        await page.until("document.querySelectorAll('#tree .row').length === 4")
        assert await names(page) == ["Orders", "Each user", "Round 3", "User 2"]
        await page.press("Escape")
        await page.until("document.querySelectorAll('#tree .row').length > 6")
        await page.click("#search")
        await page.press("q", "q", "q")
        await page.until("document.querySelector('#tree-empty').innerText.includes('No step matches')")


async def test_the_log_is_filtered_by_level_and_text(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as (_, url):
        page = await browser.page()
        await page.go(url)
        await page.until(ENDED)
        await page.click("#tab-log")
        await page.until("document.querySelector('#log').innerText.includes('skip_if')")
        assert "begins" not in await page.text("#log")
        await page.run(
            "document.querySelector('#log-level').value = 0; document.querySelector('#log-level').dispatchEvent(new Event('change'))"
        )
        await page.until("document.querySelector('#log').innerText.includes('begins')")
        await page.click("#log-search")
        for letter in "skip":
            await page.press(letter)
        await page.until("document.querySelectorAll('#log .line').length === 1")
        await page.click("#log .line")
        assert "skip_if" in await page.text("#log-entry")


async def test_problems_lead_to_their_steps_and_variables_are_shown(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, MIXED) as (_, url):
        page = await browser.page()
        await page.go(url)
        await page.until(ENDED)
        await page.click("#tab-problems")
        await page.click("#problems .card", "Check 2")
        await page.until("document.querySelector('.row[aria-selected=true]')?.innerText.includes('Check 2')")
        assert "Check 2" in await page.text("#detail h2")
        await page.click("#tab-variables")
        await page.until("document.querySelector('#variables').innerText.includes('session_id')")


async def test_a_token_in_the_address_is_used_and_taken_out_of_it(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, MIXED, "--ws-token", "open-sesame") as (_, url):
        page = await browser.page()
        await page.go(f"{url}/?token=open-sesame")
        await page.until(ENDED)
        assert await page.run("location.search") == ""
        assert "open-sesame" not in "".join(page.sockets)
        await page.click("#tree .row", "Get user 7")
        await page.until("document.querySelector('#detail').innerText.includes('/users/7')")
        assert not [request for request in page.requests[1:] if "open-sesame" in request]
        await page.ask("Page.reload")
        await page.until(ENDED)


async def test_a_token_may_hold_what_stands_in_no_subprotocol_and_no_query(browser: Browser, tmp_path: Path) -> None:
    token = "aGk/+(x)%41=="
    async with served(tmp_path, MIXED, "--ws-token", token) as (_, url):
        page = await browser.page()
        await page.go(f"{url}/?token={token.replace('%', '%25')}")
        await page.until(ENDED)
        await page.click("#tree .row", "Get user 7")
        await page.until("document.querySelector('#detail').innerText.includes('/users/7')")


async def test_a_wrong_token_is_told_from_none(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, MIXED, "--ws-token", "open-sesame") as (_, url):
        page = await browser.page()
        await page.go(url)
        await page.until("document.activeElement.type === 'password'")
        assert "not its token" not in await page.text("#notices")
        await page.press("x", "Enter")
        await page.until("document.querySelector('#notices').innerText.includes('not its token')")


async def test_variables_are_found_by_name_and_by_value(browser: Browser, tmp_path: Path) -> None:
    case = """
    name: Variables
    config:
      websocket: {send_variables: true}
      mock_server: [{path: /a, response: {body: {colour: Green, shape: round, both: {colour: red}}}}]
    steps: [{name: Ask, url: /a, extract: {first: $.colour, second: $.shape, colourful: $.both}}]
    """
    shown = "[...document.querySelectorAll('#variables .variable b')].map((one) => one.innerText).join()"
    async with served(tmp_path, case) as (_, url):
        page = await browser.page()
        await page.go(url)
        await page.until(ENDED)
        await page.click("#tab-variables")
        await page.until(f"{shown} === 'first,second,colourful'")
        await page.click("#variable-search")
        await page.press(*"COLOUR")
        await page.until(f"{shown} === 'colourful'")
        await page.press(*["Backspace"] * 6, *"green")
        await page.until(f"{shown} === 'first'")
        await page.press("x")
        await page.until("document.querySelector('#variables-empty').checkVisibility()")
        await page.press(*["Backspace"] * 6)
        await page.until(f"{shown} === 'first,second,colourful'")
        await page.click("#variables .variable", "colourful")
        assert "Ask" not in await page.text("#variable-entry")
        await page.click("#variable-entry .link")
        await page.until("document.querySelector('.row[aria-selected=true]')?.innerText.includes('Ask')")


async def test_without_a_token_the_page_asks_for_it(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, MIXED, "--ws-token", "open-sesame") as (_, url):
        page = await browser.page()
        await page.go(url)
        await page.until("document.activeElement.type === 'password'")
        for letter in "open-sesame":
            await page.press(letter)
        await page.press("Enter")
        await page.until(ENDED)
        assert await page.run("document.querySelector('#notices').childElementCount") == 0
