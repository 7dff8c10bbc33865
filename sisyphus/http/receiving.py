"""The body of an answer: read to its end as far as it is wanted, drained, or given up in the middle."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import httpcore
import trio

from sisyphus.errors import BodyError
from sisyphus.http import content
from sisyphus.http.dialing import CLOSING
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from sisyphus.http.content import Content
    from sisyphus.http.decoding import Decoder

# Nobody sees the body of a redirect: a short one is read for its connection's sake, a longer one is not.
DRAINED: Final = 64 * 1024


async def receive(answer: httpx.Response, decoder: Decoder, keep: int) -> tuple[bytes, int]:
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


async def drain(answer: httpx.Response) -> None:
    """Makes the connection of an answer that nobody sees usable again, or closes it if that would cost more than a new one."""
    try:
        if _is_short(answer):
            async for _ in answer.stream:  # type: ignore[union-attr]
                pass
    finally:
        with trio.move_on_after(CLOSING, shield=True):
            await answer.aclose()


def _is_short(answer: httpx.Response) -> bool:
    if "Transfer-Encoding" in answer.headers:
        return False
    try:
        return int(answer.headers.get("Content-Length", "")) <= DRAINED
    except ValueError:  # there is none, or several, which HTTP/2 lets through
        return False


def read(answer: httpx.Response, decoder: Decoder, raw: bytes, size: int) -> Content:
    found = content.read(raw, answer.headers.get("Content-Type", ""), size=size)
    if decoder.unknown:
        named = ", ".join(decoder.unknown)
        found.warnings.append(tr("the body is encoded as {encoding}, which is not undone", encoding=named))
    if not decoder.is_whole():
        found.warnings.append(tr("the compressed body ends too early"))
    return found
