"""What a mock server answers to a request, decided without any network."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from attrs import define, field, frozen

from sisyphus.case.model import ABSENT, MockResponse, MockServer, Route
from sisyphus.errors import FieldError, StepError
from sisyphus.values.functions import build_functions
from sisyphus.values.template import render
from sisyphus.words import tr

_ANY: Final = frozenset({"ANY", "ALL", "*"})
_PARAMETER: Final = re.compile(r"\{([A-Za-z_]\w*)\}")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 section 5.6.2
_OURS: Final = frozenset({"content-length", "transfer-encoding"})  # what frames the answer must be true to be sent
_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"

# RFC 9110 section 8.6: a length makes no sense where there cannot be a body.
_WITHOUT_BODY: Final = frozenset({204, 304})


@frozen(kw_only=True)
class Asked:
    """A request as the mock server got it; `headers` finds names in any case."""

    method: str
    path: str
    query: Mapping[str, str | list[str]] = field(factory=dict)
    headers: Mapping[str, str] = field(factory=dict)
    body: str = ""

    def view(self) -> dict[str, Any]:
        """The request as templates see it; `json` is null if the body is not JSON."""
        try:
            value = json.loads(self.body) if self.body else None
        except (ValueError, RecursionError):
            value = None
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": self.headers,
            "body": self.body,
            "json": value,
        }


@frozen(kw_only=True)
class Reply:
    """What is sent back, after `delay` seconds."""

    status_code: int
    headers: Sequence[tuple[bytes, bytes]]
    content: bytes = b""
    delay: float = 0.0


class Routes:
    """The routes of one mock server, and how often each of them has answered.

    A literal path wins over one with `{parameters}`, whichever stands first: `/users/me` is not the user "me". Among
    alike paths the first one in the file wins.
    """

    def __init__(self, server: MockServer) -> None:
        self._entries: Final = sorted((_Entry.of(route) for route in server.routes), key=lambda entry: len(entry.names))
        self._listed: Final = [f"{route.method.upper()} {route.path}" for route in server.routes]
        self._default: Final = server.default_response

    def answer(self, asked: Asked) -> Reply:
        """Decides what is answered; a route with several responses moves on to its next one.

        A template in a response that cannot be rendered is answered with status 500 and the reason: who tests with
        this mock looks at answers.
        """
        found = [(entry, match) for entry in self._entries if (match := entry.pattern.fullmatch(asked.path))]
        for entry, match in found:
            if entry.takes(asked.method):
                return _reply(entry.next_response(), entry.label, asked, match.groupdict())
        if found:
            return self._other_method(asked, [entry for entry, _ in found])
        if self._default is not None:
            return _reply(self._default, "default_response", asked, {})
        return self._no_route(asked)

    def _other_method(self, asked: Asked, entries: Iterable[_Entry]) -> Reply:
        methods = sorted({method for entry in entries for method in entry.methods})
        told = tr("the mock server has no {method} for {path}", method=asked.method, path=asked.path)
        content = {"error": told, "method": asked.method, "path": asked.path, "allowed": methods}
        return _problem(405, content, ("Allow", ", ".join(methods)))

    def _no_route(self, asked: Asked) -> Reply:
        told = tr("the mock server has no route for {method} {path}", method=asked.method, path=asked.path)
        return _problem(404, {"error": told, "method": asked.method, "path": asked.path, "routes": self._listed})


@define(kw_only=True)
class _Entry:
    """A route ready to be matched, and where it is in the turn of its responses."""

    pattern: re.Pattern[str]
    names: list[str]
    methods: frozenset[str]
    label: str
    responses: Sequence[MockResponse]
    given: int = 0

    @classmethod
    def of(cls, route: Route) -> _Entry:
        path = route.path if route.path.startswith("/") else f"/{route.path}"
        pieces = _PARAMETER.split(path)  # text, name, text, name, …, text
        pattern = "".join(
            re.escape(piece) if index % 2 == 0 else f"(?P<{piece}>[^/]+)" for index, piece in enumerate(pieces)
        )
        method = route.method.upper()
        return cls(
            pattern=re.compile(pattern),
            names=pieces[1::2],
            methods=frozenset({"GET", "HEAD"} if method == "GET" else {method}),
            label=route.name or f"{method} {route.path}",
            responses=route.responses,
        )

    def takes(self, method: str) -> bool:
        return method in self.methods or not self.methods.isdisjoint(_ANY)

    def next_response(self) -> MockResponse:
        response = self.responses[min(self.given, len(self.responses) - 1)]
        self.given += 1
        return response


@cache
def _functions() -> dict[str, Callable[..., Any]]:
    return build_functions()


def _reply(response: MockResponse, label: str, asked: Asked, path_params: Mapping[str, str]) -> Reply:
    names = {**_functions(), "request": asked.view(), "path_params": path_params}
    try:
        headers = render(dict(response.headers), names)
        body = render(response.body, names)
        _check(response.status_code, headers)
    except StepError as exc:
        told = tr("the mock route '{route}' cannot answer: {reason}", route=label, reason=exc)
        return _problem(500, {"error": told}, ("X-Mock-Route", label))
    content, content_type = _encoded(body)
    return Reply(
        status_code=response.status_code,
        headers=_wire_headers(headers, label, content_type, content, response.status_code),
        content=content,
        delay=response.delay,
    )


def _check(status_code: int, headers: Mapping[Any, Any]) -> None:
    if not 200 <= status_code <= 999:
        raise FieldError(tr("{status_code} is no status that can end an answer", status_code=status_code))
    for name in headers:
        if not _TOKEN.fullmatch(str(name)):
            raise FieldError(tr("'{name}' cannot be the name of a header", name=name))


def _encoded(body: Any) -> tuple[bytes, str | None]:
    if body is ABSENT:
        return b"", None
    if isinstance(body, str):
        return body.encode("utf-8", "replace"), _TEXT
    return _dumps(body), _JSON


def _dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_plain).encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _wire_headers(
    headers: Mapping[str, Any], label: str, content_type: str | None, content: bytes, status_code: int
) -> list[tuple[bytes, bytes]]:
    pairs = [
        (str(name), one)
        for name, value in headers.items()
        for one in (value if isinstance(value, list) else [value])
        if one is not None and str(name).lower() not in _OURS
    ]
    given = {name.lower() for name, _ in pairs}
    if content_type is not None and "content-type" not in given:
        pairs.append(("Content-Type", content_type))
    if status_code not in _WITHOUT_BODY:
        pairs.append(("Content-Length", str(len(content))))
    pairs.append(("X-Mock-Route", label))
    return [(name.encode("utf-8", "replace"), _header_value(value)) for name, value in pairs]


def _header_value(value: Any) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain)
    return " ".join(text.split()).encode("utf-8", "replace")


def _problem(status_code: int, content: Mapping[str, Any], *headers: tuple[str, str]) -> Reply:
    body = _dumps(content)
    pairs = [("Content-Type", _JSON), ("Content-Length", str(len(body))), *headers]
    return Reply(
        status_code=status_code,
        headers=[(name.encode("ascii"), _header_value(value)) for name, value in pairs],
        content=body,
    )
