"""What a canned answer comes to for one request: its status, its headers and its bytes, or that none comes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import evolve, field, frozen

from sisyphus.case.model import ABSENT
from sisyphus.errors import FieldError
from sisyphus.values.template import render
from sisyphus.words import tr

if TYPE_CHECKING:
    import random

    from sisyphus.case.model import MockFailure, MockResponse

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 section 5.6.2
_OURS: Final = frozenset({"content-length", "transfer-encoding"})  # what frames the answer must be true to be sent
_STATUSES: Final = range(200, 1000)  # those that can end an answer
_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"
_NEVER_JSON: Final = '{"malformed": '

# RFC 9110 section 8.6: a length makes no sense where there cannot be a body.
_WITHOUT_BODY: Final = frozenset({204, 304})

Ending = Literal["answer", "never", "close"]


@frozen(kw_only=True)
class Reply:
    """What is sent back, after `delay` seconds.

    Attributes:
        headers: names and values; those that frame the body are added by `wire_headers`.
        content: the body; empty as long as it has to be read from `file`, see `filled`.
        file: the path of a file as the case writes it.
        ending: whether there is an answer, or the other side waits in vain, or finds the connection closed.
        route: what the answer is called after: the route, or what else gave it.
    """

    status_code: int
    headers: Sequence[tuple[str, str]] = ()
    content: bytes = b""
    file: str | None = None
    delay: float = 0.0
    ending: Ending = "answer"
    malformed: bool = False
    route: str | None = None
    path_params: Mapping[str, str] = field(factory=dict)

    def filled(self, content: bytes, name: str) -> Reply:
        """The same reply with the content of its file, whose type is that of its name unless a header says it."""
        headers = self.headers
        if not any(given.lower() == "content-type" for given, _ in headers):
            headers = [*headers, ("Content-Type", _type_of(name))]
        if self.malformed:
            content = broken_json(content)
        return evolve(self, content=content, headers=headers, file=None)

    def wire_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers as they go over the wire, with the true length of the content."""
        pairs = list(self.headers)
        if self.status_code not in _WITHOUT_BODY:
            pairs.append(("Content-Length", str(len(self.content))))
        if self.route is not None:
            pairs.append(("X-Mock-Route", _one_line(self.route)))
        return [(name.encode("utf-8", "replace"), value.encode("utf-8", "replace")) for name, value in pairs]


def reply_of(response: MockResponse, names: Mapping[str, Any], lot: random.Random) -> Reply:
    """What a canned answer comes to.

    Args:
        response: what the case file says.
        names: what its templates can name.
        lot: decides whether it fails, and how long it takes.

    Raises:
        StepError: a template in it cannot be rendered, or gives what cannot be sent.
    """
    failure = response.failure
    # Drawn whether it matters or not, so that what one answer comes to does not depend on how others are written.
    draw, wait = lot.random(), lot.random()
    if failure is not None and draw >= failure.probability:
        failure = None
    delay = response.delay
    if response.max_delay is not None:
        delay += (response.max_delay - delay) * wait
    if failure is not None and failure.failure_type in _ENDINGS:
        return Reply(status_code=0, delay=delay, ending=_ENDINGS[failure.failure_type])
    if failure is not None and failure.failure_type == "http_error":
        return _http_error(failure, names, delay)
    return _gone_wrong(_rendered(response, names, delay), failure)


def problem(status_code: int, content: Mapping[str, Any], *headers: tuple[str, str], route: str | None = None) -> Reply:
    """A reply that tells what is wrong with the mock, or with what it was asked."""
    pairs = [("Content-Type", _JSON), *((name, _one_line(value)) for name, value in headers)]
    return Reply(status_code=status_code, headers=pairs, content=dumps(content), route=route)


def _type_of(name: str) -> str:
    import mimetypes

    # Not the machine's own table: what a test sees must not depend on where it runs.
    content_type, encoding = mimetypes.MimeTypes().guess_type(name)
    if content_type is None or encoding is not None:
        return "application/octet-stream"
    return content_type + "; charset=utf-8" * content_type.startswith("text/")


