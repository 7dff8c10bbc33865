"""Our reader and StrictYAML read the same documents, and read them alike.

StrictYAML gives text for every scalar, so ours is asked for the texts before they are typed. Its root may be anything,
ours is a mapping. Whatever else they may differ in is listed in `may_differ`, with its reason; all the rest is a defect.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import strictyaml
from attrs import frozen
from hypothesis import given
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
    except Exception as error:  # noqa: BLE001
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
    """Whether the readers are known, and for a good reason, to differ on this text."""
    if isinstance(ours, Refused):
        known = [*WE_ALONE_REFUSE, *(["a tab where"] if TAB_BEGINS_BLOCK.search(text) else [])]
        return all(any(part in reason for part in known) for reason in ours.reasons)
    if isinstance(theirs, Refused):
        # ruamel has no place for a comment between a dash and what belongs to it.
        if theirs.reasons[0].startswith("NotImplementedError: overlap in comment"):
            return True
        # It takes the second of two document ends for another document.
        return "another document" in theirs.reasons[0] and len(re.findall(r"^\.\.\.", text, re.MULTILINE)) > 1
    return False


WE_ALONE_REFUSE = (
    # StrictYAML merges, and loses keys on the way.
    "the merge key '<<'",
    # U+0085, U+2028, U+2029: YAML 1.1 and 1.2 disagree whether they end a line. U+FEFF: invisible in a key.
    "the invisible character",
    # StrictYAML reads YAML 1.2, in which a key may be left out, and text in [ ] may begin with a colon.
    "there is no key before this colon",
)
# libyaml takes a tab at the beginning of a block's first line for indentation, StrictYAML for the block's text.
TAB_BEGINS_BLOCK = re.compile(r"[|>][^\n]*\n[ \n]*\t")


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


@given(DOCUMENTS)
def test_documents_as_people_write_them_are_read_alike(text: str) -> None:
    agree(text)


@given(broken())
def test_documents_with_mistakes_are_read_alike_or_refused_by_both(text: str) -> None:
    agree(text)
