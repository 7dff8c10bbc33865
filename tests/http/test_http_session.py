from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import trio

from sisyphus.errors import BrokenResponse
from sisyphus.http import Call, Part, Pools, Session
from sisyphus.http.receiving import DRAINED
from sisyphus.http.redirects import MAX_REDIRECTS
from sisyphus.wire import dumps


def cookies_in(request: bytes) -> set[str]:
    lines = [line for line in request.decode().split("\r\n") if line.lower().startswith("cookie:")]
    assert len(lines) < 2
    return set(lines[0].partition(":")[2].strip().split("; ")) if lines else set()


# ---- the view


async def test_the_view_has_every_name_of_the_case_format(serve: Any, session: Session, answer: Any) -> None:
    server = await serve(answer(b'{"id": 7}', "X-Many: 1", "X-Many: 2", "Set-Cookie: a=1; Path=/", status="201 Made"))
    call = Call(method="POST", url=server.url + "/users", json={"n": 1}, headers={"X-Mine": "yes"})
    view = (await session.send(call)).view()
    assert view["status_code"] == 201
    assert view["reason"] == "Made"
    assert view["headers"]["content-TYPE"] == "application/json"
    assert view["headers"]["x-many"] == "1, 2"
    assert view["cookies"] == {"a": "1"}
    assert view["body"] == {"id": 7}
    assert view["text"] == '{"id": 7}'
    assert view["url"] == server.url + "/users"
    assert view["size"] == 9
    assert view["http_version"] == "HTTP/1.1"
    assert view["history"] == []
    assert view["request"]["method"] == "POST"
    assert view["request"]["url"] == server.url + "/users"
    assert view["request"]["headers"]["X-Mine"] == "yes"
    assert view["request"]["body"] == {"n": 1}
    assert (view["truncated"], view["body_note"], view["warnings"]) == (False, None, [])
    assert json.loads(dumps(view))["request"]["headers"]["X-Mine"] == "yes"


async def test_times_are_measured_and_a_reused_connection_has_none_for_connecting(serve: Any, session: Session) -> None:
    server = await serve()
    first = (await session.send(Call(url=server.url))).view()
    again = (await session.send(Call(url=server.url))).view()
    assert list(first["timings"]) == ["dns", "connect", "tls", "send", "wait", "receive", "total"]
    assert first["timings"]["connect"] > 0
    assert (first["timings"]["dns"], first["timings"]["tls"]) == (None, None)
    assert again["timings"]["connect"] is None
    for view in (first, again):
        measured = sum(took for phase, took in view["timings"].items() if took is not None and phase != "total")
        assert 0 < measured <= view["timings"]["total"]
        assert view["response_time"] == pytest.approx(view["elapsed"] * 1000)
        assert view["timings"]["total"] == pytest.approx(view["response_time"], abs=0.001)
    assert server.connections == 1


async def test_waiting_is_counted_as_waiting(serve: Any, session: Session, answer: Any) -> None:
    async def late(stream: trio.abc.Stream) -> None:
        await trio.sleep(0.02)
        await stream.send_all(answer().raw)

    server = await serve(late)
    timings = (await session.send(Call(url=server.url))).timings()
    assert timings["wait"] >= 20  # type: ignore[operator]


async def test_passwords_in_the_url_are_sent_but_not_shown(serve: Any, session: Session) -> None:
    server = await serve()
    response = await session.send(Call(url=server.url.replace("//", "//me:secret@")))
    assert b"Authorization: Basic bWU6c2VjcmV0" in server.requests[0]
    assert "secret" not in response.url + response.request.url


