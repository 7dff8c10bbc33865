"""The spellings of what a request sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sisyphus.case.draft import Draft, Findings, Place, as_map, ignored, kind_of, pending, spellings, take
from sisyphus.errors import Mark, nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.yaml import Map

REQUEST: Final = (
    spellings(
        "method", "url", "params", "headers", "cookies", "body", "json", "data", "files", "upload", "auth",
        "verify_ssl", "follow_redirects", "stream_limit",
        allow_redirects="follow_redirects", query="params", verify="verify_ssl",
    )
    | pending("cert", "proxy", "http2", "graphql")
    | ignored("stream")
)  # fmt: skip

_AUTH: Final = spellings(
    "type", "username", "password", "token", "key", "value", "location",
    user="username", name="key", api_key="value", header_name="key",
    **{"in": "location", "header": "key", "key_name": "key"},
)  # fmt: skip
_AUTH_TYPES: Final = {
    "basic": "basic", "bearer": "bearer", "bearer_token": "bearer", "token": "bearer", "api_key": "api_key",
    "apikey": "api_key", "api-key": "api_key",
}  # fmt: skip
_AUTH_NEEDS: Final = {"basic": ("username", "password"), "bearer": ("token",), "api_key": ("key", "value")}
_FILE: Final = spellings("path", "filename", "content_type", file="path", mime_type="content_type", name="filename")
_UPLOAD: Final = spellings("file", "files", "form_fields", fields="form_fields", data="form_fields")


def finish_request(draft: Draft, found: Findings) -> Draft:
    """Completes a request whose keys are the model's already."""
    draft["where"] = Mark(*draft.place)
    if "url" not in draft:
        found.wrong(draft.place, tr("a request needs a url"), tr("write for example {example}", example="url: /users"))
    if "auth" in draft and isinstance(draft["auth"], dict):
        draft["auth"] = _auth(draft["auth"], found)  # type: ignore[arg-type]
    if "upload" in draft:
        _upload(draft, found)
    if "files" in draft:
        place = draft.marks["files"]
        draft["files"] = _files(draft["files"], place, found)
    return draft


def _auth(source: Map, found: Findings) -> Draft | None:
    if len(source) == 1 and isinstance(next(iter(source.values())), dict):
        name, inner = next(iter(source.items()))  # auth: {basic: {username: …}}
        line, column = source.marks[name][:2]
        draft = take(inner, _AUTH, "auth", found)
        draft.put("type", name, (source.file, line, column))
    else:
        draft = take(source, _AUTH, "auth", found)
    draft["where"] = Mark(*draft.place)
    kind = draft.get("type")
    if isinstance(kind, str) and kind.lower() == "digest":
        found.wrong(draft.marks["type"], tr("'{key}' is not supported yet by this version", key="digest"))
        return None
    if not isinstance(kind, str) or kind.lower() not in _AUTH_TYPES:
        near = nearest(str(kind), _AUTH_TYPES)
        hint = tr("did you mean '{near}'?", near=near) if near else "basic, bearer, api_key"
        found.wrong(draft.marks.get("type", draft.place), tr("unknown auth type '{name}'", name=kind), hint)
        return None
    draft["type"] = kind = _AUTH_TYPES[kind.lower()]
    missing = [name for name in _AUTH_NEEDS[kind] if name not in draft]
    if missing:
        found.wrong(draft.place, tr("auth of type {kind} needs {names}", kind=kind, names=", ".join(missing)))
    return draft


def _upload(draft: Draft, found: Findings) -> None:
    """``upload: {file, form_fields}`` is another spelling of files with data."""
    place = draft.marks.pop("upload")
    source = as_map(draft.pop("upload"), place, "upload", found)
    if source is None:
        return
    inner = take(source, _UPLOAD, "upload", found)
    if "form_fields" in inner:
        draft.put("data", inner["form_fields"], inner.marks["form_fields"])
    for key in ("file", "files"):
        if key in inner:
            value = inner[key]
            draft.put("files", value if key == "files" else _one_file(value, inner.marks[key]), inner.marks[key])


def _one_file(value: Any, place: Place) -> Draft:
    whole = Draft(place)
    whole.put("file", value, place)
    return whole


def _files(value: Any, place: Place, found: Findings) -> list[Draft]:
    if not isinstance(value, dict):
        found.wrong(
            place,
            tr("files must be a mapping from form field to file, got {kind}", kind=kind_of(value)),
            tr("write for example {example}", example="files: {avatar: ./me.png}"),
        )
        return []
    drafts: list[Draft] = []
    for name, entry in value.items():
        at = _place_in(value, name, place)
        for item in entry if isinstance(entry, list) else [entry]:
            if isinstance(item, str):
                draft = Draft(at)
                draft.put("path", item, at)
            elif isinstance(item, dict):
                draft = take(item, _FILE, tr("a file"), found)  # type: ignore[arg-type]
            else:
                found.wrong(at, tr("a file must be a path or a mapping, got {kind}", kind=kind_of(item)))
                continue
            if "path" not in draft:
                found.wrong(at, tr("a file needs a path"))
                continue
            draft.put("field", name, at)
            drafts.append(draft)
    return drafts


def _place_in(source: Any, key: str, otherwise: Place) -> Place:
    if isinstance(source, Draft):
        return source.marks[key]
    marks = getattr(source, "marks", None)
    return (source.file, *marks[key][2:]) if marks else otherwise
