"""The bytes of a body as a value: JSON if it is JSON, else text, else base64."""

from __future__ import annotations

import base64
import codecs
import json
import re
from typing import Any, Final

from attrs import field, frozen

from sisyphus.comparable import Comparable
from sisyphus.words import tr

# Types that say nothing about what is inside: servers send JSON, text and pictures under them.
_VAGUE: Final = frozenset({
    "",
    "text/plain",
    "application/octet-stream",
    "binary/octet-stream",
    "text/javascript",
    "application/javascript",
})
_TEXTUAL: Final = re.compile(r"text/|.*[/+.-](json|xml|yaml|javascript|csv|graphql|x-www-form-urlencoded|sql|ndjson)\b")
_JSON: Final = re.compile(r"(application|text)/(json|x-json)$|[^/]+/[^/]+\+json$")
_NOT_FOR_BODIES: Final = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
_BYTE_ORDER: Final = frozenset({"utf-16", "utf-32"})
_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([^\s"';]+)""", re.IGNORECASE)


@frozen(kw_only=True, eq=False, repr=False)
class Content(Comparable):
    """What a body says.

    Attributes:
        body: the JSON value, else the text, else base64.
        text: the text as it came; empty for bytes that are no text.
        size: how many bytes there were.
        truncated: not all of them are in `body` and `text`.
        note: why `body` is not what one would expect, if so.
        warnings: where the body is not what its headers say.
    """

    body: Any
    text: str
    size: int
    truncated: bool = False
    note: str | None = None
    warnings: list[str] = field(factory=list)


def is_json_type(media_type: str) -> bool:
    """Whether a content type, in lower case and without its parameters, says JSON."""
    return media_type == "application/json" or _JSON.match(media_type) is not None


def media_type_of(content_type: str) -> str:
    """The media type in a Content-Type header, in lower case and without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def read(raw: bytes, content_type: str, *, size: int | None = None) -> Content:
    """Reads a body as its content type says; where that says nothing, by looking at it.

    Args:
        raw: the body without its content encoding.
        content_type: the header as it came, or nothing.
        size: how long the body was, if `raw` may be only its beginning; what is left of JSON is then text.
    """
    note: str | None = None
    warnings: list[str] = []
    size = len(raw) if size is None else size
    truncated = size > len(raw)
    media_type = media_type_of(content_type)
    if _is_binary(raw, media_type, content_type):
        note = tr("these are bytes ({type}), given as base64", type=media_type or tr("no content type"))
        body, text = base64.b64encode(raw).decode("ascii"), ""
    else:
        text, warnings = _decode(raw, content_type, truncated=truncated)
        body, told = (text, []) if truncated else _value(text, media_type)
        warnings += told
    if truncated:
        cut = tr("the body is longer than stream_limit; this is its beginning")
        note = f"{note}; {cut}" if note else cut
        warnings = [*warnings, cut]
    return Content(body=body, text=text, size=size, truncated=truncated, note=note, warnings=warnings)


def _value(text: str, media_type: str) -> tuple[Any, list[str]]:
    """The JSON value of a text, or else the text, and what is to be told about it."""
    is_json = is_json_type(media_type)
    looks_like_json = media_type in _VAGUE and text.lstrip()[:1] in {"{", "["}
    if not (is_json or looks_like_json) or not text.strip():
        return text, []
    value = _load(text)
    if not isinstance(value, _NotJson):
        return value, []
    if not is_json:
        return text, []
    return text, [tr("the content type says {type}, but the body is not JSON: {why}", type=media_type, why=value.why)]


@frozen(eq=False, repr=False)
class _NotJson(Comparable):
    why: str


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as exc:
        where = tr("line {line} column {column}", line=exc.lineno, column=exc.colno)
        return _NotJson(f"{where}: {exc.msg}")
    except (ValueError, RecursionError) as exc:  # a number of too many digits; nested too deep
        return _NotJson(str(exc))


def _is_binary(raw: bytes, media_type: str, content_type: str) -> bool:
    if is_json_type(media_type) or _TEXTUAL.match(media_type) or _CHARSET.search(content_type):
        return False
    if media_type in _VAGUE and _bom(raw):
        return False
    return b"\0" in raw or not _is_utf8(raw)


def _is_utf8(raw: bytes) -> bool:
    try:
        # A character that is cut at the end is no sign of anything: the body may have been cut by us.
        codecs.utf_8_decode(raw, "strict", False)
    except UnicodeDecodeError:
        return False
    return True


def _bom(raw: bytes) -> str | None:
    if raw.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if raw.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):  # the former begins with that of UTF-16
        return "utf-32"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def _decode(raw: bytes, content_type: str, *, truncated: bool) -> tuple[str, list[str]]:
    """The text and what was wrong with it; a byte order mark says more than a header, and is no part of the text."""
    found = _CHARSET.search(content_type) if "=" in content_type else None
    charset = _bom(raw) or (found[1] if found else "utf-8")
    if not _is_charset(charset):
        told = tr("the charset '{charset}' of the body is not known; it is read as UTF-8", charset=charset)
        return raw.decode("utf-8", "replace"), [told]
    name = codecs.lookup(charset).name
    if name in _BYTE_ORDER and not _bom(raw):
        # Without a mark Python does not begin; the Encoding Standard has browsers take the usual order.
        name = f"{name}-le"
    decoder = codecs.getincrementaldecoder(name)
    try:
        return decoder("strict").decode(raw, not truncated), []
    except UnicodeDecodeError as exc:
        told = tr("the body is not valid {charset} at byte {position}", charset=charset, position=exc.start)
        return decoder("replace").decode(raw, not truncated), [told]


def _is_charset(name: str) -> bool:
    try:
        "".encode(name)  # fails too for Python's codecs that are no charsets at all, such as hex
        return codecs.lookup(name).name not in _NOT_FOR_BODIES
    except (LookupError, ValueError):
        return False
