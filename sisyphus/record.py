"""What of a run is kept for its watchers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from sisyphus.case.model import Output
from sisyphus.report.json_result import step_document
from sisyphus.results import StepResult
from sisyphus.wire import dumps, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sisyphus.details import Details
    from sisyphus.event_log import EventLog
    from sisyphus.events import Event
    from sisyphus.journal import Journal
    from sisyphus.live.run_state import RunState
    from sisyphus.report.pages import Pages


@define(kw_only=True, eq=False, repr=False)
class Record:
    """The newest events in memory, all of them in a file or in pages, what came of the newest steps, and how it is with the run.

    Each only if somebody asked for it.

    Whoever appends never waits: neither for a watcher nor for the disk of the log.
    """

    run_id: str
    journal: Journal | None = None
    log: EventLog | None = None
    state: RunState | None = None
    details: Details | None = None
    pages: Pages | None = None
    outputs: Mapping[str, Output] = field(factory=dict)  # by case: how much of its steps is told

    def append(self, seq: int, event: Event) -> None:
        """Keeps an event, encoded once for all; what its case does not send is counted, and that is all."""
        if self.state is not None:
            self.state.handle(event)
        case = event.test_case_id
        paged = self.pages is not None and self.pages.has(case)
        if (self.details is not None or paged) and isinstance(event.result, StepResult):
            self._describe(seq, event.result, case)
        if not event.sent or (self.journal is None and self.log is None and not paged):
            return
        payload = encode(event, seq=seq, run_id=self.run_id)
        if self.pages is not None:
            self.pages.append(case, payload)
        if self.log is not None:
            self.log.append(seq, payload)
        if self.journal is not None:
            self.journal.append(seq, payload, kind=event.data.type, case=case)

    def _describe(self, seq: int, result: StepResult, case: str | None) -> None:
        output = self.outputs.get(case or "", Output())
        detail = dumps(step_document(result, output))
        if self.details is not None:
            self.details.keep(seq, detail, spare=result.status in {"success", "skipped"})
        if self.pages is not None:
            self.pages.append_detail(case, seq, detail.encode())

    def begin(self) -> None:
        """The run begins."""
        if self.state is not None:
            self.state.state = "running"

    def close(self) -> None:
        """The run is over."""
        if self.state is not None:
            self.state.state = "finished"
        if self.log is not None:
            self.log.close()
        if self.journal is not None:
            self.journal.close()
        if self.pages is not None:
            self.pages.finish()
