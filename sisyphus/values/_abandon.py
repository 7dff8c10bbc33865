"""Calls of C code that nothing can stop: done in a thread, which is left to itself when its time is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread, get_ident
from typing import Any, Final, TypeVar

from sisyphus.errors import QueryError
from sisyphus.values._patience import left, over

T = TypeVar("T")

# Threads that still compute what nobody waits for; each takes a core until the process ends.
MAX_ABANDONED: Final = 4
_abandoned: Final[list[Thread]] = []

# Seconds on the wall for one of the processor's: a busy machine may need them.
_BUSY: Final = 3.0


def call_within_time(function: Callable[[], T]) -> T:
    """Calls a function whose C code releases the interpreter's lock.

    Raises:
        QueryError: it takes too long, or too many such calls did before.
        Exception: whatever the function raises.
    """
    _abandoned[:] = [thread for thread in _abandoned if thread.is_alive()]
    if len(_abandoned) >= MAX_ABANDONED:
        raise over(QueryError)
    seconds = left(QueryError)
    clock: list[int] = []
    outcome: list[Any] = []
    thread = Thread(target=_keep, args=(function, clock, outcome), daemon=True)
    thread.start()
    until = time.monotonic() + seconds * _BUSY
    while not outcome and _time_of(clock) < seconds and time.monotonic() < until:
        thread.join(0.02)
    if not outcome:
        _abandoned.append(thread)
        raise over(QueryError)
    failed, result = outcome[0]
    if failed:
        raise result
    return result  # type: ignore[no-any-return]  # of the type that the function gives


def _keep(function: Callable[[], Any], clock: list[int], outcome: list[Any]) -> None:
    if hasattr(time, "pthread_getcpuclockid"):
        clock.append(time.pthread_getcpuclockid(get_ident()))
    try:
        outcome.append((False, function()))
    except Exception as error:  # noqa: BLE001 - raised again where the call was made
        outcome.append((True, error))


def _time_of(clock: list[int]) -> float:
    try:
        return time.clock_gettime(clock[0]) if clock else 0.0
    except OSError:  # the thread ended just now
        return 0.0
