"""Every text a user may read has its Chinese, with the same places to fill in."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import sisyphus
from sisyphus import words
from sisyphus.results import CaseStatus
from sisyphus.words_zh import CATALOGUE

SOURCES = sorted(Path(sisyphus.__file__).parent.rglob("*.py"))


def _calls() -> Iterator[ast.Call]:
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
                yield node


def _texts() -> dict[str, bool]:
    """Every literal given to `tr`, and whether anything is filled in."""
    found = dict.fromkeys(get_args(CaseStatus), False)  # the only texts that are not literals where they are told
    for call in _calls():
        text = call.args[0]
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            found[text.value] = found.get(text.value, False) or bool(call.keywords)
    return found


def _places(text: str) -> list[str]:
    parts = string.Formatter().parse(text)
    return sorted(f"{{{name}!{conversion}:{spec}}}" for _, name, spec, conversion in parts if name is not None)


@pytest.fixture
def chinese() -> Iterator[None]:
    words.choose("zh")
    yield
    words.choose("en")


def test_no_text_lacks_its_chinese() -> None:
    assert [text for text in _texts() if text not in CATALOGUE] == []


def test_no_chinese_is_left_of_a_text_that_is_gone() -> None:
    assert [text for text in CATALOGUE if text not in _texts()] == []


def test_chinese_has_the_same_places_to_fill_in() -> None:
    filled = [text for text, has_values in _texts().items() if has_values and text in CATALOGUE]
    assert [text for text in filled if _places(text) != _places(CATALOGUE[text])] == []


def test_what_is_filled_in_is_kept(chinese: None) -> None:
    assert words.tr("'{name}' is not defined", name="token") == "“token”未定义"
