"""XPath over what servers send: no bombs, no files, no network, no expression without an end."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread

import pytest

from sisyphus.errors import QueryError
from sisyphus.values import _abandon, _patience
from sisyphus.values._xpath import find_all

MANY = "<r>" + "<a><b>x</b></a>" * 300 + "</r>"


@pytest.mark.parametrize(
    "expression", ["//*[count(//*[.='x'])>1]", "//*[//*[//*='y']]", "//b/following::b/preceding::b/following::b"]
)
def test_an_expression_without_an_end_is_left_to_itself(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_patience, "MAX_SECONDS", 0.01)
    monkeypatch.setattr(_abandon, "_abandoned", [])
    with pytest.raises(QueryError, match="takes longer than"):
        find_all(expression, MANY)


def test_no_more_than_a_few_are_left_to_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = [Thread(target=time.sleep, args=(0.5,)) for _ in range(_abandon.MAX_ABANDONED)]
    for thread in waiting:
        thread.start()
    monkeypatch.setattr(_abandon, "_abandoned", list(waiting))
    with pytest.raises(QueryError):
        find_all("//a[//b]", "<r><a/><b/></r>")
    for thread in waiting:
        thread.join()
    assert find_all("//a[//b]/following::b", "<r><a/><b>x</b></r>") == ["x"]


def test_an_expression_that_looks_costly_finds_what_it_asks_for() -> None:
    assert find_all("//a[b='x'][1]/b", "<r><a><b>x</b></a><a><b>y</b></a></r>") == ["x"]
    with pytest.raises(QueryError, match="no valid XPath"):
        find_all("//a[//b", "<r/>")
    with pytest.raises(QueryError, match="no valid XPath"):
        find_all("//a[nothing(//b)]", "<r><a/></r>")


def test_entities_are_neither_read_nor_blown_up(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("do not tell", encoding="utf-8")
    external = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e SYSTEM "{secret.as_uri()}">]><r><a>&e;</a></r>'
    assert "do not tell" not in "".join(find_all("//a", external))
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "ha">{lines}]><r><a>&l11;</a></r>'
    try:
        assert len("".join(map(str, find_all("//a", bomb)))) < 1000
    except QueryError as refused:
        assert "XML" in str(refused)  # noqa: PT017 - either is fine, nothing else is


def test_depth_beyond_reason_is_no_crash() -> None:
    deep = "<a>" * 100_000 + "</a>" * 100_000
    try:
        find_all("//a[last()]", deep)
    except QueryError as refused:
        assert str(refused)  # noqa: PT017 - either is fine, nothing else is
