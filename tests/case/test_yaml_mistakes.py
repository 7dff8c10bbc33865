"""The mistakes people make in YAML, and what they are told."""

from __future__ import annotations

import pytest
from yaml.error import Mark as Place
from yaml.parser import ParserError

from sisyphus.case._syntax import explain
from sisyphus.case.yaml import read
from sisyphus.errors import CaseFileError, Mark

MISTAKES = [
    # text, line:column, message, hint
    ("a: 1\nurl:/x\n", "2:1", "this line is neither 'key: value'", "indent text"),
    ("a: 1\nurl:x\nb: 2\n", "2:1", "there is no space after the colon of 'url'", "write 'url: value'"),
    ("a:\n  - b\n  -c: 1\n", "3:3", "there is no space after the '-'", "write '- item'"),
    ("a:\n- b\n-c\n", "3:1", "there is no space after the '-'", "write '- item'"),
    ('a: 1\n"b":2\n', "2:1", "there is no space after the colon of '\"b\"'", "write '\"b\": value'"),
    ('"a":1\n', "1:4", "there is no space after the colon", "write 'key: value'"),
    ("name: x\nurl：y\n", "2:1", "the colon after 'url' is the wide one (：)", "write 'url: value'"),
    ("name：x\nurl: y\n", "1:1", "the colon after 'name' is the wide one (：)", "write 'name: value'"),
    ("name: x\nconfig：\n  a: 1\n", "2:1", "the colon after 'config' is the wide one (：)", "write 'config: value'"),
    ("a: 1\n: 2\n", "2:1", "there is no key before this colon", "write a key"),
    ("a: 1\nb\n", "2:1", "this line is neither 'key: value' nor part of the text above", "| block"),
    ("a: 'x\nb: 1\n", "1:4", "this quote is never closed", "write the closing '"),
    ('a: "x\nb: 1\n', "1:4", "this quote is never closed", 'write the closing "'),
    ("a: '\n---\n'\n", "1:4", "this quote is never closed", "write the closing '"),
    ('a: "x\nb: "y"\n', "1:4", "the quote opened here is closed only on line 2", 'write the closing "'),
    ('a:\n - "x\n - "y" z\n', "2:4", "the quote opened here is closed only on line 3", 'write the closing "'),
    ("a: 'it's'\n", "1:8", "the text goes on after its closing quote", "write '' for '"),
    ('a: "x" y\n', "1:8", "the text goes on after its closing quote", '\\" for "'),
    ('a: ["x" y]\n', "1:9", "the text goes on after its closing quote", '\\" for "'),
    ('a: "\\d+"\n', "1:5", "'\\d' means nothing between double quotes", "use single quotes"),
    ('a: "C:\\Users"\n', "1:9", "'\\U' means nothing between double quotes", "write \\\\ for a backslash"),
    ('a: "\\ud83d\\ude00"\n', "1:7", "'\\ud83d' is half a character", "write the character itself"),
    ("url: {{ base }}/x\n", "1:6", "without quotes, {{ … }} is a mapping", '"{{ … }}"'),
    ("url: {{ base }}\n", "1:6", "without quotes, {{ … }} is a mapping", '"{{ … }}"'),
    ("url: {{ a|default('b: c') }}\n", "1:6", "without quotes, {{ … }} is a mapping", '"{{ … }}"'),
    ("url: {{ f(1, 2) }}\n", "1:6", "without quotes, {{ … }} is a mapping", '"{{ … }}"'),
    ("a: [{{ x }}]\n", "1:5", "without quotes, {{ … }} is a mapping", '"{{ … }}"'),
    ("{{ a }}: 1\n", "1:1", "without quotes, {{ … }} is a mapping", '"{{ … }}"'),
    ("a: {% if x %}\n", "1:5", "text without quotes cannot begin with '%'", "in quotes"),
    ("a: {url: ${base}/x}\n", "1:10", "inside [ ] and { }, ${…} has to stand in quotes", '"${base}/users"'),
    ("a: [${x}, 2]\n", "1:5", "inside [ ] and { }, ${…} has to stand in quotes", '"${base}/users"'),
    ("a: {p: $.a[0].b}\n", "1:11", "inside [ ] and { }, text with brackets has to stand in quotes", '"$.items[0].id"'),
    ("a: [1, 2\nb: 3\n", "1:4", "this '[' is not closed before line 2", "write the closing ]"),
    ("a: {b: 1\nc: 2\n", "1:4", "this '{' is not closed before line 2", "write the closing }"),
    ("a: {b: 1]\n", "1:9", "inside [ ] and { }, a ',' or the closing bracket is missing", "separate with ','"),
    ("a: [b, , c]\n", "1:8", "something is missing before ','", "or null"),
    ("msg: Error: not found\n", "1:11", "a colon within text that is not in quotes", "in quotes"),
    ("a: ${x: y}\n", "1:7", "a colon within text that is not in quotes", "in quotes"),
    ("a: 1\n  b: 2\n", "2:4", "a key that belongs to no mapping", "indent it like its neighbours"),
    ("a:\n  b: 1\n c: 2\n", "3:2", "this line is indented unlike those it belongs to", "below each other"),
    ("a:\n  - b: 1\n   c: 2\n", "3:4", "this line is indented unlike those it belongs to", "below each other"),
    (" a: 1\nb: 2\n", "2:1", "this line is indented unlike those it belongs to", "below each other"),
    ("a:\n - b\n- c\n", "3:1", "this '-' is indented unlike the list it belongs to", "below each other"),
    ("a: [x]y\n", "1:7", "there is more on this line after its value has ended", "in quotes"),
    ("{a: 1} b\n", "1:8", "there is more on this line after its value has ended", "in quotes"),
    ("a: {b: c:?d}\n", "1:9", "a colon within text that is not in quotes", "in quotes"),
    ("a:\n - : b\n", "2:4", "there is no key before this colon", "write a key"),
    ("a: {: b}\n", "1:5", "there is no key before this colon", "write a key"),
    ("a:\n  b: 1\n  - c\n", "3:3", "this '-' is indented unlike the list it belongs to", "below each other"),
    ("a: @x\n", "1:4", "text without quotes cannot begin with '@'", "in quotes"),
    ("a: `x`\n", "1:4", "text without quotes cannot begin with '`'", "in quotes"),
    ("a: %x\n", "1:4", "text without quotes cannot begin with '%'", "in quotes"),
    ("a: */*\n", "1:4", "text without quotes cannot begin with '*'", "in quotes"),
    ("a: & b\n", "1:4", "text without quotes cannot begin with '&'", "in quotes"),
    ("a: ,b\n", "1:4", "text without quotes cannot begin with ','", "in quotes"),
    ("a: ]\n", "1:4", "text without quotes cannot begin with ']'", "in quotes"),
    ("a: ? b\n", "1:4", "text without quotes cannot begin with '?'", "in quotes"),
    ("a: [- b]\n", "1:5", "text without quotes cannot begin with '- '", "in quotes"),
    ("a: - b\n", "1:4", "a list begins on the line of its key", "on the next line"),
    ("a: |x\n  y\n", "1:5", "the line has to end after | or >", "on the next line"),
    ("%x: 1\n", "1:1", "a line that begins with % is a directive", "in quotes"),
    ("%YAML 3.0\n---\na: 1\n", "1:1", "a line that begins with % is a directive", "remove it"),
    ("a: 1\n...\nb: 2\n", "3:1", "a line '...' has ended the document above", "remove"),
    ("a: !<x 1\n", "1:4", "the tag '!<x' is not allowed", "!include PATH"),
]


