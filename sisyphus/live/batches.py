"""What watchers are to be sent next, joined once for all who stand at the same place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import frozen

from sisyphus.journal import EVERYTHING, Interest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sisyphus.journal import Journal, Pending

# Large enough that a late watcher gets thousands of events with one system call, small enough that a thousand slow ones
# hold no more than the journal itself does.
BATCH_BYTES: Final = 64 * 1024

# Watchers are either at the live edge, at one of very few cursors, or catching up on their own.
BATCHES_KEPT: Final = 16


@frozen
class Batch:
    """Bytes ready to be written, and the cursor of a watcher that has them.

    There may be none, where nothing up to the cursor is what the watcher wants.
    """

    data: bytes
    cursor: int


class Batches:
    """What those watchers of one journal are to be sent next who want the same in the same manner.

    Args:
        journal: where the events are.
        encode: the manner.
        only: what they want.
    """

    def __init__(self, journal: Journal, encode: Callable[[Pending], bytes], only: Interest = EVERYTHING) -> None:
        self._journal = journal
        self._encode = encode
        self._only = only
        self._joined: dict[int, Batch] = {}
        self._as_of = 0

    def after(self, cursor: int) -> Batch | None:
        """The next bytes for a watcher at `cursor`, None if it has all there is.

        Raises:
            sisyphus.journal.Overtaken: the watcher is too slow.
        """
        newest = self._journal.last_seq
        if cursor >= newest:
            return None
        if newest != self._as_of or len(self._joined) >= BATCHES_KEPT:
            self._joined.clear()
            self._as_of = newest
        batch = self._joined.get(cursor)
        if batch is None:
            pending = self._journal.read(cursor, max_bytes=BATCH_BYTES, only=self._only)
            batch = self._joined[cursor] = self.of(pending)
        return batch

    def of(self, pending: Pending) -> Batch:
        """Events from elsewhere, in the same manner."""
        return Batch(self._encode(pending), pending.cursor)
