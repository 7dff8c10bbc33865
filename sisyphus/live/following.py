"""One watcher over HTTP: the events as Server-Sent Events, or as lines of JSON."""

from __future__ import annotations

import random
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import trio

from sisyphus.live import control
from sisyphus.live.asking import BadRequest, wish_of
from sisyphus.live.beginning import cannot_begin
from sisyphus.live.delivery import NORMAL, Delivery
from sisyphus.live.manners import LINES, LINES_IN_CHUNKS, SERVER_SENT, SERVER_SENT_IN_CHUNKS
from sisyphus.live.watcher import MAX_MESSAGE_BYTES, PING_EVERY, PONG_WITHIN

if TYPE_CHECKING:
    from sisyphus.live.asking import Wish
    from sisyphus.live.manners import Manner
    from sisyphus.live.stream import SharedStream
    from sisyphus.live.visit import Visit

SSE: Final = "text/event-stream; charset=utf-8"
NDJSON: Final = "application/x-ndjson; charset=utf-8"

# By version of HTTP and whether lines are wanted: 1.0 has no chunks.
_MANNERS: Final = {
    ("1.1", False): SERVER_SENT_IN_CHUNKS,
    ("1.1", True): LINES_IN_CHUNKS,
    ("1.0", False): SERVER_SENT,
    ("1.0", True): LINES,
}

# A word about the end is for who reads at all.
_GOODBYE_SECONDS: Final = 30.0


async def follow(visit: Visit) -> None:
    """Answers a request for the events: as long as the run goes on, and the reader is there."""
    try:
        wish = wish_of(visit.head, over_http=True)
    except BadRequest as bad:
        await visit.say(HTTPStatus.BAD_REQUEST, str(bad))
        return
    show, manner = visit.show, _MANNERS["1.0" if visit.head.http_version == "1.0" else "1.1", wish.ndjson]
    refused = cannot_begin(wish, floor=show.floor, newest=show.newest, is_told=manner.word is not None)
    if refused is not None:
        await visit.answer(refused)
    elif show.journal.closed and wish.after == show.newest and not wish.ndjson:
        # A browser goes on asking until it hears this.
        await visit.say(HTTPStatus.NO_CONTENT, "")
    else:
        chunked = [] if visit.head.http_version == "1.0" else [("Transfer-Encoding", "chunked")]
        # Proxies gather an answer before they pass it on, unless they are asked not to.
        await visit.begin(NDJSON if wish.ndjson else SSE, ("X-Accel-Buffering", "no"), *chunked)
        if visit.wants_body:
            visit.admitted()
            await _deliver(visit, wish, manner)


async def _deliver(visit: Visit, wish: Wish, manner: Manner) -> None:
    stream, delivery = visit.stream, Delivery(visit.stream, visit.show, manner, wish)
    try:
        async with trio.open_nursery() as nursery:
            stream.allow(MAX_MESSAGE_BYTES)
            nursery.start_soon(_read_until_it_leaves, stream, nursery.cancel_scope)
            nursery.start_soon(_drop_if_it_does_not_read, stream, manner.alive, nursery.cancel_scope)
            await stream.send_all(manner.begin)
            visit.show.pulse.join(delivery)
            try:
                end = await delivery.run()
            finally:
                visit.show.pulse.leave(delivery)
            with trio.move_on_after(_GOODBYE_SECONDS if end.code != NORMAL else float("inf")):
                if manner.word is not None:
                    word = control.close(end.code, end.reason or "the run is over")
                    await stream.send_all(manner.word(word.type, word.encode(visit.show.run)))
                # A body that breaks off instead of ending says that there was more.
                if end.code == NORMAL:
                    await stream.send_all(manner.end)
            nursery.cancel_scope.cancel("the reader has everything")
    except* (trio.BrokenResourceError, trio.ClosedResourceError):
        pass  # gone in the middle of something: its own affair


async def _read_until_it_leaves(stream: SharedStream, reader: trio.CancelScope) -> None:
    while await stream.receive_some():
        pass
    reader.cancel("the reader left")


async def _drop_if_it_does_not_read(stream: SharedStream, sign_of_life: bytes, reader: trio.CancelScope) -> None:
    if not sign_of_life:
        return  # lines of JSON have no comments: the kernel asks whether the other side is there, see `listen`
    await trio.sleep(PING_EVERY * random.uniform(0.5, 1))  # noqa: S311 - no secret
    while True:
        with trio.move_on_after(PONG_WITHIN) as patience:
            await stream.send_all(sign_of_life)
        if patience.cancelled_caught:
            reader.cancel("it does not read")
        await trio.sleep(PING_EVERY)
