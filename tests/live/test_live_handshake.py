from __future__ import annotations

import pytest

from sisyphus.live.handshake import refusal, speaks_subprotocol, wants_websocket
from sisyphus.live.head import Head

GOOD = {
    "host": "localhost:8765",
    "connection": "keep-alive, Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def request(
    *, method: str = "GET", target: str = "/", http_version: str = "1.1", without: str = "", **headers: str
) -> Head:
    given = GOOD | {name.replace("_", "-"): value for name, value in headers.items()}
    return Head(
        method=method,
        target=target,
        http_version=http_version,
        headers=tuple((name, value) for name, value in given.items() if name != without),
        received=b"",
    )


@pytest.mark.parametrize(
    ("offered", "spoken"),
    [
        ("sisyphus.v1", True),
        ("graphql-ws, sisyphus.v1", True),
        ("sisyphus.v2", False),
        ("Sisyphus.v1", False),
        ("", False),
    ],
)
def test_the_subprotocol_is_spoken_with_who_offers_it(offered: str, spoken: bool) -> None:
    assert speaks_subprotocol(request(sec_websocket_protocol=offered)) is spoken


@pytest.mark.parametrize("target", ["/", "/?after=17"])
def test_a_proper_request_is_not_refused(target: str) -> None:
    assert refusal(request(target=target)) is None


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (request(), True),
        (request(upgrade="WebSocket"), True),
        (request(without="connection"), True),
        (request(without="upgrade"), False),
        (request(upgrade="h2c"), False),
    ],
)
def test_a_websocket_is_wanted_by_who_asks_for_one_rightly_or_not(asked: Head, wanted: bool) -> None:
    assert wants_websocket(asked) is wanted


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        (request(method="POST"), 400, "GET"),
        (request(http_version="1.0"), 400, "HTTP/1.1"),
        (request(target="/elsewhere"), 404, "/elsewhere"),
        (request(without="sec-websocket-version"), 426, "Sec-WebSocket-Version: 13"),
        (request(sec_websocket_version="8"), 426, "Sec-WebSocket-Version: 13"),
        (request(without="connection"), 400, "Connection: Upgrade"),
        (request(connection="close"), 400, "Connection: Upgrade"),
        (request(upgrade="h2c, websocket"), 400, "Upgrade: websocket"),
        (request(without="sec-websocket-key"), 400, "Sec-WebSocket-Key"),
        (request(sec_websocket_key=""), 400, "Sec-WebSocket-Key"),
        (request(sec_websocket_key="dGhlIHNhbXBsZQ=="), 400, "Sec-WebSocket-Key"),
        (request(sec_websocket_key="no base64 at all"), 400, "Sec-WebSocket-Key"),
        (request(content_length="3"), 400, "no body"),
        (request(transfer_encoding="chunked"), 400, "no body"),
        (request(sec_websocket_protocol="sisyphus.token.x"), 400, "sisyphus.v1"),
        (request(sec_websocket_protocol="ÿ"), 400, "not allowed"),
        (request(sec_websocket_extensions="ÿ"), 400, "not allowed"),
        (request(connection="Upgrade, ÿ"), 400, "not allowed"),
        (request(host="ÿ"), 400, "not allowed"),
    ],
)
def test_a_wrong_request_is_refused_and_told_why(asked: Head, status: int, said: str) -> None:
    refused = refusal(asked)
    assert refused is not None
    assert refused.status == status
    assert said in refused.content.decode()


def test_who_speaks_another_version_is_told_which_is_spoken_here() -> None:
    refused = refusal(request(sec_websocket_version="8"))
    assert refused is not None
    assert ("Sec-WebSocket-Version", "13") in refused.headers
