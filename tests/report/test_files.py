"""Files written whole or not at all."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sisyphus.errors import OutputError
from sisyphus.report.files import check_writable, write_atomically


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_the_file_holds_the_text_in_utf_8_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    write_atomically(tmp_path / "结果.json", "中文\n")

    assert (tmp_path / "结果.json").read_bytes() == "中文\n".encode()
    assert left_in(tmp_path) == ["结果.json"]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "b" / "result.json", "x")

    assert (tmp_path / "a" / "b" / "result.json").read_text() == "x"


def test_a_new_file_has_the_mode_that_the_users_umask_says(tmp_path: Path, umask: None) -> None:
    write_atomically(tmp_path / "result.json", "x")

    assert stat.S_IMODE((tmp_path / "result.json").stat().st_mode) == 0o640


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    target.write_text("old")
    target.chmod(0o604)

    write_atomically(target, "new")

    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o604


def test_a_link_stays_a_link_and_what_it_points_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "result.json"
    target.write_text("old")
    (tmp_path / "link.json").symlink_to(target)

    write_atomically(tmp_path / "link.json", "new")

    assert (tmp_path / "link.json").is_symlink()
    assert target.read_text() == "new"
    assert left_in(tmp_path / "real") == ["result.json"]


def test_a_link_to_nothing_yet_makes_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "result.json")

    write_atomically(tmp_path / "link.json", "new")

    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "result.json").read_text() == "new"


def test_who_reads_while_it_is_written_sees_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    target.write_text("old")

    with target.open() as reader:
        write_atomically(target, "new")
        assert reader.read() == "old"
    assert target.read_text() == "new"


def test_what_is_no_regular_file_is_written_to_directly(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    write_atomically(pipe, "through the pipe")

    assert os.read(reader, 100) == b"through the pipe"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "result.json"
    target.write_text("old")
    made = tempfile.mkstemp

    def full(**where: str) -> tuple[int, str]:
        handle, path = made(**where)
        device = os.open("/dev/full", os.O_WRONLY)
        os.dup2(device, handle)
        os.close(device)
        return handle, path

    monkeypatch.setattr(tempfile, "mkstemp", full)

    with pytest.raises(OutputError, match="No space left on device"):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert left_in(tmp_path) == ["result.json"]


def test_a_limit_in_the_midst_of_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """In a process of its own: the limit is the process's."""
    target = tmp_path / "result.json"
    target.write_text("old")
    program = (
        "import pathlib, signal, sys\n"
        "from sisyphus.errors import OutputError\n"
        "from sisyphus.report.files import write_atomically\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try: write_atomically(pathlib.Path(sys.argv[1]), 'x' * 1_000_000)\n"
        "except OutputError as exc: print(exc)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(target)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, 64 * 1024)),
        capture_output=True, text=True, timeout=20, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip

    assert done.stdout == f"cannot write {target}: File too large\n", done.stderr
    assert target.read_text() == "old"
    assert left_in(tmp_path) == ["result.json"]


@pytest.mark.parametrize("check", [check_writable, lambda path: write_atomically(path, "x")])
def test_a_folder_that_is_a_file_is_refused_with_the_name_of_the_target(check, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "result.json"

    with pytest.raises(OutputError) as refused:
        check(target)

    assert str(refused.value).startswith(f"cannot write {target}: ")


@pytest.mark.parametrize("check", [check_writable, lambda path: write_atomically(path, "x")])
def test_a_folder_as_target_is_refused(check, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Is a directory"):
        check(tmp_path)
    assert left_in(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_refused_before_and_after(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        for check in (check_writable, lambda path: write_atomically(path, "x")):
            with pytest.raises(OutputError, match="Permission denied"):
                check(tmp_path / "result.json")
    finally:
        tmp_path.chmod(0o700)


def test_an_unwritable_folder_is_told_in_the_systems_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(**where: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", forbidden)

    with pytest.raises(OutputError) as refused:
        write_atomically(tmp_path / "result.json", "x")
    assert str(refused.value) == f"cannot write {tmp_path / 'result.json'}: Permission denied"


def test_looking_whether_a_file_can_be_written_makes_its_folder_and_leaves_the_file_alone(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    target.write_text("old")

    check_writable(target)
    check_writable(tmp_path / "new" / "result.json")

    assert target.read_text() == "old"
    assert left_in(tmp_path) == ["new", "result.json"]
    assert left_in(tmp_path / "new") == []


def test_a_device_is_not_looked_into(tmp_path: Path) -> None:
    check_writable(Path("/dev/null"))
