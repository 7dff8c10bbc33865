"""How long the answer to one question may keep the whole run waiting.

Templates, paths, patterns and comparisons are evaluated without a break: while one of them computes, no other case goes
on, and no time limit of a step can end it. What could take forever therefore asks now and then, by `tick`, whether
its time is over. The time is that of the processor: a busy machine is no reason to refuse.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from time import thread_time
from typing import TYPE_CHECKING, Final

from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.errors import StepError

# A thousand times longer than any question that is meant takes, and short against the limits of steps.
MAX_SECONDS: Final = 1.0

# Asking for the time, which is a system call here, costs more than most of what is done in between.
_TICKS: Final = 16


class _Budget:
    __slots__ = ("_ends", "error", "ticks")

    def __init__(self, error: type[StepError]) -> None:
        self._ends: float | None = None
        self.error = error
        self.ticks = 0

    def left(self) -> float:
        """The seconds that are left, from the first time that somebody asks: most questions are over before."""
        now = thread_time()
        if self._ends is None:
            self._ends = now + MAX_SECONDS
        return self._ends - now


_CURRENT: Final = ContextVar[_Budget | None]("patience", default=None)


class Patience:
    """The scope of one question; those asked on the way to its answer share its time.

    Args:
        error: what is raised when the time is over.
    """

    __slots__ = ("_error", "_token")

    def __init__(self, error: type[StepError]) -> None:
        self._error = error
        self._token: Token[_Budget | None] | None = None

    def __enter__(self) -> None:
        if _CURRENT.get() is None:
            self._token = _CURRENT.set(_Budget(self._error))

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _CURRENT.reset(self._token)


def tick() -> None:
    """Ends the question if its time is over; outside of any, does nothing.

    Raises:
        StepError: it is over; of the class that the question began with.
    """
    budget = _CURRENT.get()
    if budget is None:
        return
    budget.ticks += 1
    if budget.ticks % _TICKS == 0 and budget.left() < 0:
        raise over(budget.error)


def left(error: type[StepError]) -> float:
    """The seconds that are left for what looks at the time by itself.

    Raises:
        StepError: there are none.
    """
    budget = _CURRENT.get()
    if budget is None:
        return MAX_SECONDS
    seconds = budget.left()
    if seconds <= 0:
        raise over(error)
    return seconds


def over(error: type[StepError]) -> StepError:
    """What is raised when the time is over."""
    return error(
        tr("this takes longer than {limit:g} s to compute", limit=MAX_SECONDS),
        suggestion=tr("Ask for less at once, or use a script."),
    )
