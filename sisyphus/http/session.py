"""One client per case: its cookies, its credentials, and answers read to their end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import httpx
import trio
from attrs import frozen

from sisyphus.comparable import Comparable
from sisyphus.http.client import Bytes, Client
from sisyphus.http.decoding import Decoder
from sisyphus.http.failures import shown, translated
from sisyphus.http.headers import Headers
from sisyphus.http.journey import Journey
from sisyphus.http.pool import FOLLOW, WAY, Way
from sisyphus.http.receiving import read, receive
from sisyphus.http.redirects import origin
from sisyphus.http.request import encode
from sisyphus.http.response import Hop, Response, Sent
from sisyphus.http.timings import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from sisyphus.http.content import Content
    from sisyphus.http.digest import Digest
    from sisyphus.http.pool import Pools
    from sisyphus.http.proxies import ProxyFor
    from sisyphus.http.redirects import Origin
    from sisyphus.http.request import Call, Outgoing
    from sisyphus.http.tls import Certificate

KEEP: Final = 10 * 1024 * 1024

_NO_TIMEOUTS: Final[dict[str, None]] = {}  # limits are the caller's cancel scopes


@frozen(kw_only=True, eq=False, repr=False)
class Made(Comparable):
    """An answer that no server gave."""

    status_code: int
    headers: Sequence[tuple[bytes, bytes]]
    content: bytes


class Session:
    """Sends the requests of one case; cookies that are set stay in it, and challenges that were answered.

    Any number of tasks may send at once. It holds nothing that needs closing: connections belong to the pools.
    """

    def __init__(self, pools: Pools) -> None:
        self._client: Final = Client(transport=pools, trust_env=False, timeout=None)
        self._digests: Final[dict[tuple[Origin, tuple[str, str]], Digest]] = {}

    async def send(
        self,
        call: Call,
        *,
        verify: bool = True,
        certificate: Certificate | None = None,
        proxy_for: ProxyFor | None = None,
        http2: bool = False,
        follow_redirects: bool = True,
        keep: int = KEEP,
        sends: Callable[[Callable[[], Mapping[str, Any]]], None] | None = None,
    ) -> Response:
        """Sends a request, follows where it is redirected to, and reads the answer to its end.

        Args:
            call: what to send.
            verify: whether the server's certificate must be trusted.
            certificate: what is shown to a server that asks who we are.
            proxy_for: says which proxy to go through.
            http2: whether HTTP/2 is spoken with servers that speak it too, over TLS.
            follow_redirects: whether a redirect is followed, or is the answer.
            keep: how many bytes of the body are kept; the rest is read and counted.
            sends: is given, before it is sent, what tells what was sent, for who gets no answer to it.

        Raises:
            FieldError: the request cannot be sent as it is given.
            NetworkError: there was no whole answer; its subclasses tell why.
            BodyError: the body is not encoded as it says.

        On cancellation the connection in use is closed, or, if it is shared, only what is sent and answered on it ends;
        the session and its pools can be used further.
        """
        outgoing = encode(call)
        watch = Stopwatch()
        request = httpx.Request(
            outgoing.method,
            outgoing.url,
            headers=outgoing.headers,
            stream=Bytes(outgoing.content),
            extensions={"trace": watch, "timeout": _NO_TIMEOUTS, FOLLOW: follow_redirects},
        )
        if sends is not None:
            sends(lambda: _sent(outgoing, request).view())
        digest = self._digest_of(request.url, outgoing.digest) if outgoing.digest is not None else None
        journey = Journey(
            self._client,
            outgoing,
            lambda url: Way(verify, certificate, proxy_for and proxy_for(url), http2),
            digest,
        )
        answer = await journey.arrive(request)
        decoder = Decoder(answer.headers.get("Content-Encoding", ""))
        with translated(answer.request.url, answer.request.extensions[WAY].proxy):
            raw, size = await receive(answer, decoder, keep)
        elapsed = watch.elapsed()
        found = read(answer, decoder, raw, size)
        found.warnings[:0] = journey.warnings
        sent = _sent(outgoing, request)
        return _response(answer, found, sent=sent, hops=journey.hops, elapsed=elapsed, phases=watch.phases())

    async def pretend(
        self, call: Call, make: Callable[[Sent, bytes], Awaitable[Made]], *, keep: int = KEEP
    ) -> Response:
        """As `send`, but the answer is made up: no server is asked, and a redirect is the answer.

        Args:
            call: what would be sent.
            make: gives the answer to that, and to the bytes of its body.
            keep: how many bytes of the body are kept.

        Raises:
            FieldError: the request could not be sent as it is given.
            BodyError: the body is not encoded as it says.
            StepError: what `make` raises.
        """
        outgoing = encode(call)
        request = httpx.Request(outgoing.method, outgoing.url, headers=outgoing.headers)
        self._client.add_cookies(request, outgoing.cookies)
        sent = _sent(outgoing, request)
        began = trio.current_time()
        made = await make(sent, outgoing.content)
        answer = httpx.Response(made.status_code, headers=list(made.headers), request=request)
        self._client.cookies.extract_cookies(answer)
        decoder = Decoder(answer.headers.get("Content-Encoding", ""))
        content = b"".join(decoder.feed(made.content))
        found = read(answer, decoder, content[:keep], len(content))
        return _response(answer, found, sent=sent, hops=[], elapsed=trio.current_time() - began, phases={}, mocked=True)

    def _digest_of(self, url: httpx.URL, credentials: tuple[str, str]) -> Digest:
        key = (origin(url), credentials)
        if key not in self._digests:
            from sisyphus.http.digest import Digest

            self._digests[key] = Digest(*credentials)
        return self._digests[key]


def _sent(outgoing: Outgoing, request: httpx.Request) -> Sent:
    return Sent(
        method=outgoing.method,
        url=shown(request.url),
        headers=Headers(request.headers.raw),
        body=outgoing.shown_body,
    )


def _response(
    answer: httpx.Response,
    found: Content,
    *,
    sent: Sent,
    hops: list[httpx.Response],
    elapsed: float,
    phases: dict[str, float | None],
    mocked: bool = False,
) -> Response:
    headers = Headers(answer.headers.raw)
    history = tuple(
        Hop(status_code=hop.status_code, url=shown(hop.url), headers=Headers(hop.headers.raw)) for hop in hops
    )
    return Response(
        status_code=answer.status_code,
        reason=answer.reason_phrase,
        headers=headers,
        cookies=_cookies_set([*(hop.headers for hop in history), headers]),
        body=found.body,
        text=found.text,
        url=shown(answer.request.url),
        elapsed=elapsed,
        size=found.size,
        http_version=answer.http_version,
        request=sent,
        history=history,
        phases=phases,
        truncated=found.truncated,
        body_note=found.note,
        mocked=mocked,
        warnings=tuple(found.warnings),
    )


def _cookies_set(answers: Iterable[Headers]) -> dict[str, str]:
    pairs = (line.partition(";")[0].partition("=") for headers in answers for line in headers.get_list("set-cookie"))
    return {name.strip(): value.strip() for name, _, value in pairs}
