"""The connections of a run: kept open between requests and shared by its cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpcore
import httpx
import trio

from sisyphus.errors import FieldError
from sisyphus.http.connections import Connections
from sisyphus.http.dialing import Dialer
from sisyphus.http.network import Unanswered, Unprocessed
from sisyphus.words import tr

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType

    from sisyphus.http.multiplexing import Multiplexed
    from sisyphus.http.proxies import Proxy
    from sisyphus.http.tls import Certificate

# Keys of httpx's request extensions: the `Way` to the server; are redirects followed?
WAY: Final = "sisyphus.way"
FOLLOW: Final = "sisyphus.follow"

# RFC 9110 section 9.2.2: doing it twice is doing it once.
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})

# How often a server may do nothing for a request over HTTP/2, each time on a connection that it then leaves.
_TRIES: Final = 5


class Way(NamedTuple):
    """What must be alike for requests to share connections.

    Attributes:
        verify: whether the server's certificate must be trusted.
        certificate: what the server may ask of us.
        proxy: whom the request is given instead.
        http2: whether HTTP/2 may be spoken.
    """

    verify: bool = True
    certificate: Certificate | None = None
    proxy: Proxy | None = None
    http2: bool = False


_STRAIGHT: Final = Way()


class Pools(httpx.AsyncBaseTransport):
    """All connection pools of a run, one per `Way` with TLS and without, each made when it is first needed.

    An httpx transport that any number of clients may share; leaving its context closes every connection. There is no
    limit of connections: how much happens at once is bounded by who sends (`--jobs`, `max_concurrency`).

    Args:
        tls: makes the TLS context for `verify`; by default httpx does.
    """

    def __init__(self, tls: Callable[[bool], ssl.SSLContext] | None = None) -> None:
        self._make_tls: Final = tls
        self._making: Final = trio.Lock()
        self._pools: Final[dict[tuple[bool, Way], Connections | Multiplexed]] = {}
        self._tasks: Final = trio.open_nursery()  # of connections that are shared
        self._nursery: trio.Nursery | None = None

    async def __aenter__(self) -> Pools:
        self._nursery = await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel("no request will need a connection")
        # What happened in the block is none of the connections' business, and no group of theirs. Their tasks are
        # cancelled, and close without waiting for anyone: so this is not for long.
        await self._tasks.__aexit__(None, None, None)  # noqa: ASYNC102

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return sum(map(len, self._pools.values()))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request and returns the answer as soon as its head is there; failures stay httpcore's own."""
        url, way, headers = request.url, request.extensions.get(WAY, _STRAIGHT), request.headers.raw
        secure = url.scheme == "https"
        target = url.raw_path
        if not secure and (proxy := way.proxy) is None:
            way = _STRAIGHT
        elif not secure:
            way = Way(verify=way.verify, proxy=proxy)  # in case that the proxy is talked to in TLS
            target, headers = _for_proxy(url, proxy, headers)
        pool = self._pools.get((secure, way)) or await self._open(secure, way)
        outgoing = httpcore.Request(
            method=request.method.encode("ascii"),
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=target),
            headers=headers,
            content=request.stream,
            extensions=request.extensions,
        )
        answer = await _send(pool, outgoing, repeatable=request.method in IDEMPOTENT)
        return Answer(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer.stream),
            extensions=answer.extensions,
            follow=request.extensions.get(FOLLOW, True),
        )

    async def _open(self, secure: bool, way: Way) -> Connections | Multiplexed:
        async with self._making:
            if (secure, way) not in self._pools:
                self._pools[secure, way] = await self._make(secure, way)
        return self._pools[secure, way]

    async def _make(self, secure: bool, way: Way) -> Connections | Multiplexed:
        shared = _multiplexed() if secure and way.http2 else None
        protocols = ["h2", "http/1.1"] if shared is not None else ["http/1.1"]
        tls = await self._context(way.verify, way.certificate, protocols) if secure else None
        through_tls = way.proxy is not None and way.proxy.secure
        proxy_tls = await self._context(way.verify, None, ["http/1.1"]) if through_tls else None
        dialer = Dialer(tls=tls, proxy=way.proxy, proxy_tls=proxy_tls)
        if shared is None:
            return Connections(dialer)
        if self._nursery is None:
            raise RuntimeError("HTTP/2 needs the pools' `async with`")
        return shared(dialer, self._nursery)

    async def _context(self, verify: bool, certificate: Certificate | None, protocols: list[str]) -> ssl.SSLContext:
        from sisyphus.http.tls import make_context, trusting

        # Loading the trusted certificates takes 40 to 130 ms, which would show in the timings of whoever waits for an
        # answer meanwhile: not in this thread.
        return await trio.to_thread.run_sync(make_context, self._make_tls or trusting, verify, certificate, protocols)


class Answer(httpx.Response):
    """A response whose `Location` is looked at only if redirects are followed: else a wrong one is the test's to judge."""

    def __init__(self, status_code: int, *, follow: bool, **rest: Any) -> None:
        super().__init__(status_code, **rest)
        self._follow: Final = follow

    @property
    def has_redirect_location(self) -> bool:
        return self._follow and super().has_redirect_location


class _Body(httpx.AsyncByteStream):
    """httpcore's stream as httpx wants it, without a generator in between."""

    def __init__(self, stream: Any) -> None:
        self._stream: Final = stream

    def __aiter__(self) -> AsyncIterator[bytes]:
        chunks: AsyncIterator[bytes] = self._stream.__aiter__()
        return chunks

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _send(pool: Connections | Multiplexed, request: httpcore.Request, *, repeatable: bool) -> httpcore.Response:
    """Sends again, where that is harmless, if the server closed an idle connection in the moment we used it.

    httpcore's own `retries` are for connecting only. Each round costs one idle connection, and an answer
    missing on a fresh one is the server's doing: it ends. So does a server that takes nothing over HTTP/2.
    """
    refusals = 0
    while True:
        try:
            return await pool.send(request)
        except Unanswered as exc:
            if not (exc.reused and repeatable):
                raise
        except Unprocessed:
            refusals += 1
            if refusals == _TRIES:
                raise


def _for_proxy(
    url: httpx.URL, proxy: Proxy, headers: list[tuple[bytes, bytes]]
) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The target and the headers of a request that a proxy passes on (RFC 9112 section 3.2.2)."""
    target = url.raw_scheme + b"://" + url.netloc + url.raw_path
    if proxy.authorization is None or any(name.lower() == b"proxy-authorization" for name, _ in headers):
        return target, headers
    return target, [*headers, (b"Proxy-Authorization", proxy.authorization)]


def _multiplexed() -> type[Multiplexed]:
    try:
        import h2  # noqa: F401
    except ImportError as exc:
        raise FieldError(
            tr("http2 needs the package h2, which is not installed"),
            suggestion=tr("Install it with: pip install 'sisyphus-api-engine[http2]'; or leave http2 out."),
        ) from exc
    from sisyphus.http.multiplexing import Multiplexed

    return Multiplexed
