"""Who may watch: what browsers send for pages of every kind, and what attackers make of it."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisyphus.live.access import Access, is_loopback, origin_of
from sisyphus.live.head import Head

LOCAL = Access(host="localhost")
EVERYWHERE = Access(host="0.0.0.0", loopback=False)
WITH_CI = Access(host="0.0.0.0", loopback=False, origins=frozenset({"https://ci.example", "null"}))


def head(host: str | None = "localhost:8765", *, http_version: str = "1.1", target: str = "/", **headers: str) -> Head:
    given = [("host", host)] if host is not None else []
    given += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Head(method="GET", target=target, http_version=http_version, headers=tuple(given), received=b"")


def status(access: Access, asked: Head) -> int | None:
    refused = access.refusal(asked)
    return None if refused is None else refused.status


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8765",
        "LOCALHOST:1",
        "localhost.",
        "127.0.0.1:8765",
        "127.1.2.3",
        "[::1]:8765",
        "[0:0::1]",
    ],
)
def test_on_loopback_its_own_names_are_known(host: str) -> None:
    assert status(LOCAL, head(host)) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8765",
        "localhost.evil.example",
        "localhost:8765.evil.example",
        "127.0.0.1.nip.io",
        "evil.example@localhost",
        "localhost@evil.example",
        "localhost/evil.example",
        "localhost:",
        "localhost:x",
        "localhost:999999",
        "192.168.1.7:8765",
        "0.0.0.0:8765",
        "[::2]",
        "[localhost]",
        "::1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "localhost evil",
        "",
        " ",
        socket.gethostname() if socket.gethostname() != "localhost" else "else",
    ],
)
def test_on_loopback_any_other_name_may_be_one_that_was_given_our_address(host: str) -> None:
    assert status(LOCAL, head(host)) == 403


def test_two_names_are_none() -> None:
    asked = Head(
        method="GET", target="/", http_version="1.1", received=b"",
        headers=(("host", "localhost"), ("host", "evil.example")),
    )  # fmt: skip
    assert status(LOCAL, asked) == 403


def test_what_is_no_browser_may_say_no_name_at_all() -> None:
    assert status(LOCAL, head(None, http_version="1.0")) is None
    assert status(LOCAL, head(None)) == 403


@pytest.mark.parametrize("host", ["192.168.1.7:8765", "[fe80::1]", "10.0.0.1", "localhost:8765", socket.gethostname()])
def test_beyond_loopback_any_address_may_be_ours(host: str) -> None:
    assert status(EVERYWHERE, head(host)) is None


def test_beyond_loopback_a_name_has_to_be_known() -> None:
    assert status(EVERYWHERE, head("evil.example")) == 403
    assert status(Access(host="build.example", loopback=False), head("build.example:8765")) is None
    assert status(WITH_CI, head("ci.example:8765")) is None


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:8765", "http://localhost", "https://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:80",
        "HTTP://LOCALHOST:8765",
    ],
)  # fmt: skip
def test_pages_on_this_machine_may_watch(origin: str) -> None:
    assert status(LOCAL, head(origin=origin)) is None


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example", "https://evil.example:8765", "http://localhost.evil.example", "http://evil.example/localhost",
        "http://localhost@evil.example", "http://localhost:8765@evil.example", "http://evil.example#localhost",
        "null", "file://", "", "localhost", "//localhost", "http://", "http://localhost http://evil.example",
        "http://xn--loclhost-9za", "http://127.0.0.1.nip.io", "chrome-extension://abcdef", "http://192.168.1.7",
    ],
)  # fmt: skip
def test_pages_of_elsewhere_may_not(origin: str) -> None:
    assert status(LOCAL, head(origin=origin)) == 403


def test_a_page_of_this_server_may_watch_it_by_any_name_that_is_ours() -> None:
    assert status(EVERYWHERE, head("192.168.1.7:8765", origin="http://192.168.1.7:8765")) is None
    assert status(EVERYWHERE, head("192.168.1.7:8765", origin="https://192.168.1.7")) is None
    assert status(EVERYWHERE, head("192.168.1.7:8765", origin="http://192.168.1.8:8765")) == 403


def test_a_page_whose_name_was_given_our_address_says_its_own_name_twice_and_is_refused() -> None:
    """DNS rebinding: to the browser, this is the page's own server."""
    for access in (LOCAL, EVERYWHERE, WITH_CI):
        assert status(access, head("evil.example:8765", origin="http://evil.example:8765")) == 403


@pytest.mark.parametrize("origin", ["https://ci.example", "https://CI.example:443", "null"])
def test_pages_that_were_allowed_may_watch(origin: str) -> None:
    assert status(WITH_CI, head(origin=origin)) is None


@pytest.mark.parametrize("origin", ["http://ci.example", "https://ci.example:8443", "https://x.ci.example", "file://"])
def test_an_allowed_origin_is_this_one_and_no_other(origin: str) -> None:
    assert status(WITH_CI, head(origin=origin)) == 403


