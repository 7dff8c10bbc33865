"""A file of JSON lines that only grows, in which each line is found by the number of its event."""

from __future__ import annotations

import json
import os
import threading
from bisect import bisect_right
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from sisyphus.journal import EVERYTHING, Interest, Pending
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# A mark every so many bytes says which event stands there. When there are too many marks, every second one goes: a file
# of any length has an index of bounded size, and a look-up reads at most one distance more than it needs.
MARK_BYTES: Final = 64 * 1024
MARKS: Final = 4096

_READ_BYTES: Final = 256 * 1024


class Damaged(Exception):
    """What stands in the file is not what was written there: somebody else has changed it."""


class LineFile:
    """Lines of one run, appended to whatever stands in a file already.

    One thread writes and any number read; what is read is always whole lines.

    Args:
        path: a regular file; it is made if there is none, and nothing in it is ever changed.

    Raises:
        OSError: it cannot be opened, is no regular file, or another run writes to it.
    """

    def __init__(self, path: Path) -> None:
        with ExitStack() as undo:
            # Two, since a position belongs to the open file: who writes moves it, in the middle of another's reading.
            self._file = undo.enter_context(path.open("ab", buffering=0))
            _claim(path, self._file.fileno())
            self._reading = undo.enter_context(path.open("rb", buffering=0))
            self._end = self._begin()
            undo.pop_all()
        self._marks: list[tuple[int, int]] = []
        self._distance = MARK_BYTES
        self._writing = threading.Lock()
        self._seeking = threading.Lock()
        self._closing = threading.Lock()
        self._over = False
        self.last_seq = 0

    def append(self, seqs: Sequence[int], payloads: Sequence[bytes]) -> None:
        """Writes events, all of them or none.

        Raises:
            OSError: the file ends as it did before.
        """
        data = memoryview(b"".join(b"%b\n" % payload for payload in payloads))
        with self._using(self._writing):
            self._write(data)
        self._mark(seqs, payloads)
        self._end += len(data)
        self.last_seq = seqs[-1]

    def read(self, cursor: int, *, max_bytes: int, only: Interest = EVERYTHING) -> Pending:
        """What follows a cursor, as `Journal.read` has it; nothing if that is not written yet.

        Raises:
            OSError: it cannot be read.
            Damaged: what is there makes no sense.
        """
        payloads: list[bytes] = []
        seqs: list[int] = []
        behind, room = cursor, max_bytes
        for line in self._lines_from(self._offset_before(cursor), self._end):
            seq, wanted = _look(line, only)
            if seq <= cursor:
                continue
            room -= len(line)
            if room < 0 and behind > cursor:
                break
            behind = seq
            if wanted:
                payloads.append(line)
                seqs.append(seq)
        return Pending(tuple(payloads), behind, tuple(seqs))

    def sync(self) -> None:
        """Returns when what is written has reached the disk.

        Raises:
            OSError: it has not.
        """
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Closes the file; where a thread is in it, that closes it when the disk lets it go."""
        self._over = True
        with self._closing, ExitStack() as held:
            # Under a thread, the descriptor stays: it could belong to another file by the time that one writes.
            for lock in (self._writing, self._seeking):
                if not lock.acquire(blocking=False):
                    return
                held.callback(lock.release)
            self._file.close()
            self._reading.close()

    @contextmanager
    def _using(self, lock: threading.Lock) -> Iterator[None]:
        try:
            with lock:
                yield
        finally:
            if self._over:
                self.close()

    def _write(self, data: memoryview) -> None:
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file.fileno(), data[written:])
        except OSError:
            with suppress(OSError):
                self._file.truncate(self._end)
            raise

    def _begin(self) -> int:
        """Where the first line begins: behind what is there, on a line of its own even if that breaks off."""
        end = self._reading.seek(0, os.SEEK_END)
        if end:
            self._reading.seek(end - 1)
            if self._reading.read(1) != b"\n":
                end += self._file.write(b"\n") or 0
        return end

    def _mark(self, seqs: Sequence[int], payloads: Sequence[bytes]) -> None:
        offset = self._end
        for seq, payload in zip(seqs, payloads, strict=True):
            if not self._marks or offset - self._marks[-1][1] >= self._distance:
                self._marks.append((seq, offset))
            offset += len(payload) + 1
        if len(self._marks) > MARKS:
            self._marks = self._marks[::2]
            self._distance *= 2

    def _offset_before(self, cursor: int) -> int:
        marks = self._marks
        at = bisect_right(marks, cursor, key=lambda mark: mark[0])
        return marks[max(at - 1, 0)][1] if marks else self._end

    def _lines_from(self, offset: int, end: int) -> Iterator[bytes]:
        rest = b""
        while offset < end:
            with self._using(self._seeking):
                self._reading.seek(offset)
                data = self._reading.read(min(_READ_BYTES, end - offset))
            if not data:
                raise Damaged("it is shorter than it was")
            offset += len(data)
            *whole, rest = (rest + data).split(b"\n")
            yield from whole


def _look(line: bytes, only: Interest) -> tuple[int, bool]:
    try:
        if only == EVERYTHING:
            # The writer puts `seq` last, and this is done for every line that is read.
            return int(line[line.rindex(b'"seq":') + 6 : -1]), True
        event = json.loads(line)
        return event["seq"], only.takes(event["type"], event["test_case_id"])
    except (ValueError, KeyError, TypeError) as exc:
        raise Damaged("a line of it is no event") from exc


def _claim(path: Path, descriptor: int) -> None:
    """Keeps a second run from writing between our lines, where the system can."""
    if not path.is_file():
        raise OSError(0, tr("it is no regular file"))
    with suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise OSError(exc.errno, tr("another run writes to it")) from exc
        except OSError:
            pass  # a file system without locks
