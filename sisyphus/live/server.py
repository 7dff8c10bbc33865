"""The watchers' server: lets them in, and lets nobody out before they have everything."""

from __future__ import annotations

import logging
import selectors
from typing import TYPE_CHECKING

import trio

from sisyphus.live import token
from sisyphus.live.access import Access, is_loopback
from sisyphus.live.door import Door
from sisyphus.live.listen import open_listeners
from sisyphus.live.serving import LiveSettings, Serving
from sisyphus.live.show import Show

if TYPE_CHECKING:
    import ssl

    from sisyphus.details import Details
    from sisyphus.event_log import EventLog
    from sisyphus.journal import Journal
    from sisyphus.live.run_state import RunState

__all__ = ["LiveSettings", "Serving", "serve"]

# Where the process has no file left for a connection, Trio waits and logs it; what no handler takes goes to the terminal,
# traceback and all.
logging.getLogger("trio.serve_listeners").addHandler(logging.NullHandler())


async def serve(
    journal: Journal,
    settings: LiveSettings,
    *,
    log: EventLog | None = None,
    run: RunState | None = None,
    details: Details | None = None,
    task_status: trio.TaskStatus[Serving] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serves the events of `journal` to any number of watchers.

    `started` comes when all sockets listen. Goes on for `settings.linger` seconds when the journal is closed, and then
    returns when each watcher that still reads has everything and a close frame, at most `settings.drain` seconds later.
    Cancelling closes everything at once. Whatever a watcher does concerns no other watcher, nor who writes the journal.

    Args:
        journal: the newest events.
        settings: where, for how long, and for whom.
        log: all events, for who asks for those that the journal no longer has.
        run: how it is with the run.
        details: what came of the newest steps.
        task_status: told where the server can be reached.

    Raises:
        sisyphus.errors.StartError: the address is taken or does not exist here, or the certificate cannot be used.
    """
    tls = _tls(settings)
    listeners = await open_listeners(settings.host, settings.port)
    lingering = trio.Event()
    show = Show(journal, log=log, run=run, details=details)
    shown = token.make() if settings.token == token.AUTO else settings.token
    serving = _where(settings, listeners, show, lingering, shown)
    access = Access(host=settings.host, loopback=serving.loopback, origins=settings.origins, token=shown)
    door = Door(show, access, tls)
    with trio.CancelScope() as open_house:
        async with trio.open_nursery() as visits:
            visits.start_soon(show.pulse.run)
            async with trio.open_nursery() as accepting:
                accepting.start_soon(_accept, door, listeners, visits)
                task_status.started(serving)
                await journal.wait_closed()
                with trio.move_on_after(settings.linger):
                    await lingering.wait()
                open_house.deadline = trio.current_time() + settings.drain
                door.last_call()
                await _let_in_who_waits(listeners)
                accepting.cancel_scope.cancel("the run is over")


def _tls(settings: LiveSettings) -> ssl.SSLContext | None:
    if settings.certificate is None:
        return None
    from sisyphus.live import secure

    return secure.load(settings.certificate, settings.key)


async def _accept(door: Door, listeners: list[trio.SocketListener], visits: trio.Nursery) -> None:
    await trio.serve_listeners(door.receive, listeners, handler_nursery=visits)


async def _let_in_who_waits(listeners: list[trio.SocketListener]) -> None:
    """Returns when all who connected before the end have been accepted; closing a listener resets those who were not."""
    with selectors.DefaultSelector() as selector:
        for listener in listeners:
            selector.register(listener.socket, selectors.EVENT_READ)
        while selector.select(timeout=0):  # noqa: ASYNC110 - the kernel has no event for an emptied queue
            await trio.sleep(0.001)


def _where(
    settings: LiveSettings, listeners: list[trio.SocketListener], show: Show, lingering: trio.Event, shown: str | None
) -> Serving:
    addresses = tuple(listener.socket.getsockname()[:2] for listener in listeners)
    return Serving(
        host=settings.host or addresses[0][0],
        port=addresses[0][1],
        addresses=addresses,
        loopback=all(is_loopback(host) for host, _ in addresses),
        secure=settings.certificate is not None,
        token=shown,
        tell_token=settings.token == token.AUTO,
        wait_for_watchers=show.pulse.wait_for,
        end_lingering=lingering.set,
    )