def test_two_origins_are_refused() -> None:
    asked = Head(
        method="GET", target="/", http_version="1.1", received=b"",
        headers=(("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://evil.example")),
    )  # fmt: skip
    assert status(LOCAL, asked) == 403


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors"}, None),
        ({"sec_fetch_site": "none", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, None),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, None),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}, 403),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "script"}, 403),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
    ],
)
def test_a_link_may_lead_here_but_nothing_be_embedded_elsewhere(headers: dict[str, str], refused: int | None) -> None:
    assert status(LOCAL, head(target="/events", **headers)) == refused


def test_what_is_refused_is_told_how_to_be_allowed() -> None:
    for asked, hint in ((head("evil.example"), "http://evil.example"), (head(origin="http://x.example"), "ORIGIN")):
        refused = LOCAL.refusal(asked)
        assert refused is not None
        assert f"--ws-allow-origin {hint}" in refused.content.decode()


TOKEN = "correct-horse.battery~staple"
GUARDED = Access(host="localhost", token=TOKEN)


@pytest.mark.parametrize(
    "asked",
    [
        head(authorization=f"Bearer {TOKEN}"),
        head(authorization=f"bearer  {TOKEN}"),
        head(target=f"/?token={TOKEN}"),
        head(target=f"/events?from=live&token={TOKEN}"),
        head(target="/?token=correct%2Dhorse.battery%7Estaple"),
        head(sec_websocket_protocol=f"sisyphus.v1, sisyphus.token.{TOKEN}"),
        head(sec_websocket_protocol="sisyphus.v1,sisyphus.token.correct%2Dhorse.battery~staple"),
        head(target="/?token=wrong", authorization=f"Bearer {TOKEN}"),
    ],
)
def test_who_shows_the_token_may_watch(asked: Head) -> None:
    assert status(GUARDED, asked) is None


@pytest.mark.parametrize(
    "asked",
    [
        head(),
        head(authorization="Bearer"),
        head(authorization="Bearer "),
        head(authorization="Bearer wrong"),
        head(authorization=f"Basic {TOKEN}"),
        head(authorization=TOKEN),
        head(authorization=f"Bearer {TOKEN[:-1]}"),
        head(authorization=f"Bearer {TOKEN}x"),
        head(authorization=f"Bearer {TOKEN.upper()}"),
        head(authorization=f"Bearer {TOKEN} {TOKEN}"),
        head(target="/?token="),
        head(target=f"/?token={TOKEN[:10]}"),
        head(target=f"/?Token={TOKEN}"),
        head(target=f"/?x={TOKEN}"),
        head(target=f"/{TOKEN}"),
        head(target="/?token=%00"),
        head(target="/?token=%ff%fe"),
        head(sec_websocket_protocol=f"sisyphus.v1, {TOKEN}"),
        head(sec_websocket_protocol=f"sisyphus.token.{TOKEN[1:]}"),
        head(cookie=f"token={TOKEN}"),
        head(referer=f"http://localhost/?token={TOKEN}"),
    ],
)
def test_who_does_not_is_asked_for_it(asked: Head) -> None:
    refused = GUARDED.refusal(asked)
    assert refused is not None
    assert refused.status == 401
    assert ("WWW-Authenticate", 'Bearer realm="sisyphus"') in refused.headers
    assert TOKEN not in refused.content.decode()


@given(st.text(min_size=1))
def test_no_other_token_will_do(other: str) -> None:
    from urllib.parse import quote

    right = other == TOKEN
    assert (status(GUARDED, head(target=f"/?token={quote(other, safe='')}")) is None) is right


def test_a_token_does_not_help_a_page_of_elsewhere() -> None:
    assert status(GUARDED, head(authorization=f"Bearer {TOKEN}", origin="http://evil.example")) == 403
    assert status(GUARDED, head("evil.example", authorization=f"Bearer {TOKEN}")) == 403


def test_the_token_is_not_shown_where_the_rules_are() -> None:
    assert TOKEN not in repr(GUARDED)


@pytest.mark.parametrize(
    ("host", "asked", "reader"),
    [
        ("localhost:8765", {}, None),
        ("localhost:8765", {"origin": "http://localhost:8765"}, None),
        ("localhost:8765", {"origin": "http://localhost:3000"}, "http://localhost:3000"),
        ("localhost:8765", {"origin": "http://127.0.0.1:8765"}, "http://127.0.0.1:8765"),
    ],
)
def test_a_page_of_another_port_is_let_read_what_it_may_watch(
    host: str, asked: dict[str, str], reader: str | None
) -> None:
    assert LOCAL.reader(head(host, **asked)) == reader


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://ci.example", "https://ci.example"),
        ("HTTPS://CI.example:443", "https://ci.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("null", "null"),
        ("file://", "file://"),
        ("ci.example", None),
        ("https://ci.example/", None),
        ("https://ci.example/x", None),
        ("https://user@ci.example", None),
        ("*", None),
        ("", None),
    ],
)
def test_an_origin_has_one_spelling(text: str, origin: str | None) -> None:
    assert origin_of(text) == origin


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
