"""The page with a whole run in it, written while the run goes on."""

from __future__ import annotations

import base64
import gzip
from typing import TYPE_CHECKING, Final

from sisyphus.errors import OutputError
from sisyphus.page import report_page
from sisyphus.report.files import Replacement, cannot_write, check_writable
from sisyphus.words import tr

if TYPE_CHECKING:
    from pathlib import Path

# What is compressed together: as many details as are unpacked to look at one of them, and as much as memory holds.
_DETAILS: Final = 100
_BYTES: Final = 1024 * 1024
_LEVEL: Final = 6


class HtmlReport:
    """One file that needs no network and no server: the page that watchers see, and what it would have been sent.

    All that comes from the run stands in it as base64, in which nothing can be markup.

    Args:
        path: where it is to be; it is there only when the run is over.

    Raises:
        OutputError: it cannot be written there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._end = report_page().end
        self._lines: list[bytes] = []
        self._details: list[tuple[int, bytes]] = []
        self._line_bytes = self._detail_bytes = 0
        self.trouble: OutputError | None = None
        """Why there is no report, if there is none."""
        check_writable(path)
        if path.exists() and not path.is_file():
            # A device or a pipe is not for being replaced, and a page is nothing to read from one.
            raise OutputError(tr("cannot write {path}: {reason}", path=path, reason=tr("it is no regular file")))
        try:
            self._replacement = Replacement(path.resolve())
            self._write(report_page().begin)
        except OSError as exc:
            raise cannot_write(path, exc) from exc
        if self.trouble is not None:
            raise self.trouble

    def append(self, payload: bytes) -> None:
        """Takes an event, as watchers get it."""
        self._lines.append(payload)
        self._line_bytes += len(payload)
        if self._line_bytes > _BYTES:
            self._write_lines()

    def append_detail(self, seq: int, detail: bytes) -> None:
        """Takes what came of a step, and the `seq` of the event that ends it."""
        self._details.append((seq, detail))
        self._detail_bytes += len(detail)
        if self._detail_bytes > _BYTES or len(self._details) >= _DETAILS:
            self._write_details()

    def finish(self) -> None:
        """Puts the file in its place; `trouble` says if that could not be done."""
        self._write_lines()
        self._write_details()
        self._write(self._end)
        if self.trouble is None:
            try:
                self._replacement.commit()
            except OSError as exc:
                self.trouble = cannot_write(self._path, exc)

    def abandon(self) -> None:
        """Leaves nothing of a report that is not finished."""
        self._replacement.abandon()

    def _write_lines(self) -> None:
        if self._lines:
            self._write(_block('class="run-events"', b"\n".join(self._lines)))
        self._lines.clear()
        self._line_bytes = 0

    def _write_details(self) -> None:
        if self._details:
            content = b",".join(b'"%d":%b' % pair for pair in self._details)
            place = f'class="run-details" data-first="{self._details[0][0]}" data-last="{self._details[-1][0]}"'
            self._write(_block(place, b"{%b}" % content))
        self._details.clear()
        self._detail_bytes = 0

    def _write(self, data: bytes) -> None:
        if self.trouble is not None:
            return
        try:
            self._replacement.file.write(data)
        except OSError as exc:
            self.trouble = cannot_write(self._path, exc)
            self._replacement.abandon()


def _block(attributes: str, content: bytes) -> bytes:
    packed = base64.b64encode(gzip.compress(content, _LEVEL, mtime=0))
    return b'<script type="application/octet-stream" %b>%b</script>\n' % (attributes.encode(), packed)
