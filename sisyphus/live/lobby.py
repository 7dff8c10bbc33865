"""Connections that are no watchers yet: so many and no more, and none for long."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import trio

from sisyphus.live.head import HEAD_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sisyphus.live.allowance import Allowance

# More than ever come at once on purpose, and few enough that files are left for watchers where a process may open 1024.
MOST: Final = 256

# How long an answer may take to be read, the dashboard included.
ANSWER_SECONDS: Final = 30.0

# After the end of the run, for connections that have not said what they want; browsers open some in advance, and say
# nothing until somebody clicks.
LAST_CALL_SECONDS: Final = 0.4


class Guest:
    """A connection on its way from being accepted to being answered or admitted."""

    def __init__(self, deadline: float) -> None:
        self.scope: Final = trio.CancelScope(deadline=deadline)
        self.heard = False
        self.queues = False

    def is_heard(self) -> None:
        """It has said what it wants, and is being answered."""
        self.heard = True
        self.scope.deadline = trio.current_time() + ANSWER_SECONDS


class Lobby:
    """Where connections are until they are watchers.

    Who opens thousands of connections and says nothing only makes those wait that are as silent: the oldest make room.
    """

    def __init__(self) -> None:
        self._guests: dict[Guest, None] = {}
        self._patience = HEAD_SECONDS

    @contextmanager
    def guest(self) -> Iterator[Guest]:
        """A guest for the length of the block, which is cancelled when it has stayed too long."""
        guest = Guest(trio.current_time() + self._patience)
        self._guests[guest] = None
        if len(self._guests) > MOST:
            oldest = next(iter(self._guests))
            self.goes_in(oldest)
            oldest.scope.cancel("others are waiting")
        try:
            with guest.scope:
                yield guest
        finally:
            self._guests.pop(guest, None)

    async def queue(self, guest: Guest, allowance: Allowance) -> bool:
        """Returns when the guest may be served, and whether it had to wait: no fault of its own, so it does not count."""
        guest.queues, guest.scope.deadline = True, math.inf
        waited = await allowance.wait()
        guest.queues, guest.scope.deadline = False, trio.current_time() + self._patience
        return waited

    def goes_in(self, guest: Guest) -> None:
        """The guest is a watcher from now on, and may stay."""
        self._guests.pop(guest, None)
        guest.scope.deadline = math.inf

    def last_call(self) -> None:
        """The house closes: who has not yet said what it wants must do so now."""
        self._patience = LAST_CALL_SECONDS
        soon = trio.current_time() + LAST_CALL_SECONDS
        for guest in self._guests:
            if not guest.heard and not guest.queues:
                guest.scope.deadline = min(guest.scope.deadline, soon)
