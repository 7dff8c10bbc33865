"""The page for whoever uses it: by keyboard, with a screen reader, in their language, on their screen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trio
from chromium import Browser, Page, described
from programs import ROOT
from runs import ENDED, MIXED, STATE, a_story, many_waits, served

ACTIVE = "document.activeElement.querySelector('.name')?.textContent ?? document.activeElement.id"

# Text on whatever is behind it, as a canvas mixes the colours; [contrast, text] of those that are too faint.
FAINT = """(() => {
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const light = () => [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((each) => each / 255)
    .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
  const lay = (colour) => { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); };
  const faint = [];
  for (const element of document.querySelectorAll('body *')) {
    if (!element.checkVisibility({ visibilityProperty: true }) || element.closest('.unseen, svg, [hidden]')) continue;
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    lay('#fff');
    const around = [];
    for (let one = element; one; one = one.parentElement) around.unshift(one);
    for (const one of around) lay(getComputedStyle(one).backgroundColor);
    const behind = light();
    lay(getComputedStyle(element).color);
    const text = light();
    const contrast = (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
    if (contrast < 4.5) faint.push([contrast.toFixed(2), element.className, element.textContent.slice(0, 40)]);
  }
  return faint;
})()"""


@pytest.fixture
async def page(browser: Browser, tmp_path: Path) -> Page:
    """A report of a small real run, with a failure, an error and steps inside others."""
    return await a_report(browser, tmp_path)


async def a_report(browser: Browser, folder: Path, *, case: str = MIXED, **look: object) -> Page:
    """The page of a finished run, still served."""
    page = await browser.page(**look)
    async with served(folder, case) as (_, url):
        await page.go(url)
        await page.until(ENDED)
    return page


async def test_everything_can_be_done_with_the_keyboard(page: Page) -> None:
    await page.press("j")
    assert await page.run(ACTIVE) == "Orders"
    await page.press("j", "ArrowDown", "j")
    assert await page.run(ACTIVE) == "Each user"
    await page.press("ArrowRight", "ArrowRight")
    assert await page.run(ACTIVE) == "Round 1"
    await page.press("k", "End")
    assert await page.run(ACTIVE) == "Say it"
    await page.press("Home", "ArrowDown", "ArrowLeft")
    assert await page.run(ACTIVE) == "Orders"
    await page.press("n")
    assert await page.run(ACTIVE) == "Check 2"
    await page.press("n")
    assert await page.run(ACTIVE) == "Wrong name"
    await page.press("N", "ArrowLeft")
    assert await page.run(ACTIVE) == "Round 3"
    await page.press("ArrowUp", "Enter")
    await page.until("document.querySelector('#detail h2').innerText.includes('Round 2')")
    assert await page.run("document.querySelectorAll('#tree [tabindex=\"0\"]').length") == 1
    assert await page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("width", [360, 1280])
async def test_the_keyboard_goes_on_at_what_a_problem_leads_to(browser: Browser, tmp_path: Path, width: int) -> None:
    page = await browser.page(width=width)
    await page.go(a_story(20, failing=[3, 5]).report(tmp_path / "report.html"))
    await page.until(ENDED)
    await page.press("2")
    await page.until("document.querySelectorAll('#problems .card').length === 2")
    await page.press("Tab", "ArrowDown", "Enter")
    await page.until("document.querySelector('#detail h2')?.innerText.includes('Step 5')")
    await page.until("document.querySelector('#detail .actions') !== null")
    assert await page.run("document.activeElement.id") == "pane-detail"
    await page.press("Tab")
    assert await page.run("document.activeElement.closest('#detail') !== null")


async def test_single_keys_search_help_and_change_views(page: Page) -> None:
    await page.press("/")
    assert await page.run("document.activeElement.id") == "search"
    await page.press("n")  # a letter like any other there
    assert await page.run("document.querySelector('#search').value") == "n"
    await page.press("Escape")
    await page.press("3")
    assert await page.run("document.querySelector('#tab-log').ariaSelected") == "true"
    await page.press("ArrowRight")
    assert await page.run("document.activeElement.id") == "tab-variables"
    await page.press("?")
    assert await page.run("document.querySelector('#help').open")
    await page.click("#shortcuts")  # speech that is typed would press them
    await page.press("Escape")
    await page.until("!document.querySelector('#help').open")
    await page.press("1")
    assert await page.run("document.querySelector('#tab-variables').ariaSelected") == "true"


async def test_a_screen_reader_hears_names_of_everything(page: Page) -> None:
    await page.press("n")
    nodes = await page.accessible()
    for role in (
        "button",
        "radio",
        "tab",
        "treeitem",
        "tree",
        "searchbox",
        "progressbar",
        "tabpanel",
        "splitter",
        "dialog",
    ):
        assert all(described(nodes, role)), role
    items = described(nodes, "treeitem")
    assert items[0].startswith("Failed: Orders")
    assert any(item.startswith("Failed: Check 2, request, ") for item in items)
    assert "Skipped: Left out, request" in " ".join(items)
    assert "Orders" in described(nodes, "heading")


async def test_the_end_is_announced_once_and_problems_seldom(browser: Browser, tmp_path: Path) -> None:
    page = await browser.page()
    async with served(tmp_path) as (_, url):
        await page.go(url)
        await page.run(
            "window.said = []; new MutationObserver(() => said.push(document.querySelector('#announce').textContent)).observe(document.querySelector('#announce'), {childList: true})"
        )
        await page.until(ENDED)
        said = await page.until("said.length && said")
    assert said[-1] == "The run has ended: Failed"
    assert len(said) <= 2


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_text_can_be_read_in_both_appearances(browser: Browser, tmp_path: Path, dark: bool) -> None:
    page = await a_report(browser, tmp_path, dark=dark)
    assert await page.run("getComputedStyle(document.body).backgroundColor") == (
        "rgb(20, 23, 28)" if dark else "rgb(255, 255, 255)"
    )
    await page.press("n")
    await page.until("document.querySelector('#detail').innerText.includes('assertion')")
    for tab in ("detail", "problems", "log", "variables"):
        await page.click(f"#tab-{tab}")
        assert await page.run(FAINT) == [], tab


async def test_an_appearance_that_was_chosen_is_kept(browser: Browser, tmp_path: Path) -> None:
    page = await browser.page()
    await page.go(a_story(3).report(tmp_path / "report.html"))
    await page.until(ENDED)
    await page.click("#theme")
    await page.click("#theme")
    dark = "getComputedStyle(document.body).backgroundColor === 'rgb(20, 23, 28)'"
    assert await page.run(dark)
    await page.ask("Page.reload")
    await page.until(f"{ENDED} && {dark}")
    await page.click("#theme")
    assert not await page.run(dark)


async def test_it_speaks_the_browsers_language_or_the_one_that_was_chosen(browser: Browser, tmp_path: Path) -> None:
    page = await browser.page(language="zh-CN")
    url = a_story(3, failing=[1]).report(tmp_path / "report.html")
    await page.go(url)
    await page.until(ENDED)
    assert await page.run("document.documentElement.lang") == "zh-CN"
    assert await page.text("#state-word") == "失败"
    assert "步骤 3 / 3" in await page.text("#figures")
    await page.click("#language")
    await page.until("document.querySelector('#state-word').innerText === 'Failed'")
    await page.ask("Page.reload")
    await page.until(f"{ENDED} && document.querySelector('#state-word').innerText === 'Failed'")


@pytest.mark.parametrize("width", [360, 600, 1000])
async def test_it_fits_on_small_screens(browser: Browser, tmp_path: Path, width: int) -> None:
    page = await a_report(browser, tmp_path, width=width, height=700)
    for tab in ("steps", "problems", "log", "variables", "detail"):
        await page.run(f"document.querySelector('#tab-{tab}').click()")
        await page.until(f"document.querySelector('#main').dataset.tab === '{tab}'")
        assert await page.run("document.documentElement.scrollWidth <= innerWidth")
        assert await page.run(f"document.querySelector('#pane-{tab}').checkVisibility()")
        outside = "[...document.querySelectorAll('.toolbar *, .top *')].filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1).length"
        assert await page.run(outside) == 0


async def test_nothing_moves_for_who_does_not_want_it(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, many_waits(10, 0.2)) as (_, url):
        page = await browser.page()
        await page.go(url)
        await page.until(f"{STATE} === 'running' && document.getAnimations().length > 0")
        await page.prefer(calm=True)
        await page.until("document.getAnimations().length === 0")
        assert await page.run(STATE) == "running"


async def test_pictures_of_it_are_kept(browser: Browser, tmp_path: Path) -> None:
    folder = Path(os.environ.get("SISYPHUS_SCREENSHOTS") or ROOT / "build" / "screenshots")
    page = await browser.page(width=1440, height=860)
    async with served(tmp_path, many_waits(12, 0.2)) as (_, url):
        await page.go(url)
        await page.until("document.querySelectorAll('#tree .row').length > 6")
        await page.shoot(folder / "live-running.png")
    page = await browser.page(width=1440, height=860)
    async with served(tmp_path) as (_, url):
        await page.go(url)
        await page.until(ENDED)
        await page.press("n")
        await page.until("document.querySelector('#detail').innerText.includes('assertion')")
        await looks(page, folder)
    report = await browser.page(width=1440, height=860)
    await report.go(a_story(2000, failing=range(300, 2000, 500)).report(tmp_path / "report.html"))
    await report.until(ENDED)
    await report.press("n")
    await report.shoot(folder / "report.png")
    assert len(await trio.to_thread.run_sync(lambda: list(folder.glob("*.png")))) >= 10


async def looks(page: Page, folder: Path) -> None:
    await page.shoot(folder / "light-en.png")
    await page.prefer(dark=True)
    await page.shoot(folder / "dark-en.png")
    await page.click("#language")
    await page.shoot(folder / "dark-zh.png")
    await page.prefer(dark=False)
    await page.shoot(folder / "light-zh.png")
    for tab in ("problems", "log", "variables"):
        await page.click(f"#tab-{tab}")
        await page.shoot(folder / f"{tab}-zh.png")
    await page.size(360, 740)
    await page.click("#tab-steps")
    await page.shoot(folder / "narrow-steps.png")
    await page.click("#tab-detail")
    await page.shoot(folder / "narrow-detail.png")