@pytest.mark.parametrize(("text", "at", "message", "hint"), MISTAKES, ids=[repr(mistake[0]) for mistake in MISTAKES])
def test_a_mistake_is_told_with_its_place_and_what_to_write(text: str, at: str, message: str, hint: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        read(text, file="t.yaml")
    (problem,) = caught.value.problems
    assert str(problem.mark) == f"t.yaml:{at}"
    assert problem.message.startswith(message)
    assert problem.hint is not None
    assert hint in problem.hint


@pytest.mark.parametrize("text", [text for text, *_ in MISTAKES], ids=repr)
def test_what_is_told_is_one_line_without_a_parsers_words(text: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        read(text, file="t.yaml")
    told = str(caught.value)
    assert "\n" not in told
    assert not any(word in told for word in ("while ", "<block end>", "simple key", "token", "unicode string"))


class TestWhatNothingExplains:
    error = ParserError("while parsing", Place("t", 0, 0, 6, None, 0), "did not find it", Place("t", 0, 0, 6, None, 0))

    def test_is_told_in_the_words_of_strictyaml(self) -> None:
        problem = explain(self.error, "a: [b:", "t.yaml")
        assert problem.mark == Mark("t.yaml", 1, 7)
        assert problem.message == "this is not YAML: expected the node content, but found '<stream end>'"

    @pytest.mark.parametrize(
        "text", ["a: [b:" + " " * 70_000, "a: b"], ids=["too long to wait for it", "it would accept"]
    )
    def test_or_of_the_parser(self, text: str) -> None:
        assert explain(self.error, text, "t.yaml").message == "this is not YAML: did not find it"
