"""An answer as validations, extractors and templates see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from sisyphus.comparable import Comparable
from sisyphus.http.headers import Headers
from sisyphus.http.timings import PHASES

_MS: Final = 1000.0


@frozen(kw_only=True, eq=False, repr=False)
class Sent(Comparable):
    """What a step sent, before redirects led it anywhere else.

    Attributes:
        body: as the step gave it: the JSON value, the form's map, the text.
    """

    method: str
    url: str
    headers: Headers
    body: Any = None

    def view(self) -> dict[str, Any]:
        """What was sent as plain values."""
        return {"method": self.method, "url": self.url, "headers": self.headers, "body": self.body}


@frozen(kw_only=True, eq=False, repr=False)
class Hop(Comparable):
    """An answer that redirected."""

    status_code: int
    url: str
    headers: Headers


@frozen(kw_only=True, eq=False, repr=False)
class Response(Comparable):
    """A whole answer.

    Attributes:
        cookies: every cookie that was set on the way, by name; also those that the session does not accept.
        body: JSON if it is JSON, else text; bytes as base64, with `body_note` saying so.
        text: the body as text.
        url: where the answer came from in the end.
        elapsed: seconds from the first attempt to connect to the last byte, redirects included.
        size: bytes of the body as far as it came, its content encoding undone.
        phases: seconds per phase; None for what did not take place.
        truncated: the body was longer than what should be kept of it.
        mocked: no server gave it.
        warnings: where the answer is not what it says it is.
    """

    status_code: int
    reason: str
    headers: Headers
    cookies: Mapping[str, str]
    body: Any
    text: str
    url: str
    elapsed: float
    size: int
    http_version: str
    request: Sent
    history: tuple[Hop, ...] = ()
    phases: Mapping[str, float | None] = field(factory=lambda: dict.fromkeys(PHASES))
    truncated: bool = False
    body_note: str | None = None
    mocked: bool = False
    warnings: tuple[str, ...] = ()

    def view(self) -> dict[str, Any]:
        """The answer as plain values, by the names of the case format; times in `timings` are in milliseconds."""
        return {
            "status_code": self.status_code,
            "reason": self.reason,
            "headers": self.headers,
            "cookies": dict(self.cookies),
            "body": self.body,
            "text": self.text,
            "url": self.url,
            "elapsed": self.elapsed,
            "response_time": self.elapsed * _MS,
            "size": self.size,
            "http_version": self.http_version,
            "history": [
                {"status_code": hop.status_code, "url": hop.url, "headers": hop.headers} for hop in self.history
            ],
            "request": self.request.view(),
            "timings": self.timings(),
            "truncated": self.truncated,
            "body_note": self.body_note,
            "warnings": list(self.warnings),
            **({"mocked": True} if self.mocked else {}),
        }

    def timings(self) -> dict[str, float | None]:
        """Milliseconds per phase, to the microsecond, and their `total`."""
        spent = {name: None if (took := self.phases.get(name)) is None else round(took * _MS, 3) for name in PHASES}
        return {**spent, "total": round(self.elapsed * _MS, 3)}
