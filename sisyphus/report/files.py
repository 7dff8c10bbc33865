"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path
from typing import Final

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
        raise cannot_write(path, exc) from exc


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
        raise cannot_write(path, exc) from exc


def cannot_write(path: Path, exc: OSError) -> OutputError:
    """Says that, and why."""
    return OutputError(tr("cannot write {path}: {reason}", path=path, reason=exc.strerror or str(exc)))


class Replacement:
    """A file that takes another's place when it is whole; until then nobody sees it.

    Args:
        path: what is to be replaced, or to be made.

    Raises:
        OSError: nothing can be written beside it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        self._temporary = Path(temporary)
        self.file: Final = os.fdopen(handle, "wb")

    def commit(self) -> None:
        """Puts it in its place.

        Raises:
            OSError: it is not there; what stood there before is untouched.
        """
        try:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            self._temporary.chmod(self._path.stat().st_mode if self._path.exists() else 0o666 & ~_umask())
            self._temporary.replace(self._path)
        except BaseException:  # Ctrl-C too: it leaves no file behind that nobody knows
            self.abandon()
            raise

    def abandon(self) -> None:
        """Leaves nothing of it, unless it is in its place."""
        with contextlib.suppress(OSError):
            self.file.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink()


def _replace(path: Path, text: str) -> None:
    replacement = Replacement(path)
    try:
        replacement.file.write(text.encode())
    except BaseException:  # as in `commit`
        replacement.abandon()
        raise
    replacement.commit()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
