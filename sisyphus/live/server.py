"""The watchers' server: lets them in, and lets nobody out before they have everything."""

from __future__ import annotations

import logging
import selectors
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import trio
from attrs import field, frozen
from attrs.validators import and_, ge, le, optional

from sisyphus.live.door import Door
from sisyphus.live.listen import open_listeners

if TYPE_CHECKING:
    from sisyphus.journal import Journal

# Where the process has no file left for a connection, Trio waits and logs it; what no handler takes goes to the terminal,
# traceback and all.
logging.getLogger("trio.serve_listeners").addHandler(logging.NullHandler())


@frozen(kw_only=True)
class LiveSettings:
    """How a run is watched.

    Attributes:
        host, port: where watchers connect; port 0 is any free one.
        drain: seconds that watchers have, after the run, to read what is left.
        wait_clients: how many watchers must be there before the first step.
        wait_timeout: seconds after which the run begins without them; None for never.
    """

    host: str = "localhost"
    port: int = field(default=8765, validator=and_(ge(0), le(65535)))
    drain: float = field(default=5.0, validator=ge(0))
    wait_clients: int = field(default=0, validator=ge(0))
    wait_timeout: float | None = field(default=None, validator=optional(ge(0)))


@frozen(kw_only=True)
class Serving:
    """Where the server can be reached: the address to tell the user, and each one that is listened at.

    `wait_for_watchers` returns when so many are there as it is given.
    """

    host: str
    port: int
    addresses: tuple[tuple[str, int], ...]
    wait_for_watchers: Callable[[int], Awaitable[None]] = field(eq=False, repr=False)

    @property
    def url(self) -> str:
        """What a watcher connects to."""
        return _url(self.host, self.port)

    @property
    def urls(self) -> tuple[str, ...]:
        """The same for each address."""
        return tuple(_url(*address) for address in self.addresses)


async def serve(
    journal: Journal, settings: LiveSettings, *, task_status: trio.TaskStatus[Serving] = trio.TASK_STATUS_IGNORED
) -> None:
    """Serves the events of `journal` to any number of watchers.

    `started` comes when all sockets listen. Returns when the journal is closed and each watcher that still reads has
    everything and a close frame, at most `settings.drain` seconds after the closing. Cancelling closes everything at
    once. Whatever a watcher does concerns no other watcher, nor who writes the journal.

    Raises:
        sisyphus.errors.StartError: the address is taken or does not exist here.
    """
    listeners = await open_listeners(settings.host, settings.port)
    door = Door(journal)
    with trio.CancelScope() as open_house:
        async with trio.open_nursery() as visits:
            visits.start_soon(door.pulse.run)
            async with trio.open_nursery() as accepting:
                accepting.start_soon(_accept, door, listeners, visits)
                task_status.started(_where(settings.host, listeners, door))
                await journal.wait_closed()
                open_house.deadline = trio.current_time() + settings.drain
                await _let_in_who_waits(listeners)
                accepting.cancel_scope.cancel("the run is over")
            door.last_call()


async def _accept(door: Door, listeners: list[trio.SocketListener], visits: trio.Nursery) -> None:
    await trio.serve_listeners(door.receive, listeners, handler_nursery=visits)


async def _let_in_who_waits(listeners: list[trio.SocketListener]) -> None:
    """Returns when all who connected before the end have been accepted; closing a listener resets those who were not."""
    with selectors.DefaultSelector() as selector:
        for listener in listeners:
            selector.register(listener.socket, selectors.EVENT_READ)
        while selector.select(timeout=0):  # noqa: ASYNC110 - the kernel has no event for an emptied queue
            await trio.sleep(0.001)


def _where(host: str, listeners: list[trio.SocketListener], door: Door) -> Serving:
    addresses = tuple(listener.socket.getsockname()[:2] for listener in listeners)
    return Serving(
        host=host or addresses[0][0],
        port=addresses[0][1],
        addresses=addresses,
        wait_for_watchers=door.pulse.wait_for,
    )


def _url(host: str, port: int) -> str:
    return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"
