"""What of a run is kept for its watchers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define

from sisyphus.wire import encode

if TYPE_CHECKING:
    from sisyphus.event_log import EventLog
    from sisyphus.events import Event
    from sisyphus.journal import Journal
    from sisyphus.live.run_state import RunState


@define(kw_only=True)
class Record:
    """The newest events in memory, all of them in a file, and how it is with the run; each only if somebody asked for it.

    Whoever appends never waits: neither for a watcher nor for the disk.
    """

    run_id: str
    journal: Journal | None = None
    log: EventLog | None = None
    state: RunState | None = None

    def append(self, seq: int, event: Event) -> None:
        """Keeps an event, encoded once for all; what its case does not send is counted, and that is all."""
        if self.state is not None:
            self.state.handle(event)
        if not event.sent or (self.journal is None and self.log is None):
            return
        payload = encode(event, seq=seq, run_id=self.run_id)
        if self.log is not None:
            self.log.append(seq, payload)
        if self.journal is not None:
            self.journal.append(seq, payload, kind=event.data.type, case=event.test_case_id)

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
