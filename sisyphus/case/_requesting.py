"""The spellings of what a request sends."""

from __future__ import annotations

from typing import Any, Final

from sisyphus.case._reaching import REACHING, finish_reaching
from sisyphus.case._shapes import as_map, example, expected, kind_of, require, unknown
from sisyphus.case._step_mocking import step_mock_draft
from sisyphus.case._tokens import check_headers, check_method
from sisyphus.case.draft import Draft, Findings, Place, ignored, spellings, take
from sisyphus.case.yaml import Map
from sisyphus.errors import Mark
from sisyphus.words import tr

REQUEST: Final = (
    spellings(
        "method", "url", "params", "headers", "cookies", "body", "json", "data", "files", "upload", "auth", "graphql", "mock",
        "verify_ssl", "follow_redirects", "stream_limit",
        allow_redirects="follow_redirects", query="params", verify="verify_ssl",
    )
    | REACHING
    | ignored("stream")
)  # fmt: skip

_AUTH: Final = spellings(
    "type", "username", "password", "token", "key", "value", "location",
    user="username", name="key", api_key="value", header_name="key",
    **{"in": "location", "header": "key", "key_name": "key"},
)  # fmt: skip
_AUTH_TYPES: Final = {
    "basic": "basic", "digest": "digest", "bearer": "bearer", "bearer_token": "bearer", "token": "bearer", "api_key": "api_key",
    "apikey": "api_key", "api-key": "api_key",
}  # fmt: skip
_AUTH_NEEDS: Final = {
    "basic": ("username", "password"),
    "digest": ("username", "password"),
    "bearer": ("token",),
    "api_key": ("key", "value"),
}
_FILE: Final = spellings("path", "filename", "content_type", file="path", mime_type="content_type", name="filename")
_GRAPHQL: Final = spellings(
    "query", "variables", "operationName", operation_name="operationName", operation="operationName"
)
_GRAPHQL_FORM: Final = "graphql: {query: '{ users { id } }'}"
_UPLOAD: Final = spellings("file", "files", "form_fields", fields="form_fields", data="form_fields")


def finish_request(draft: Draft, found: Findings) -> Draft:
    """Completes a request whose keys are the model's already."""
    draft["where"] = Mark(*draft.place)
    require(draft, "url", tr("a request needs a url"), "url: /users", found)
    if "method" in draft:
        check_method(draft, found)
    if "headers" in draft:
        check_headers(draft["headers"], found)
    if draft.get("auth") is not None:
        source = as_map(draft["auth"], draft.place_of("auth"), "auth", found, "auth: {type: bearer, token: …}")
        draft["auth"] = _auth(source, found) if source is not None else None
    if "upload" in draft:
        _upload(draft, found)
    if "files" in draft:
        draft["files"] = _files(draft["files"], draft.place_of("files"), found)
    finish_reaching(draft, found)
    if "mock" in draft:
        draft["mock"] = step_mock_draft(draft["mock"], draft.place_of("mock"), found)
    if "graphql" in draft:
        _graphql(draft, found)
    _check_one_body(draft, found)
    return draft


def _check_one_body(draft: Draft, found: Findings) -> None:
    # What counts as written is what the HTTP layer sends: null is a body only under `json`.
    ways = [k for k in ("body", "json", "data") if k in draft and (k == "json" or draft[k] is not None)]
    if len(ways) > 1:
        message = tr("a request has one body, but both '{one}' and '{other}' are given", one=ways[0], other=ways[1])
        found.wrong(draft.place_of(ways[1]), message, tr("keep one of them"))
    elif draft.get("files") and ways and ways != ["data"]:
        message = tr("files go along with 'data', not with '{other}'", other=ways[0])
        found.wrong(draft.place_of(ways[0]), message, tr("move the form's fields to 'data'"))


def _auth(source: Map, found: Findings) -> Draft | None:
    draft = _auth_by_type(source, found)
    if draft is None or not require(draft, "type", tr("auth needs a type"), "auth: {type: bearer, token: …}", found):
        return None
    draft["where"] = Mark(*draft.place)
    kind = draft["type"]
    if not isinstance(kind, str):
        found.wrong(draft.place_of("type"), f"type: {expected(tr('text'), kind)}", example("type: bearer"))
        return None
    if kind.lower() not in _AUTH_TYPES:
        found.wrong(draft.place_of("type"), tr("unknown auth type '{name}'", name=kind), unknown(kind, _AUTH_TYPES))
        return None
    draft["type"] = kind = _AUTH_TYPES[kind.lower()]
    _check_credentials(draft, kind, found)
    return draft


def _auth_by_type(source: Map, found: Findings) -> Draft | None:
    """``{type: basic, username: …}``, ``{basic: {username: …}}`` or ``{bearer: …}``."""
    name, inner = next(iter(source.items()), ("", None))
    nested = len(source) == 1 and (isinstance(inner, Map) or (name in _AUTH_TYPES and name not in _AUTH))
    if not nested:
        return take(source, _AUTH, "auth", found)
    place = (source.file, *source.marks[name][2:])
    if isinstance(inner, str) and _AUTH_TYPES[name] == "bearer":
        draft = Draft(place)
        draft.put("token", inner, place)
    elif (inner := as_map(inner, place, name, found)) is not None:
        draft = take(inner, _AUTH, "auth", found)
    else:
        return None
    if "type" in draft:
        found.said_twice(draft.place_of("type"), "type", name)
    draft.put("type", name, (source.file, *source.marks[name][:2]))
    return draft


