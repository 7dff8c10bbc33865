"""Every event of a run in a file, written behind the run's back and read by watchers who come late."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Self

import trio

from sisyphus.errors import OutputError, StartError
from sisyphus.journal import EVERYTHING, Interest, Overtaken, Pending
from sisyphus.line_file import Damaged, LineFile
from sisyphus.words import tr

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

# The pause between two writes: what is written with one call, and what is lost if the process is killed.
REST: Final = 0.1

# What may wait to be written where the disk stands still; beyond, the log ends rather than the memory.
MOST_WAITING: Final = 64 * 1024 * 1024

_WRITE_BYTES: Final = 1024 * 1024

# What a disk may take for the last of it; a process that has nothing else to do does not wait for one that stands still.
LAST_WRITE_SECONDS: Final = 10.0

# Threads that read at a time: watchers wait for each other here, not the run for them.
_READERS: Final = 2


class EventLog:
    """Every event that watchers are sent, as one line each, the same bytes.

    `append` never waits: `write_behind`, a task, hands what came to a thread that writes it.

    Args:
        path: the file; what it holds already is kept, missing folders are made.

    Raises:
        StartError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = LineFile(path)
        except OSError as exc:
            reason = exc.strerror or str(exc)
            raise StartError(tr("cannot write the event log {path}: {reason}", path=path, reason=reason)) from exc
        self._waiting: list[tuple[int, bytes]] = []
        self._bytes_waiting = 0
        self._scope = trio.CancelScope()
        self._closing = trio.Event()
        self._news = trio.Event()
        self._progress = trio.lowlevel.ParkingLot()
        self._reading = trio.CapacityLimiter(_READERS)
        self.trouble: OutputError | None = None
        """Why the log ends before the run, if it does."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def failed(self) -> bool:
        """Whether events are missing in the file, or cannot be read any more."""
        return self.trouble is not None

    def append(self, seq: int, payload: bytes) -> None:
        """Takes an event; once the log has failed, for nothing."""
        if self.failed:
            return
        self._waiting.append((seq, payload))
        self._bytes_waiting += len(payload)
        if self._bytes_waiting > MOST_WAITING:
            self._fail(tr("the disk is too slow"))
        self._news.set()

    def close(self) -> None:
        """Says that nothing more will come; what did is written within `LAST_WRITE_SECONDS`, or not at all."""
        self._scope.deadline = trio.current_time() + LAST_WRITE_SECONDS
        self._closing.set()
        self._news.set()

    async def write_behind(self) -> None:
        """Writes what comes until `close`, or until it cannot be written; then `trouble` says why.

        Cancelled, the log ends where it is, and `trouble` says so if something is missing.
        """
        try:
            with self._scope:
                while not self.failed and (self._waiting or not self._closing.is_set()):
                    await self._news.wait()
                    self._news = trio.Event()
                    await self._write()
                    with trio.move_on_after(REST):
                        await self._closing.wait()
                if not self.failed:
                    await trio.to_thread.run_sync(self._file.sync, abandon_on_cancel=True)
        except OSError as exc:
            self._fail(exc.strerror or str(exc))
        finally:
            if self._waiting:
                self._fail(tr("there was no time left"))

    async def read(self, cursor: int, *, max_bytes: int, only: Interest = EVERYTHING) -> Pending:
        """What follows a cursor; waits until it is written.

        Raises:
            sisyphus.journal.Overtaken: it will never be, or cannot be read.
        """
        while self._file.last_seq <= cursor:
            if self.failed:
                raise Overtaken(cursor, self._file.last_seq)
            await self._progress.park()
        try:
            return await trio.to_thread.run_sync(
                partial(self._file.read, cursor, max_bytes=max_bytes, only=only),
                abandon_on_cancel=True, limiter=self._reading,
            )  # fmt: skip
        except (OSError, Damaged) as exc:
            self._fail(tr("it was changed while the run went on"))
            raise Overtaken(cursor, self._file.last_seq) from exc

    async def _write(self) -> None:
        while self._waiting and not self.failed:
            count, room = 0, _WRITE_BYTES
            while count < len(self._waiting) and (room > 0 or not count):
                room -= len(self._waiting[count][1])
                count += 1
            seqs, payloads = zip(*self._waiting[:count], strict=True)
            await trio.to_thread.run_sync(self._file.append, seqs, payloads, abandon_on_cancel=True)
            if not self.failed:
                del self._waiting[:count]
                self._bytes_waiting -= sum(map(len, payloads))
            self._progress.unpark_all()

    def _fail(self, reason: str) -> None:
        if self.trouble is None:
            last = self._file.last_seq
            self.trouble = OutputError(
                tr("{path} ends with event {seq}: {reason}", path=self._path, seq=last, reason=reason)
            )
        self._waiting.clear()
        self._bytes_waiting = 0
        self._progress.unpark_all()
