"""Requests through a proxy: given whole to it, or through a tunnel; and which one, by what is written."""

from __future__ import annotations

import functools
import ssl
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import trio
import trustme
from attrs import define, field

from sisyphus.errors import BrokenResponse, FieldError, ProxyError, TlsError
from sisyphus.http import Call, Pools, Session
from sisyphus.http.proxies import Proxy, always, of_environment, parse_proxy


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def certified(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture
async def trusting_pools(ca: trustme.CA) -> AsyncIterator[Pools]:
    def make(verify: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ca.configure_trust(context)
        return context

    async with Pools(tls=make) as pools:
        yield pools


@pytest.fixture
def trusting(trusting_pools: Pools) -> Session:
    return Session(trusting_pools)


@define
class Tunnels:
    """A proxy that connects whom it is asked to, and counts what is open."""

    url: str = ""
    tls: ssl.SSLContext | None = None
    asked: list[bytes] = field(factory=list)
    open: int = 0
    _left: trio.Event = field(factory=trio.Event)

    async def handle(self, raw: trio.SocketStream) -> None:
        self.open += 1
        try:
            async with raw if self.tls is None else trio.SSLStream(raw, self.tls, server_side=True) as stream:
                head = await stream.receive_some(65536)
                self.asked.append(bytes(head))
                host, _, port = head.split(b" ")[1].decode().rpartition(":")
                async with await trio.open_tcp_stream(host.strip("[]"), int(port)) as server:
                    await stream.send_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(pump, stream, server, nursery.cancel_scope)
                        nursery.start_soon(pump, server, stream, nursery.cancel_scope)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # whoever hung up, hung up
        finally:
            self.open -= 1
            self._left.set()
            self._left = trio.Event()

    async def down_to(self, connections: int) -> None:
        while self.open > connections:
            await self._left.wait()


async def pump(source: trio.abc.Stream, target: trio.abc.Stream, scope: trio.CancelScope) -> None:
    try:
        while data := await source.receive_some(65536):
            await target.send_all(data)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    scope.cancel()


@pytest.fixture
async def tunnels(nursery: trio.Nursery) -> Any:
    async def start(tls: ssl.SSLContext | None = None) -> Tunnels:
        proxy = Tunnels(tls=tls)
        listeners = await nursery.start(functools.partial(trio.serve_tcp, proxy.handle, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        proxy.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        return proxy

    return start


# ---- http: the proxy gets the request


async def test_an_http_request_is_given_whole_to_the_proxy(serve: Any, session: Session) -> None:
    proxy = await serve()
    proxy_for = always(proxy.url.replace("//", "//me:p%40ss@"))
    response = await session.send(Call(url="http://user:secret@api.test/users?a=1#x"), proxy_for=proxy_for)
    (request,) = proxy.requests
    assert request.startswith(b"GET http://api.test/users?a=1 HTTP/1.1\r\nHost: api.test\r\n")
    assert b"\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n" in request
    assert (response.status_code, response.url) == (200, "http://api.test/users?a=1#x")
    assert "Proxy-Authorization" not in response.request.headers


async def test_one_connection_to_the_proxy_carries_many_requests(serve: Any, pools: Pools, session: Session) -> None:
    proxy = await serve()
    for _ in range(3):
        timings = (await session.send(Call(url="http://api.test:81/"), proxy_for=always(proxy.url))).timings()
    assert timings["connect"] is None
    assert (proxy.connections, pools.connections) == (1, 1)
    assert proxy.requests[0].startswith(b"GET http://api.test:81/ HTTP/1.1\r\nHost: api.test:81\r\n")


async def test_a_connection_of_the_proxy_is_not_used_without_it(serve: Any, session: Session) -> None:
    proxy, server = await serve(), await serve()
    await session.send(Call(url=server.url), proxy_for=always(proxy.url))
    await session.send(Call(url=server.url))
    await session.send(Call(url=server.url), proxy_for=always(proxy.url))
    assert (len(proxy.requests), len(server.requests)) == (2, 1)
    assert (proxy.connections, server.connections) == (1, 1)


async def test_what_the_proxy_answers_is_the_answer(serve: Any, session: Session, answer: Any) -> None:
    proxy = await serve(answer(b'"who?"', "Proxy-Authenticate: Basic", status="407 Proxy Authentication Required"))
    assert (await session.send(Call(url="http://api.test/"), proxy_for=always(proxy.url))).status_code == 407


async def test_a_broken_exchange_names_the_proxy_too(serve: Any, session: Session, says: Any) -> None:
    proxy = await serve(says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", hangs_up=True))
    place = proxy.url.removeprefix("http://")
    with pytest.raises(BrokenResponse, match=rf"got 4 of 9 bytes \(through the proxy {place}\)"):
        await session.send(Call(url="http://api.test/"), proxy_for=always(proxy.url))


# ---- https: a tunnel


async def test_an_https_request_goes_through_a_tunnel(
    serve: Any, ca: trustme.CA, tunnels: Any, trusting: Session
) -> None:
    server, proxy = await serve(tls=certified(ca)), await tunnels()
    proxy_for = always(proxy.url.replace("//", "//me:secret@"))
    for _ in range(2):
        response = await trusting.send(Call(url=server.url + "/a"), proxy_for=proxy_for)
    (connect,) = proxy.asked
    target = server.url.removeprefix("https://").encode()
    assert connect.startswith(b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n" % (target, target))
    assert b"\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n" in connect
    assert len(server.requests) == 2
    for request in server.requests:
        assert request.startswith(b"GET /a HTTP/1.1\r\n")
        assert b"Proxy-Authorization" not in request
    assert response.timings()["connect"] is None


async def test_the_time_of_the_tunnel_is_time_of_connecting(
    serve: Any, ca: trustme.CA, tunnels: Any, trusting: Session
) -> None:
    server, proxy = await serve(tls=certified(ca)), await tunnels()
    timings = (await trusting.send(Call(url=server.url), proxy_for=always(proxy.url))).timings()
    assert timings["dns"] is None
    assert timings["connect"] > 0  # type: ignore[operator]
    assert timings["tls"] > 0  # type: ignore[operator]


async def test_the_certificate_is_still_the_servers(serve: Any, tunnels: Any, trusting: Session) -> None:
    server, proxy = await serve(tls=certified(trustme.CA())), await tunnels()
    with pytest.raises(TlsError, match=r"is not trusted.*\(through the proxy"):
        await trusting.send(Call(url=server.url), proxy_for=always(proxy.url))
    await proxy.down_to(0)


async def test_a_proxy_may_be_talked_to_in_tls(serve: Any, ca: trustme.CA, tunnels: Any, trusting: Session) -> None:
    server, proxy = await serve(tls=certified(ca)), await tunnels(tls=certified(ca))
    assert (await trusting.send(Call(url=server.url), proxy_for=always(proxy.url))).status_code == 200
    assert proxy.asked[0].startswith(b"CONNECT ")


async def test_a_proxy_in_tls_has_to_be_trusted(tunnels: Any, trusting: Session) -> None:
    proxy = await tunnels(tls=certified(trustme.CA()))
    with pytest.raises(
        ProxyError, match=r"the proxy cannot be used: the certificate of 127\.0\.0\.1:\d+ is not trusted"
    ):
        await trusting.send(Call(url="http://api.test/"), proxy_for=always(proxy.url))


async def test_a_redirect_to_https_takes_a_tunnel(
    serve: Any, ca: trustme.CA, tunnels: Any, trusting: Session, answer: Any
) -> None:
    server, tunnel = await serve(tls=certified(ca)), await tunnels()
    forwarding = await serve(answer(b"", f"Location: {server.url}", status="302 Found"))

    def proxy_for(url: httpx.URL) -> Proxy:
        return parse_proxy(tunnel.url if url.scheme == "https" else forwarding.url)

    response = await trusting.send(Call(url="http://api.test/"), proxy_for=proxy_for)
    assert (response.url, len(tunnel.asked), len(forwarding.requests)) == (server.url, 1, 1)


async def test_an_address_of_ipv6_is_asked_for_in_brackets(serve: Any, trusting: Session, says: Any) -> None:
    proxy = await serve(says(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"))
    with pytest.raises(ProxyError, match=r"does not connect to \[::1\]:444: 403 No"):
        await trusting.send(Call(url="https://[::1]:444/"), proxy_for=always(proxy.url))
    assert proxy.requests[0].startswith(b"CONNECT [::1]:444 HTTP/1.1\r\nHost: [::1]:444\r\n")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"HTTP/1.1 407 Who?\r\n\r\n", r"the proxy 127\.0\.0\.1:\d+ wants to know who asks: 407 Who\?"),
        (b"HTTP/1.1 502 \r\n\r\n", r"the proxy 127\.0\.0\.1:\d+ does not connect to 127\.0\.0\.1:9: 502$"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n", "does not connect to 127.0.0.1:9: 301 Moved"),
        (b"", r"the proxy cannot be used: 127\.0\.0\.1:\d+ closed the connection without an answer"),
        (b"HTTP/1.1 20", "the proxy cannot be used: .* closed the connection in the middle of the answer's headers"),
        (
            b"SSH-2.0-OpenSSH\r\n\r\n",
            r"the proxy cannot be used: 127\.0\.0\.1:\d+ does not answer in HTTP: it says b?'SSH",
        ),
        (
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
            "the proxy cannot be used: the headers of the answer .* do not end",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nsurplus", "the proxy cannot be used: .* it says more than that it is connected"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_proxy_that_does_not_connect_is_told_as_such(
    serve: Any, pools: Pools, session: Session, says: Any, raw: bytes, message: str
) -> None:
    proxy = await serve(says(raw, hangs_up=True))
    with pytest.raises(ProxyError, match=message):
        await session.send(Call(url="https://127.0.0.1:9/"), proxy_for=always(proxy.url))
    assert pools.connections == 0
    await proxy.down_to(0)


async def test_a_proxy_that_is_not_there_is_told_as_such(session: Session) -> None:
    with trio.socket.socket() as taken:
        await taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for url in ("http://api.test/", "https://api.test/"):
            told = rf"the proxy cannot be used: nothing listens on 127\.0\.0\.1:{port} \(connection refused\)"
            with pytest.raises(ProxyError, match=told):
                await session.send(Call(url=url), proxy_for=always(f"http://127.0.0.1:{port}"))
    with pytest.raises(ProxyError, match=r"the proxy cannot be used: the host name 'nowhere\.invalid' has no address"):
        await session.send(Call(url="http://api.test/"), proxy_for=always("http://nowhere.invalid:3128"))


async def test_the_failures_of_a_proxy_are_failures_of_the_network() -> None:
    assert ProxyError.kinds >= {"network", "connection"}
    assert ProxyError("x").retryable


# ---- given up in the middle


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"], ids=repr)
async def test_cancelled_at_any_point_of_the_tunnel_nothing_is_left(
    listen: Any, pools: Pools, session: Session, beginning: bytes
) -> None:
    said, left = trio.Event(), trio.Event()

    async def begins(stream: trio.SocketStream) -> None:
        await stream.receive_some(1000)
        await stream.send_all(beginning)
        said.set()
        while await stream.receive_some(1000):
            pass
        left.set()

    port = await listen(begins)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            functools.partial(
                session.send, Call(url="https://127.0.0.1:9/"), proxy_for=always(f"http://127.0.0.1:{port}")
            )
        )
        await said.wait()
        await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    await left.wait()
    assert pools.connections == 0


# ---- which proxy


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://p:3128", Proxy(host="p", port=3128)),
        (" p.corp:8080 ", Proxy(host="p.corp", port=8080)),
        ("p", Proxy(host="p", port=80)),
        ("https://p/", Proxy(host="p", port=443, secure=True)),
        ("http://[::1]:1", Proxy(host="::1", port=1)),
        ("http://u@p:1", Proxy(host="p", port=1, authorization=b"Basic dTo=")),
        ("http://u%40x:p%3Aw@p:1", Proxy(host="p", port=1, authorization=b"Basic dUB4OnA6dw==")),
    ],
)
def test_a_proxy_is_read_from_its_url(text: str, proxy: Proxy) -> None:
    assert parse_proxy(text) == proxy


@pytest.mark.parametrize(
    "text", ["socks5://p", "http://", "http://p:port", "http://p:99999", "http://p/x", "http://p?x=1", ""]
)
def test_what_is_no_proxy_is_refused(text: str) -> None:
    with pytest.raises(FieldError, match="is no HTTP proxy") as caught:
        parse_proxy(text)
    assert "http://host:port" in caught.value.suggestion


def test_neither_the_message_nor_the_value_shows_a_password() -> None:
    with pytest.raises(FieldError) as caught:
        parse_proxy("ftp://me:secret@p")
    assert str(caught.value) == "'…@p' is no HTTP proxy"
    assert "c2Vjc" not in repr(parse_proxy("http://me:secret@p"))


def chosen(url: str, **environ: str) -> str | None:
    proxy = of_environment(environ)(httpx.URL(url))
    return None if proxy is None else str(proxy)


def test_the_environment_names_proxies_by_scheme() -> None:
    environ = {"HTTP_PROXY": "http://a:1", "HTTPS_PROXY": "b:2", "NO_PROXY": ""}
    assert chosen("http://api.test/", **environ) == "a:1"
    assert chosen("https://api.test/", **environ) == "b:2"
    assert chosen("https://api.test/", ALL_PROXY="c:3") == "c:3"
    assert chosen("https://api.test/", HTTP_PROXY="a:1") is None
    assert chosen("http://api.test/", HTTP_PROXY="a:1", http_proxy="d:4") == "d:4"
    assert chosen("http://api.test/", http_proxy="", ALL_PROXY="c:3") == "c:3"
    assert chosen("http://api.test/") is None


@pytest.mark.parametrize(
    ("rule", "excepts", "not_these"),
    [
        ("api.test", ["api.test", "API.test", "v1.api.test:81"], ["xapi.test", "test"]),
        (".test", ["api.test", "a.b.test"], ["test.org", "latest"]),
        ("*.test", ["api.test"], ["api.org"]),
        ("*", ["api.test", "127.0.0.1"], []),
        ("a.org, b.org  c.org", ["b.org", "c.org"], ["d.org"]),
        ("api.test:8080", ["api.test:8080"], ["api.test", "api.test:81"]),
        ("127.0.0.1", ["127.0.0.1:5000"], ["127.0.0.2"]),
        ("10.0.0.0/8", ["10.1.2.3"], ["11.0.0.1", "api.test"]),
        ("::1", ["[::1]", "[::1]:81"], ["[::2]"]),
        ("[::1]:81", ["[::1]:81"], ["[::1]"]),
        ("fe80::/10", ["[fe80::7]"], ["[::1]"]),
    ],
)
def test_no_proxy_excepts_names_addresses_and_networks(rule: str, excepts: list[str], not_these: list[str]) -> None:
    for host in excepts:
        assert chosen(f"http://{host}/", HTTP_PROXY="p:1", NO_PROXY=rule) is None, host
    for host in not_these:
        assert chosen(f"http://{host}/", HTTP_PROXY="p:1", no_proxy=rule) == "p:1", host