def _check_credentials(draft: Draft, kind: str, found: Findings) -> None:
    needed = _AUTH_NEEDS[kind]
    missing = [name for name in needed if draft.lacks(name)]
    if missing:
        found.wrong(draft.place, tr("auth of type {kind} needs {names}", kind=kind, names=", ".join(missing)))
    for name in needed:
        if name in draft and draft[name] is None:
            found.wrong(draft.place_of(name), tr("'{key}' has no value", key=draft.key_of(name)))
            draft.discard(name)
    superfluous = draft.keys() - {*needed, "type", "where"} - ({"location"} if kind == "api_key" else set())
    for name in superfluous:
        message = tr("'{key}' has no meaning for auth of type {kind}", key=draft.key_of(name), kind=kind)
        found.wrong(draft.place_of(name), message, tr("it takes {names}", names=", ".join(needed)))
        draft.discard(name)


def _upload(draft: Draft, found: Findings) -> None:
    """``upload: {file, form_fields}`` is another spelling of files with data."""
    place = draft.place_of("upload")
    source = draft.pop("upload")
    source = as_map(source, place, "upload", found, "upload: {file: ./a.png}") if source is not None else None
    if source is None:
        return
    inner = take(source, _UPLOAD, "upload", found)
    if "files" not in inner:
        require(inner, "file", tr("upload needs a file"), "upload: {file: ./a.png}", found)
    for key, name in (("form_fields", "data"), ("files", "files"), ("file", "files")):
        if key not in inner:
            continue
        if name in draft:
            found.said_twice(inner.place_of(key), key, draft.key_of(name))
        elif key == "file":
            one = Map(source.file, source.line, source.column)
            one["file"], one.marks["file"] = inner[key], source.marks[inner.key_of(key)]
            draft.put(name, one, inner.place_of(key))
        else:
            draft.put(name, inner[key], inner.place_of(key))
            draft.respell(name, key)


def _graphql(draft: Draft, found: Findings) -> None:
    """``graphql: {query, variables, operationName}`` is a JSON body that is posted."""
    place = draft.place_of("graphql")
    written = draft.pop("graphql")
    source = as_map(written, place, "graphql", found, _GRAPHQL_FORM) if written is not None else None
    if source is None:
        return
    inner = take(source, _GRAPHQL, "graphql", found)
    require(inner, "query", tr("graphql needs a query"), _GRAPHQL_FORM, found)
    for key, kinds, what in (("query", str, tr("text")), ("operationName", str, tr("text")),
                             ("variables", dict, tr("a mapping"))):  # fmt: skip
        value = inner.get(key)
        template = isinstance(value, str) and "${" in value
        if value is not None and not template and not isinstance(value, kinds):
            found.wrong(inner.place_of(key), f"{inner.key_of(key)}: {expected(what, value)}")
    method = draft.get("method", "POST")
    if isinstance(method, str) and "{" not in method and method.upper() != "POST":
        message = tr("graphql is sent with POST, not with {method}", method=method)
        found.wrong(draft.place_of("method"), message, tr("leave 'method' out"))
    draft.put("method", "POST" if isinstance(method, str) and "{" not in method else method, draft.place_of("method"))
    for other in ("json", "data", "body", "files"):
        if draft.get(other):
            message = tr("a request has one body, but both '{one}' and '{other}' are given", one="graphql", other=other)
            found.wrong(draft.place_of(other), message, tr("keep one of them"))
            draft.discard(other)
    body = Map(source.file, source.line, source.column)
    for key, value in inner.items():
        if value is not None:
            body[key], body.marks[key] = value, source.marks[inner.key_of(key)]
    draft.put("json", body, place)


def _files(value: Any, place: Place, found: Findings) -> list[Draft]:
    if value is None:
        return []
    source = as_map(value, place, "files", found, "files: {avatar: ./me.png}")
    drafts: list[Draft] = []
    for name, entry in source.items() if source is not None else ():
        at = (source.file, *source.marks[name][2:])  # type: ignore[union-attr]  # without a source there is no loop
        several = isinstance(entry, list)
        items = zip(entry, [(entry.file, *mark) for mark in entry.marks], strict=True) if several else [(entry, at)]
        for item, here in items:
            draft = _file(item, here, found)
            if draft is not None:
                draft.put("field", name, at)
                drafts.append(draft)
    return drafts


def _file(value: Any, place: Place, found: Findings) -> Draft | None:
    if isinstance(value, str):
        draft = Draft(place)
        draft.put("path", value, place)
        return draft
    if not isinstance(value, Map):
        found.wrong(place, tr("a file must be a path or a mapping, got {kind}", kind=kind_of(value)))
        return None
    draft = take(value, _FILE, tr("a file"), found)
    return draft if require(draft, "path", tr("a file needs a path"), "{path: ./me.png}", found) else None
