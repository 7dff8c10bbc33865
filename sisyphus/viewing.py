"""A run that goes on elsewhere, shown in this terminal."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, Literal

from sisyphus.console import Console
from sisyphus.events import CaseStarted, Progressed
from sisyphus.retelling import Retelling
from sisyphus.telling import took
from sisyphus.wire import encode
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.console import Out
    from sisyphus.events import Event, Level
    from sisyphus.wire import Received

UNKNOWN: Final = 3  # the exit code where it cannot be known whether all passed

_PROGRESS_EVERY: Final = dt.timedelta(seconds=10)

News = Literal["lost", "back"]


class View:
    """Shows what a watcher gets as the run's own console does.

    Where nobody could see a status line, a line says now and then how far the run is.

    Args:
        out: where to print.
        verbose: whether steps inside others and extracted variables are shown too.
        level: the least level of log messages that are shown.
        color: whether a terminal gets colours.
    """

    def __init__(self, out: Out, *, verbose: bool = False, level: Level = "warning", color: bool = True) -> None:
        self._console = Console(out, verbose=verbose, color=color, log_level=level)
        self._tells_progress = not out.isatty()
        self._retelling = Retelling()
        self._names: dict[str | None, str] = {}
        self._told_at: dt.datetime | None = None
        self._run_id = ""
        self._has_gaps = False

    def handle(self, received: Received) -> None:
        """Shows one event."""
        self._run_id = received.run_id
        event = self._retelling.retold(received.event)
        if isinstance(event.data, CaseStarted):
            self._names[event.test_case_id] = event.data.test_name
        if self._tells_progress:
            self._tell_progress(event)
        self._console.handle(event)

    def missing(self, first: int, last: int) -> None:
        """Says that some events are lost."""
        self._has_gaps = True
        self._console.announce(
            "! " + tr("events {first} to {last} are lost: the server no longer has them", first=first, last=last)
        )

    def connection(self, news: News) -> None:
        """Says how it is with the connection."""
        lost = tr("the connection is lost; trying to get it back")
        self._console.announce("! " + (lost if news == "lost" else tr("the connection is back")))

    def finish(self) -> int:
        """Shows the summary.

        Returns:
            The exit code that the run itself has, or 3 if what was lost may have failed.
        """
        result = self._retelling.result(self._run_id)
        if result is None:
            self._console.announce(tr("the run has ended, and there was nothing to see"))
            self.close()
            return UNKNOWN if self._has_gaps else 0
        self._console.finish(result)
        return UNKNOWN if result.passed and self._has_gaps else result.exit_code

    def close(self) -> None:
        """Leaves the terminal as it was found."""
        self._console.close()

    def _tell_progress(self, event: Event) -> None:
        now, data = event.timestamp, event.data
        if self._told_at is None:
            self._told_at = now
        if isinstance(data, Progressed) and now - self._told_at >= _PROGRESS_EVERY:
            self._told_at = now
            self._console.announce(f"… {self._names.get(event.test_case_id) or event.test_case_id}: {_progress(data)}")


class Lines:
    """Prints each event as it came, one JSON object a line."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._retelling = Retelling()
        self._has_gaps = False

    def handle(self, received: Received) -> None:
        """Prints one event, the same bytes as on the wire."""
        self._retelling.retold(received.event)
        self._out.write(encode(received.event, seq=received.seq, run_id=received.run_id).decode() + "\n")
        self._out.flush()

    def missing(self, first: int, last: int) -> None:
        """Events are missing, as their numbers show."""
        self._has_gaps = True

    def connection(self, news: News) -> None:
        """Is not part of the run."""

    def finish(self) -> int:
        """The exit code that the run itself has, or 3 if what was lost may have failed."""
        result = self._retelling.result("")
        if result is None or result.passed:
            return UNKNOWN if self._has_gaps else 0
        return result.exit_code

    def close(self) -> None:
        """There is nothing to put back."""


def _progress(data: Progressed) -> str:
    parts = [f"{data.percentage:.0f} % ({data.current_step}/{data.total_steps})"]
    if data.estimated_remaining is not None and data.estimated_remaining >= 1:
        parts.append(tr("about {time} left", time=took(round(data.estimated_remaining))))
    if data.cases_total is not None:
        parts.append(tr("{done} of {total} cases done", done=data.cases_completed, total=data.cases_total))
    return " · ".join(parts)
