"""The reports of a run in HTML: one with all of it, or those that its cases name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sisyphus.report.html_report import HtmlReport

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from sisyphus.case.model import Case
    from sisyphus.errors import OutputError


class Pages:
    """Gives each event to the pages that its case stands in.

    Args:
        wanted: where there is to be a page, and the case files whose cases stand in it; None for all of them.

    Raises:
        OutputError: one of them cannot be written; then there is none.
    """

    def __init__(self, wanted: Mapping[Path, Collection[str] | None]) -> None:
        self._pages: Final[list[tuple[HtmlReport, Collection[str] | None]]] = []
        self._of_case: Mapping[str, tuple[HtmlReport, ...]] = {}
        try:
            for path, files in wanted.items():
                self._pages.append((HtmlReport(path), files))
        except BaseException:
            self.abandon()
            raise

    def open_for(self, cases: Mapping[str, Case]) -> None:
        """Learns the cases of the run, by the ids that events have."""
        self._of_case = {
            name: tuple(page for page, files in self._pages if files is None or case.file in files)
            for name, case in cases.items()
        }

    def has(self, case: str | None) -> bool:
        """Whether anything keeps what is told of a case."""
        return bool(self._for(case))

    def append(self, case: str | None, payload: bytes) -> None:
        """Takes an event of a case, as watchers get it."""
        for page in self._for(case):
            page.append(payload)

    def append_detail(self, case: str | None, seq: int, detail: bytes) -> None:
        """Takes what came of a step, and the `seq` of the event that ends it."""
        for page in self._for(case):
            page.append_detail(seq, detail)

    def _for(self, case: str | None) -> tuple[HtmlReport, ...]:
        return self._of_case.get(case or "", ())

    def finish(self) -> None:
        """Puts the files in their places, but for those of which no case was run."""
        for page, files in self._pages:
            if files is None or any(page in pages for pages in self._of_case.values()):
                page.finish()
            else:
                page.abandon()

    @property
    def troubles(self) -> list[OutputError]:
        """Why there is no report where there is none."""
        return [page.trouble for page, _ in self._pages if page.trouble is not None]

    def abandon(self) -> None:
        """Leaves nothing of what is not finished."""
        for page, _ in self._pages:
            page.abandon()
