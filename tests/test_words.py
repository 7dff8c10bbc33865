"""What the user reads, in the user's language."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

import sisyphus
from sisyphus import words
from sisyphus.words import choose, tr
from sisyphus.words_zh import CATALOGUE

PACKAGE = Path(sisyphus.__file__).parent


@frozen
class Told:
    """A call of `tr` in the source."""

    where: str
    text: str | None
    names: frozenset[str]


def calls(source: str, where: str) -> Iterator[Told]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if name != "tr":
            continue
        first = node.args[0] if len(node.args) == 1 else None
        text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
        given = frozenset(keyword.arg or "**" for keyword in node.keywords)
        yield Told(f"{where}:{node.lineno}", text, given)


def placeholders(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


ALL = [
    told
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "words.py"
    for told in calls(path.read_text(encoding="utf-8"), str(path.relative_to(PACKAGE.parent)))
]
# `tr(status)`: words that are data. They have to be in the catalogue too.
STATUSES = ("passed", "failed", "error", "skipped", "cancelled")


@pytest.fixture(autouse=True)
def _english_afterwards() -> Iterator[None]:
    yield
    choose("en")


def test_the_scan_finds_texts_over_several_lines_and_in_every_form_of_call() -> None:
    source = 'tr("one")\nwords.tr("two "\n   "three {x}", x=1)\ntr(text)\ntr("four", **known)\nother("five")\n'

    assert list(calls(source, "a.py")) == [
        Told("a.py:1", "one", frozenset()),
        Told("a.py:2", "two three {x}", frozenset({"x"})),
        Told("a.py:4", None, frozenset()),
        Told("a.py:5", "four", frozenset({"**"})),
    ]


def test_the_scan_finds_the_texts_of_the_whole_package() -> None:
    assert len(ALL) > 200
    files = {told.where.rpartition(":")[0] for told in ALL}
    assert {Path(file).parts[1] for file in files} >= {"case", "engine", "http", "live", "values", "cli.py"}


def test_only_statuses_are_translated_that_are_not_written_where_they_are_used() -> None:
    without_literal = {told.where.rpartition(":")[0] for told in ALL if told.text is None}

    assert without_literal <= {"sisyphus/telling.py"}


def test_every_text_gets_exactly_the_values_it_names() -> None:
    wrong = [
        f"{told.where}: {told.text!r} names {sorted(placeholders(told.text))}, gets {sorted(told.names)}"
        for told in ALL
        if told.text is not None and told.names and "**" not in told.names and placeholders(told.text) != told.names
    ]

    assert wrong == []


def test_every_text_has_a_chinese_translation_with_the_same_placeholders() -> None:
    lacking = sorted({told.text for told in ALL if told.text is not None and told.text not in CATALOGUE})
    different = [
        text
        for text in {told.text for told in ALL if told.names and told.text in CATALOGUE}
        if text is not None and placeholders(CATALOGUE[text]) != placeholders(text)
    ]

    assert lacking == []
    assert different == []


def test_every_status_has_a_chinese_word() -> None:
    assert [status for status in STATUSES if status not in CATALOGUE] == []


def test_the_catalogue_has_nothing_that_is_said_nowhere() -> None:
    said = {told.text for told in ALL} | set(STATUSES)

    assert sorted(CATALOGUE.keys() - said) == []


def test_a_text_without_a_translation_stays_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_catalogue", {"known": "已知"})

    assert tr("known") == "已知"
    assert tr("not known") == "not known"


def test_a_translation_may_put_its_values_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_catalogue", {"{a} of {b}": "{b} 中的 {a}"})

    assert tr("{a} of {b}", a=1, b=2) == "2 中的 1"


def test_braces_are_literal_in_a_text_that_gets_no_values() -> None:
    assert tr("write ${name} or {x}") == "write ${name} or {x}"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "SISYPHUS_LANG": "zh"}, "zh"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
    ],
)
def test_the_environment_says_the_language(
    environment: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SISYPHUS_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert choose() == language


def test_what_is_chosen_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SISYPHUS_LANG", "zh")

    assert choose("en") == "en"
    assert choose("zh") == "zh"
