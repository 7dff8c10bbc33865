"""What came of the newest steps, as text for who asks: compressed, and bounded in number and bytes."""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_right
from collections import deque
from itertools import accumulate
from typing import Final

DEFAULT_MAX_BYTES: Final = 64 * 1024 * 1024
DEFAULT_MAX_STEPS: Final = 65_536

# Twice as fast as the default level, for a tenth more bytes.
_LEVEL: Final = 1

# What is compressed together: steps are much alike, so a block of them takes a tenth of the time and a third of the room that
# they would take one by one. It is what has to be unpacked to look at one of them.
_BLOCK: Final = 64 * 1024

_OVERHEAD: Final = 400  # bytes that a block takes in memory besides what stands in it


class Details:
    """Texts by the `seq` of the event that ended their step.

    When there is no room, the oldest steps that succeeded are forgotten first: nobody comes late to look at those.

    Args:
        max_bytes: how much is kept, compressed.
        max_steps: of how many steps, give or take a block.
    """

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES, max_steps: int = DEFAULT_MAX_STEPS) -> None:
        self._max_bytes: Final = max_bytes
        self._max_steps: Final = max_steps
        self._spare: Final = _Shelf()
        self._dear: Final = _Shelf()

    def keep(self, seq: int, text: str, *, spare: bool) -> None:
        """Keeps a text; `spare` ones are the first to be forgotten. One that is longer than all the room is not kept.

        Args:
            seq: greater than that of every text before.
            text: whatever can be encoded.
            spare: whether it may be forgotten before others.
        """
        shelf, packed = self._spare if spare else self._dear, text.encode()
        if len(packed) > _BLOCK:
            shelf.put_large(seq, packed, self._max_bytes)
        else:
            shelf.put(seq, packed)
        first, last = self._spare, self._dear
        while first.size + last.size > self._max_bytes or first.count + last.count > self._max_steps:
            (first or last).forget()

    def get(self, seq: int) -> str | None:
        """The text; None if it is not kept any more, or never was."""
        kept = self._spare.get(seq)
        if kept is None:
            kept = self._dear.get(seq)
        return None if kept is None else kept.decode()


class _Shelf:
    """Texts in the order of their `seq`, the newest as they are and the others in compressed blocks.

    Attributes:
        size: bytes that all of it takes.
        count: how many they are.
    """

    def __init__(self) -> None:
        self.size = self.count = 0
        self._blocks: Final[deque[_Block]] = deque()
        self._newest: dict[int, bytes] = {}
        self._newest_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._blocks or self._newest)

    def put(self, seq: int, text: bytes) -> None:
        self._newest[seq] = text
        self._newest_bytes += len(text)
        self.size += len(text)
        self.count += 1
        if self._newest_bytes > _BLOCK:
            self._pack()

    def put_large(self, seq: int, text: bytes, room: int) -> None:
        """Keeps a text in a block of its own: it is not unpacked for its neighbours, nor takes their place in vain."""
        self._pack()
        block = _Block({seq: text})
        if block.size <= room:
            self._add(block)
            self.count += 1

    def _pack(self) -> None:
        if self._newest:
            self.size -= self._newest_bytes
            self._add(_Block(self._newest))
            self._newest, self._newest_bytes = {}, 0

    def _add(self, block: _Block) -> None:
        self._blocks.append(block)
        self.size += block.size

    def forget(self) -> None:
        """Forgets the oldest block."""
        if not self._blocks:
            self._pack()
        oldest = self._blocks.popleft()
        self.size -= oldest.size
        self.count -= len(oldest.seqs)

    def get(self, seq: int) -> bytes | None:
        if seq in self._newest:
            return self._newest[seq]
        at = bisect_right(self._blocks, seq, key=lambda block: block.seqs[0])
        return self._blocks[at - 1].get(seq) if at else None


class _Block:
    """Some texts, compressed together."""

    __slots__ = ("_ends", "_packed", "seqs")

    def __init__(self, texts: dict[int, bytes]) -> None:
        self.seqs: Final = array("Q", texts)
        self._ends: Final = array("Q", accumulate(map(len, texts.values())))
        self._packed: Final = zlib.compress(b"".join(texts.values()), _LEVEL)

    @property
    def size(self) -> int:
        return len(self._packed) + 2 * self.seqs.itemsize * len(self.seqs) + _OVERHEAD

    def get(self, seq: int) -> bytes | None:
        at = bisect_right(self.seqs, seq) - 1
        if at < 0 or self.seqs[at] != seq:
            return None
        begin = self._ends[at - 1] if at else 0
        return zlib.decompressobj().decompress(self._packed, self._ends[at])[begin : self._ends[at]]
