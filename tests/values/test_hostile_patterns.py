"""A regular expression means what it means to Python's `re`, and its time is bounded wherever one can be written."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from sisyphus.case.model import Check, Extractor
from sisyphus.errors import QueryError
from sisyphus.values import _patience
from sisyphus.values._patterns import MAX_SEARCHED, compile_pattern
from sisyphus.values.compare import compare
from sisyphus.values.extract import extract
from sisyphus.values.query import compile_query
from sisyphus.values.validate import validate

ENDLESS = "(a|a)*$"
TEXT = "a" * 50 + "b"
KEYED = {TEXT: 1}

WAYS: dict[str, Callable[[], Any]] = {
    "the comparator regex": lambda: compare("regex", TEXT, ENDLESS),
    "the comparator matches": lambda: compare("matches", TEXT, ENDLESS),
    "an extractor": lambda: extract(
        [Extractor(name="x", type="regex", pattern=ENDLESS)], {"text": TEXT, "body": TEXT}, {}
    ),
    "an extractor of all": lambda: extract(
        [Extractor(name="x", type="regex", pattern=ENDLESS, extract_all=True)], {"text": TEXT, "body": TEXT}, {}
    ),
    "matches() in a path": lambda: compile_query(f"$.a.matches({ENDLESS})").find({"body": {"a": TEXT}}),
    "match() in a filter": lambda: compile_query(f"$[?match(@.a, '{ENDLESS}')]").find({"body": [{"a": TEXT}]}),
    "search() in a filter": lambda: compile_query(f"$[?search(@.a, '{ENDLESS}')]").find({"body": [{"a": TEXT}]}),
    "=~ in a filter": lambda: compile_query(f"$[?@.a =~ /{ENDLESS}/]").find({"body": [{"a": TEXT}]}),
    "=~ with text in a filter": lambda: compile_query(f"$[?@.a =~ '{ENDLESS}']").find({"body": [{"a": TEXT}]}),
    "pattern in a schema": lambda: compare("schema", TEXT, {"pattern": ENDLESS}),
    "patternProperties in a schema": lambda: compare("schema", KEYED, {"patternProperties": {ENDLESS: {}}}),
    "additionalProperties in a schema": lambda: compare(
        "schema", KEYED, {"patternProperties": {ENDLESS: {}}, "additionalProperties": False}
    ),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_patience, "MAX_SECONDS", 0.02)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("way", WAYS)
def test_a_pattern_that_takes_forever_is_stopped(way: str) -> None:
    began = time.thread_time()
    with pytest.raises(QueryError, match="takes too long"):
        WAYS[way]()
    assert time.thread_time() - began < 2


@pytest.mark.usefixtures("impatient")
def test_a_pattern_asked_of_many_elements_has_the_time_of_one_question() -> None:
    began = time.thread_time()
    with pytest.raises(QueryError, match=r"takes too long|longer than"):
        compile_query(f"$[?@ =~ /{ENDLESS}/]").find({"body": ["a" * 17 + "b"] * 100_000})
    assert time.thread_time() - began < 2


@pytest.mark.usefixtures("impatient")
def test_a_stopped_validation_says_so_and_the_others_are_made() -> None:
    checks = [Check(op="regex", path="$.a", expect=ENDLESS), Check(op="eq", path="$.a", expect=TEXT)]
    endless, equal = validate(checks, {"body": {"a": TEXT}}, {})
    assert endless.status == "error"
    assert endless.message == "'(a|a)*$' takes too long on a text of 51 characters"
    assert equal.status == "passed"


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a{1000}){1000}", "repeats too much"),
        ("((((a{50}){50}){50}){50})", "repeats too much"),
        ("(a?){2000000}", "repeats too much"),
        ("a" * 10_001, "longer than 10000"),
        ("(" * 5000, "no valid regular expression"),
        ("(", "no valid regular expression"),
        ("a{2}{3}", "multiple repeat"),
        ("(?<=a*)b", "fixed-width"),
        (r"\p{L}", "bad escape"),
        ("(?R)", "unknown extension"),
    ],
)
def test_a_pattern_that_python_would_refuse_or_that_grows_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(QueryError, match=re.escape(reason)):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a{e}", "xa{e}"),
        ("(?:foo){e<=1}", "fo{e<=1} foo{e<=1}"),
        ("a{i<=1}b", "aab a{i<=1}b"),
        ("x{", "x{"),
        ("{", "{"),
        ("a{,b}", "a{,b}"),
        ("x{,3}y", "xxxxy"),
        ("x{,}y", "xxxxy"),
        ("[[:alpha:]]", "a :]"),
        ("[[a]", "["),
        ("[a[]+", "[a"),
        ("[]a[]+", "]a["),
        ("[^]a[]+", "]a[x"),
        (r"[\]\[]+", "]["),
        ("[a&&b]+", "b&a"),
        ("[a||b]+", "|"),
        ("[{e}]+", "e{"),
        (r"\{e\}", "{e}"),
        (r"a{2,3}?", "aaa"),
        (r"a{2,3}+b", "aaab"),
        ("(?i)straße", "STRASSE straße"),
        (r"^(\d{4})-(\d{2})$", "2024-05"),
        (r"(?P<year>\d+)(?P=year)?", "2024"),
        (r"(?x) a # [ {e} (" + "\n b", "ab"),
        (r"(?m)^b$", "a\nb"),
        (r"(?s).+", "a\nb"),
        (r".+", "a\rb\nc"),
        (r"\bé\b", "é"),
        (r"\u4e2d\N{DIGIT ONE}", "中1"),
        (r"(a)|b", "b"),
        (r"(?(1)a|b)()", "b"),
        ("a*?", "aaa"),
        (r"\Aa\Z", "a"),
        ("$", "a\n"),
    ],
)
def test_ordinary_patterns_match_as_pythons_own(pattern: str, text: str) -> None:
    ours, theirs = compile_pattern(pattern), re.compile(pattern)
    assert [(found.span(), found.groups()) for found in ours.finditer(text)] == [
        (found.span(), found.groups()) for found in theirs.finditer(text)
    ]
    one, other = ours.fullmatch(text), theirs.fullmatch(text)
    assert (one and one.span()) == (other and other.span())
    assert (ours.groups, ours.groupindex) == (theirs.groups, theirs.groupindex)


def test_too_long_a_text_is_refused_before_its_memory_is_needed() -> None:
    with pytest.raises(QueryError, match="get at most 1000000"):
        compile_pattern("a").search("a" * (MAX_SEARCHED + 1))


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": {**{f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}, "d40": {}},
         "$ref": "#/$defs/d0"},
        {"uniqueItems": True},
    ],
    ids=["doubling", "unique"],
)  # fmt: skip
@pytest.mark.usefixtures("impatient")
def test_a_schema_that_takes_forever_is_stopped(schema: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match="takes longer than"):
        compare("schema", [{"a": n} for n in range(20_000)], schema)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"pattern": "("}, "is not a 'regex'"),
        ({"$schema": 5}, "cannot be applied"),
        ({"$ref": "#"}, "cannot be applied"),
        ({"$ref": "https://example.com/schema"}, "which is not in it"),
        ({"patternProperties": {"(a|a)*$": {}}, "unevaluatedProperties": False}, "may not repeat a group"),
    ],
)
def test_a_schema_that_cannot_be_applied_is_an_error_that_says_why(schema: dict[str, Any], reason: str) -> None:
    with pytest.raises(QueryError, match=re.escape(reason)):
        compare("schema", {"a": 1}, schema)


@pytest.mark.parametrize(
    ("actual", "schema", "holds"),
    [
        ({"a": 1}, {"properties": {"a": {}}, "additionalProperties": False}, True),
        ({"a": 1, "b": 2}, {"properties": {"a": {}}, "additionalProperties": False}, False),
        ({"a": 1, "x1": 2}, {"patternProperties": {"^x": {"type": "integer"}}, "properties": {"a": {}},
                             "additionalProperties": False}, True),
        ({"x1": "2"}, {"patternProperties": {"^x": {"type": "integer"}}}, False),
        ({"a": "1"}, {"additionalProperties": {"type": "integer"}}, False),
        ([1, 1.0], {"uniqueItems": True}, False),
        ([1, True, "1", {"a": 1}, {"a": 2}], {"uniqueItems": True}, True),
        ([1, 1], {"uniqueItems": False}, True),
        ("abc", {"pattern": "^a"}, True),
        ("abc", {"pattern": "^b"}, False),
        (5, {"pattern": "^b"}, True),
        ({"a": 1, "b": 2}, {"properties": {"a": {}}, "unevaluatedProperties": False}, False),
        (5, {"$schema": "http://json-schema.org/draft-04/schema#", "type": "string"}, False),
    ],
)  # fmt: skip
def test_the_keywords_that_are_ours_hold_as_the_standard_says(actual: Any, schema: Any, holds: bool) -> None:
    assert compare("schema", actual, schema).holds is holds


@pytest.mark.parametrize("pattern", ["7" * 5_000, "7" * 5_000 + r"\b", "(?i)" + "ab" * 2_500, r"\b" + "7" * 5_000])
def test_a_long_text_that_repeats_itself_is_found_at_once(pattern: str) -> None:
    text = "ab" * 2_500 if "ab" in pattern else "7" * 5_000
    began = time.thread_time()
    assert compile_pattern(pattern).search(f"x {text}") is not None
    assert compile_pattern(pattern).fullmatch(text) is not None
    assert time.thread_time() - began < 2  # the library's table of it would take minutes


def test_a_long_pattern_means_what_a_short_one_does() -> None:
    words = "|".join(f"word{n}" for n in range(100))
    found = compile_pattern(f"(?x) ({words}) (?P<end>!)  # of a sentence").search("a word42!")
    assert found is not None
    assert (found[1], found["end"], found.span()) == ("word42", "!", (2, 9))
    assert compile_pattern(words).fullmatch("word4") is not None
    assert compile_pattern(words).fullmatch("word4!") is None
