"""HTTP/2: many requests on one connection, each of which may fail, end early or be given up without harm to the others."""

from __future__ import annotations

import functools
import random
import ssl
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import trio
import trio.testing
import trustme
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from http2_server import Asked, Http2Server

from sisyphus.errors import BrokenResponse, FieldError, TlsError
from sisyphus.http import Call, Pools, Session
from sisyphus.http.conversation import WINDOW
from sisyphus.http.pool import WAY, Way


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def pools(ca: trustme.CA) -> AsyncIterator[Pools]:
    def make(verify: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ca.configure_trust(context)
        return context

    async with Pools(tls=make) as pools:
        yield pools


@pytest.fixture(scope="module")
def certificate(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert("127.0.0.1", "localhost")


@pytest.fixture
def certified(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture
async def speak(certified: ssl.SSLContext, nursery: trio.Nursery) -> Any:
    """Starts a server that answers as it is told."""

    async def start(answering: Any = Asked.answer, **options: Any) -> Http2Server:
        return await Http2Server(certified, answering, **options).start(nursery)

    return start


def fetch(session: Session, url: str, **fields: Any) -> Any:
    return session.send(Call(url=url, **fields), http2=True)


async def fetch_into(found: list[Any], session: Session, url: str, **fields: Any) -> None:
    found.append(await fetch(session, url, **fields))


async def echo(asked: Asked) -> None:
    await asked.whole.wait()
    await asked.answer(bytes(asked.body) or b'"nothing"', x_path=asked.path)


# ---- one request


async def test_a_request_and_its_answer_are_the_same_as_over_http1(speak: Any, session: Session) -> None:
    server = await speak(echo)
    response = await fetch(session, server.url + "/a?b=1", method="POST", json={"n": 1}, headers={"X-Mine": "Yes"})
    (asked,) = server.asked
    assert (asked.headers[b":method"], asked.headers[b":path"]) == (b"POST", b"/a?b=1")
    assert asked.headers[b":authority"].decode() == server.url.removeprefix("https://")
    assert asked.headers[b"x-mine"] == b"Yes"
    assert asked.headers.keys().isdisjoint({b"host", b"connection"})
    assert (response.status_code, response.body, response.http_version) == (200, {"n": 1}, "HTTP/2")
    assert response.headers["X-Path"] == "/a?b=1"
    assert (response.reason, response.size) == ("OK", 7)


async def test_times_are_measured_and_the_second_request_needs_no_connection(speak: Any, session: Session) -> None:
    server = await speak()
    first = (await fetch(session, server.url)).timings()
    again = (await fetch(session, server.url)).timings()
    assert all(first[phase] is not None for phase in ("connect", "tls", "send", "wait", "receive"))
    assert [again[phase] for phase in ("dns", "connect", "tls")] == [None, None, None]
    assert len(server.connections) == 1


async def test_headers_that_only_http1_knows_are_left_out(speak: Any, session: Session) -> None:
    server = await speak(echo)
    given = {"Transfer-Encoding": "chunked", "Connection": "close", "Upgrade": "h2c", "TE": "gzip", "Keep-Alive": "5"}
    response = await fetch(session, server.url, method="POST", body="x", headers={**given, "Host": "other.test"})
    (asked,) = server.asked
    assert response.text == "x"
    assert asked.headers[b":authority"] == b"other.test"
    assert asked.headers.keys().isdisjoint({name.lower().encode() for name in given})


async def test_a_body_larger_than_every_window_is_sent_and_comes_back(speak: Any, session: Session) -> None:
    server = await speak(echo)
    body = "0123456789" * 300_000
    response = await fetch(session, server.url, method="POST", body=body, headers={"Content-Type": "text/plain"})
    assert (response.text, response.size) == (body, len(body))


async def test_an_upload_waits_where_the_server_has_made_its_window_smaller_than_what_was_sent(
    speak: Any, session: Session
) -> None:
    async def narrow_then_wide(asked: Asked) -> None:
        if asked.headers[b":method"] == b"GET":
            await asked.answer()
            return
        said, size = asked.connection.h2, SettingCodes.INITIAL_WINDOW_SIZE
        said.update_settings({size: 100})
        await asked.connection.flush()
        while said.local_settings[size] != 100:  # until the other side has taken it in
            await asked.connection.news.wait()
        said.update_settings({size: 1_000_000})
        await asked.connection.flush()
        await asked.whole.wait()
        await asked.answer(str(len(asked.body)).encode())

    server = await speak(narrow_then_wide)

    with trio.fail_after(10):
        await fetch(session, server.url)  # by then the settings it began with are agreed
        assert (await fetch(session, server.url, method="POST", body="x" * 300_000)).body == 300_000


async def test_more_than_all_windows_can_be_read_and_only_the_beginning_kept(
    speak: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def long(asked: Asked) -> None:
        await asked.begin(content_type="text/plain")
        await asked.say(b"x" * (5 * WINDOW), last=True)

    monkeypatch.setattr("sisyphus.http.conversation.ALL_WINDOWS", 2 * WINDOW)
    server = await speak(long)
    response = await session.send(Call(url=server.url), http2=True, keep=100)
    assert (len(response.text), response.size, response.truncated) == (100, 5 * WINDOW, True)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("DELETE", 200)])
async def test_an_answer_without_a_body_is_whole(speak: Any, session: Session, method: str, status: int) -> None:
    async def bare(asked: Asked) -> None:
        asked.connection.h2.send_headers(asked.number, [(":status", str(status))], end_stream=True)
        await asked.connection.flush()

    server = await speak(bare)
    response = await fetch(session, server.url, method=method)
    assert (response.status_code, response.body, response.size) == (status, "", 0)


async def test_a_redirect_is_followed_on_the_same_connection(speak: Any, session: Session) -> None:
    async def moved(asked: Asked) -> None:
        if asked.path == "/":
            await asked.answer(b"", 302, location="/there", set_cookie="id=1")
        else:
            await asked.answer(b'"arrived"')

    server = await speak(moved)
    response = await fetch(session, server.url)
    assert (response.body, len(response.history), len(server.connections)) == ("arrived", 1, 1)
    assert server.asked[1].headers[b"cookie"] == b"id=1"


async def test_a_redirect_that_says_its_length_twice_is_followed(speak: Any, session: Session) -> None:
    async def redirect(asked: Asked) -> None:
        if asked.path != "/":
            await asked.answer(b'"there"')
            return
        head = [(":status", "302"), ("location", "/there"), ("content-length", "2"), ("content-length", "2")]
        asked.connection.h2.send_headers(asked.number, head)
        await asked.say(b"{}", last=True)

    server = await speak(redirect)

    with trio.fail_after(5):
        assert (await fetch(session, f"{server.url}/")).body == "there"


async def test_informational_answers_and_trailers_are_no_answers(speak: Any, session: Session) -> None:
    async def chatty(asked: Asked) -> None:
        asked.connection.h2.send_headers(asked.number, [(":status", "103"), ("link", "</x>")])
        await asked.begin()
        await asked.say(b'"ok"')
        asked.connection.h2.send_headers(asked.number, [("x-trailer", "1")], end_stream=True)
        await asked.connection.flush()

    server = await speak(chatty)
    response = await fetch(session, server.url)
    assert (response.status_code, response.text) == (200, '"ok"')


# ---- what is agreed on


async def test_a_server_that_does_not_speak_it_is_asked_over_http1(
    serve: Any, certified: ssl.SSLContext, session: Session
) -> None:
    server = await serve(tls=certified)
    found: list[Any] = []
    for _ in range(2):
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(fetch_into, found, session, server.url)
    assert {response.http_version for response in found} == {"HTTP/1.1"}
    assert server.connections == 5  # kept, and used again


async def test_without_http2_it_is_not_offered(speak: Any, session: Session) -> None:
    server = await speak(protocols=("h2", "http/1.1"))
    with pytest.raises(BrokenResponse):  # the double speaks nothing else
        await session.send(Call(url=server.url))
    assert server.connections[0].stream.selected_alpn_protocol() == "http/1.1"


async def test_plain_http_is_spoken_in_http1(serve: Any, session: Session) -> None:
    server = await serve()
    assert (await fetch(session, server.url)).http_version == "HTTP/1.1"


async def test_without_h2_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    monkeypatch.setitem(sys.modules, "h2", None)
    with pytest.raises(FieldError, match="http2 needs the package h2, which is not installed") as caught:
        await fetch(session, "https://127.0.0.1:9/")
    assert "pip install 'sisyphus-api-engine[http2]'" in caught.value.suggestion


# ---- many at once


async def test_requests_at_once_share_one_connection(speak: Any, session: Session, pools: Pools) -> None:
    together = trio.Event()

    async def waits_for_all(asked: Asked) -> None:
        if len(asked.connection.asked) == 50:
            together.set()
        await together.wait()
        await asked.answer(f'"{asked.path}"'.encode())

    server = await speak(waits_for_all)
    found: list[Any] = []
    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(fetch_into, found, session, f"{server.url}/{number}")
    assert {response.body for response in found} == {f"/{number}" for number in range(50)}
    assert (len(server.connections), pools.connections) == (1, 1)


async def test_no_more_are_under_way_than_the_server_takes(speak: Any, session: Session) -> None:
    under_way, most, three = set[int](), 0, trio.Event()

    async def counts(asked: Asked) -> None:
        nonlocal most
        under_way.add(asked.number)
        most = max(most, len(under_way))
        if len(under_way) == 3:
            three.set()
        await three.wait()
        under_way.discard(asked.number)
        await asked.answer()

    server = await speak(counts, settings={SettingCodes.MAX_CONCURRENT_STREAMS: 3})
    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(fetch, session, server.url)
    assert (len(server.asked), most, len(server.connections)) == (20, 3, 1)


async def test_an_answer_that_nobody_reads_does_not_hold_up_the_others(
    speak: Any, session: Session, pools: Pools
) -> None:
    async def long(asked: Asked) -> None:
        if asked.path == "/long":
            await asked.begin(content_type="text/plain")
            await asked.say(b"x" * (3 * WINDOW), last=True)
        else:
            await asked.answer()

    server = await speak(long)
    extensions = {WAY: Way(http2=True)}
    answer = await pools.handle_async_request(httpx.Request("GET", f"{server.url}/long", extensions=extensions))
    await trio.sleep(0.05)  # as much of it comes as may
    for _ in range(10):
        assert (await fetch(session, server.url)).status_code == 200
    assert len(await answer.aread()) == 3 * WINDOW
    assert len(server.connections) == 1


# ---- given up


async def test_cancelling_one_request_resets_it_and_harms_no_other(speak: Any, session: Session, pools: Pools) -> None:
    async def slow(asked: Asked) -> None:
        if asked.path == "/slow":
            await asked.begin()
            await asked.say(b"beginning")
            await asked.reset.wait()
        else:
            await trio.sleep(0.02)
            await asked.answer()

    server = await speak(slow)
    await fetch(session, server.url)
    found: list[Any] = []
    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(fetch_into, found, session, f"{server.url}/{number}")
        with trio.move_on_after(0.01) as scope:
            await fetch(session, f"{server.url}/slow")
    assert scope.cancelled_caught
    assert len(found) == 10
    (given_up,) = [asked for asked in server.asked if asked.path == "/slow"]
    await given_up.reset.wait()
    assert (await fetch(session, server.url)).status_code == 200
    assert (len(server.connections), pools.connections) == (1, 1)


async def test_cancelled_in_the_middle_of_a_large_upload_the_others_go_on(speak: Any, session: Session) -> None:
    async def never_reads(asked: Asked) -> None:
        if asked.path == "/up":
            await asked.reset.wait()
        else:
            await asked.answer()

    server = await speak(never_reads)
    await fetch(session, server.url)
    with trio.move_on_after(0.05) as scope:
        await fetch(session, f"{server.url}/up", method="POST", body="x" * 20_000_000)
    assert scope.cancelled_caught
    for _ in range(3):
        assert (await fetch(session, server.url)).status_code == 200
    assert len(server.connections) == 1


@pytest.mark.parametrize("seed", range(10))
async def test_cancelled_at_random_moments_the_connection_stays_good(speak: Any, session: Session, seed: int) -> None:
    chance = random.Random(seed)

    async def answering(asked: Asked) -> None:
        await asked.whole.wait()
        await trio.sleep(chance.random() * 0.004)
        await asked.begin(content_type="text/plain")
        await trio.sleep(chance.random() * 0.004)
        await asked.say(bytes(asked.body), last=True)

    server = await speak(answering, settings={SettingCodes.MAX_CONCURRENT_STREAMS: 7})
    done: list[int] = []

    async def impatient(number: int) -> None:
        body = str(number) * chance.randrange(1, 40_000)
        with trio.move_on_after(chance.random() * 0.03):
            response = await fetch(session, server.url, method="POST", body=body)
            assert response.text == body
            done.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(impatient, number)
    response = await fetch(session, server.url, method="POST", body="last")
    assert response.text == "last"
    assert len(server.connections) == 1


async def test_cancelled_while_the_connection_is_made_another_makes_it(
    listen: Any, session: Session, pools: Pools
) -> None:
    hello, closed = trio.Event(), trio.Event()

    async def never_answers(stream: trio.SocketStream) -> None:
        while await stream.receive_some(1000):
            hello.set()
        closed.set()

    port = await listen(never_answers)
    async with trio.open_nursery() as nursery:
        first = trio.CancelScope()

        async def goes_first() -> None:
            with first:
                await fetch(session, f"https://127.0.0.1:{port}/")

        nursery.start_soon(goes_first)
        await hello.wait()
        nursery.start_soon(fetch, session, f"https://127.0.0.1:{port}/")
        await trio.testing.wait_all_tasks_blocked()
        hello = trio.Event()
        first.cancel()
        await closed.wait()
        await hello.wait()  # the second one is at it
        nursery.cancel_scope.cancel()
    assert pools.connections == 0


async def test_a_failure_to_connect_is_told_to_all_who_waited(session: Session, listen: Any) -> None:
    connections = 0

    async def closes(stream: trio.SocketStream) -> None:
        nonlocal connections
        connections += 1
        await stream.receive_some(1000)
        await trio.sleep(0.01)
        await stream.aclose()

    port = await listen(closes)
    failures: list[TlsError] = []

    async def asks() -> None:
        try:
            await fetch(session, f"https://127.0.0.1:{port}/")
        except TlsError as exc:
            failures.append(exc)

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(asks)
    assert (len(failures), connections) == (10, 1)


async def test_the_end_of_the_run_closes_the_connection_and_what_is_under_way(speak: Any, ca: trustme.CA) -> None:
    def make(verify: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ca.configure_trust(context)
        return context

    async def never(asked: Asked) -> None:
        await asked.reset.wait()

    server = await speak(never)
    with trio.move_on_after(0.1) as scope:
        async with Pools(tls=make) as pools:
            await fetch(Session(pools), server.url)
    assert scope.cancelled_caught
    assert pools.connections == 0
    await server.down_to(0)


# ---- what servers do


async def test_a_stream_that_the_server_resets_fails_alone(speak: Any, session: Session) -> None:
    async def resets(asked: Asked) -> None:
        if asked.path == "/bad":
            await asked.begin()
            asked.connection.h2.reset_stream(asked.number, ErrorCodes.INTERNAL_ERROR)
            await asked.connection.flush()
        else:
            await trio.sleep(0.01)
            await asked.answer()

    server = await speak(resets)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fetch, session, server.url)
        with pytest.raises(BrokenResponse, match=r"127\.0\.0\.1:\d+ gave up its answer over HTTP/2: INTERNAL_ERROR"):
            await fetch(session, f"{server.url}/bad")
    assert len(server.connections) == 1


async def test_an_answer_before_the_end_of_the_request_is_enough(speak: Any, session: Session) -> None:
    async def too_large(asked: Asked) -> None:
        if asked.path == "/up":
            await asked.answer(b'"too large"', 413)
            asked.connection.h2.reset_stream(asked.number, ErrorCodes.NO_ERROR)
            await asked.connection.flush()
        else:
            await asked.answer()

    server = await speak(too_large)
    response = await fetch(session, f"{server.url}/up", method="POST", body="x" * 10_000_000)
    assert (response.status_code, response.body) == (413, "too large")
    assert (await fetch(session, server.url)).status_code == 200
    assert len(server.connections) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_refused_request_is_sent_again_whatever_it_is(speak: Any, session: Session, method: str) -> None:
    async def refuses_once(asked: Asked) -> None:
        if len(server.asked) == 1:
            asked.connection.h2.reset_stream(asked.number, ErrorCodes.REFUSED_STREAM)
            await asked.connection.flush()
        else:
            await asked.answer(b'"in"')

    server = await speak(refuses_once)
    assert (await fetch(session, server.url, method=method)).body == "in"


async def test_a_server_that_always_refuses_is_an_error(speak: Any, session: Session) -> None:
    async def refuses(asked: Asked) -> None:
        asked.connection.h2.reset_stream(asked.number, ErrorCodes.REFUSED_STREAM)
        await asked.connection.flush()

    server = await speak(refuses)
    with pytest.raises(BrokenResponse, match="takes no request over HTTP/2: the server refused the request"):
        await fetch(session, server.url)
    assert len(server.asked) == 5


def leave(asked: Asked, *, last: int) -> bytes:
    """What a server sends that leaves; h2 says it only for itself."""
    from hyperframe.frame import GoAwayFrame

    frame = GoAwayFrame(0)
    frame.last_stream_id = last
    return frame.serialize()


async def test_a_server_that_leaves_answers_what_it_has_taken_and_the_rest_goes_elsewhere(
    speak: Any, session: Session, pools: Pools
) -> None:
    both = trio.Event()

    async def leaves(asked: Asked) -> None:
        if len(server.connections) > 1:
            await asked.answer(b'"elsewhere"')
        elif asked.path == "/taken":
            await both.wait()
            await asked.connection.send_raw(leave(asked, last=asked.number))
            await trio.sleep(0.01)
            await asked.answer(b'"' + b"x" * 100_000 + b'"')
        else:
            both.set()
            await asked.reset.wait()

    server = await speak(leaves)
    found: list[Any] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fetch_into, found, session, f"{server.url}/taken")
        await trio.sleep(0.01)
        nursery.start_soon(functools.partial(fetch_into, found, session, f"{server.url}/late", method="POST"))
    assert {len(response.text) for response in found} == {100_002, 11}
    assert len(server.connections) == 2
    await server.down_to(1)
    assert pools.connections == 1


async def test_a_connection_that_was_closed_while_idle_is_replaced(speak: Any, session: Session, pools: Pools) -> None:
    server = await speak()
    await fetch(session, server.url)
    await server.connections[0].close()
    await server.down_to(0)
    assert (await fetch(session, server.url, method="POST")).status_code == 200
    assert (len(server.connections), pools.connections) == (2, 1)


@pytest.mark.parametrize(("method", "connections"), [("GET", 2), ("POST", 1)])
async def test_a_connection_that_ends_unanswered_is_as_with_http1(
    speak: Any, session: Session, method: str, connections: int
) -> None:
    async def closes_on_the_second(asked: Asked) -> None:
        if asked.path == "/second" and len(server.connections) == 1:
            await asked.connection.close()
        else:
            await asked.answer()

    server = await speak(closes_on_the_second)
    await fetch(session, server.url)
    if method == "GET":
        assert (await fetch(session, f"{server.url}/second")).status_code == 200
    else:
        with pytest.raises(BrokenResponse, match="closed the connection without an answer"):
            await fetch(session, f"{server.url}/second", method=method)
    assert len(server.connections) == connections


async def test_an_answer_that_breaks_off_is_an_error(speak: Any, session: Session) -> None:
    async def breaks(asked: Asked) -> None:
        await asked.begin()
        await asked.say(b"half")
        await asked.connection.close()

    server = await speak(breaks)
    with pytest.raises(BrokenResponse, match="broke before the answer was complete"):
        await fetch(session, server.url)


@pytest.mark.parametrize(
    "garbage",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 100, b"\x00\x00\x05\x01\x04\x00\x00\x00\x01aaaaa", b"\0" * 9],
    ids=repr,
)
async def test_garbage_is_an_error_of_all_who_wait_and_the_next_request_gets_a_new_connection(
    speak: Any, session: Session, garbage: bytes
) -> None:
    async def babbles(asked: Asked) -> None:
        if len(server.connections) > 1:
            await asked.answer()
        elif len(asked.connection.asked) == 3:
            await asked.connection.send_raw(garbage)
            await asked.connection.close()

    server = await speak(babbles)
    failures: list[BrokenResponse] = []

    async def asks() -> None:
        try:
            await fetch(session, server.url, method="POST")
        except BrokenResponse as exc:
            failures.append(exc)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(asks)
    assert len(failures) == 3
    assert len(set(map(id, failures))) == 3
    assert (await fetch(session, server.url)).status_code == 200


async def test_an_answer_without_a_status_is_no_answer(speak: Any, session: Session) -> None:
    async def nameless(asked: Asked) -> None:
        headers = asked.connection.h2.encoder.encode([("x", "y")])
        from hyperframe.frame import HeadersFrame

        frame = HeadersFrame(asked.number, headers, flags=["END_HEADERS", "END_STREAM"])
        await asked.connection.send_raw(frame.serialize())

    server = await speak(nameless)
    with pytest.raises(BrokenResponse, match="it has no status"):
        await fetch(session, server.url)
