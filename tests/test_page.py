"""The page as one document, and what its policy lets it do."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from sisyphus import page
from sisyphus.page import Document, live_page, report_page


class Elements(HTMLParser):
    """What a browser finds in a document: its elements, and the text in those that are no markup inside."""

    def __init__(self, document: Document) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self._within: str | None = None
        self.feed(document.content.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._within = tag if tag in self.inline else None
        if self._within:
            self.inline[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._within = None

    def handle_data(self, data: str) -> None:
        if self._within:
            self.inline[self._within][-1] += data

    @property
    def policy(self) -> str:
        return next(attrs["content"] or "" for tag, attrs in self.found if attrs.get("http-equiv"))


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.fixture(params=["live", "report"])
def document(request: pytest.FixtureRequest) -> Document:
    return live_page("localhost:8765") if request.param == "live" else report_page()


def test_the_policy_allows_the_one_script_and_the_one_style_and_nothing_else(document: Document) -> None:
    elements = Elements(document)
    (script,), (style,) = elements.inline["script"], elements.inline["style"]
    assert f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; " in document.policy
    assert document.policy == f"{elements.policy}; frame-ancestors 'none'"
    assert "unsafe" not in document.policy


def test_a_page_reaches_its_own_server_and_a_report_reaches_nothing() -> None:
    assert "connect-src 'self' ws://localhost:8765 wss://localhost:8765;" in live_page("localhost:8765").policy
    assert "connect-src 'none';" in report_page().policy


@pytest.mark.parametrize("host", ["[::1]:8765", "x; script-src *", 'x" onload="', "a b", "x:123456", ""])
def test_a_host_that_no_policy_can_name_is_not_named(host: str) -> None:
    assert "connect-src 'self';" in live_page(host).policy


def test_a_page_asks_nobody_for_anything(document: Document) -> None:
    for tag, attrs in Elements(document).found:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert (attrs.get(name) or "data:").startswith(("data:", "#")), tag
        assert not [name for name in attrs if name.startswith("on") or name == "style"], tag


def test_a_page_knows_what_it_is_for() -> None:
    for document, mode in ((live_page("localhost"), "live"), (report_page(), "report")):
        assert dict(Elements(document).found)["html"]["data-mode"] == mode


def test_nothing_of_the_page_is_global() -> None:
    (script,) = Elements(report_page()).inline["script"]
    assert re.fullmatch(r'\(\(\) => \{\n"use strict";\n.*\}\)\(\);\n', script, re.DOTALL)


def test_a_run_stands_before_the_script_that_shows_it() -> None:
    document = report_page()
    assert b"<script" not in document.begin
    assert document.end.startswith(b"<script>")


def test_a_policy_is_written_into_the_document_as_text(document: Document) -> None:
    meta = re.search(r'Content-Security-Policy" content="([^"]*)"', document.content.decode())
    assert meta is not None
    assert unescape(meta[1]) == Elements(document).policy


def test_each_file_of_the_page_is_part_of_it() -> None:
    kept = {each.name for each in files(page).iterdir() if each.name.endswith((".css", ".html", ".js"))}
    assert kept == {*page._SCRIPTS, *page._STYLES, "page.html"}


@pytest.mark.parametrize("text", ["let a = '</script>'", "// <!-- ", "</SCRIPT"])
def test_a_script_that_would_end_too_early_is_no_page(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(page, "_all_of", lambda _: text)
    with pytest.raises(ValueError, match="would end too early"):
        page._page("live", "'self'")