async def test_an_answer_without_a_body_is_whole(serve: Any, session: Session, says: Any) -> None:
    server = await serve(
        says(b"HTTP/1.1 204 No Content\r\n\r\n"), says(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
    )
    assert (await session.send(Call(url=server.url))).body == ""
    assert (await session.send(Call(url=server.url, method="HEAD"))).headers["content-length"] == "99"
    assert server.connections == 1


async def test_an_answer_may_end_with_its_connection(serve: Any, session: Session, says: Any) -> None:
    server = await serve(says(b"HTTP/1.0 200 OK\r\n\r\nuntil the end", hangs_up=True))
    response = await session.send(Call(url=server.url))
    assert (response.text, response.http_version) == ("until the end", "HTTP/1.0")


async def test_chunks_are_put_together(serve: Any, session: Session, says: Any) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n"
    server = await serve(says(chunked))
    assert (await session.send(Call(url=server.url))).body == [1, 2]


@pytest.mark.parametrize(("encoding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_compressed_body_is_read_and_its_size_is_that_of_what_it_says(
    serve: Any, session: Session, answer: Any, encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    body = json.dumps({"text": "x" * 1000}).encode()
    server = await serve(answer(encode(body), f"Content-Encoding: {encoding}"))
    response = await session.send(Call(url=server.url))
    assert (response.body["text"], response.size) == ("x" * 1000, len(body))


async def test_a_compressed_body_that_ends_too_early_is_told(serve: Any, session: Session, answer: Any) -> None:
    server = await serve(
        answer(gzip.compress(b"hello" * 100)[:-9], "Content-Encoding: gzip", content_type="text/plain")
    )
    response = await session.send(Call(url=server.url))
    assert response.text == "hello" * 100
    assert response.warnings == ("the compressed body ends too early",)


async def test_an_encoding_that_is_not_undone_is_told(serve: Any, session: Session, answer: Any) -> None:
    server = await serve(answer(b"\x00\xff", "Content-Encoding: br", content_type="text/html"))
    response = await session.send(Call(url=server.url))
    assert "the body is encoded as br, which is not undone" in response.warnings


async def test_headers_that_are_not_ascii_are_readable(serve: Any, session: Session, says: Any) -> None:
    raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Utf: 汉\r\n".encode() + b"X-Latin: \xe9\r\n\r\n"
    server = await serve(says(raw))
    response = await session.send(Call(url=server.url, headers={"X-Mine": "汉"}))
    assert (response.headers["x-utf"], response.headers["x-latin"]) == ("汉", "é")
    assert "X-Mine: 汉".encode() in server.requests[0]


# ---- what is kept of a long body


async def test_a_body_longer_than_the_limit_is_counted_but_not_kept(serve: Any, session: Session, says: Any) -> None:
    chunk = b"x" * 1024 * 1024

    async def a_hundred_megabytes(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 104857600\r\n\r\n")
        for _ in range(100):
            await stream.send_all(chunk)

    server = await serve(a_hundred_megabytes)
    response = await session.send(Call(url=server.url), keep=1000)
    assert (len(response.text), response.size, response.truncated) == (1000, 104857600, True)
    assert response.body_note == "the body is longer than stream_limit; this is its beginning"


@pytest.mark.parametrize(("keep", "truncated"), [(9, False), (8, True), (0, True)])
async def test_the_limit_is_exact_and_truncated_json_is_text(
    serve: Any, session: Session, answer: Any, keep: int, truncated: bool
) -> None:
    server = await serve(answer(b'{"id": 7}'))
    response = await session.send(Call(url=server.url), keep=keep)
    assert response.truncated is truncated
    assert response.body == ('{"id": 7}'[:keep] if truncated else {"id": 7})
    assert response.size == 9


async def test_what_is_said_to_be_json_and_is_not_is_told(serve: Any, session: Session, answer: Any) -> None:
    server = await serve(answer(b"<html>"))
    response = await session.send(Call(url=server.url))
    assert response.body == "<html>"
    assert "is not JSON: line 1 column 1" in response.warnings[0]


# ---- cookies


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("attributes", ["", "; Path=/; HttpOnly; SameSite=Lax", "; Max-Age=1000", "; Domain={host}"])
async def test_cookies_carry_over_within_a_session_and_to_no_other(
    serve: Any, pools: Pools, answer: Any, host: str, attributes: str
) -> None:
    server = await serve(answer(b"", f"Set-Cookie: id=s1{attributes.format(host=host)}"), answer())
    url = server.url.replace("127.0.0.1", host)
    mine, another = Session(pools), Session(pools)
    await mine.send(Call(url=url))
    await mine.send(Call(url=url + "/more"))
    await another.send(Call(url=url))
    assert [cookies_in(request) for request in server.requests] == [set(), {"id=s1"}, set()]


@pytest.mark.parametrize("value", ["张三", "é", "a=b"])
async def test_a_cookie_may_hold_any_characters(
    serve: Any, session: Session, says: Any, answer: Any, value: str
) -> None:
    raw = answer(b"{}", "Set-Cookie: LINE").raw.replace(b"LINE", f"user={value}; Path=/".encode())
    there, _ = to("/there")
    server = await serve(says(raw), answer(*there, status="302 Found"), answer())
    assert (await session.send(Call(url=server.url))).cookies == {"user": value}
    await session.send(Call(url=server.url, cookies={"own": value}))
    for request in server.requests[1:]:
        assert f"Cookie: user={value}; own={value}\r\n".encode() in request
    assert len(server.requests) == 3


async def test_a_cookie_for_another_host_is_not_sent_but_shown(serve: Any, session: Session, answer: Any) -> None:
    server = await serve(answer(b"", "Set-Cookie: id=s1; Domain=elsewhere.test"), answer())
    first = await session.send(Call(url=server.url))
    await session.send(Call(url=server.url))
    assert first.cookies == {"id": "s1"}
    assert cookies_in(server.requests[1]) == set()


async def test_a_cookie_is_forgotten_when_the_server_says_so(serve: Any, session: Session, answer: Any) -> None:
    server = await serve(answer(b"", "Set-Cookie: id=s1"), answer(b"", "Set-Cookie: id=; Max-Age=0"), answer())
    for _ in range(3):
        await session.send(Call(url=server.url))
    assert [cookies_in(request) for request in server.requests] == [set(), {"id=s1"}, set()]


async def test_cookies_of_a_step_are_sent_in_addition_for_that_request_only(
    serve: Any, session: Session, answer: Any
) -> None:
    server = await serve(answer(b"", "Set-Cookie: id=s1", "Set-Cookie: lang=en"), answer())
    await session.send(Call(url=server.url))
    await session.send(Call(url=server.url, cookies={"lang": "zh", "n": 5}))
    await session.send(Call(url=server.url, headers={"Cookie": "x=1"}))
    await session.send(Call(url=server.url))
    assert [cookies_in(request) for request in server.requests[1:]] == [
        {"id=s1", "lang=zh", "n=5"},
        {"id=s1", "lang=en", "x=1"},
        {"id=s1", "lang=en"},
    ]


async def test_several_cookies_of_one_answer_can_be_told_apart(serve: Any, session: Session, answer: Any) -> None:
    expires = "Expires=Wed, 01 Jan 2099 00:00:00 GMT"
    server = await serve(answer(b"", f"Set-Cookie: a=1; {expires}", f"Set-Cookie: b=x=y; {expires}"))
    response = await session.send(Call(url=server.url))
    assert response.cookies == {"a": "1", "b": "x=y"}
    assert response.headers["Set-Cookie"].split("\n") == [f"a=1; {expires}", f"b=x=y; {expires}"]


# ---- redirects


def to(target: str, *headers: str, status: str = "302 Found", body: bytes = b"") -> tuple[Any, ...]:
    return (body, f"Location: {target}", *headers), {"status": status}


async def test_redirects_are_followed_and_leave_a_history(serve: Any, session: Session, answer: Any) -> None:
    args, kwargs = to("/there", "Set-Cookie: id=s1")
    server = await serve(answer(*args, **kwargs), answer(b'"arrived"'))
    view = (await session.send(Call(method="POST", url=server.url + "/here", json={"a": 1}))).view()
    assert (view["body"], view["url"]) == ("arrived", server.url + "/there")
    assert [(hop["status_code"], hop["url"], hop["headers"]["location"]) for hop in view["history"]] == [
        (302, server.url + "/here", "/there")
    ]
    assert (view["request"]["method"], view["request"]["body"]) == ("POST", {"a": 1})
    assert server.requests[1].startswith(b"GET /there ")
    assert cookies_in(server.requests[1]) == {"id=s1"}
    assert view["cookies"] == {"id": "s1"}
    assert server.connections == 1


async def test_a_redirect_that_keeps_the_method_keeps_the_body_and_the_cookies_of_the_step(
    serve: Any, session: Session, answer: Any
) -> None:
    args, kwargs = to("/there", status="307 Temporary Redirect")
    server = await serve(answer(*args, **kwargs), answer())
    await session.send(Call(method="POST", url=server.url, body="hello", cookies={"a": "1"}))
    assert server.requests[1].startswith(b"POST /there ")
    assert server.requests[1].endswith(b"\r\n\r\nhello")
    assert cookies_in(server.requests[1]) == {"a=1"}


async def test_credentials_and_cookies_do_not_follow_to_another_host(serve: Any, session: Session, answer: Any) -> None:
    other = await serve()
    args, kwargs = to(other.url.replace("127.0.0.1", "localhost"))
    server = await serve(answer(*args, **kwargs))
    await session.send(Call(url=server.url, headers={"Authorization": "Bearer x"}, cookies={"a": "1"}))
    assert b"Authorization" not in other.requests[0]
    assert cookies_in(other.requests[0]) == set()


@pytest.mark.parametrize("target", ["/there", "http://a:port/", "ftp://elsewhere.test/"])
async def test_a_redirect_that_is_not_followed_is_the_answer_wherever_it_leads(
    serve: Any, session: Session, answer: Any, target: str
) -> None:
    args, kwargs = to(target, body=b'"moved"')
    server = await serve(answer(*args, **kwargs))
    response = await session.send(Call(url=server.url), follow_redirects=False)
    assert (response.status_code, response.body, response.headers["location"]) == (302, "moved", target)


async def test_a_loop_of_redirects_ends(serve: Any, session: Session, answer: Any) -> None:
    args, kwargs = to("/again")
    server = await serve(answer(*args, **kwargs))
    with pytest.raises(
        BrokenResponse, match=f"more than {MAX_REDIRECTS} redirects, the last one from .*/again to .*/again"
    ):
        await session.send(Call(url=server.url))
    assert len(server.requests) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("ftp://elsewhere.test/", "which is not HTTP"),
        ("http://a:port/", "not valid HTTP: Invalid URL in location header"),
        ("http://xn--a.test/", "redirects to what is no URL: "),
        ("http://127.0.0.1:65616/", "'http://127.0.0.1:65616/', whose port cannot be"),
    ],
)
async def test_a_redirect_to_nowhere_is_an_error_that_says_where(
    serve: Any, session: Session, answer: Any, target: str, message: str
) -> None:
    args, kwargs = to(target)
    server = await serve(answer(*args, **kwargs))
    with pytest.raises(BrokenResponse, match=message):
        await session.send(Call(url=server.url))


async def test_the_long_body_of_a_redirect_is_not_read_to_its_end(serve: Any, session: Session, answer: Any) -> None:
    async def endless(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            await stream.send_all(b"x" * DRAINED)

    server = await serve(endless, answer(b'"arrived"'))
    assert (await session.send(Call(url=server.url))).body == "arrived"
    assert server.connections == 2


# ---- uploads


async def test_an_upload_arrives_as_multipart(serve: Any, session: Session) -> None:
    server = await serve()
    part = Part(field="doc", filename="ä.bin", content=b"\x00" * 200_000, content_type="application/x-own")
    await session.send(Call(method="POST", url=server.url, files=(part,), data={"who": "me"}))
    request = server.requests[0]
    assert b'name="who"\r\n\r\nme\r\n' in request
    assert (
        'filename="ä.bin"\r\nContent-Type: application/x-own\r\n\r\n'.encode() + b"\x00" * 200_000 + b"\r\n--"
        in request
    )


# ---- connections


async def test_sessions_share_the_connections_of_their_pools(serve: Any, pools: Pools) -> None:
    server = await serve()
    for _ in range(3):
        await Session(pools).send(Call(url=server.url))
    assert (server.connections, pools.connections) == (1, 1)


async def test_tasks_of_one_session_send_at_once(serve: Any, session: Session, answer: Any) -> None:
    together = 5
    arrived = 0
    all_there = trio.Event()

    async def meets_the_others(stream: trio.abc.Stream) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == together:
            all_there.set()
        await all_there.wait()
        await stream.send_all(answer().raw)

    server = await serve(meets_the_others)
    async with trio.open_nursery() as nursery:
        for _ in range(together):
            nursery.start_soon(session.send, Call(url=server.url))
    assert server.connections == together


async def test_leaving_the_pools_closes_every_connection(serve: Any) -> None:
    server = await serve()
    async with Pools() as pools:
        await Session(pools).send(Call(url=server.url))
        assert server.open == 1
    await server.down_to(0)
    assert pools.connections == 0


async def test_a_connection_the_server_closed_while_it_was_idle_is_replaced(
    serve: Any, session: Session, says: Any, answer: Any
) -> None:
    server = await serve(says(answer().raw, hangs_up=True), answer(b'"again"'))
    await session.send(Call(url=server.url))
    await server.down_to(0)
    assert (await session.send(Call(method="POST", url=server.url))).body == "again"
    assert server.connections == 2


async def test_what_comes_after_an_answer_is_not_taken_for_the_next_one(
    serve: Any, session: Session, says: Any, answer: Any
) -> None:
    server = await serve(says(answer().raw + b"surplus"), answer(b'"clean"'))
    await session.send(Call(url=server.url))
    assert (await session.send(Call(method="POST", url=server.url))).body == "clean"
    assert server.connections == 2


async def hangs_up_unseen(stream: trio.abc.Stream) -> None:
    """Closes a connection only when the next request is on its way: nobody could have known."""
    await stream.aclose()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_a_request_that_met_a_closing_idle_connection_is_sent_again_if_that_is_harmless(
    serve: Any, session: Session, answer: Any, method: str
) -> None:
    server = await serve(answer(), hangs_up_unseen, answer(b"", "X-Again: yes"))
    await session.send(Call(url=server.url))
    response = await session.send(Call(method=method, url=server.url, body="x"))
    assert response.headers["X-Again"] == "yes"
    assert server.requests[1] == server.requests[2]


async def test_a_request_that_is_not_harmless_to_repeat_is_not_repeated(
    serve: Any, session: Session, answer: Any
) -> None:
    server = await serve(answer(), hangs_up_unseen)
    await session.send(Call(url=server.url))
    with pytest.raises(BrokenResponse, match="closed the connection without an answer"):
        await session.send(Call(method="POST", url=server.url))
    assert len(server.requests) == 2


async def test_a_fresh_connection_without_an_answer_is_not_tried_again(serve: Any, session: Session) -> None:
    server = await serve(hangs_up_unseen)
    with pytest.raises(BrokenResponse, match="closed the connection without an answer"):
        await session.send(Call(url=server.url))
    assert server.connections == 1


async def test_an_answer_that_broke_off_is_not_asked_for_again(
    serve: Any, session: Session, says: Any, answer: Any
) -> None:
    server = await serve(answer(), says(b"HTTP/1.1 200 OK\r\nConte", hangs_up=True), answer())
    await session.send(Call(url=server.url))
    with pytest.raises(BrokenResponse, match="in the middle of the answer's headers"):
        await session.send(Call(url=server.url))


async def test_no_tls_context_is_made_for_plain_http(serve: Any) -> None:
    made = []
    server = await serve()
    async with Pools(tls=made.append) as pools:  # type: ignore[arg-type]
        await Session(pools).send(Call(url=server.url), verify=False)
    assert made == []
