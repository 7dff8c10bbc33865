"""Every event in a file, without anyone waiting for the disk."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from sisyphus import event_log
from sisyphus.errors import StartError
from sisyphus.event_log import EventLog
from sisyphus.journal import Overtaken


def payload(seq: int) -> bytes:
    return json.dumps({"type": "log", "test_case_id": "case-1", "seq": seq}).encode()


def content(path: Path) -> bytes:
    return path.read_bytes()


def cut(path: Path) -> None:
    path.write_bytes(b"")


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - a thread has no event for it
        await trio.sleep(0.01)


def append(log: EventLog, *seqs: int) -> None:
    for seq in seqs:
        log.append(seq, payload(seq))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def log(path: Path) -> Iterator[EventLog]:
    with EventLog(path) as log:
        yield log


async def test_what_is_appended_is_in_the_file_at_the_end(log: EventLog, path: Path) -> None:
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(log.write_behind)
            append(log, 1, 2)
            await trio.sleep(event_log.REST * 2)
            append(log, 3)
            log.close()
    assert content(path) == b"".join(payload(seq) + b"\n" for seq in (1, 2, 3))
    assert log.trouble is None


async def test_a_log_without_events_ends_at_once(log: EventLog, path: Path) -> None:
    log.close()
    with trio.fail_after(5):
        await log.write_behind()
    assert content(path) == b""


async def test_it_is_in_the_file_long_before_the_end(log: EventLog, path: Path, nursery: trio.Nursery) -> None:
    nursery.start_soon(log.write_behind)
    append(log, 1)
    with trio.fail_after(5):
        await until(lambda: bool(content(path)))
    log.close()


async def test_many_events_are_written_at_a_time(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    append_file = log._file.append

    def count(seqs: Sequence[int], payloads: Sequence[bytes]) -> None:
        writes.append(len(seqs))
        append_file(seqs, payloads)

    monkeypatch.setattr(log._file, "append", count)
    append(log, *range(1, 1001))
    log.close()
    await log.write_behind()
    assert writes == [1000]


async def test_a_large_backlog_is_written_in_bounded_pieces(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "_WRITE_BYTES", 100)
    append(log, *range(1, 101))
    log.close()
    await log.write_behind()
    assert log._file.last_seq == 100


async def test_a_reader_waits_for_what_is_not_written_yet(log: EventLog, nursery: trio.Nursery) -> None:
    append(log, 1)
    read: list[Any] = []

    async def look() -> None:
        read.append(await log.read(1, max_bytes=1000))

    nursery.start_soon(look)
    nursery.start_soon(log.write_behind)
    await trio.sleep(0.05)
    assert read == []
    append(log, 2)
    with trio.fail_after(5):
        await until(lambda: bool(read))
    assert read[0].seqs == (2,)
    log.close()


@pytest.mark.parametrize("path", ["folder/deeper/events.jsonl", "events.jsonl"])
def test_missing_folders_are_made(tmp_path: Path, path: str) -> None:
    with EventLog(tmp_path / path):
        assert (tmp_path / path).exists()


def test_a_file_that_cannot_be_written_refuses_the_run(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"cannot write the event log .*: Is a directory"):
        EventLog(tmp_path)


async def test_a_full_disk_ends_the_log_and_nothing_else(
    log: EventLog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(log.write_behind)
            append(log, 1)
            await until(lambda: log._file.last_seq > 0)
            monkeypatch.setattr(log._file, "append", _full)
            append(log, 2)
    assert str(log.trouble) == f"{path} ends with event 1: No space left on device"
    append(log, 3)
    assert log._waiting == []
    assert (await log.read(0, max_bytes=1000)).seqs == (1,)
    with pytest.raises(Overtaken):
        await log.read(1, max_bytes=1000)


async def test_readers_who_wait_are_told_when_the_log_fails(
    log: EventLog, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = trio.Event()

    async def look() -> None:
        with pytest.raises(Overtaken):
            await log.read(0, max_bytes=1000)
        told.set()

    monkeypatch.setattr(log._file, "append", _full)
    nursery.start_soon(look)
    await trio.testing.wait_all_tasks_blocked()
    append(log, 1)
    nursery.start_soon(log.write_behind)
    with trio.fail_after(5):
        await told.wait()


class Stuck:
    """A disk that does not go on until it is told to."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.goes_on = threading.Event()

    def __call__(self, *_: object) -> None:
        self.asked.set()
        assert self.goes_on.wait(20)


@pytest.fixture
def stuck(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    stuck = Stuck()
    monkeypatch.setattr(log._file, "append", stuck)
    yield stuck
    stuck.goes_on.set()


async def test_nobody_waits_for_a_disk_that_stands_still(
    log: EventLog, stuck: Stuck, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "MOST_WAITING", 10_000)
    nursery.start_soon(log.write_behind)
    append(log, 1)
    with trio.fail_after(5):
        await until(stuck.asked.is_set)
    began = time.perf_counter()
    append(log, *range(2, 1000))
    assert time.perf_counter() - began < 1
    assert log.failed
    assert "the disk is too slow" in str(log.trouble)
    assert log._waiting == []
    stuck.goes_on.set()


async def test_the_end_does_not_wait_for_ever_for_a_disk_that_stands_still(
    autojump_clock: MockClock, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object, **__: object) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr(trio.to_thread, "run_sync", never)
    append(log, 1)
    log.close()
    await log.write_behind()
    assert trio.current_time() == event_log.LAST_WRITE_SECONDS
    assert "there was no time left" in str(log.trouble)


async def test_who_is_cancelled_says_what_is_missing(log: EventLog, stuck: Stuck) -> None:
    append(log, 1)
    with trio.move_on_after(0.05):
        await log.write_behind()
    assert "there was no time left" in str(log.trouble)


async def test_a_file_that_was_changed_can_be_read_no_longer(log: EventLog, path: Path) -> None:
    append(log, 1, 2)
    log.close()
    await log.write_behind()
    cut(path)
    with pytest.raises(Overtaken):
        await log.read(0, max_bytes=1000)
    assert "it was changed while the run went on" in str(log.trouble)


async def test_two_runs_one_after_the_other_share_a_file(path: Path) -> None:
    for _ in range(2):
        with EventLog(path) as log:
            append(log, 1)
            log.close()
            await log.write_behind()
            assert (await log.read(0, max_bytes=1000)).seqs == (1,)
    assert content(path) == (payload(1) + b"\n") * 2


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")
