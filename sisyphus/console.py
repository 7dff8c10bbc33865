"""What the terminal shows of a run."""

from __future__ import annotations

import os
import re
import time
from typing import IO, TYPE_CHECKING, Any, Final, Protocol, cast

from sisyphus.events import CaseStarted, ErrorOccurred, Logged, Progressed, StepStarted
from sisyphus.results import CaseResult, StepResult
from sisyphus.telling import case_lines, run_lines, step_lines, took
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.text import Text

    from sisyphus.events import Event
    from sisyphus.results import RunResult

_STYLES: Final = {"✓": "green", "✗": "red", "-": "yellow", "!": "yellow", "→": "cyan", "·": "dim"}

# What would move the cursor, ring, colour or turn the text around: names and answers come from elsewhere.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


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
        color: whether to colour; None decides by `out` being a terminal, and by NO_COLOR.
        cases: how many cases the run has.
    """

    def __init__(self, out: Out, *, verbose: bool = False, color: bool | None = None, cases: int = 1) -> None:
        self._out = out
        self._verbose = verbose
        self._held: dict[str | None, list[str]] = {}  # by case, in the order of their beginnings
        self._ended: set[str | None] = set()
        self._write: Callable[[str], None] = self._write_plain
        self._status: _Status | None = None
        if out.isatty() and os.environ.get("TERM") != "dumb":
            self._use_rich(color=not os.environ.get("NO_COLOR") if color is None else color, cases=cases)
        elif color:
            self._use_rich(color=True, cases=None)

    def announce(self, line: str) -> None:
        """Prints a line that belongs to no case."""
        self._write(line)

    def handle(self, event: Event) -> None:
        """Prints what one event has to say, now or when it is its case's turn."""
        case = event.test_case_id
        self._held.setdefault(case, []).extend(self._lines(event))
        if isinstance(event.result, CaseResult):
            self._ended.add(case)
        self._print_whose_turn_it_is()
        if self._status is not None:
            self._status.handle(event)

    def finish(self, result: RunResult) -> None:
        """Prints the summary."""
        if self._status is not None:
            self._status.stop()
        for lines in self._held.values():
            self._print(lines)
        for line in run_lines(result):
            self._write(line)

    def _print_whose_turn_it_is(self) -> None:
        while self._held:
            case = next(iter(self._held))
            self._print(self._held[case])
            if case not in self._ended:
                return
            del self._held[case]

    def _print(self, lines: list[str]) -> None:
        for line in lines:
            self._write(line)
        lines.clear()

    def _lines(self, event: Event) -> Iterator[str]:
        result, data = event.result, event.data
        if isinstance(result, StepResult):
            yield from step_lines(result, verbose=self._verbose)
        elif isinstance(result, CaseResult):
            yield from case_lines(result)
        elif isinstance(data, CaseStarted):
            yield ""
            yield data.test_name
        elif isinstance(data, Logged) and self._is_shown(data, event.step_name):
            yield f"  ! {data.message}" if data.level == "warning" else f"  · {data.message}"
        elif isinstance(data, ErrorOccurred) and event.step_name is None:
            yield f"  ✗ {data.message}"
            yield f"    → {data.suggestion}"

    def _is_shown(self, data: Logged, step_name: str | None) -> bool:
        # What concerns a step is told with the step itself, when it ends.
        return step_name is None and (self._verbose or data.level not in {"debug", "info"})

    def _write_plain(self, line: str) -> None:
        self._out.write(printable(line) + "\n")
        self._out.flush()

    def _use_rich(self, *, color: bool, cases: int | None) -> None:
        from rich.console import Console as RichConsole

        console = RichConsole(
            file=cast("IO[str]", self._out), force_terminal=True, no_color=not color, highlight=False
        )
        self._write = lambda line: console.print(_styled(printable(line)), soft_wrap=True)
        if cases is not None:
            self._status = _Status(console, cases)


class _Status:
    """A last line that says what is going on, and goes away."""

    def __init__(self, console: Any, cases: int) -> None:
        self._cases = cases
        self._done = 0
        self._names: dict[str | None, str] = {}
        self._running: dict[str | None, StepStarted] = {}
        self._left: float | None = None
        self._text = ""
        self._since = time.monotonic()
        self._live = console.status(self)
        self._live.start()

    def handle(self, event: Event) -> None:
        data = event.data
        if isinstance(data, CaseStarted):
            self._names[event.test_case_id] = data.test_name
        elif isinstance(data, StepStarted):
            self._running[event.test_case_id] = data
        elif isinstance(data, Progressed):
            self._left = data.estimated_remaining
        elif isinstance(event.result, CaseResult):
            self._done += 1
            self._running.pop(event.test_case_id, None)
        else:
            return
        text = self._compose()
        if text != self._text:
            # The refreshing is a thread's, which reads these two and nothing else.
            self._text, self._since = text, time.monotonic()

    def stop(self) -> None:
        self._live.stop()

    def __rich__(self) -> Text:
        from rich.text import Text

        waited = time.monotonic() - self._since
        # A step that takes long looks different from one that hangs if at least the clock goes on.
        text = f"{self._text} · {took(int(waited))}" if waited >= 1 else self._text
        return Text(text, no_wrap=True, overflow="ellipsis", style="dim")

    def _compose(self) -> str:
        parts = []
        if self._cases > 1:
            parts.append(tr("{done} of {total} cases done", done=self._done, total=self._cases))
        if self._running:
            case, step = next(iter(self._running.items()))
            name = f"{self._names.get(case)}: {step.step_name}" if self._cases > 1 else step.step_name
            parts.append(f"{name} ({step.step_index + 1}/{step.total_steps})")
        if self._cases == 1 and self._left:
            parts.append(tr("about {time} left", time=took(self._left)))
        return printable(" · ".join(parts))


def printable(line: str) -> str:
    """The line with control characters written out; text of several lines goes on under its own beginning."""
    if "\n" in line:
        line = line.replace("\n", "\n" + " " * (len(line) - len(line.lstrip()) + 2))
    return _CONTROL.sub(lambda found: found[0] if found[0] == "\n" else repr(found[0])[1:-1], line)


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
