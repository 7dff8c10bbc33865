"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from sisyphus.errors import OutputError
from sisyphus.words import tr


def write_atomically(path: Path, text: str) -> None:
    """Writes a file so that a reader sees the old one or the whole new one, also after a crash or a full disk.

    Missing folders are made. What is no regular file (``/dev/stdout``, a pipe) is written to directly.

    Raises:
        OutputError: it could not be written; what stood there before is untouched.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path.resolve(), text)  # a link stays a link: what it points to is replaced
    except OSError as exc:
        raise _cannot(path, exc) from exc


def check_writable(path: Path) -> None:
    """Tells now what `write_atomically` could only tell after the run; missing folders are made.

    Raises:
        OutputError: the file cannot be written there.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.resolve().parent):
            pass
    except OSError as exc:
        raise _cannot(path, exc) from exc


def _cannot(path: Path, exc: OSError) -> OutputError:
    return OutputError(tr("cannot write {path}: {reason}", path=path, reason=exc.strerror or str(exc)))


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(path.stat().st_mode if path.exists() else 0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
