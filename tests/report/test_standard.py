"""A standard stream as it really is."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from sisyphus.errors import OutputError
from sisyphus.report.standard import StandardStream


def opened(path: Path | str, encoding: str = "utf-8") -> io.TextIOWrapper:
    return Path(path).open("w", encoding=encoding)


def test_what_is_written_is_there_after_a_check(tmp_path: Path) -> None:
    with opened(tmp_path / "out") as file:
        out = StandardStream(file, "stdout")
        out.write("一\n")
        out.check()

        assert (tmp_path / "out").read_text(encoding="utf-8") == "一\n"


def test_a_full_disk_is_told_at_the_check_and_raises_nothing_before() -> None:
    file = opened("/dev/full")
    out = StandardStream(file, "stdout")

    out.write("first")
    out.flush()
    out.write("second")

    with pytest.raises(OutputError, match="cannot write to stdout: No space left on device"):
        out.check()
    file.close()  # what is left in its buffer goes nowhere, without a word


def test_a_reader_who_left_is_told_at_the_check_and_raises_nothing_before() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    file = os.fdopen(writing, "w")
    out = StandardStream(file, "stdout")

    for _ in range(3):
        out.write("line\n")
        out.flush()

    with pytest.raises(OutputError, match="cannot write to stdout: Broken pipe"):
        out.check()
    file.close()


def test_the_first_trouble_is_the_one_that_is_told() -> None:
    file = opened("/dev/full")
    out = StandardStream(file, "stdout")
    out.write("x")
    out.flush()
    file.close()
    out.write("y")

    with pytest.raises(OutputError, match="No space left"):
        out.check()


def test_a_process_without_a_stream_can_write_and_is_told_at_the_check() -> None:
    out = StandardStream(None, "stdout")

    assert out.write("lost") == 4
    out.write_document("{}")
    assert not out.isatty()
    with pytest.raises(OutputError, match="cannot write to stdout: it is closed"):
        out.check()


def test_a_stream_that_was_closed_within_the_process_raises_nothing_but_at_the_check(tmp_path: Path) -> None:
    file = opened(tmp_path / "out")
    out = StandardStream(file, "stderr")
    file.close()

    out.write("lost")

    with pytest.raises(OutputError, match="cannot write to stderr"):
        out.check()


def test_a_character_that_a_terminal_lacks_becomes_a_question_mark(tmp_path: Path) -> None:
    with opened(tmp_path / "out", encoding="ascii") as file:
        StandardStream(file, "stdout").write("a✓\ud800b")

    assert (tmp_path / "out").read_bytes() == b"a??b"


def test_a_document_is_utf_8_whatever_the_terminal_speaks_and_comes_after_what_was_written_before(
    tmp_path: Path,
) -> None:
    with opened(tmp_path / "out", encoding="latin-1") as file:
        out = StandardStream(file, "stdout")
        out.write("é\n")
        out.write_document('{"名": 1}\n')
        out.check()

    assert (tmp_path / "out").read_bytes() == "é\n".encode("latin-1") + '{"名": 1}\n'.encode()


def test_a_document_goes_to_a_stream_of_text_too() -> None:
    text = io.StringIO()

    StandardStream(text, "stdout").write_document('{"名": 1}\n')

    assert text.getvalue() == '{"名": 1}\n'


def test_a_document_for_a_full_disk_is_told_at_the_check() -> None:
    file = opened("/dev/full")
    out = StandardStream(file, "stdout")

    out.write_document("{}")

    with pytest.raises(OutputError, match="No space left"):
        out.check()
    file.close()
