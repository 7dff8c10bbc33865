"""The connections of a run: kept open between requests and shared by its cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpcore
import httpx
import trio

from sisyphus.errors import TlsError
from sisyphus.http.connections import Connections
from sisyphus.http.network import Network, Unanswered
from sisyphus.words import tr

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType

# Keys of httpx's request extensions: are certificates verified, are redirects followed?
VERIFY: Final = "sisyphus.verify"
FOLLOW: Final = "sisyphus.follow"

# RFC 9110 section 9.2.2: doing it twice is doing it once.
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})


class Kind(NamedTuple):
    """What must be alike for requests to share connections; a proxy, a client certificate, HTTP/2 would be more fields."""

    tls: bool
    verify: bool


_PLAIN: Final = Kind(tls=False, verify=False)


class Pools(httpx.AsyncBaseTransport):
    """All connection pools of a run, one per `Kind`, each made when it is first needed.

    An httpx transport that any number of clients may share; leaving its context closes every connection. There is no
    limit of connections: how much happens at once is bounded by who sends (`--jobs`, `max_concurrency`).

    Args:
        tls: makes the TLS context for `verify`; by default the one httpx makes, which reads `SSL_CERT_FILE`.
    """

    def __init__(self, tls: Callable[[bool], ssl.SSLContext] | None = None) -> None:
        self._make_tls: Final = tls or _default_tls
        self._making: Final = trio.Lock()
        self._pools: Final[dict[Kind, Connections]] = {}
        self._network: Final = Network()

    async def __aenter__(self) -> Pools:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return sum(map(len, self._pools.values()))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request and returns the answer as soon as its head is there; failures stay httpcore's own."""
        url = request.url
        kind = Kind(tls=True, verify=request.extensions.get(VERIFY, True)) if url.scheme == "https" else _PLAIN
        pool = self._pools.get(kind) or await self._open(kind)
        outgoing = httpcore.Request(
            method=request.method.encode("ascii"),
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
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

    async def _open(self, kind: Kind) -> Connections:
        async with self._making:
            if kind not in self._pools:
                # Loading the trusted certificates takes 40 to 130 ms, which would show in the timings of whoever
                # waits for an answer meanwhile: not in this thread.
                context = await trio.to_thread.run_sync(self._load_tls, kind.verify) if kind.tls else None
                self._pools[kind] = Connections(context, self._network)
        return self._pools[kind]

    def _load_tls(self, verify: bool) -> ssl.SSLContext:
        try:
            return self._make_tls(verify)
        except OSError as exc:
            raise TlsError(
                tr("the trusted certificates cannot be loaded: {error}", error=exc),
                suggestion=tr("Check the files that SSL_CERT_FILE and SSL_CERT_DIR name."),
            ) from exc


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


async def _send(connections: Connections, request: httpcore.Request, *, repeatable: bool) -> httpcore.Response:
    """Sends again, where that is harmless, if the server closed an idle connection in the moment we used it.

    httpcore's own `retries` are for connecting only. Each round costs one idle connection, and an answer
    missing on a fresh one is the server's doing: it ends.
    """
    while True:
        try:
            return await connections.send(request)
        except Unanswered as exc:
            if not (exc.reused and repeatable):
                raise


def _default_tls(verify: bool) -> ssl.SSLContext:
    return httpx.create_ssl_context(verify=verify)
