"""A standard stream as it really is: closed, full, read by nobody any more, or short of characters."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Final

from sisyphus.errors import OutputError
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator


class StandardStream:
    """Remembers the first failure of a stream instead of raising it.

    Whoever reads the output may leave (``| head``) and a disk may be full: the run goes on, since its watchers and files
    are elsewhere, and `check` tells at its end.

    Args:
        stream: `sys.stdout` or `sys.stderr`; None, as Python has it, if the process was started without.
        name: what to call it.
    """

    def __init__(self, stream: IO[str] | None, name: str) -> None:
        self._name: Final = name
        self._stream = stream
        self._trouble: str | None = None if stream is not None else tr("it is closed")
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")

    @property
    def encoding(self) -> str:
        """What characters become; Rich asks for it."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Writes what can be written; a character that the encoding lacks becomes a question mark."""
        with self._open() as stream:
            if stream is not None:
                stream.write(text)
        return len(text)

    def write_document(self, text: str) -> None:
        """Writes text that a program will read: always in UTF-8, whatever a person's terminal speaks."""
        with self._open() as stream:
            if stream is not None and hasattr(stream, "buffer"):
                stream.flush()
                stream.buffer.write(text.encode())
            elif stream is not None:
                stream.write(text)
        self.flush()

    def flush(self) -> None:
        with self._open() as stream:
            if stream is not None:
                stream.flush()

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError("there is no such stream")
        return self._stream.fileno()

    @property
    def broken(self) -> bool:
        """Whether something could not be written, which `check` tells."""
        return self._trouble is not None

    def check(self) -> None:
        """Says whether all was written.

        Raises:
            OutputError: it was not.
        """
        self.flush()
        if self._trouble is not None:
            raise OutputError(tr("cannot write to {path}: {reason}", path=self._name, reason=self._trouble))

    @contextmanager
    def _open(self) -> Iterator[IO[str] | None]:
        """The stream as long as it works."""
        stream = self._stream
        try:
            yield stream
        except (OSError, ValueError) as exc:  # ValueError: the stream was closed within this process
            self._trouble = getattr(exc, "strerror", None) or str(exc)
            self._stream = None
            if stream is not None:
                _silence(stream)


def _silence(stream: IO[str]) -> None:
    """Python writes what is left in a stream's buffer at its own end, and would complain where nobody can help it."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)
