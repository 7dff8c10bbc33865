from __future__ import annotations

import base64
import codecs
import math
from typing import Any

import pytest

from sisyphus.http import content


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/problem+json; charset=utf-8",
        "text/json",
        "Application/JSON",
        "application/x-json",
    ],
)
def test_what_says_json_and_is_json_is_its_value(content_type: str) -> None:
    assert content.read(b'{"a": [1, 2.5, null]}', content_type).body == {"a": [1, 2.5, None]}


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/octet-stream"])
def test_without_a_telling_type_a_body_that_looks_like_json_is_json(content_type: str) -> None:
    assert content.read(b' [{"a": 1}]', content_type).body == [{"a": 1}]


@pytest.mark.parametrize("raw", [b"5", b"true", b"{not json}", b"[1, 2"])
def test_without_a_telling_type_anything_less_than_json_is_text_without_a_warning(raw: bytes) -> None:
    read = content.read(raw, "")
    assert (read.body, read.warnings) == (raw.decode(), [])


def test_json_under_the_type_of_another_thing_is_text() -> None:
    assert content.read(b'{"a": 1}', "text/html").body == '{"a": 1}'


def test_what_says_json_and_is_not_is_text_and_a_warning_that_says_where() -> None:
    read = content.read(b"<html>", "application/json")
    assert read.body == read.text == "<html>"
    assert read.warnings == [
        "the content type says application/json, but the body is not JSON: line 1 column 1: Expecting value"
    ]


@pytest.mark.parametrize("raw", [b"[" * 200_000, b"1" * 5000])
def test_json_beyond_what_can_be_read_is_text_and_a_warning(raw: bytes) -> None:
    read = content.read(raw, "application/json")
    assert read.body == raw.decode()
    assert len(read.warnings) == 1


@pytest.mark.parametrize("raw", [b"", b" \n"])
def test_an_empty_body_is_empty_text_whatever_its_type(raw: bytes) -> None:
    read = content.read(raw, "application/json")
    assert (read.body, read.warnings) == (raw.decode(), [])


def test_not_a_number_is_fine() -> None:
    assert math.isnan(content.read(b'{"x": NaN}', "application/json").body["x"])


def test_invalid_utf8_is_replaced_and_the_place_is_told() -> None:
    read = content.read(b'{"a": "\xff"}', "application/json")
    assert read.body == {"a": "\N{REPLACEMENT CHARACTER}"}
    assert read.warnings == ["the body is not valid utf-8 at byte 7"]


@pytest.mark.parametrize(
    ("raw", "content_type", "text"),
    [
        ("你好".encode("gbk"), "text/html; charset=GBK", "你好"),
        ("é".encode("latin-1"), 'text/plain; charset="iso-8859-1"', "é"),
        (codecs.BOM_UTF8 + b"x", "text/plain; charset=utf-8", "x"),
        (codecs.BOM_UTF8, "", ""),
        ("hé".encode("utf-16"), "", "hé"),
        ("hé".encode("utf-16-le"), "text/plain; charset=utf-16", "hé"),
        ("hé".encode("utf-32-le"), "text/plain; charset=UTF_32", "hé"),
        ("hé".encode("utf-16-be"), "text/plain; charset=utf-16be", "hé"),
        (codecs.BOM_UTF32_BE + "hé".encode("utf-32-be"), "text/plain; charset=utf-32", "hé"),
        (codecs.BOM_UTF32_LE + "hé".encode("utf-32-le"), "text/plain; charset=utf-32", "hé"),
    ],
)
def test_text_is_decoded_by_its_mark_or_its_charset(raw: bytes, content_type: str, text: str) -> None:
    read = content.read(raw, content_type)
    assert (read.text, read.warnings) == (text, [])


def test_json_after_a_byte_order_mark_is_json() -> None:
    assert content.read(codecs.BOM_UTF8 + b"[1]", "application/json").body == [1]


def test_what_is_no_utf16_at_all_is_told_and_no_failure() -> None:
    read = content.read(b"hello", "text/plain; charset=utf-16")
    assert len(read.text) == 3
    assert read.warnings == ["the body is not valid utf-16 at byte 4"]


@pytest.mark.parametrize("charset", ["klingon", "hex", "rot13", "zlib", "undefined", "idna", "unicode_escape"])
def test_an_unknown_charset_is_read_as_utf8_and_told(charset: str) -> None:
    read = content.read("ä".encode(), f"text/plain; charset={charset}")
    assert read.text == "ä"
    assert read.warnings == [f"the charset '{charset}' of the body is not known; it is read as UTF-8"]


@pytest.mark.parametrize("content_type", ["image/png", "application/octet-stream", "application/pdf", ""])
def test_bytes_are_given_as_base64_with_a_note(content_type: str) -> None:
    raw = b"\x89PNG\x00\xff"
    read = content.read(raw, content_type)
    assert base64.b64decode(read.body) == raw
    assert read.text == ""
    assert read.note == f"these are bytes ({content_type or 'no content type'}), given as base64"


@pytest.mark.parametrize("content_type", ["application/zip", ""])
def test_a_zero_byte_makes_text_bytes(content_type: str) -> None:
    assert content.read(b"a\x00b", content_type).body == "YQBi"


@pytest.mark.parametrize(
    "content_type", ["application/xml", "image/svg+xml", "application/x-yaml", "text/csv", "application/x-ndjson"]
)
def test_types_of_text_are_text_even_if_broken(content_type: str) -> None:
    assert content.read(b"a\xff", content_type).body == "a\N{REPLACEMENT CHARACTER}"


def test_readable_text_under_an_unknown_type_is_text() -> None:
    assert content.read(b"hello", "application/vnd.own").body == "hello"


@pytest.mark.parametrize(("raw", "kept"), [(b'{"a": 1', '{"a": 1'), ("aé".encode()[:-1], "a")])
def test_a_truncated_body_is_text_without_half_a_character(raw: bytes, kept: Any) -> None:
    read = content.read(raw, "application/json", size=1000)
    assert (read.body, read.warnings) == (kept, ["the body is longer than stream_limit; this is its beginning"])
    assert read.note == "the body is longer than stream_limit; this is its beginning"


def test_truncated_bytes_say_both() -> None:
    read = content.read(b"\x00", "image/png", size=1000)
    assert read.note == (
        "these are bytes (image/png), given as base64; the body is longer than stream_limit; this is its beginning"
    )
