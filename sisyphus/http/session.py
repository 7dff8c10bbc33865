"""One client per case: its cookies, its redirects, and answers read to their end."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import httpcore
import httpx
import trio

from sisyphus.errors import BodyError
from sisyphus.http import content
from sisyphus.http.client import Bytes, Client
from sisyphus.http.connections import CLOSING
from sisyphus.http.decoding import Decoder
from sisyphus.http.failures import shown, translated
from sisyphus.http.headers import Headers
from sisyphus.http.pool import FOLLOW, VERIFY
from sisyphus.http.redirects import checked
from sisyphus.http.request import Outgoing, encode
from sisyphus.http.response import Hop, Response, Sent
from sisyphus.http.timings import Stopwatch
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from sisyphus.http.content import Content
    from sisyphus.http.pool import Pools
    from sisyphus.http.request import Call

KEEP: Final = 10 * 1024 * 1024

# Nobody sees the body of a redirect: a short one is read for its connection's sake, a longer one is not.
DRAINED: Final = 64 * 1024

_NO_TIMEOUTS: Final[dict[str, None]] = {}  # limits are the caller's cancel scopes


class Session:
    """Sends the requests of one case; cookies that are set stay in it.

    Any number of tasks may send at once. It holds nothing that needs closing: connections belong to the pools.
    """

    def __init__(self, pools: Pools) -> None:
        self._client: Final = Client(transport=pools, trust_env=False, timeout=None)

    async def send(
        self, call: Call, *, verify: bool = True, follow_redirects: bool = True, keep: int = KEEP
    ) -> Response:
        """Sends a request, follows where it is redirected to, and reads the answer to its end.

        Args:
            call: what to send.
            verify: whether the server's certificate must be trusted.
            follow_redirects: whether a redirect is followed, or is the answer.
            keep: how many bytes of the body are kept; the rest is read and counted.

        Raises:
            FieldError: the request cannot be sent as it is given.
            NetworkError: there was no whole answer; its subclasses tell why.
            BodyError: the body is not encoded as it says.

        On cancellation the connection in use is closed; the session and its pools can be used further.
        """
        outgoing = encode(call)
        watch = Stopwatch()
        extensions = {"trace": watch, "timeout": _NO_TIMEOUTS, VERIFY: verify, FOLLOW: follow_redirects}
        request = httpx.Request(
            outgoing.method,
            outgoing.url,
            headers=outgoing.headers,
            stream=Bytes(outgoing.content),
            extensions=extensions,
        )
        self._add_cookies(request, outgoing.cookies)
        sent = Sent(
            method=outgoing.method,
            url=shown(request.url),
            headers=Headers(request.headers.raw),
            body=outgoing.shown_body,
        )
        answer, hops = await self._arrive(request, outgoing)
        decoder = Decoder(answer.headers.get("Content-Encoding", ""))
        with translated(answer.request.url):
            raw, size = await _receive(answer, decoder, keep)
        elapsed = watch.elapsed()
        read = _read(answer, decoder, raw, size)
        return _response(answer, read, sent=sent, hops=hops, elapsed=elapsed, phases=watch.phases())

    async def _arrive(self, request: httpx.Request, outgoing: Outgoing) -> tuple[httpx.Response, list[httpx.Response]]:
        """Sends and follows; the answer's body is still to be read."""
        hops: list[httpx.Response] = []
        while True:
            with translated(request.url):
                # httpx makes the next request but leaves sending it to us, so that a redirect's body is not kept.
                answer = await self._client.send(request, stream=True, auth=None, follow_redirects=False)
                if answer.next_request is None:
                    return answer, hops
                await _drain(answer)
            hops.append(answer)
            request = checked(answer.next_request, hops, secret=outgoing.secret)
            self._add_cookies(request, outgoing.cookies if request.url.host == outgoing.url.host else {})

    def _add_cookies(self, request: httpx.Request, own: Mapping[str, str]) -> None:
        """Cookies of the request's own win over those of the session."""
        kept = self._client.cookies_for(request.url).split("; ")
        pairs = [pair for pair in kept if pair and pair.partition("=")[0] not in own]
        pairs += [f"{name}={value}" for name, value in own.items()]
        if pairs:
            # As bytes: httpx writes a header in the encoding of those it has, and that is ASCII as a rule.
            request.headers = httpx.Headers([*request.headers.raw, (b"Cookie", "; ".join(pairs).encode())])


async def _receive(answer: httpx.Response, decoder: Decoder, keep: int) -> tuple[bytes, int]:
    """Receives the whole body; returns the first `keep` bytes of it and how many there were."""
    kept = bytearray()
    size = 0
    chunks = aiter(answer.stream)  # type: ignore[arg-type]  # httpx's class declares both ways to be iterated
    try:
        async for chunk in chunks:
            for number, piece in enumerate(decoder.feed(chunk)):
                if number:  # a few bytes may become terabytes, and limits of time must be obeyed meanwhile
                    await trio.lowlevel.checkpoint()
                if size < keep:
                    kept += piece[: keep - size]
                size += len(piece)
    except (BodyError, trio.Cancelled):
        with trio.move_on_after(CLOSING, shield=True):
            await _break_off(answer, chunks)
        raise
    finally:
        with trio.move_on_after(CLOSING, shield=True):
            await answer.aclose()
    return bytes(kept), size


async def _break_off(answer: httpx.Response, chunks: AsyncIterator[bytes]) -> None:
    """Ends a body in the middle: httpcore's generators end in order only by an error from below."""
    with contextlib.suppress(httpcore.NetworkError, httpcore.ProtocolError):
        await answer.extensions["network_stream"].aclose()
        async for _ in chunks:
            pass


async def _drain(answer: httpx.Response) -> None:
    """Makes the connection of a redirect usable again, or closes it if that would cost more than a new one."""
    try:
        if (
            "Transfer-Encoding" not in answer.headers
            and int(answer.headers.get("Content-Length", DRAINED + 1)) <= DRAINED
        ):
            async for _ in answer.stream:  # type: ignore[union-attr]
                pass
    finally:
        with trio.move_on_after(CLOSING, shield=True):
            await answer.aclose()


def _read(answer: httpx.Response, decoder: Decoder, raw: bytes, size: int) -> Content:
    read = content.read(raw, answer.headers.get("Content-Type", ""), size=size)
    if decoder.unknown:
        named = ", ".join(decoder.unknown)
        read.warnings.append(tr("the body is encoded as {encoding}, which is not undone", encoding=named))
    if not decoder.is_whole():
        read.warnings.append(tr("the compressed body ends too early"))
    return read


def _response(
    answer: httpx.Response,
    read: Content,
    *,
    sent: Sent,
    hops: list[httpx.Response],
    elapsed: float,
    phases: dict[str, float | None],
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
        body=read.body,
        text=read.text,
        url=shown(answer.request.url),
        elapsed=elapsed,
        size=read.size,
        http_version=answer.http_version,
        request=sent,
        history=history,
        phases=phases,
        truncated=read.truncated,
        body_note=read.note,
        warnings=tuple(read.warnings),
    )


def _cookies_set(answers: Iterable[Headers]) -> dict[str, str]:
    pairs = (line.partition(";")[0].partition("=") for headers in answers for line in headers.get_list("set-cookie"))
    return {name.strip(): value.strip() for name, _, value in pairs}
