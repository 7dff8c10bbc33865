"""Ctrl-C and SIGTERM, and what they end."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import FrameType

    import trio

    Handler = Callable[[int, FrameType | None], None]

INTERRUPTED: Final = 130

_NUMBERS: Final = (signal.SIGINT, signal.SIGTERM)
_ERASE_LINE: Final = b"\r\x1b[2K"


@contextmanager
def handled_by(handler: Handler) -> Iterator[None]:
    """Has both signals handled so, and afterwards as before. Only in the main thread: Python has it so."""
    before = {number: signal.signal(number, handler) for number in _NUMBERS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, signal.SIG_DFL if old is None else old)


def hand_over_to(handler: Handler) -> None:
    """Has the signals that are still to come handled so."""
    for number in _NUMBERS:
        signal.signal(number, handler)


def cancelling(scope: trio.CancelScope) -> AbstractContextManager[None]:
    """Has the first of them cancel the scope, and the second end the process; does nothing outside the main thread."""
    import trio

    if threading.current_thread() is not threading.main_thread():
        return nullcontext()
    token = trio.lowlevel.current_trio_token()

    def first(_number: int, _frame: FrameType | None) -> None:
        hand_over_to(end_process)
        token.run_sync_soon(scope.cancel)

    return handled_by(first)


def end_process(_number: int, _frame: FrameType | None) -> None:
    """Ends the process at once, whatever it is busy with, with exit code 130."""
    with suppress(OSError):
        if os.isatty(1):
            os.write(1, _ERASE_LINE)  # the status line may stand there
    os._exit(INTERRUPTED)
