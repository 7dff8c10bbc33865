"""What a connection to a database can do, whichever database it is."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

from sisyphus.database.result import Result, StoppedError

if TYPE_CHECKING:
    from threading import Event

    from sisyphus.database.statement import Statement

BATCH: Final = 500
"""Rows that a server sends at a time; between two batches a connection looks whether it is to stop."""

FORCE: Final = 3
"""From this attempt on, an interruption no longer asks."""


class Connection(Protocol):
    """One connection, used by one statement at a time.

    Attributes:
        is_lost: whether it can take no further statement.
        survives: whether it is as good as before after an interruption.
    """

    is_lost: bool

    @property
    def survives(self) -> bool: ...

    def run(self, statement: Statement, stop: Event) -> Result:
        """Carries out a statement; blocks, so it is called in a thread.

        Raises:
            StepError: the database refused it, or cannot be reached any longer.
        """
        ...

    async def interrupt(self, attempt: int) -> None:
        """Ends what `run` does in its thread; from the attempt `FORCE` on without asking."""
        ...

    def reset(self, stop: Event) -> None:
        """Makes it as if it were new; blocks, so it is called in a thread.

        Raises:
            StepError: it is not good for anything any longer.
        """
        ...

    def close(self) -> None:
        """Closes it; does not wait for the other side."""
        ...


def batches(cursor: Any) -> Iterator[list[Any]]:
    """What a DB-API cursor still has, one row at a time: whoever has enough after a few huge ones gets no more of them."""
    while (row := cursor.fetchone()) is not None:
        yield [row]


def until(stop: Event, sets: Iterable[Any]) -> Iterator[Any]:
    """Sets of parameters, one after the other.

    Raises:
        StoppedError: it is to stop.
    """
    for one in sets:
        if stop.is_set():
            raise StoppedError
        yield one


def shut(descriptor: int) -> None:
    """Ends a connection under whoever waits for it; its descriptor stays open until its owner closes it."""
    if descriptor < 0:
        return  # it is closed already
    link = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=descriptor)  # of whatever family
    try:
        link.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side has ended it
    finally:
        link.detach()
