"""Blocking work in a thread that can be interrupted, and that never outlives who asked for it."""

from __future__ import annotations

import math
import threading
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import trio

T = TypeVar("T")

NAME: Final = "sisyphus database"
"""How the threads are called while they work."""

# A statement that was not begun yet when it was interrupted is interrupted again.
_AGAIN: Final = 0.1


async def in_thread(
    work: Callable[[threading.Event], T], interrupt: Callable[[int], Awaitable[None]] | None = None
) -> T:
    """Runs `work` in a thread and returns what it returns.

    Args:
        work: gets an event that is set when it is to stop.
        interrupt: wakes `work` where it blocks; called until it is done, with the number of the attempt from 0. It
            must end by itself, and after some attempts it must use force: the thread is waited for.

    Cancelled, it returns not before the thread has come to its end.
    """
    stop, done = threading.Event(), trio.Event()
    # Without a limit of its own: how much happens at once is bounded by who asks, and nobody may wait here unheard.
    limiter = trio.CapacityLimiter(math.inf)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_interrupt_if_cancelled, stop, done, interrupt)
        # Shielded: a thread cannot be cancelled, only asked to end, which the task above does.
        with trio.CancelScope(shield=True):
            result, error = await trio.to_thread.run_sync(_outcome, work, stop, limiter=limiter, thread_name=NAME)
        done.set()
        nursery.cancel_scope.cancel("the thread is done")
    await trio.lowlevel.checkpoint_if_cancelled()
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # of the two one is there


def _outcome(work: Callable[[threading.Event], T], stop: threading.Event) -> tuple[T | None, Exception | None]:
    """What came of the work: an exception is raised where no nursery makes a group of it."""
    try:
        return work(stop), None
    except Exception as exc:  # noqa: BLE001 - raised by who waits for it
        return None, exc


async def _interrupt_if_cancelled(
    stop: threading.Event, done: trio.Event, interrupt: Callable[[int], Awaitable[None]] | None
) -> None:
    try:
        await done.wait()
    finally:
        stop.set()
        attempt = 0
        # Shielded: the thread is to end before whoever was cancelled goes on.
        with trio.CancelScope(shield=True):
            while not done.is_set():
                if interrupt is not None:
                    await interrupt(attempt)
                attempt += 1
                with trio.move_on_after(_AGAIN):
                    await done.wait()
