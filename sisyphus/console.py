"""What the terminal shows of a run."""

from __future__ import annotations

import os
from collections import Counter
from typing import IO, TYPE_CHECKING, Final, Protocol, cast

from sisyphus.events import CaseStarted, ErrorOccurred, Logged
from sisyphus.outline import Outline
from sisyphus.results import CaseResult, StepResult
from sisyphus.status import Status
from sisyphus.telling import case_lines, printable, run_lines, step_lines
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.text import Text

    from sisyphus.events import Event, Level
    from sisyphus.results import RunResult

_LEVELS: Final = ("debug", "info", "warning", "error", "critical")
MOST_INSIDE: Final = 10
"""Failures inside one step of a case that are told; a loop may have any number."""

_STYLES: Final = {"✓": "green", "✗": "red", "-": "yellow", "!": "yellow", "→": "cyan", "·": "dim"}


class Out(Protocol):
    """Where a console prints."""

    def write(self, text: str, /) -> int: ...

    def flush(self) -> None: ...

    def isatty(self) -> bool: ...


class Console:
    """A sink that prints each step as it ends, the details of what failed, and a summary.

    The lines of a case stand together, and cases stand in the order in which they began: the first that is not done is
    printed as it goes on, those after it when it is their turn.

    Args:
        out: where to print.
        verbose: whether the details of what succeeded, and all log messages, are printed too.
        color: whether a terminal gets colours; NO_COLOR in the environment says no too.
        cases: how many cases the run has; events may tell better.
        log_level: the least level of the log messages that are printed as they come; by default it depends on `verbose`
            and on whether a step tells them when it ends.
    """

    def __init__(
        self, out: Out, *, verbose: bool = False, color: bool = True, cases: int = 1, log_level: Level | None = None
    ) -> None:
        self._out = out
        self._log_level = log_level
        self._verbose = verbose
        self._held: dict[str, list[str]] = {}  # by case, in the order of their beginnings
        self._ended: set[str] = set()
        self._outline = Outline()
        self._failed_inside: Counter[tuple[str | None, str]] = Counter()  # by case and step of the case
        self._write: Callable[[str], None] = self._write_plain
        self._status: Status | None = None
        if out.isatty() and os.environ.get("TERM") != "dumb":
            self._use_rich(color=color and not os.environ.get("NO_COLOR"), cases=cases)

    def announce(self, line: str) -> None:
        """Prints a line that belongs to no case."""
        self._print([line])

    def handle(self, event: Event) -> None:
        """Prints what one event has to say, now or when it is its case's turn."""
        case = event.test_case_id
        if case is None:
            self._print(list(self._lines(event)))
            return
        self._held.setdefault(case, []).extend(self._lines(event))
        if isinstance(event.result, CaseResult):
            self._ended.add(case)
        self._print_whose_turn_it_is()
        if self._status is not None:
            self._status.handle(event)

    def finish(self, result: RunResult) -> None:
        """Prints the summary."""
        self.close()
        for lines in self._held.values():
            self._print(lines)
        self._print(list(run_lines(result)))

    def close(self) -> None:
        """Leaves the terminal as it was found."""
        if self._status is not None:
            self._status.stop()

    def _print_whose_turn_it_is(self) -> None:
        while self._held:
            case = next(iter(self._held))
            self._print(self._held[case])
            if case not in self._ended:
                return
            del self._held[case]

    def _print(self, lines: list[str]) -> None:
        if lines:
            for line in lines:
                self._write(line)
            self._out.flush()
            lines.clear()

    def _lines(self, event: Event) -> Iterator[str]:
        result, data = event.result, event.data
        self._outline.handle(event)
        if isinstance(result, StepResult):
            yield from self._untold(event.test_case_id, result.path)
            if self._verbose or result.parent is None or self._is_told(event.test_case_id, result):
                yield from self._outline.lines_around(event.test_case_id, result)
                yield from step_lines(result, verbose=self._verbose)
        elif isinstance(result, CaseResult):
            yield from case_lines(result)
        elif isinstance(data, CaseStarted):
            yield ""
            yield data.test_name
        elif isinstance(data, Logged) and self._is_shown(data, event.step_name):
            mark = "·" if data.level in {"debug", "info"} else "!"
            about = f"{event.step_name}: " if event.step_name is not None else ""
            yield f"  {mark} {about}{data.message}"
        elif isinstance(data, ErrorOccurred) and event.step_name is None:
            yield f"  ✗ {data.message}"
            yield f"    → {data.suggestion}"

    def _is_told(self, case: str | None, inner: StepResult) -> bool:
        """Whether a step inside another is: the first few that fail, and what stands in the hooks of the case itself."""
        if inner.status not in {"failure", "error"}:
            return False
        outermost = _outermost(inner.path)
        if outermost == inner.path:
            return True
        self._failed_inside[case, outermost] += 1
        return self._failed_inside[case, outermost] <= MOST_INSIDE

    def _untold(self, case: str | None, path: str) -> Iterator[str]:
        more = self._failed_inside.pop((case, path), 0) - MOST_INSIDE
        if more > 0 and not self._verbose:
            yield (
                "  " * path.count("/")
                + "    · "
                + tr("{count} more steps failed inside; -v shows them all", count=more)
            )

    def _is_shown(self, data: Logged, step_name: str | None) -> bool:
        if self._log_level is not None:
            return _LEVELS.index(data.level) >= _LEVELS.index(self._log_level)
        # The warnings of a step are told with the step, when it ends.
        if self._verbose:
            return data.level != "debug"
        return step_name is None and data.level not in {"debug", "info"}

    def _write_plain(self, line: str) -> None:
        self._out.write(printable(line) + "\n")

    def _use_rich(self, *, color: bool, cases: int) -> None:
        from rich.console import Console as RichConsole

        out = cast("IO[str]", self._out)
        console = RichConsole(file=out, force_terminal=True, no_color=not color, highlight=False)
        status = self._status = Status(console, cases)
        self._write = lambda line: status.aside(lambda: console.print(_styled(printable(line)), soft_wrap=True))


def _outermost(path: str) -> str:
    """The step that stands in the case itself, around all others."""
    first, *rest = path.split("/")
    return f"{first}/{rest[0]}" if first in {"setup", "teardown"} and rest else first


def _styled(line: str) -> Text:
    from rich.text import Text

    text = Text(line)
    mark = line.lstrip()[:1]
    if mark in _STYLES:
        start = line.index(mark)
        text.stylize(_STYLES[mark], start, start + 1)
    elif line and not line.startswith(" "):
        text.stylize("bold")
    return text
