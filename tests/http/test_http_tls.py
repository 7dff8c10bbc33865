from __future__ import annotations

import datetime as dt
import os
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio
import trustme

from sisyphus.errors import BrokenResponse, TlsError
from sisyphus.http import Call, Pools, Session


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def certified(ca: trustme.CA) -> ssl.SSLContext:
    return server_context(ca.issue_cert("127.0.0.1", "localhost"))


@pytest.fixture
async def trusting(ca: trustme.CA) -> AsyncIterator[Session]:
    """A session for which `ca` is one of the authorities this machine trusts."""

    def make(verify: bool) -> ssl.SSLContext:
        context = ssl.create_default_context() if verify else ssl._create_unverified_context()
        ca.configure_trust(context)
        return context

    async with Pools(tls=make) as pools:
        yield Session(pools)


async def test_a_trusted_server_is_asked_and_the_handshake_is_timed(
    serve: Any, trusting: Session, certified: ssl.SSLContext
) -> None:
    server = await serve(tls=certified)
    first = await trusting.send(Call(url=server.url))
    again = await trusting.send(Call(url=server.url))
    assert first.timings()["tls"] > 0  # type: ignore[operator]
    assert again.timings()["tls"] is None
    assert server.connections == 1


async def test_an_authority_nobody_knows_is_not_trusted(
    serve: Any, session: Session, certified: ssl.SSLContext
) -> None:
    server = await serve(tls=certified)
    with pytest.raises(
        TlsError, match=r"the certificate of 127\.0\.0\.1:\d+ is not trusted: unable to get local issuer"
    ):
        await session.send(Call(url=server.url))
    assert server.requests == []


async def test_verification_can_be_turned_off_and_that_connection_is_not_used_where_it_is_on(
    serve: Any, session: Session, certified: ssl.SSLContext
) -> None:
    server = await serve(tls=certified)
    assert (await session.send(Call(url=server.url), verify=False)).status_code == 200
    with pytest.raises(TlsError):
        await session.send(Call(url=server.url))


async def test_a_certificate_for_another_name_says_so(serve: Any, trusting: Session, ca: trustme.CA) -> None:
    server = await serve(tls=server_context(ca.issue_cert("elsewhere.test")))
    with pytest.raises(TlsError, match=r"is for another name: .*'127\.0\.0\.1'"):
        await trusting.send(Call(url=server.url))


async def test_an_expired_certificate_says_so(serve: Any, trusting: Session, ca: trustme.CA) -> None:
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    server = await serve(tls=server_context(ca.issue_cert("127.0.0.1", not_before=past, not_after=past)))
    with pytest.raises(TlsError, match="is not trusted: certificate has expired"):
        await trusting.send(Call(url=server.url))


async def test_https_to_a_plain_port_suggests_http(listen: Any, session: Session) -> None:
    async def grumbles(stream: trio.abc.Stream) -> None:
        await stream.receive_some(10_000)
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await stream.aclose()

    port = await listen(grumbles)
    with pytest.raises(TlsError, match=r"127\.0\.0\.1:\d+ does not speak TLS") as caught:
        await session.send(Call(url=f"https://127.0.0.1:{port}/"))
    assert "http://" in caught.value.suggestion


async def test_a_port_that_closes_during_the_handshake_says_so(listen: Any, session: Session) -> None:
    async def closes(stream: trio.abc.Stream) -> None:
        await stream.receive_some(10_000)
        await stream.aclose()

    port = await listen(closes)
    with pytest.raises(TlsError, match="closed the connection during the TLS handshake"):
        await session.send(Call(url=f"https://127.0.0.1:{port}/"))


async def test_a_server_that_wants_a_certificate_of_ours_is_a_matter_of_tls(trusting: Session, ca: trustme.CA) -> None:
    context = server_context(ca.issue_cert("127.0.0.1"))
    context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(context)

    def refuses() -> None:  # with a socket of the standard library: trio's TLS stream does not send the alert
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secured:
            with pytest.raises(ssl.SSLError):
                secured.do_handshake()
            while os.read(secured.fileno(), 10_000):  # to close with something unread would take the alert back
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, refuses)
            with pytest.raises(TlsError, match=r"no TLS connection with .*: .*certificate required"):
                await trusting.send(Call(url=f"https://127.0.0.1:{listener.getsockname()[1]}/"))


async def test_a_handshake_that_is_cancelled_leaves_nothing_behind(listen: Any, pools: Pools, session: Session) -> None:
    hello, closed = trio.Event(), trio.Event()

    async def never_answers(stream: trio.abc.Stream) -> None:
        while await stream.receive_some(1000):
            hello.set()
        closed.set()

    port = await listen(never_answers)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session.send, Call(url=f"https://127.0.0.1:{port}/"))
        await hello.wait()
        nursery.cancel_scope.cancel()
    await closed.wait()
    assert pools.connections == 0


async def test_a_redirect_from_http_to_https_is_followed(
    serve: Any, trusting: Session, certified: ssl.SSLContext, answer: Any
) -> None:
    secure = await serve(answer(b'"safe"'), tls=certified)
    plain = await serve(answer(b"", f"Location: {secure.url}/x", status="301 Moved"))
    response = await trusting.send(Call(url=plain.url, headers={"Authorization": "Bearer x"}))
    assert (response.body, response.url) == ("safe", secure.url + "/x")


async def test_verification_stays_off_over_redirects(
    serve: Any, session: Session, certified: ssl.SSLContext, answer: Any
) -> None:
    secure = await serve(answer(b'"safe"'), tls=certified)
    plain = await serve(answer(b"", f"Location: {secure.url}/x", status="301 Moved"))
    assert (await session.send(Call(url=plain.url), verify=False)).body == "safe"


async def test_an_answer_cut_off_within_tls_is_told_as_such(
    serve: Any, trusting: Session, certified: ssl.SSLContext, says: Any
) -> None:
    cut = says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", hangs_up=True)
    server = await serve(cut, tls=certified)
    with pytest.raises(BrokenResponse, match="got 3 of 100 bytes"):
        await trusting.send(Call(url=server.url))


async def test_authorities_that_cannot_be_loaded_are_told(monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(TlsError, match=r"the trusted certificates cannot be loaded: .*No such file") as caught:
        await session.send(Call(url="https://127.0.0.1:9/"))
    assert "SSL_CERT_FILE" in caught.value.suggestion


async def test_one_context_is_made_however_many_ask_at_once(
    serve: Any, ca: trustme.CA, certified: ssl.SSLContext
) -> None:
    made = []

    def make(verify: bool) -> ssl.SSLContext:
        made.append(verify)
        context = ssl.create_default_context()
        ca.configure_trust(context)
        return context

    server = await serve(tls=certified)
    async with Pools(tls=make) as pools, trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(Session(pools).send, Call(url=server.url))
    assert made == [True]
