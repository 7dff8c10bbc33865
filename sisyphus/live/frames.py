"""Events as WebSocket text frames, joined once for all watchers that stand at the same place."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from sisyphus.journal import Journal

# Large enough that a late watcher gets thousands of events with one system call, small enough that a thousand slow ones
# hold no more than the journal itself does.
BATCH_BYTES: Final = 64 * 1024

# Watchers are either at the live edge, at one of very few cursors, or catching up on their own.
BATCHES_KEPT: Final = 16

_FINAL_TEXT: Final = 0x81


@frozen
class Batch:
    """Frames ready to be written, and the cursor of a watcher that has them."""

    data: bytes
    cursor: int


def text_header(length: int) -> bytes:
    """The bytes before a payload of `length` in an unmasked final text frame without extensions (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((_FINAL_TEXT, length))
    if length < 1 << 16:
        return struct.pack("!BBH", _FINAL_TEXT, 126, length)
    return struct.pack("!BBQ", _FINAL_TEXT, 127, length)


class Batches:
    """What watchers of one journal are to be sent next.

    A server's frames are unmasked and, without compression, the same for every client: one join serves all.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._joined: dict[int, Batch] = {}
        self._as_of = 0

    def after(self, cursor: int) -> Batch | None:
        """The next frames for a watcher at `cursor`, None if it has all there is.

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
            batch = self._joined[cursor] = self._join(cursor)
        return batch

    def _join(self, cursor: int) -> Batch:
        pending = self._journal.read(cursor, max_bytes=BATCH_BYTES)
        data = b"".join(part for payload in pending.payloads for part in (text_header(len(payload)), payload))
        return Batch(data, pending.cursor)
