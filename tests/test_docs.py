"""What the documentation promises: its cases run, its links lead somewhere, and both languages say the same."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import trio

import sisyphus
from sisyphus import words
from sisyphus.console import Console
from sisyphus.report.json_result import document

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
PAIRS = [
    *((page, page.with_suffix("").with_suffix(".md")) for page in PAGES if page.name.endswith(".zh.md")),
    (ROOT / "docs/API-Engine输入协议规范.md", ROOT / "docs/case-format.md"),
]

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FLAG = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")

# What stands under these is the tested service's, or the user's.
_FOREIGN = frozenset({"headers", "cookies", "body", "extracted"})


def _cases(marker: str) -> list[Any]:
    """The YAML blocks of all pages whose first line is `marker`, named by page and line."""
    return [
        pytest.param(content, id=f"{page.name}:{text.count(chr(10), 0, block.start()) + 1}")
        for page in PAGES
        for text in [page.read_text(encoding="utf-8")]
        for block in _FENCED.finditer(text)
        for language, content in [block.groups()]
        if language == "yaml" and content.split("\n", 1)[0] == marker
    ]


def _outputs() -> list[Any]:
    """The cases with their own server, each with what the page says it prints, the sentence before that, and its language.

    What a case prints is the next block, if it begins with the case's name; a table in between is about something else.
    """
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = [block for block in _FENCED.finditer(text) if block[1] != "bash"]
        for block, following in itertools.pairwise(blocks):
            name = re.search(r"^name: (.*)$", block[2], re.MULTILINE)
            between, printed = text[block.end() : following.start()], re.sub(r"^\$ .*\n+", "", following[2])
            if name is None or not block[2].startswith("# runs offline") or "\n|" in between:
                continue
            if re.match(rf"{re.escape(name[1])}( \[#1\])?\n", printed):
                line = text.count("\n", 0, block.start()) + 1
                language = "zh" if ".zh." in page.name or not page.name.isascii() else "en"
                found.append(pytest.param(block[2], printed, between, language, id=f"{page.name}:{line}"))
    return found


def _without_times(printed: str) -> list[str]:
    """The lines in order of the alphabet: what runs side by side ends as it likes."""
    return sorted(re.sub(r"\d+(\.\d+)? m?s\b", "… s", line) for line in printed.splitlines() if line)


def _prose(page: Path) -> str:
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def _headings(page: Path) -> list[str]:
    return re.findall(r"^(#+ .*)$", _prose(page), re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """The anchors that Git hosts make of headings."""
    titles = (heading.lstrip("#").strip().lower() for heading in _headings(page))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key not in _FOREIGN:
                yield from _keys(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)


@pytest.mark.parametrize("text", _cases("# runs"))
def test_a_case_that_a_page_shows_can_be_loaded(text: str) -> None:
    assert sisyphus.loads(text).warnings == ()


@pytest.mark.parametrize("text", _cases("# runs offline"))
async def test_a_case_that_a_page_shows_with_its_own_server_passes(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "examples")  # where the files are that such a case names
    with trio.fail_after(10):
        result = await sisyphus.run(sisyphus.loads(text), live=None)
    for case in result.cases:
        assert case.warnings == ()
        assert [(step.name, step.error, step.warnings) for step in case.steps if step.error or step.warnings] == []
    assert result.status == "passed"


@pytest.mark.parametrize(("text", "printed", "sentence", "language"), _outputs())
async def test_a_case_prints_what_its_page_shows(
    text: str, printed: str, sentence: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT / "examples")
    out = StringIO()
    words.choose(language)
    try:
        with trio.fail_after(10):
            await sisyphus.run(sisyphus.loads(text), live=None, sinks=[Console(out, verbose="-v" in sentence)])
    finally:
        words.choose("en")
    lines = out.getvalue()
    if "-v" in sentence:
        lines = re.sub(r"^ *· ([A-Z]+ https?://.* → \d+|[a-z]+ [\d.]+ ms, .*)\n", "", lines, flags=re.MULTILINE)
    assert _without_times(lines) == _without_times(printed)


def test_most_cases_are_shown_with_what_they_print() -> None:
    assert len(_outputs()) > 0.8 * len(_cases("# runs offline"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_to_files_and_headings_that_exist(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize(("chinese", "english"), PAIRS, ids=lambda page: page.name)
def test_a_page_has_the_same_headings_in_both_languages(chinese: Path, english: Path) -> None:
    def levels(page: Path) -> list[int]:
        return [heading.index(" ") for heading in _headings(page)]

    assert levels(chinese) == levels(english)


def test_every_english_page_for_users_has_a_chinese_one() -> None:
    for_developers = {"architecture.md", "decisions.md", "performance.md", "CHANGELOG.md", "CONTRIBUTING.md"}
    paired = {page for pair in PAIRS for page in pair}
    assert [page.name for page in PAGES if page not in paired and page.name not in for_developers] == []


@pytest.mark.parametrize("page", ["case-format.md", "API-Engine输入协议规范.md"])
def test_every_example_is_listed_beside_the_feature_it_shows(page: str) -> None:
    links = {unquote(link) for link in _LINK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))}
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert "../examples/01_最简案例.yaml" in links
    entries = [path for path in ROOT.glob("examples/*") if path.name not in {"data", "websocket_client_demo.py"}]
    assert [
        entry.name
        for entry in sorted(entries)
        if not any(link.startswith(f"../examples/{entry.name}") for link in links) and f"`{entry.name}`" not in text
    ] == []


@pytest.mark.parametrize("page", ["command-line.md", "command-line.zh.md"])
def test_every_option_of_the_help_is_described(page: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "sisyphus", "--help"], capture_output=True, encoding="utf-8", timeout=10, check=True
    ).stdout
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    flags = set(_FLAG.findall(shown))
    assert {"--cases", "-o", "--ws-server"} <= flags
    assert [flag for flag in sorted(flags) if not re.search(rf"`{flag}\b", text)] == []


@pytest.mark.parametrize("page", ["result.md", "result.zh.md"])
async def test_every_field_of_the_json_result_is_described(page: str) -> None:
    case = sisyphus.loads("""
        name: All kinds of fields
        config: {mock_server: [{path: /a, response: {body: {n: 1}}}]}
        steps:
          - name: Get
            url: /a
            validations: [{or: [{eq: [$.n, 2]}]}]
          - {name: Wait, type: wait, condition: true, setup: {type: print, message: hi}}
    """)
    with trio.fail_after(10):
        result = await sisyphus.run(case, live=None)
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    known = {word for code in re.findall(r"`([^`]+)`", _prose(ROOT / "docs" / page)) for word in code.split(".")}
    assert "checks" in text
    assert sorted(set(_keys(document(result, engine_version="1"))) - known) == []


def test_every_module_has_its_place_in_the_map_of_the_architecture() -> None:
    rows = re.findall(r"^\| (`.*?) \| ", (ROOT / "docs/architecture.md").read_text(encoding="utf-8"), re.MULTILINE)
    named: set[str] = set()
    for row in rows:
        first, *others = re.findall(r"`([\w.*]+)`", row)
        package = first.rpartition(".")[0]
        named |= {first, *others}
        # `.tls` beside `http.dialing`, `_nodes` and `threads` in brackets: of the same package, or of the one named first
        named |= {f"{above}.{name.lstrip('.')}" for name in others for above in (package, first)}
    modules = {
        path.relative_to(ROOT / "sisyphus").with_suffix("").as_posix().replace("/", ".")
        for path in ROOT.glob("sisyphus/**/*.py")
        if path.stem not in {"__init__", "__main__", "version"}
    }
    wild = tuple(name.removesuffix("*") for name in named if name.endswith(".*"))
    assert {"case._used_files", "http.tls", "steps.poll"} <= modules
    assert sorted(name for name in modules - named if not name.startswith(wild)) == []


def test_both_readmes_begin_with_the_same_commands() -> None:
    def commands(page: str) -> list[str]:
        blocks = _FENCED.findall((ROOT / page).read_text(encoding="utf-8"))
        return [content for language, content in blocks if language == "bash"][:3]

    assert commands("README.zh.md") == commands("README.md")
