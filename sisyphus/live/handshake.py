"""Which requests become a WebSocket."""

from __future__ import annotations

from base64 import b64decode
from http import HTTPStatus
from typing import TYPE_CHECKING

from sisyphus.live import token
from sisyphus.live.answer import Answer, sentence
from sisyphus.live.control import PROTOCOL
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.live.head import Head

# wsproto decodes these as ASCII, and what is none would end its reader with an error instead of an answer.
_ASCII_HEADERS = ("connection", "sec-websocket-extensions", "sec-websocket-protocol")


def wants_websocket(head: Head) -> bool:
    """Whether a request asks for a WebSocket, rightly or not."""
    return "websocket" in head.tokens("upgrade")


def speaks_subprotocol(head: Head) -> bool:
    """Whether the client offers to understand control messages."""
    return PROTOCOL in head.offers("sec-websocket-protocol")


def refusal(head: Head) -> Answer | None:
    """Why a request for a WebSocket is refused (RFC 6455, 4.2.1), None if it is not.

    trio-websocket refuses too, but without a sentence, and it leaves whoever waits for the request waiting.
    """
    if head.path != "/":
        return _bad(
            tr("There is no WebSocket at {path}; the run's events are at /.", path=head.path[:200]),
            HTTPStatus.NOT_FOUND,
        )
    if head.method != "GET" or head.http_version != "1.1":
        return _bad(tr("A WebSocket begins with GET and HTTP/1.1."))
    if head.has_body:
        return _bad(tr("A request has no body here."))
    if head.values("sec-websocket-version") != ("13",):
        return sentence(
            HTTPStatus.UPGRADE_REQUIRED,
            tr("This server speaks version 13 of WebSocket: send Sec-WebSocket-Version: 13."),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
        )
    if head.values("upgrade")[-1].lower() != "websocket" or "upgrade" not in head.tokens("connection"):
        return _bad(tr("A WebSocket begins with the headers Upgrade: websocket and Connection: Upgrade."))
    if not _has_key(head):
        return _bad(tr("The header Sec-WebSocket-Key has to hold 16 bytes in base64."))
    if not _decodable(head):
        return _bad(tr("A header of this request holds characters that are not allowed there."))
    if _brings_token_alone(head):
        return _bad(tr("Who brings the token as a subprotocol has to offer sisyphus.v1 beside it."))
    return None


def _has_key(head: Head) -> bool:
    try:
        return [len(b64decode(key, validate=True)) for key in head.values("sec-websocket-key")] == [16]
    except ValueError:
        return False


def _decodable(head: Head) -> bool:
    try:
        for host in head.values("host"):
            host.encode("latin-1").decode("idna")
    except UnicodeError:
        return False
    return all(value.isascii() for name in _ASCII_HEADERS for value in head.values(name))


def _brings_token_alone(head: Head) -> bool:
    """A browser gives the connection up if none of its offers is taken, and the token is not for sending back."""
    offers = head.offers("sec-websocket-protocol")
    return PROTOCOL not in offers and any(offer.startswith(token.SUBPROTOCOL) for offer in offers)


def _bad(text: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Answer:
    return sentence(status, text)
