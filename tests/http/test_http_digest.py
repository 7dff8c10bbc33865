"""Digest authentication, checked by a server side of its own: RFC 7616 section 3.4, written down once more."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.request import parse_http_list

import pytest
import trio

from sisyphus.case.model import Auth
from sisyphus.errors import FieldError
from sisyphus.http import Call, Session
from sisyphus.http.digest import challenges

NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
MD5 = f'Digest realm="r", qop="auth,auth-int", nonce="{NONCE}", opaque="5ccc"'

HASHES: dict[str, Callable[[bytes], Any]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256, "SHA-512": hashlib.sha512}


def given(request: bytes) -> dict[str, str]:
    """The parameters of the digest that a request brings, or nothing."""
    found = re.search(rb"\r\nAuthorization: Digest (.*?)\r\n", request)
    if found is None:
        return {}
    pairs = (part.split("=", 1) for part in parse_http_list(found[1].decode()))
    return {name: value.strip('"') for name, value in pairs}


def proves(request: bytes, password: str = "secret") -> bool:
    """Whether a request knows the password."""
    digest = given(request)
    algorithm = digest.get("algorithm", "MD5").upper()

    def hashed(*parts: str) -> str:
        return str(HASHES[algorithm.removesuffix("-SESS")](":".join(parts).encode()).hexdigest())

    method, target, _ = request.split(b"\r\n", 1)[0].decode().split(" ")
    first = hashed(digest["username"], digest["realm"], password)
    if algorithm.endswith("-SESS"):
        first = hashed(first, digest["nonce"], digest["cnonce"])
    second = hashed(method, digest["uri"])
    counted = [digest[name] for name in ("nc", "cnonce", "qop")] if "qop" in digest else []
    return digest["uri"] == target and digest["response"] == hashed(first, digest["nonce"], *counted, second)


def a_call(url: str, password: str = "secret", username: str = "me", **fields: Any) -> Call:
    return Call(url=url, auth=Auth(type="digest", username=username, password=password), **fields)


def challenge(*headers: str) -> tuple[Any, ...]:
    return (b'"who?"', *(f"WWW-Authenticate: {header}" for header in headers))


async def test_a_challenge_is_answered_with_the_same_request(serve: Any, session: Session, answer: Any) -> None:
    server = await serve(answer(*challenge(MD5), status="401 No"), answer(b'"in"'))
    response = await session.send(a_call(server.url + "/a?b=c", method="POST", json={"n": 1}))
    first, second = server.requests
    assert given(first) == {}
    assert proves(second)
    assert not proves(second, "wrong")
    assert (given(second)["opaque"], given(second)["nc"], given(second)["qop"]) == ("5ccc", "00000001", "auth")
    assert first.endswith(b'{"n":1}')
    assert second.endswith(b'{"n":1}')
    assert (response.status_code, response.body, response.history) == (200, "in", ())
    assert "Digest" in response.request.headers["Authorization"]
    assert server.connections == 1


@pytest.mark.parametrize(
    "header",
    [
        f'Digest realm="r", nonce="{NONCE}"',
        f'Digest realm="r", nonce="{NONCE}", algorithm=MD5-sess, qop="auth"',
        f'Digest realm="r", nonce="{NONCE}", algorithm=SHA-256, qop="auth-int, auth"',
        f'DIGEST REALM="r" , NONCE="{NONCE}",qop=auth, algorithm="SHA-256-sess"',
        f'digest nonce="{NONCE}",algorithm=SHA-512,realm="a, b=c",qop="auth" , stale=FALSE',
        f'Basic realm="x, y", Digest realm="r", nonce="{NONCE}", qop="auth"',
        f'Digest realm="r", nonce="{NONCE}", qop="auth", Negotiate',
        f'Digest realm="名", nonce="{NONCE}", qop="auth"',
    ],
)
async def test_all_forms_of_a_challenge_are_understood(serve: Any, session: Session, says: Any, header: str) -> None:
    refused = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: " + header.encode() + b"\r\n\r\n"
    server = await serve(says(refused), says(b"HTTP/1.1 204 Fine\r\n\r\n"))
    assert (await session.send(a_call(server.url))).status_code == 204
    assert proves(server.requests[1])


async def test_of_several_challenges_the_first_that_is_known_is_answered(
    serve: Any, session: Session, answer: Any
) -> None:
    headers = [
        'Digest realm="r", nonce="a", algorithm=SHA-512-256, qop="auth"',
        'Digest realm="r", nonce="b", algorithm=SHA-256, qop="auth"',
        'Digest realm="r", nonce="c", algorithm=MD5, qop="auth"',
    ]
    server = await serve(answer(*challenge(*headers), status="401 No"), answer())
    await session.send(a_call(server.url))
    assert given(server.requests[1])["nonce"] == "b"


@pytest.mark.parametrize(
    "header",
    [
        f'Digest realm="r", nonce="{NONCE}", qop="auth-int"',
        f'Digest realm="r", nonce="{NONCE}", algorithm=GOST, qop="auth"',
        'Digest realm="r", qop="auth"',
        'Digest nonce="x"',
    ],
)
async def test_a_challenge_that_cannot_be_answered_is_the_answer_and_told(
    serve: Any, session: Session, answer: Any, header: str
) -> None:
    server = await serve(answer(*challenge(header), status="401 No"))
    response = await session.send(a_call(server.url + "/x"))
    (warning,) = response.warnings
    assert warning.startswith(f"{server.url}/x asks for a digest that is not supported: ")
    assert (response.status_code, len(server.requests)) == (401, 1)


@pytest.mark.parametrize("header", ['Basic realm="r"', "Digest", "", '"', "Digest =", 'Digest realm="r'])
async def test_what_is_no_challenge_is_an_answer(serve: Any, session: Session, answer: Any, header: str) -> None:
    server = await serve(answer(*challenge(header), status="401 No"))
    response = await session.send(a_call(server.url))
    assert (response.status_code, response.warnings, len(server.requests)) == (401, (), 1)


async def test_a_wrong_password_is_refused_once_and_not_tried_again(serve: Any, session: Session, answer: Any) -> None:
    server = await serve(answer(*challenge(MD5), status="401 No"))
    response = await session.send(a_call(server.url, password="wrong"))
    assert (response.status_code, response.warnings, len(server.requests)) == (401, (), 2)


async def test_the_next_request_answers_before_it_is_asked(serve: Any, session: Session, answer: Any) -> None:
    server = await serve(answer(*challenge(MD5), status="401 No"), answer())
    await session.send(a_call(server.url + "/one"))
    await session.send(a_call(server.url + "/two"))
    assert [given(request).get("nc") for request in server.requests] == [None, "00000001", "00000002"]
    assert all(proves(request) for request in server.requests[1:])


async def test_a_stale_nonce_is_replaced(serve: Any, session: Session, answer: Any) -> None:
    stale = 'Digest realm="r", qop="auth", nonce="fresh", stale=true'
    server = await serve(
        answer(*challenge(MD5), status="401 No"), answer(), answer(*challenge(stale), status="401 No"), answer(b'"ok"')
    )
    await session.send(a_call(server.url))
    assert (await session.send(a_call(server.url))).body == "ok"
    seen = [(given(request).get("nonce"), given(request).get("nc")) for request in server.requests]
    assert seen == [(None, None), (NONCE, "00000001"), (NONCE, "00000002"), ("fresh", "00000001")]


async def test_other_credentials_and_other_servers_have_challenges_of_their_own(
    serve: Any, session: Session, answer: Any
) -> None:
    server, another = await serve(answer(*challenge(MD5), status="401 No"), answer()), await serve()
    await session.send(a_call(server.url))
    await session.send(a_call(server.url, username="you"))
    await session.send(a_call(another.url))
    assert given(server.requests[-1]) == given(another.requests[-1]) == {}


async def test_cookies_of_the_challenge_come_back_with_the_answer(serve: Any, session: Session, answer: Any) -> None:
    body, header = challenge(MD5)
    server = await serve(answer(body, header, "Set-Cookie: id=1", status="401 No"), answer())
    await session.send(a_call(server.url, cookies={"own": "x"}))
    assert re.findall(rb"\r\nCookie: (.*?)\r\n", server.requests[1]) == [b"id=1; own=x"]


async def test_a_redirect_within_the_origin_is_signed_anew(serve: Any, session: Session, answer: Any) -> None:
    server = await serve(
        answer(*challenge(MD5), status="401 No"), answer(b"", "Location: /there?x=1", status="307 Moved"), answer()
    )
    response = await session.send(a_call(server.url + "/here", method="PUT", body="x"))
    assert [given(request).get("uri") for request in server.requests] == [None, "/here", "/there?x=1"]
    assert proves(server.requests[2])
    assert len(response.history) == 1


async def test_another_origin_gets_no_answer_to_its_challenge(serve: Any, session: Session, answer: Any) -> None:
    other = await serve(answer(*challenge(MD5), status="401 No"))
    server = await serve(
        answer(*challenge(MD5), status="401 No"), answer(b"", f"Location: {other.url}", status="302 Found")
    )
    response = await session.send(a_call(server.url))
    assert (response.status_code, len(other.requests), given(other.requests[0])) == (401, 1, {})


@pytest.mark.parametrize(("username", "written"), [('a"b', r"a\"b"), ("a\\b", r"a\\b"), ("müller", "müller")])
async def test_a_user_name_may_hold_any_character_of_text(
    serve: Any, session: Session, answer: Any, username: str, written: str
) -> None:
    server = await serve(answer(*challenge(MD5), status="401 No"), answer())
    await session.send(a_call(server.url, username=username))
    assert f'username="{written}", realm="r"'.encode() in server.requests[1]


async def test_a_line_break_in_a_user_name_is_refused(session: Session) -> None:
    with pytest.raises(FieldError, match="line break"):
        await session.send(a_call("http://127.0.0.1:9", username="a\r\nX-Evil: 1"))


async def test_a_header_of_the_step_wins(serve: Any, session: Session, answer: Any) -> None:
    server = await serve(answer(*challenge(MD5), status="401 No"))
    await session.send(a_call(server.url, headers={"Authorization": "Mine x"}))
    assert b"\r\nAuthorization: Mine x\r\n" in server.requests[0]
    assert len(server.requests) == 1


async def test_requests_at_once_count_each_for_itself(serve: Any, session: Session, answer: Any) -> None:
    server = await serve(answer(*challenge(MD5), status="401 No"), answer())
    await session.send(a_call(server.url))
    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(session.send, a_call(f"{server.url}/{number}"))
    counted = [given(request)["nc"] for request in server.requests[1:]]
    assert sorted(counted) == [f"{number:08x}" for number in range(1, 22)]
    assert all(proves(request) for request in server.requests[1:])


async def test_the_times_of_both_requests_add_up(serve: Any, session: Session, answer: Any) -> None:
    async def late(stream: trio.abc.Stream) -> None:
        await trio.sleep(0.02)
        await stream.send_all(answer(*challenge(MD5), status="401 No").raw)

    server = await serve(late)
    assert (await session.send(a_call(server.url))).timings()["wait"] >= 30  # type: ignore[operator]


def test_challenges_are_told_apart_however_they_are_joined() -> None:
    headers = [
        'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"',
        "Bearer",
        "Negotiate YII=",
    ]
    found = list(challenges(headers))
    assert found[:3] == [
        ("newauth", {"realm": '"apps"', "type": "1", "title": '"Login to \\"apps\\""'}),
        ("basic", {"realm": '"simple"'}),
        ("bearer", {}),
    ]
    assert found[3] == ("negotiate", {})


async def test_a_realm_with_quotes_in_it_comes_back_as_it_came(serve: Any, session: Session, answer: Any) -> None:
    header = f'Digest realm="the \\"r\\"", nonce="{NONCE}", qop="auth"'
    server = await serve(answer(*challenge(header), status="401 No"), answer())
    await session.send(a_call(server.url))
    assert b'realm="the \\"r\\"", nonce=' in server.requests[1]
