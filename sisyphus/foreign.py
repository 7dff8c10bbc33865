"""Code of the user's that runs inside the engine, and how it is stopped."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

# Seconds that the whole engine may stand still for one call.
LONGEST_CALL: Final = 30.0

_MAIN: Final = threading.main_thread().ident

# Whether such code runs, in the main thread, and has not been stopped yet.
_underway = False


class StoppedError(Exception):
    """The code was stopped; `out_of_time` says whether that was for its limit, else the run is being ended."""

    def __init__(self, *, out_of_time: bool) -> None:
        super().__init__("stopped")
        self.out_of_time: Final = out_of_time


class _Stop(BaseException):
    """What the code sees, wherever it is, when it has to end; no ``except Exception`` in it keeps it."""


class _OutOfTime(_Stop):
    pass


def stop() -> None:
    """Ends such code, if it runs; for a handler of signals, which Python calls in its midst.

    The loop cannot be asked meanwhile: nothing else runs while this code does.
    """
    _raise(_Stop)


def call(function: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any], *, limit: float) -> Any:
    """Calls a function that may do anything; what it prints goes to stderr, since stdout may be a document.

    Args:
        function: the user's.
        args: for it, by position.
        options: for it, by name.
        limit: seconds after which it is stopped. In the main thread only, and where there are interval timers:
            elsewhere it cannot be, and neither can it by Ctrl-C.

    Raises:
        StoppedError: it was stopped.
        Exception: whatever it raises.
    """
    global _underway  # noqa: PLW0603 - signals come to the process, not to an object
    with contextlib.redirect_stdout(sys.stderr):
        if threading.get_ident() != _MAIN or _underway:
            return function(*args, **options)
        try:
            try:
                _underway = True
                with _alarm_after(limit):
                    return function(*args, **options)
            finally:
                _underway = False
        except _Stop as exc:
            _underway = False  # a signal may have come before the line that says so
            raise StoppedError(out_of_time=isinstance(exc, _OutOfTime)) from None


def _raise(exception: type[_Stop]) -> None:
    global _underway  # noqa: PLW0603
    if _underway:
        _underway = False  # once: code that catches this too is ended by the second signal
        raise exception


def _out_of_time(_number: int, _frame: FrameType | None) -> None:
    _raise(_OutOfTime)


@contextlib.contextmanager
def _alarm_after(seconds: float) -> Iterator[None]:
    if not hasattr(signal, "setitimer") or signal.getsignal(signal.SIGALRM) not in {signal.SIG_DFL, _out_of_time}:
        yield  # there is no such timer, or the program around us uses it
        return
    signal.signal(signal.SIGALRM, _out_of_time)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
