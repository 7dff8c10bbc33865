"""What came of the newest steps, as text for who asks: compressed, and bounded in bytes."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from typing import Final

DEFAULT_MAX_BYTES: Final = 64 * 1024 * 1024

# Twice as fast as the default level, for a tenth more bytes.
_LEVEL: Final = 1


class Details:
    """Texts by the `seq` of the event that ended their step.

    When there is no room, the oldest steps that succeeded are forgotten first: nobody comes late to look at those.

    Args:
        max_bytes: how much is kept, compressed.
    """

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._max_bytes: Final = max_bytes
        self._spare: Final[OrderedDict[int, bytes]] = OrderedDict()
        self._dear: Final[OrderedDict[int, bytes]] = OrderedDict()
        self._bytes = 0

    def keep(self, seq: int, text: str, *, spare: bool) -> None:
        """Keeps a text; `spare` ones are the first to be forgotten. One that is longer than all the room is not kept."""
        packed = zlib.compress(text.encode(), _LEVEL)
        if len(packed) > self._max_bytes:
            return
        (self._spare if spare else self._dear)[seq] = packed
        self._bytes += len(packed)
        while self._bytes > self._max_bytes:
            _, forgotten = (self._spare or self._dear).popitem(last=False)
            self._bytes -= len(forgotten)

    def get(self, seq: int) -> str | None:
        """The text; None if it is not kept any more, or never was."""
        packed = self._spare.get(seq) or self._dear.get(seq)
        return None if packed is None else zlib.decompress(packed).decode()
