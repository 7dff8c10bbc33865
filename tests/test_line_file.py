"""Lines of a file that only grows: found by number, whole or not there, beside whatever stood there before."""

from __future__ import annotations

import json
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sisyphus import line_file
from sisyphus.journal import Interest
from sisyphus.line_file import Damaged, LineFile


def payload(seq: int, kind: str = "log", case: str = "case-1", size: int = 0) -> bytes:
    event = {
        "type": kind,
        "data": {"message": f"第 {seq}", "x": "x" * size, "seq": -1},
        "test_case_id": case,
        "seq": seq,
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def append(file: LineFile, *seqs: int, size: int = 0) -> None:
    file.append(seqs, [payload(seq, size=size) for seq in seqs])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def file(path: Path) -> Iterator[LineFile]:
    file = LineFile(path)
    yield file
    file.close()


def test_what_follows_a_cursor_is_found(file: LineFile) -> None:
    append(file, 1, 2, 5)
    append(file, 6)
    assert file.read(0, max_bytes=10_000).seqs == (1, 2, 5, 6)
    assert file.read(2, max_bytes=10_000).payloads == (payload(5), payload(6))
    assert file.read(3, max_bytes=10_000).seqs == (5, 6)
    assert file.read(6, max_bytes=10_000).cursor == 6
    assert file.last_seq == 6


def test_an_empty_file_has_nothing(file: LineFile) -> None:
    assert file.read(0, max_bytes=100).payloads == ()


def test_a_piece_ends_before_the_line_that_would_be_too_much_and_has_at_least_one(file: LineFile) -> None:
    append(file, 1, 2, 3, size=1000)
    assert file.read(0, max_bytes=2500).seqs == (1, 2)
    assert file.read(0, max_bytes=1).seqs == (1,)


def test_only_what_is_wanted_comes_with_a_cursor_behind_what_was_passed_over(file: LineFile) -> None:
    file.append((1, 2, 3), (payload(1), payload(2, "error"), payload(3, case="case-2")))
    found = file.read(0, max_bytes=10_000, only=Interest(types=frozenset({"error"})))
    assert (found.seqs, found.cursor) == ((2,), 3)
    assert file.read(0, max_bytes=10_000, only=Interest(case="case-2")).seqs == (3,)


def test_what_was_there_before_stays_and_is_not_ours(path: Path) -> None:
    path.write_bytes(payload(1) + b"\n" + payload(2) + b"\n")
    before = path.read_bytes()
    file = LineFile(path)
    append(file, 1)
    assert file.read(0, max_bytes=10_000).seqs == (1,)
    file.close()
    assert path.read_bytes() == before + payload(1) + b"\n"


def test_a_line_that_broke_off_before_is_ended_so_that_ours_is_whole(path: Path) -> None:
    path.write_bytes(b'{"type":"lo')
    file = LineFile(path)
    append(file, 1)
    assert file.read(0, max_bytes=10_000).seqs == (1,)
    file.close()
    assert path.read_bytes() == b'{"type":"lo\n' + payload(1) + b"\n"


def test_a_second_run_cannot_write_between_the_lines(file: LineFile, path: Path) -> None:
    with pytest.raises(OSError, match="another run writes to it"):
        LineFile(path)


@pytest.mark.parametrize("other", ["/dev/null", "/dev/full"])
def test_what_is_no_file_is_refused(other: str) -> None:
    with pytest.raises(OSError, match="no regular file"):
        LineFile(Path(other))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        LineFile(tmp_path)


def test_where_a_disk_is_full_the_file_ends_with_a_whole_line(
    file: LineFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(file, 1)
    write = os.write

    def half(descriptor: int, data: memoryview) -> int:
        monkeypatch.setattr(os, "write", fail)
        return write(descriptor, data[: len(data) // 2])

    def fail(_descriptor: int, _data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space left"):
        append(file, 2, 3)
    monkeypatch.setattr(os, "write", write)
    assert path.read_bytes() == payload(1) + b"\n"
    append(file, 4)
    assert file.read(0, max_bytes=10_000).seqs == (1, 4)


def test_what_the_system_takes_bit_by_bit_is_written_whole(
    file: LineFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    append(file, 1, 2)
    assert path.read_bytes() == payload(1) + b"\n" + payload(2) + b"\n"


def test_a_file_that_somebody_cut_is_damaged(file: LineFile, path: Path) -> None:
    append(file, 1, 2, 3)
    path.write_bytes(b"")
    with pytest.raises(Damaged, match="shorter"):
        file.read(0, max_bytes=100)


@pytest.mark.parametrize("only", [Interest(), Interest(case="case-1")])
def test_a_file_that_somebody_wrote_over_is_damaged(file: LineFile, path: Path, only: Interest) -> None:
    append(file, 1, 2, 3)
    path.write_bytes(b"\n" * path.stat().st_size)
    with pytest.raises(Damaged, match="no event"):
        file.read(0, max_bytes=100, only=only)


def test_the_index_of_a_long_file_stays_small_and_finds_everything(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_file, "MARK_BYTES", 1000)
    monkeypatch.setattr(line_file, "MARKS", 16)
    monkeypatch.setattr(line_file, "_READ_BYTES", 777)
    file = LineFile(path)
    seqs = list(range(3, 6000, 3))
    chance = random.Random(1)
    at = 0
    while at < len(seqs):
        some = seqs[at : at + chance.randrange(1, 60)]
        append(file, *some, size=chance.randrange(300))
        at += len(some)
    assert len(file._marks) <= 16
    for cursor in (0, 1, 2, 3, 4, *chance.sample(range(6000), 100), 5996, 5997):
        expected = tuple(seq for seq in seqs if seq > cursor)[:3]
        assert file.read(cursor, max_bytes=100_000).seqs[:3] == expected
    file.close()


def test_one_writes_while_others_read(file: LineFile) -> None:
    problems: list[object] = []
    done = threading.Event()

    def read() -> None:
        cursor = 0
        while cursor < 3000:
            all_is_written = done.is_set()
            found = file.read(cursor, max_bytes=5000)
            if list(found.seqs) != list(range(cursor + 1, found.cursor + 1)):
                problems.append((cursor, found.seqs))
            cursor = found.cursor
            if all_is_written and not found.seqs:
                problems.append(cursor)
                return

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for begin in range(1, 3001, 10):
        append(file, *range(begin, begin + 10), size=50)
    done.set()
    for reader in readers:
        reader.join(20)
        assert not reader.is_alive()
    assert problems == []


def test_a_file_is_not_closed_under_a_thread_that_writes(file: LineFile) -> None:
    """Its number could be another file's by the time the disk goes on."""
    with file._writing:
        file.close()
        assert not file._file.closed
    file.close()
    assert file._file.closed


def test_closed_under_a_thread_the_file_is_closed_by_that_thread(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LineFile(path)
    inside, go_on = threading.Event(), threading.Event()
    write = file._write

    def slowly(data: memoryview) -> None:
        inside.set()
        assert go_on.wait(10)
        write(data)

    monkeypatch.setattr(file, "_write", slowly)
    writer = threading.Thread(target=append, args=(file, 1))
    writer.start()
    assert inside.wait(10)
    file.close()
    assert not file._file.closed
    go_on.set()
    writer.join(10)
    assert file._file.closed
    assert file._reading.closed
    assert path.read_bytes().count(b"\n") == 1
