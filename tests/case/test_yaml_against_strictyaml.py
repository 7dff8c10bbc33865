"""Our reader and StrictYAML read the same documents, and read them alike.

StrictYAML gives text for every scalar, so ours is asked for the texts before they are typed. Its root may be anything,
ours is a mapping. Whatever else they may differ in is listed in `may_differ`, with its reason; all the rest is a defect.
"""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import strictyaml
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from strictyaml.ruamel.comments import TaggedScalar

from sisyphus.case import yaml
from sisyphus.errors import CaseFileError


@frozen
class Refused:
    """A document was not accepted, for these reasons."""

    reasons: tuple[str, ...]


def our_reading(text: str) -> Any:
    try:
        return plainly(yaml._read(text, yaml._Place(shown="t.yaml", path=Path("t.yaml")), None, plain=str))
    except CaseFileError as error:
        return Refused(tuple(problem.message for problem in error.problems))


def strict_reading(text: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = strictyaml.dirty_load(text, allow_flow_style=True).data
    # It has several defects that show as AssertionError, AttributeError, NotImplementedError.
    except Exception as error:
        return Refused((f"{type(error).__name__}: {getattr(error, 'problem', error)}",))
    return plainly(value) if isinstance(value, dict) else Refused(("no mapping",))


def plainly(value: Any) -> Any:
    """Mappings as lists of pairs, so that the order of keys counts."""
    if isinstance(value, dict):
        return [(key, plainly(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [plainly(item) for item in value]
    # StrictYAML wraps the plain scalars `=` and `<<`; the text is the same.
    return value.value if isinstance(value, TaggedScalar) else value


def may_differ(text: str, ours: Any, theirs: Any) -> bool:
    """Whether the readers are known, and for a good reason, to differ on this text.

    What only we refuse, told by our own words for it:

    - the merge key: StrictYAML merges, and loses keys on the way;
    - U+0085, U+2028, U+2029, because YAML 1.1 and 1.2 disagree whether they end a line, and U+FEFF inside of a text,
      where it would be an invisible part of a key;
    - half a character (``"\\ud83d"``), which no encoding can write;
    - a directive that nobody knows, on which libyaml insists;
    - a key that is left out, and a colon that begins a plain text in [ ]: StrictYAML reads YAML 1.2, libyaml 1.1;
    - a tab that begins a block's first line (indentation to libyaml, text to StrictYAML) or the first line of all.

    What only StrictYAML refuses, told by its words:

    - a comment between a dash and what belongs to it, for which it has no place;
    - a document that is ended twice;
    - a comment that follows | or > without a space.

    Not in here, because the documents below have none: `!include`, and the limits of size and depth.
    """
    if isinstance(ours, Refused):
        known = [
            "the merge key '<<'",
            "the invisible character",
            "'\\ud83d' is half",
            "there is no key before this colon",
        ]
        if re.search(r"[|>][^\n]*\n[ \n]*\t|^\ufeff?[ \n]*\t", text):
            known.append("a tab where YAML wants spaces")
        if re.search(r"[\[{,:] *:\S", text):
            known.append("text without quotes cannot begin with")
        if re.match(r"%[A-Z]+ ", text):
            known.append("a line that begins with %")
        return all(reason.startswith(tuple(known)) for reason in ours.reasons)
    if isinstance(theirs, Refused):
        (reason,) = theirs.reasons
        return (
            reason.startswith("NotImplementedError: overlap in comment")
            or (reason.endswith("found another document") and len(re.findall(r"^\.\.\.", text, re.MULTILINE)) > 1)
            or reason.endswith("expected chomping or indentation indicators, but found '#'")
        )
    return False


def agree(text: str) -> None:
    ours, theirs = our_reading(text), strict_reading(text)
    if isinstance(ours, Refused) and isinstance(theirs, Refused):
        return
    assert ours == theirs or may_differ(text, ours, theirs), f"{text!r}\nours:   {ours!r}\ntheirs: {theirs!r}"


# What case files are made of, and what trips parsers.
ALPHABET = "abz019 _-./$%@:#'\"\\,[]{}&*!|>?=~`\n中é😀"
TEXTS = st.text(ALPHABET, max_size=12) | st.sampled_from(
    ["", "~", "null", "no", "012", "1e3", "${base}/users/${id}", "{{ n }}", "Bearer ${token}", "$.data[0].id", "a: b", "- x",
     "2024-01-01", "姓名：张三", "it's", 'say "hi"', "# not a comment", "<<", "http://h:80/p?q=1#f", "a\n\n b\n", " x "]
)  # fmt: skip
KEYS = (
    st.sampled_from(["name", "url", "a", "b", "a b", "200", "true", "名称", "$.x", "Content-Type", "<<", "~"]) | TEXTS
)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace("\n", "\n\n") + "'"


def double_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def block(text: str, style: str, indent: int) -> str:
    pad = " " * (indent + 2)
    lines = "".join(f"{pad}{line}\n" if line else "\n" for line in text.split("\n"))
    return f"{style}\n{lines}".rstrip("\n")


SAFE = re.compile(r"(?![-?:,\[\]{}#&*!|>'\"%@`~ ]|\.\.\.|---)(?:(?!: |:$| #|\n)[^,\[\]{}])*[^ :,\[\]{}\n]")


@st.composite
def scalars(draw: st.DrawFn, indent: int, *, flow: bool) -> str:
    text = draw(TEXTS)
    style = draw(st.sampled_from(["plain", "single", "double"] + ([] if flow else ["|", ">", "|-", ">-", "|+", "|2"])))
    if style == "plain":
        return text if SAFE.fullmatch(text) or (not text and not flow) else double_quoted(text)
    if style == "single":
        return quoted(text)
    if style == "double" or not text[:1].strip():
        return double_quoted(text)
    return block(text, style, indent)


@st.composite
def keys(draw: st.DrawFn) -> tuple[str, str]:
    """Returns a key, and how it is written."""
    key = draw(KEYS).replace("\n", " ")
    plain = key if SAFE.fullmatch(key) and key != "<<" else quoted(key)
    return key, draw(st.sampled_from([plain, quoted(key), double_quoted(key)]))


def pairs_of(values: st.SearchStrategy[str], **limits: int) -> st.SearchStrategy[list[tuple[tuple[str, str], str]]]:
    return st.lists(st.tuples(keys(), values), unique_by=lambda pair: pair[0][0], **limits)


@st.composite
def flows(draw: st.DrawFn, depth: int) -> str:
    kind = draw(st.integers(0, 3 if depth else 1))
    if kind < 2:
        return draw(scalars(0, flow=True))
    space = draw(st.sampled_from([", ", ",", " , ", ",\n    "]))
    if kind == 2:
        return "[" + space.join(draw(st.lists(flows(depth - 1), max_size=3))) + "]"
    pairs = draw(pairs_of(flows(depth - 1), max_size=3))
    return "{" + space.join(f"{key}: {value}" for (_, key), value in pairs) + "}"


@st.composite
def blocks(draw: st.DrawFn, indent: int, depth: int) -> str:
    """Returns a value as it stands after a key or a dash, including the space or line end before it."""
    kind = draw(st.integers(0, 5 if depth else 2))
    if kind < 2:
        return " " + draw(scalars(indent, flow=False)) + draw(COMMENTS)
    if kind == 2:
        return " " + draw(flows(2)) + draw(COMMENTS)
    inner = indent + draw(st.sampled_from([1, 2, 4]))
    if kind == 3:
        return draw(COMMENTS) + "\n" + draw(mappings(inner, depth - 1))
    pad = " " * inner
    items = draw(st.lists(blocks(inner, depth - 1), min_size=1, max_size=3))
    return draw(COMMENTS) + "\n" + "\n".join(f"{pad}-{item}" for item in items)


@st.composite
def mappings(draw: st.DrawFn, indent: int, depth: int) -> str:
    pad = " " * indent
    pairs = draw(pairs_of(blocks(indent, depth), min_size=1, max_size=4))
    between = draw(st.sampled_from(["\n", "\n\n", "\n# 注释\n", f"\n{pad}# c: d\n"]))
    return between.join(f"{pad}{key}:{value}" for (_, key), value in pairs)


COMMENTS = st.sampled_from(["", "", "", " # comment", "  # {{ x }}: '"])
DOCUMENTS = st.builds(
    lambda head, body, tail: head + body + tail,
    st.sampled_from(["", "", "---\n", "# c\n", "\ufeff", "\n"]),
    mappings(0, 3),
    st.sampled_from(["\n", "", "\n...\n", "\n# end"]),
)
PIECES = st.sampled_from(
    ["&a ", "*a", "* ", "!t ", "!!str ", "! ", "\t", " \t", ": ", ":", "- ", "-", "? ", "{{", "}}", '"', "'", " #", "#", "\n", "\n\n",
     "\r\n", "\r", "---\n", "...\n", "<<: ", "k: 1\n", ", ", "[", "]", "{", "}", " |\n", " >-\n", "  ", " ", "\\", "@", "`", "%", "\ufeff",
     "\x07", "\u2028", "\x85", "\xa0", "=", "\n  ", "\n\t", "=", "~"]
)  # fmt: skip


@st.composite
def broken(draw: st.DrawFn) -> str:
    text = draw(DOCUMENTS)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        match draw(st.integers(0, 3)):
            case 0 | 1:
                text = text[:at] + draw(PIECES) + text[at:]
            case 2:
                text = text[:at] + text[at + draw(st.integers(1, 3)) :]
            case _:
                line = text[:at].rpartition("\n")[2] + text[at:].partition("\n")[0]
                text = text[:at] + "\n" + line + "\n" + text[at:]
    return text


# fmt: off
# One document for each way to write a thing, and for each way to get it wrong.
KNOWN = [
    '', '# only\n', '- a\n- b\n', 'abc\n', 'key:value\n', 'a: 1\nkey:value\n', 'a: 1\nkey:value\nb: 2\n',
    'a:\n\tb: 1\n', 'a:\n  b: 1\n\tc: 2\n', '\ta: 1\n', 'a:\t1\n', 'a: 1\t# x\n', 'a:\n  - b\n\t- c\n',
    'a: {\n\tb: 1\n}\n', "a: 'x\nb: 1\n", 'a: "x\nb: 1\n', 'a: "x" y\n', "a: 'it's'\n", 'a: "\\d+"\n',
    'url: {{ base }}/x\n', 'url: {{ base }}\n', 'a: [{{x}}, 1]\n', 'a: {url: ${base}}\n', 'a: {url: ${base}, b: 1}\n',
    'a: [${x}, 2]\n', 'a: ${x: y}\n', 'a: ${x}: y\n', 'a: @x\n', 'a: `x`\n', 'a: %x\n', '%x: 1\n', 'a: */*\n',
    'a: *x\n', 'a: *\n', 'a: &x\n', 'a: & b\n', 'a: &x 1\nb: *x\n', 'a: !x 1\n', 'a: !!str 1\n', 'a: ! 1\n',
    'a: !inc!x 1\n', 'a: !\n', 'a: !<x> 1\n', '? [a]\n: 1\n', '? {a: 1}\n: 1\n', '? a\n: 1\n', '? a\n', '[a]: 1\n',
    '{a: 1}: 1\n', "'<<': {a: 1}\n", '<<: 1\n', 'a: 1\na: 2\n', "a: 1\n'a': 2\n", 'a: {b: 1, b: 2}\n', '200: 1\n',
    'true: 1\n', '~: 1\n', "null: 1\n'null': 2\n", 'a: 1\n---\nb: 2\n', '---\na: 1\n', '---\na: 1\n...\n',
    'a: 1\n...\nb: 2\n', 'a: 1\n...\n', '...\n', '---\n', '%YAML 1.1\n---\na: 1\n', '%YAML 1.2\n---\na: 1\n',
    '%YAML 2.0\n---\na: 1\n', '%TAG ! tag:x,2000:\n---\na: 1\n', 'a: b: c\n', 'a: x\n  b: 1\n', 'a: 1\n  b: 2\n',
    'a:\n  b: 1\n c: 2\n', 'a:\n- b\n-c\n', 'a:\n - b\n- c\n', '- a\nb: 1\n', 'a: [1, 2\n', 'a: [1, 2\nb: 3\n',
    'a: {b: 1\nc: 2\n', 'a: 1]\n', 'a: ]\n', 'a: }\n', 'a: [1 2]\n', 'a: {b 1}\n', 'a: {b:1}\n', 'a: {"b":1}\n',
    'a: [a, , b]\n', 'a: {, }\n', 'a: [,]\n', 'a: |\n  x\n y\n', 'a: |\nb: 1\n', 'a: |x\n  y\n', 'a: >-\n  x\n  y\n',
    'a: |2\n  x\n', 'a: |\n\tx\n', 'a: #c\n', 'a:#c\n', 'a: x#c\n', 'a: x #c\n', 'a: ? b\n', 'a: - b\n', 'a: -\n',
    'a: -b\n', 'a: ,b\n', 'a: :b\n', 'a: ::\n', 'a: |\r\n  x\r\n  y\r\nb: 1\r\n', 'a: 1\r\nb: 2\r\n', 'a: 1\rb: 2\r',
    'a: \x00\n', 'a: \x07\n', 'a: \ufffe\n', '\ufeffa: 1\n', 'a: \ud800\n', 'a: 😀\n', 'a: \x7f\n', 'a: \x80\n',
    'a: "\\U0001F600 \\u4e2d \\x41 \\0 \\/ \\e"\n', 'a: "\\q"\n', 'a: "x\\\n  y"\n', "a: 'x\n\n  y'\n",
    'a: x\n  y\n\n  z\nb: 1\n', 'a: {}\nb: []\n', '{}\n', '{a: 1, b: [c, {d: e}]}\n', 'a: [b: c]\n', 'a: [b: c, d]\n',
    "a: ['x': y]\n", 'a: {b, c}\n', 'a: {b: , c}\n', 'a: {? b : c}\n', 'a: {[x]: 1}\n', 'a:\n', 'a:\nb:\n',
    'a: \n  # c\nb: 1\n', "a: ''\n", 'a: ~\n', 'a: - \n', 'a:\n  -\n  - \n  - x\n', 'a:\n-\n- x\nb: 1\n',
    ' a: 1\n b: 2\n', ' a: 1\nb: 2\n', "a: 'x' # c\n", "a: 'x'#c\n", 'a: [x]#c\n', 'a: [x]y\n', 'a: {x: 1} y\n',
    '中文: 值\n', 'a: ：x\n', 'a：1\n', 'a: “x”\n', 'a: x: y\n', 'a: http://x:80/y\n', 'a: C:\\x\n', 'a: x:\n',
    'a: 12:30:00\n', 'a: {b: http://x}\n', 'a: {b: x:y}\n', 'a: [http://x, y]\n', 'a: {url: http://x/{id}}\n',
    'a: [a[0]]\n', 'a: a[0]\n', 'a: {p: $.a[0].b}\n', 'a: {p: $.a[?(@.b==1)], q: 1}\n', 'a: 1\n b\n', '"a":1\n',
    "'a':1\nb: 2\n", '{"a":1,"b":[true,null]}\n', 'a: |-\n  x\n\n\nb: 1\n', 'a: |+\n  x\n\n\nb: 1\n',
    'a: &x\n  b: 1\n', '&x a: 1\n', '!t a: 1\n', '!!map {a: 1}\n', '&r\na: 1\n', '*x : 1\n', 'a: [&x 1, *x]\n',
    'a: ? \n', "a: 'x\n\n", 'a\n', 'a b\nc: 1\n', 'a: 1\nb\n', 'a: 1\nb c\nd: 1\n', '? a\n? b\n', 'a: x\n---\n',
    '--- a: 1\n', '--- {a: 1}\n', '---\n---\n', 'a: 1\n... # c\n', 'a: 1\n--- # c\n', "a: '\n---\n'\n",
    'a: 1\n# c\n---\n', 'a: 1\t\n', 'a: x\ty\n', 'a: x \t y\n', 'a: x\n\ty\n', 'a: x\n \ty\n', "a: 'x\ty'\n",
    "a: 'x\n\ty'\n", 'a: "x\t\n  y"\n', 'a: |\n  x\ty\n  \tz\n', 'a: |\t\n  x\n', '# \tc\na: 1\n', 'a: 1 #\tc\n',
    '\t# c\na: 1\n', '\t\na: 1\n', 'a: 1\n\t\nb: 2\n', 'a: 1\n \t\nb: 2\n', '-\ta\n', 'a:\n  -\tb\n', 'a: [x,\ty]\n',
    'a: [x\t, y]\n', 'a: [\tx]\n', 'a\t: 1\n', 'a: \t1\n', 'a:\n  b: |\n    x\n\t\n  c: 1\n', 'a: >\n  x\n\t\n  y\n',
    'a: 1\n...\t\n', '---\ta\n', '---\t\na: 1\n', 'a: {b:\t1}\n', "a: 'x'\t\n", 'a: x\n\n\t\nb: 1\n', '?\ta\n',
    'a: \t|\n  x\n', '%YAML\t1.1\n---\na: 1\n', 'a: x #\n\tb\n', 'a: x\n  \t\n  y\n', 'a: x\n# c\n  y\n',
    'a:\n  x\n # c\n  y\n', "a: 'x\n# c\n'\n", 'a: [x # c\n, y]\n', 'a: [x,# c\n y]\n', 'a: {b: 1,\n}\n', 'a: [\n]\n',
    'a:\n  {b: 1}\n', "a: 'b'x: 1\n", "'a b': 1\n", '? |\n  x\n: 1\n', 'a:    |4\n  x\n', 'a: |0\n x\n',
    'a: |+2-\n x\n', 'a: "\\N\\_\\L\\P"\n', 'a: [? x : y]\n', 'a: [? x]\n', 'a: [: y]\n', 'a: {b: {}, ? }\n',
    'a: [[x]: y]\n', 'a: [{x: 1}: y]\n', 'a:\n - b\n -\n  - c\n - - d\n   - e\n', '- - a\n', 'a: x\\\n  y\n',
    "a: '\\n'\n", 'a: x\'y"z\n', 'a: -\n  b\n', 'a: ?b\n', 'a: [-x, -]\n', 'a: [- x]\n', 'a: {- x}\n',
    'a: !!binary x\n', 'a: ---\n', 'a: --- x\n', '---x: 1\n', '... x\n', 'a: ...\n', 'a: =\n', '=: 1\n', 'a: <<\n',
    'a: [<<]\n', '[<<: x]: 1\n', 'a: {<<: 1}\n',
]
# One and more for each line of `may_differ`.
DIFFERENCES = [
    "a: {'b': :|c}\n",
    '<<: {a: 1}\n', 'b: 1\n<<: {a: 1}\n', '<<: [{a: 1}]\n', ': 1\n', '%FOO bar\n---\na: 1\n', 'a: x\u2028y\n',
    "a: 'x\u2028y'\n", 'a: x\x85y\n', 'a: \u2029\n', 'a: \ufeff\n', 'a: "\\ud83d\\ude00"\n', 'a: "\\ud83d"\n',
    "a: '\u2028'\n", 'a: {: y}\n', 'a: {<<: {b: 1}}\n', '\n\n\ta: 1\n', 'a: |\n  \tx\n', 'a: |#c\n  x\n',
    'a: 1\n...\n...\n', 'a: [:b]\n', 'a:\n - : 1\n',
]
# fmt: on

# SISYPHUS_FUZZ=20000 looks for what nobody has thought of; otherwise the documents are the same each time, so that a
# build does not fail by chance over a change that has nothing to do with it.
LOOK = settings(
    max_examples=int(os.environ.get("SISYPHUS_FUZZ", "75")),
    derandomize="SISYPHUS_FUZZ" not in os.environ,
    database=None,
    deadline=None,
)


@LOOK
@given(DOCUMENTS)
def test_documents_as_people_write_them_are_read_alike(text: str) -> None:
    agree(text)
    assert not isinstance(our_reading(text), Refused)


@LOOK
@given(broken())
def test_documents_with_mistakes_are_read_alike_or_refused_by_both(text: str) -> None:
    agree(text)


@pytest.mark.parametrize("text", KNOWN)
def test_what_has_parted_readers_before_is_read_alike(text: str) -> None:
    agree(text)


@pytest.mark.parametrize("text", DIFFERENCES)
def test_what_is_listed_as_a_difference_is_one(text: str) -> None:
    ours, theirs = our_reading(text), strict_reading(text)
    assert isinstance(ours, Refused) != isinstance(theirs, Refused)
    assert may_differ(text, ours, theirs)
