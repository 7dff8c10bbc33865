"""What a watcher asks for, and where."""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import unquote, urlencode, urlsplit

from attrs import field, frozen

DEFAULT_URL: Final = "ws://localhost:8765/"
TOKEN: Final = "token"  # noqa: S105 - the name of a parameter


@frozen(kw_only=True)
class Wanted:
    """What a watcher asks for; see ``docs/live-protocol.md`` for the parameters."""

    url: str
    start: Literal["start", "live"] = "start"
    after: int | None = None
    types: tuple[str, ...] = ()
    case: str | None = None
    token: str | None = field(default=None, repr=False)

    def resource(self, after: int | None) -> str:
        """Path and query of the request; `after` is the last event that is known."""
        parts = urlsplit(self.url)
        query: dict[str, str] = {"from": self.start} if after is None and self.start != "start" else {}
        if after is not None:
            query["after"] = str(after)
        if self.types:
            query["types"] = ",".join(self.types)
        if self.case is not None:
            query["case"] = self.case
        more = "&".join(part for part in (parts.query, urlencode(query)) if part)
        return (parts.path or "/") + (f"?{more}" if more else "")


def apart(url: str) -> tuple[str, str | None]:
    """An address without the token that may stand in it, and that token: addresses stand in messages and logs."""
    if TOKEN not in url:
        return url, None
    begin, mark, query = url.partition("?")
    parts = [part.partition("=") for part in query.split("&")]
    tokens = [unquote(value) for name, _, value in parts if name == TOKEN]
    left = "&".join("".join(part) for part in parts if part[0] != TOKEN)
    return f"{begin}{mark}{left}" if left else begin, tokens[-1] if tokens else None


def is_address(url: str) -> bool:
    """Whether a run could be there."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, half of an address in brackets
        return False
