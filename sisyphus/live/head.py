"""The head of an HTTP request, read with limits and kept as it came."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import h11
from attrs import frozen

from sisyphus.words import tr

if TYPE_CHECKING:
    import trio

# Browsers send some hundred bytes, and cookies of other services on localhost are the only thing that makes it more.
MAX_HEAD_BYTES: Final = 16 * 1024

# What a request is about fits into a fraction of this; each more costs time to read.
MAX_HEADERS: Final = 100

# Whoever needs longer for a head is holding a place, not asking for something.
HEAD_SECONDS: Final = 10.0

_RECEIVE_BYTES: Final = 4096


class BadHead(Exception):
    """What came is not the head of a request that this server reads; the text says why."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status: Final = status


@frozen(kw_only=True)
class Head:
    """Method, target and headers (names in lower case); `received` is all that was read for it, to be read again."""

    method: str
    target: str
    http_version: str
    headers: tuple[tuple[str, str], ...]
    received: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def has_body(self) -> bool:
        """Whether a body follows. None is ever read here: where one ends is what two programs may see differently."""
        return bool(self.values("transfer-encoding")) or any(value != "0" for value in self.values("content-length"))

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a header, in their order."""
        return tuple(value for known, value in self.headers if known == name)

    def tokens(self, name: str) -> frozenset[str]:
        """The words of a header that is a list of them, in lower case."""
        return frozenset(offer.lower() for offer in self.offers(name))

    def offers(self, name: str) -> tuple[str, ...]:
        """The words of a header that is a list of them, as they are written and in their order."""
        return tuple(word.strip() for value in self.values(name) for word in value.split(","))


class HeadParser:
    """Bytes in, a head out; no I/O."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)

    def feed(self, data: bytes | bytearray) -> Head | None:
        """Returns the head once it is complete.

        Raises:
            BadHead: it is malformed, or longer than `MAX_HEAD_BYTES`.
        """
        self._received += data
        try:
            self._http.receive_data(bytes(data))
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            status = HTTPStatus(error.error_status_hint)
            raise BadHead(status, tr("This is not an HTTP request: {reason}.", reason=error)) from error
        if not isinstance(event, h11.Request):
            return None
        if len(event.headers) > MAX_HEADERS:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise BadHead(status, tr("A request has at most {count} headers here.", count=MAX_HEADERS))
        return Head(
            method=event.method.decode("ascii"),
            target=event.target.decode("ascii"),
            http_version=event.http_version.decode("ascii"),
            headers=tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers),
            received=bytes(self._received),
        )


async def read_head(stream: trio.abc.ReceiveStream) -> Head | None:
    """Reads the head of a request; None if the other side leaves before it is complete.

    Raises:
        BadHead: what came is not a head.
        trio.BrokenResourceError: the connection broke.
    """
    parser = HeadParser()
    while data := await stream.receive_some(_RECEIVE_BYTES):
        if head := parser.feed(data):
            return head
    return None
