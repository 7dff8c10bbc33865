"""What a step gives as its body, as the bytes that are sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
from attrs import frozen

from sisyphus.case.model import ABSENT
from sisyphus.comparable import Comparable
from sisyphus.errors import FieldError
from sisyphus.http.content import media_type_of
from sisyphus.words import tr

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
MULTIPART: Final = "multipart/form-data"


@frozen(kw_only=True, eq=False, repr=False)
class Part(Comparable):
    """One file of a multipart form, already read."""

    field: str
    filename: str
    content: bytes
    content_type: str | None = None  # None: by the file name's ending


@frozen(kw_only=True, eq=False, repr=False)
class Body(Comparable):
    """A body ready to be sent.

    Attributes:
        content: its bytes; None for no body, which is not the same as an empty one.
        content_type: what its header must say if the step says nothing; None if nothing should be said.
        imposed: `content_type` replaces what the step says, since it holds the boundary of the parts.
        shown: what the step gave, for whoever wants to see it.
    """

    content: bytes | None = None
    content_type: str | None = None
    imposed: bool = False
    shown: Any = None


def encode(*, body: Any, json: Any, data: Any, files: tuple[Part, ...], content_type: str) -> Body:
    """Encodes whichever of the ways to give a body was used, as the table of the case format says.

    Args:
        body: a value whose encoding depends on `content_type`; ABSENT or None for none, as with `data`.
        json: a value to be sent as JSON, null too; ABSENT for none.
        data: a form's fields, which go along with `files` too.
        files: the files of a multipart form.
        content_type: the header as the step gives it, or nothing.

    Raises:
        FieldError: more than one way was used, or a value does not fit its way.
    """
    ways = {"body": body, "json": json, "data": data}
    used = [name for name, value in ways.items() if value is not ABSENT and (value is not None or name == "json")]
    if len(used) > 1:
        raise FieldError(
            tr("a request has one body, but both '{one}' and '{other}' are given", one=used[0], other=used[1])
        )
    if files:
        if used and used != ["data"]:
            raise FieldError(tr("files go along with 'data', not with '{other}'", other=used[0]))
        return _multipart(data if used else {}, files)
    match used:
        case ["json"]:
            return _json(json)
        case ["data"]:
            return _form(data)
        case ["body"]:
            return _by_content_type(body, media_type_of(content_type))
        case _:
            return Body()


def written(value: Any) -> str:
    """A value where only text can stand: text as it is, all else as JSON writes it."""
    return value if isinstance(value, str) else dumps(value)


def dumps(value: Any) -> str:
    """Writes JSON without needless spaces and without escapes for what UTF-8 can say.

    Raises:
        FieldError: the value holds something that JSON does not know.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as exc:
        raise FieldError(tr("this cannot be written as JSON: {reason}", reason=exc)) from exc


def utf8(text: str) -> bytes:
    """Encodes text.

    Raises:
        FieldError: it holds half a surrogate pair.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        raise FieldError(tr("a text holds half a surrogate pair, which UTF-8 cannot encode")) from exc


def pairs(fields: Any, name: str) -> list[tuple[str, str]]:
    """The fields of a form or query as pairs of text: null is left out, a list repeats the field, however nested.

    Raises:
        FieldError: `fields` is neither a map nor a list of pairs; `name` is what the case file calls it.
    """
    return [(written(key), written(one)) for key, value in items(fields, name) for one in singly(value)]


def items(fields: Any, name: str) -> Iterable[tuple[Any, Any]]:
    """The pairs of a map, or of a list of pairs.

    Raises:
        FieldError: `fields` is neither; `name` is what the case file calls it.
    """
    if isinstance(fields, Mapping):
        return fields.items()
    if isinstance(fields, list | tuple) and all(isinstance(item, list | tuple) and len(item) == 2 for item in fields):
        return fields
    raise FieldError(tr("'{name}' must be a map, but it is {value}", name=name, value=_shortly(fields)))


def singly(value: Any) -> Iterator[Any]:
    """The elements of a list and of the lists in it, or the value itself; without what is null.

    Raises:
        FieldError: lists are nested too deep, or in themselves.
    """
    try:
        yield from _flat(value)
    except RecursionError as exc:
        raise FieldError(tr("lists are nested too deep")) from exc


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _flat(inner)
    elif value is not None:
        yield value


def _by_content_type(body: Any, media_type: str) -> Body:
    if isinstance(body, bytes):
        return Body(content=body, shown=body.decode("utf-8", "replace"))
    if isinstance(body, Mapping | list | tuple):
        if media_type == FORM:
            return _form(body)
        if media_type == MULTIPART:
            return _multipart(body, ())
        return _json(body)
    text = written(body)
    return Body(content=utf8(text), shown=text)


def _json(value: Any) -> Body:
    text = dumps(value)
    try:
        content = text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON's escapes can say and UTF-8 cannot
        content = json.dumps(value, separators=(",", ":"), default=_plain).encode()
    return Body(content=content, content_type=JSON, shown=value)


def _form(fields: Any) -> Body:
    if isinstance(fields, str):  # encoded by hand
        return Body(content=utf8(fields), content_type=FORM, shown=fields)
    return Body(content=urlencode(_encoded(pairs(fields, "data"))).encode("ascii"), content_type=FORM, shown=fields)


def query(fields: list[tuple[str, str]]) -> str:
    """The fields as they stand in a URL, where a space is %20 for every server."""
    return urlencode(_encoded(fields), quote_via=quote, safe="")


def _encoded(fields: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(utf8(name), utf8(value)) for name, value in fields]


def _multipart(fields: Any, files: tuple[Part, ...]) -> Body:
    # A part without a file name is an ordinary field, and httpx makes a multipart form only of files.
    values = pairs(fields, "data")
    parts: list[tuple[str, Any]] = [(name, (None, utf8(value))) for name, value in values]
    for name in [*(name for name, _ in values), *(one for part in files for one in (part.field, part.filename))]:
        utf8(name)  # httpx encodes it, and has no word for what cannot be
    for part in files:
        if part.content_type is not None and not part.content_type.isprintable():
            raise FieldError(
                tr("the header '{name}' holds a line break or another control character", name="Content-Type")
            )
    parts += [(part.field, (part.filename, part.content, part.content_type)) for part in files]
    request = httpx.Request("POST", "http://localhost", files=parts)
    shown = [{"field": part.field, "filename": part.filename, "size": len(part.content)} for part in files]
    return Body(
        content=request.read(),
        content_type=request.headers["Content-Type"],
        imposed=True,
        shown={"data": fields, "files": shown},
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(tr("{type} is no JSON type", type=type(value).__name__))


def _shortly(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
