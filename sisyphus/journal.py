"""Append-only bounded log of encoded events, with a cursor per reader.

A cursor is the `seq` of the last event its reader has taken, 0 before the first. It is a plain number: a reader keeps its
own, the journal knows no readers, and a reader that comes back later names the same number to go on where it was.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

import trio
from attrs import frozen

DEFAULT_MAX_EVENTS: Final = 65_536
DEFAULT_MAX_BYTES: Final = 64 * 1024 * 1024


class Overtaken(Exception):
    """The events right after a cursor are no longer kept.

    Attributes:
        first_seq: the oldest event that is kept.
    """

    def __init__(self, cursor: int, first_seq: int) -> None:
        super().__init__(f"events after {cursor} are gone; the oldest kept is {first_seq}")
        self.first_seq: Final = first_seq


@frozen
class Interest:
    """Which events a reader wants; None is all of them.

    Attributes:
        types: event types of the live protocol.
        case: the one case they are about.
    """

    types: frozenset[str] | None = None
    case: str | None = None

    def takes(self, kind: str, case: str | None) -> bool:
        """Whether an event of this type about this case is wanted."""
        return (self.types is None or kind in self.types) and (self.case is None or case == self.case)


EVERYTHING: Final = Interest()


@frozen
class Pending:
    """Events that follow a cursor, oldest first with the `seq` of each, and the cursor that stands behind them.

    Where a selection leaves events out, the cursor stands behind those as well.
    """

    payloads: tuple[bytes, ...]
    cursor: int
    seqs: tuple[int, ...] = ()


class Journal:
    """Keeps the newest events up to a bound in number and in bytes.

    Writing never waits and knows nothing of the readers; every reader reads at its own pace. All methods belong to one
    thread. The newest event is always kept, however large it is.

    Args:
        max_events: how many events are kept.
        max_bytes: how many bytes of payload are kept.
    """

    def __init__(self, *, max_events: int = DEFAULT_MAX_EVENTS, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        if max_events < 1 or max_bytes < 1:
            raise ValueError(f"a journal keeps at least one event: {max_events=}, {max_bytes=}")
        self._max_events = max_events
        self._max_bytes = max_bytes
        # Lists side by side whose first `_gone` places are evicted: a deque would make finding a cursor in the middle
        # linear, and cutting the front of a list at every eviction would make appending linear.
        self._seqs: list[int] = []
        self._payloads: list[bytes] = []
        self._kinds: list[str] = []
        self._cases: list[str | None] = []
        self._ends: list[int] = []  # bytes of all payloads up to each, the evicted ones too
        self._gone = 0
        self._bytes = 0
        self._appended = 0
        self._floor = 0
        self._last_seq = 0
        self._closing = trio.Event()
        self._readers = trio.lowlevel.ParkingLot()

    @property
    def closed(self) -> bool:
        """Whether the last event has been appended."""
        return self._closing.is_set()

    @property
    def floor(self) -> int:
        """The cursor before the oldest kept event: where a reader begins that wants all there is."""
        return self._floor

    @property
    def first_seq(self) -> int | None:
        """The oldest kept event; None if there is none yet."""
        return self._seqs[self._gone] if self._seqs else None

    @property
    def last_seq(self) -> int:
        """The newest event, 0 if there is none yet: where a reader begins that wants only what is to come."""
        return self._last_seq

    def append(self, seq: int, payload: bytes, *, kind: str = "", case: str | None = None) -> None:
        """Adds an event and wakes who waits for it.

        Args:
            seq: greater than all before; numbers may be left out.
            payload: one JSON object in UTF-8, without a line break.
            kind: its type, for those who want only some.
            case: what it is about, for the same.

        Raises:
            ValueError: `seq` is not greater than the last one.
            trio.ClosedResourceError: the journal is closed.
        """
        if self.closed:
            raise trio.ClosedResourceError("the journal is closed")
        if seq <= self._last_seq:
            raise ValueError(f"seq must grow: {seq} after {self._last_seq}")
        self._seqs.append(seq)
        self._payloads.append(payload)
        self._kinds.append(kind)
        self._cases.append(case)
        self._appended += len(payload)
        self._ends.append(self._appended)
        self._bytes += len(payload)
        self._last_seq = seq
        self._evict()
        self._readers.unpark_all()

    def close(self) -> None:
        """Says that nothing more will come; what is kept stays readable. Closing again changes nothing."""
        self._closing.set()
        self._readers.unpark_all()

    def backlog(self, cursor: int) -> float:
        """How much of what can be kept stands behind a cursor, from 0 to 1: at 1, the next event overtakes its reader."""
        if cursor < self._floor:
            return 1.0
        kept = len(self._seqs) - self._gone
        beyond = len(self._seqs) - bisect_right(self._seqs, cursor, lo=self._gone)
        if not beyond:
            return 0.0
        return beyond / kept * max(kept / self._max_events, self._bytes / self._max_bytes)

    def read(self, cursor: int, *, max_bytes: int | None = None, only: Interest = EVERYTHING) -> Pending:
        """Returns what follows `cursor`, in one piece; nothing pending gives no payloads and the same cursor.

        Args:
            cursor: the `seq` of the last event read, or 0, `floor`, `last_seq`.
            max_bytes: stop before the event that would exceed this; at least one event is looked at.
            only: what is wanted of it.

        Raises:
            Overtaken: events that the reader has not read have been evicted.
        """
        if cursor < self._floor:
            raise Overtaken(cursor, self._seqs[self._gone])
        if cursor >= self._last_seq:
            return Pending((), cursor)
        begin = bisect_right(self._seqs, cursor, lo=self._gone)
        end = len(self._seqs) if max_bytes is None else self._end_within(begin, max_bytes)
        behind = self._seqs[end - 1]
        if only == EVERYTHING:
            return Pending(tuple(self._payloads[begin:end]), behind, tuple(self._seqs[begin:end]))
        wanted = [at for at in range(begin, end) if only.takes(self._kinds[at], self._cases[at])]
        return Pending(tuple(self._payloads[at] for at in wanted), behind, tuple(self._seqs[at] for at in wanted))

    async def wait_beyond(self, cursor: int) -> None:
        """Returns once there is an event after `cursor`, or the journal is closed."""
        await trio.lowlevel.checkpoint()
        while self._last_seq <= cursor and not self.closed:
            await self._readers.park()

    async def wait_closed(self) -> None:
        """Returns once the journal is closed."""
        await self._closing.wait()

    def _end_within(self, begin: int, max_bytes: int) -> int:
        before = self._ends[begin] - len(self._payloads[begin])
        return max(begin + 1, bisect_right(self._ends, before + max_bytes, lo=begin))

    def _evict(self) -> None:
        while self._bytes > self._max_bytes or len(self._seqs) - self._gone > self._max_events:
            if self._gone == len(self._seqs) - 1:
                return
            self._bytes -= len(self._payloads[self._gone])
            self._payloads[self._gone] = b""
            self._floor = self._seqs[self._gone]
            self._gone += 1
        if self._gone > len(self._seqs) // 2:
            for kept in (self._seqs, self._payloads, self._kinds, self._cases, self._ends):
                del kept[: self._gone]
            self._gone = 0
