"""What a plain HTTP request is answered, as bytes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from sisyphus.wire import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable

Headers = tuple[tuple[str, str], ...]

TEXT: Final = "text/plain; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
JSON: Final = "application/json; charset=utf-8"

# Nothing here is for another site's page, to be shown in a frame, to be taken for another type, or to be kept; and the
# address, which may hold the token, is for nobody else. Whoever serves a page replaces the policy by the page's own.
PROTECTION: Final[Headers] = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)


@frozen(kw_only=True)
class Answer:
    """A whole response; the connection ends with it.

    Attributes:
        status: what it is called.
        content: the body.
        content_type: what the body is.
        headers: more, or others instead of those of `PROTECTION`.
    """

    status: HTTPStatus
    content: bytes = b""
    content_type: str = TEXT
    headers: Headers = ()

    def encode(self, *, body: bool = True, headers: Headers = ()) -> bytes:
        """The response as bytes, for a HEAD request without its body."""
        length = () if self.status == HTTPStatus.NO_CONTENT else (("Content-Length", str(len(self.content))),)
        head = opening(self.status, self.content_type, (*length, *self.headers, *headers))
        return head + (self.content if body else b"")


def sentence(status: HTTPStatus, text: str, *headers: tuple[str, str]) -> Answer:
    """A response that says one thing to a person."""
    return Answer(status=status, content=f"{text}\n".encode(), headers=headers)


def document(value: Any) -> Answer:
    """A response that says something to a program."""
    return Answer(status=HTTPStatus.OK, content=f"{dumps(value, indent=2)}\n".encode(), content_type=JSON)


def opening(status: HTTPStatus, content_type: str, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """The head of a response."""
    given = tuple(headers)
    replaced = {name for name, _ in given}
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {content_type}",
        *(f"{name}: {value}" for name, value in given),
        *(f"{name}: {value}" for name, value in PROTECTION if name not in replaced),
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace")