def broken_json(content: bytes) -> bytes:
    """The beginning of a JSON text, or of something like it, that is no JSON."""
    text = content.decode("utf-8", "replace")
    cut = text[: max(len(text) // 2, 1)]
    try:
        json.loads(cut)
    except (ValueError, RecursionError):
        return cut.encode("utf-8", "replace") if cut else _NEVER_JSON.encode()
    return (_NEVER_JSON + cut).encode("utf-8", "replace")


def dumps(value: Any) -> bytes:
    """A value as JSON, in UTF-8.

    Raises:
        FieldError: it is nested deeper than can be written.
    """
    return _json_text(value).encode("utf-8", "replace")


_ENDINGS: Final[dict[str, Ending]] = {"timeout": "never", "connection_error": "close"}


def _http_error(failure: MockFailure, names: Mapping[str, Any], delay: float) -> Reply:
    status = _status(failure.status_code, names)
    told = tr("the mock server fails on purpose, with status {status}", status=status)
    return evolve(problem(status, {"error": told}), delay=delay)


def _gone_wrong(reply: Reply, failure: MockFailure | None) -> Reply:
    if failure is None:
        return reply
    if failure.failure_type == "large_delay":
        return evolve(reply, delay=failure.delay)
    if failure.failure_type == "empty_response":
        return evolve(reply, content=b"", file=None)
    # Claims to be JSON, and is none, whatever the answer was.
    headers = [(name, value) for name, value in reply.headers if name.lower() != "content-type"]
    content = reply.content if reply.file is not None else broken_json(reply.content)
    return evolve(reply, headers=[*headers, ("Content-Type", _JSON)], content=content, malformed=True)


def _rendered(response: MockResponse, names: Mapping[str, Any], delay: float) -> Reply:
    status = _status(response.status_code, names)
    headers = render(dict(response.headers), names)
    for name in headers:
        if not _TOKEN.fullmatch(str(name)):
            raise FieldError(tr("'{name}' cannot be the name of a header", name=name))
    if response.file is not None:
        file = str(render(response.file, names))
        return Reply(status_code=status, headers=_pairs(headers, None), file=file, delay=delay)
    content, content_type = _encoded(render(response.body, names))
    return Reply(status_code=status, headers=_pairs(headers, content_type), content=content, delay=delay)


def _status(written: Any, names: Mapping[str, Any]) -> int:
    value = render(written, names)
    try:
        status = int(value)
    except (TypeError, ValueError, OverflowError):
        raise FieldError(tr("a status is a whole number, got {value!r}", value=value)) from None
    if status not in _STATUSES:
        raise FieldError(tr("{status} is no status that can end an answer", status=status))
    return status


def _encoded(body: Any) -> tuple[bytes, str | None]:
    if body is ABSENT:
        return b"", None
    if isinstance(body, str):
        return body.encode("utf-8", "replace"), _TEXT
    return dumps(body), _JSON


def _json_text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain)
    except RecursionError:
        raise FieldError(tr("a value is nested too deeply to be sent")) from None


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _pairs(headers: Mapping[str, Any], content_type: str | None) -> list[tuple[str, str]]:
    """Headers one by one: those with a list of values repeat, those with null are left out."""
    pairs = [
        (str(name), _header_value(one))
        for name, value in headers.items()
        for one in (value if isinstance(value, list) else [value])
        if one is not None and str(name).lower() not in _OURS
    ]
    if content_type is not None and not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("Content-Type", content_type))
    return pairs


def _header_value(value: Any) -> str:
    return _one_line(value if isinstance(value, str) else _json_text(value))


def _one_line(text: str) -> str:
    # HTTP has no null characters in headers, and what a client sends may be echoed there.
    return " ".join(text.replace("\0", " ").split())
