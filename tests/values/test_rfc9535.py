"""The compliance suite of RFC 9535, every test of it, for paths as case files have them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from sisyphus.errors import QueryError
from sisyphus.values.query import compile_query

SUITE: Final[list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "rfc9535" / "cts.json").read_text(encoding="utf-8")
)["tests"]

# What the RFC refuses and we read on purpose; docs/case-format.md says how.
BEYOND: Final = re.compile(
    "|".join([
        r"basic, no (leading|trailing) whitespace",
        r"basic, name shorthand, number",
        r"basic, root node identifier in brackets without filter selector",
        r"filter, equals number, invalid (00|leading 0)",
        r"filter, (true|false|null), incorrectly capitalized",
        r"index selector, -0",
        r"name selector, (single|double) quotes, embedded U\+00[01].",
        r"name selector, (single|double) quotes, invalid escaped (single|double) quote",
        r"name selector, double quotes, escape at end of line",
        r"name selector, double quotes, \S+( \S+)* escape",
        r"name selector, double quotes, unicode escape .*",
        r"name selector, double quotes, .*(surrogate|supplementary|incomplete low)",
        r"whitespace, selectors, (space|newline|tab|return) between dot and name",
    ])
)


def test_every_path_of_the_rfc_selects_what_the_rfc_says() -> None:
    wrong = []
    for test in (test for test in SUITE if not test.get("invalid_selector")):
        found = list(compile_query(test["selector"]).find({"body": test["document"]}).values)
        if found not in test.get("results", [test.get("result")]):
            wrong.append((test["name"], test["selector"], found))
    assert wrong == []
    assert len(SUITE) == 687


@pytest.mark.parametrize("beyond", [False, True])
def test_what_the_rfc_refuses_is_refused_but_for_what_is_listed(beyond: bool) -> None:
    accepted = []
    for test in SUITE:
        if test.get("invalid_selector") and (BEYOND.fullmatch(test["name"]) is not None) is beyond:
            try:
                compile_query(test["selector"])
            except QueryError:
                continue
            accepted.append(test["name"])
    assert len(accepted) == (103 if beyond else 0), accepted


DOCUMENT: Final[dict[str, Any]] = {
    "a": "k", "k": 5, "dash-key": 1, "a key": 2, "1": "one", "n": [{"x": 7, "s": "Abc"}, {"x": None, "s": "xyz"}, {"y": 1}],
    "\ufffd": "half", "x'y": "quoted",
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("k", [5]),
        ("body.k", [5]),
        (" $.k ", [5]),
        ("$. k", [5]),
        ("$.dash-key", [1]),
        ("$.'a key'", [2]),
        ("$.1", ["one"]),
        ("$.n.0.x", [7]),
        ("$.n.[0].x", [7]),
        ("$.n[(@.length-1)].y", [1]),
        ("$.n[-0].x", [7]),
        ("$[$.a]", [5]),
        (r"$['\x']", []),
        (r"$['x\'y']", ["quoted"]),
        (r"$['\ud800']", ["half"]),
        ("$.n[?@.x == 007].s", ["Abc"]),
        ("$.n[?@.x == None].s", ["xyz"]),
        ("$.n[?@.x and not @.y].s", ["Abc", "xyz"]),
        ("$.n[?(@.x == 7 or @.y == 1)].y", [1]),
        ("$.n[?@.s =~ /^a/i].x", [7]),
        ("$.n[?@.s =~ 'b'].x", [7]),
        ("$.n[?@.s in ['xyz']].s", ["xyz"]),
        ("$.n[?@.s contains 'yz'].s", ["xyz"]),
        ("$.n[?startswith(@.s, 'A')].x", [7]),
        ("$.n[?typeof(@.x) == 'number'].x", [7]),
    ],
)
def test_what_is_read_beyond_the_rfc(path: str, found: list[Any]) -> None:
    assert list(compile_query(path).find({"body": DOCUMENT}).values) == found
