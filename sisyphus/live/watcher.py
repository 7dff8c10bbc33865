"""One watcher over WebSocket: a task that reads, so that its leaving is noticed, beside one that writes."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Final

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream
from wsproto.utilities import ProtocolError

from sisyphus.live.control import PROTOCOL
from sisyphus.live.delivery import NORMAL, SLOW_CONSUMER, Delivery
from sisyphus.live.head import HEAD_SECONDS
from sisyphus.live.manners import PLAIN, SUBPROTOCOL

if TYPE_CHECKING:
    from collections.abc import Callable

    from sisyphus.live.asking import Wish
    from sisyphus.live.show import Show
    from sisyphus.live.stream import SharedStream

MAX_MESSAGE_BYTES: Final = 64 * 1024

# What may come between two messages: pongs for some days, but no endless message of endless empty fragments.
NOISE_BYTES: Final = 16 * 1024 * 1024

# A watcher is asked so often whether it is still there, and has so long to answer. Both are the live protocol's.
PING_EVERY: Final = 20.0
PONG_WITHIN: Final = 20.0

# How long a watcher may take to read why it is closed. At the end of the run, the server's drain is what limits it.
_GOODBYE_SECONDS: Final = {NORMAL: math.inf, SLOW_CONSUMER: 30.0}


async def watch(
    stream: SharedStream, show: Show, wish: Wish, *, subprotocol: bool = False, admitted: Callable[[], None]
) -> None:
    """Serves one WebSocket, from its handshake (which must be next in `stream`) to its close.

    Returns when the watcher has everything and was told so, or is gone, however rudely. `stream` may be closed then or
    not: who opened it closes it.

    Args:
        stream: the connection.
        show: what is watched.
        wish: what the watcher asked for.
        subprotocol: whether it understands control messages.
        admitted: called when the handshake is over.
    """
    try:
        async with trio.open_nursery() as nursery:
            connection = await _shake_hands(nursery, stream, PROTOCOL if subprotocol else None)
            if connection is not None:
                admitted()
                delivery = Delivery(stream, show, SUBPROTOCOL if subprotocol else PLAIN, wish)
                await _deliver_and_close(nursery, connection, stream, delivery, show)
            nursery.cancel_scope.cancel("the watcher has everything or is gone")
    # What trio-websocket's reader raises at a peer that breaks the protocol, or leaves, at the wrong moment: a ping
    # after our close frame is enough. None of it concerns anyone but this watcher.
    except* (ProtocolError, ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
        pass


async def _shake_hands(
    nursery: trio.Nursery, stream: SharedStream, subprotocol: str | None
) -> WebSocketConnection | None:
    with trio.move_on_after(HEAD_SECONDS):
        request = await wrap_server_stream(nursery, stream, max_message_size=MAX_MESSAGE_BYTES)
        return await request.accept(subprotocol=subprotocol)
    return None


async def _deliver_and_close(
    nursery: trio.Nursery, connection: WebSocketConnection, stream: SharedStream, delivery: Delivery, show: Show
) -> None:
    nursery.start_soon(_read_until_it_leaves, connection, stream, delivery)
    nursery.start_soon(_drop_if_it_is_gone, connection, nursery.cancel_scope)
    show.pulse.join(delivery)
    try:
        end = await delivery.run()
    finally:
        show.pulse.leave(delivery)
    # Without effect if the watcher has closed already.
    with trio.move_on_after(_GOODBYE_SECONDS[end.code]):
        await connection.aclose(end.code, end.reason or None)


async def _read_until_it_leaves(connection: WebSocketConnection, stream: SharedStream, delivery: Delivery) -> None:
    try:
        while True:
            stream.allow(NOISE_BYTES)
            await connection.get_message()
    except ConnectionClosed:
        delivery.stop()


async def _drop_if_it_is_gone(connection: WebSocketConnection, watcher: trio.CancelScope) -> None:
    # Hundreds may have come in the same moment; their pings shall not.
    await trio.sleep(PING_EVERY * random.uniform(0.5, 1))  # noqa: S311 - no secret
    while not connection.closed:
        with trio.move_on_after(PONG_WITHIN) as patience:
            await connection.ping()
        if patience.cancelled_caught:
            watcher.cancel("no pong")
        await trio.sleep(PING_EVERY)
