"""What the terminal shows of a run."""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import IO, TYPE_CHECKING, Final

from sisyphus.events import CaseStarted, ErrorOccurred, Logged, Progressed
from sisyphus.results import CaseResult, StepResult
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.status import Status

    from sisyphus.events import Event
    from sisyphus.results import RunResult
    from sisyphus.values.validate import CheckResult

_MARKS: Final = {
    "success": "✓",
    "passed": "✓",
    "failure": "✗",
    "failed": "✗",
    "error": "✗",
    "skipped": "-",
    "cancelled": "✗",
}
_STYLES: Final = {
    "✓": "green", "✗": "red", "-": "yellow", "!": "yellow", "→": "cyan", "·": "dim",
}  # fmt: skip


class Console:
    """A sink that prints each step as it ends, the details of what failed, and a summary.

    The lines of a case stand together: with several cases at once they are printed when the case ends.

    Args:
        out: where to print.
        verbose: whether the details of what succeeded, and all log messages, are printed too.
        color: whether to colour; None decides by `out` being a terminal.
        several: whether the run has more than one case.
    """

    def __init__(
        self, out: IO[str], *, verbose: bool = False, color: bool | None = None, several: bool = False
    ) -> None:
        self._out = out
        self._verbose = verbose
        self._several = several
        self._waiting: defaultdict[str | None, list[str]] = defaultdict(list)
        terminal = out.isatty()
        self._write: Callable[[str], None] = self._write_plain
        self._status: Status | None = None
        self._running: dict[str | None, str] = {}
        if terminal or color:
            self._use_rich(color=color is not False, status=terminal)

    def announce(self, line: str) -> None:
        """Prints a line that belongs to no case."""
        self._write(line)

    def handle(self, event: Event) -> None:
        """Prints what one event has to say, now or with the rest of its case."""
        lines = self._waiting[event.test_case_id]
        lines.extend(self._lines(event))
        self._show_status(event)
        if isinstance(event.result, CaseResult) or not self._several:
            del self._waiting[event.test_case_id]
            for line in lines:
                self._write(line)

    def finish(self, result: RunResult) -> None:
        """Prints the summary."""
        if self._status is not None:
            self._status.stop()
        for line in _summary(result):
            self._write(line)

    def _lines(self, event: Event) -> Iterator[str]:
        result, data = event.result, event.data
        if isinstance(result, StepResult):
            yield from self._step(result)
        elif isinstance(result, CaseResult):
            yield from _case(result)
        elif isinstance(data, CaseStarted):
            yield ""
            yield data.test_name
        elif isinstance(data, Logged) and (self._verbose or (data.level != "info" and event.step_name is None)):
            yield f"  ! {data.message}" if data.level == "warning" else f"  · {data.message}"
        elif isinstance(data, ErrorOccurred) and event.step_name is None:
            yield f"  ✗ {data.message}"
            yield f"    → {data.suggestion}"

    def _step(self, step: StepResult) -> Iterator[str]:
        retries = tr(" after {count} retries", count=step.retry_count) if step.retry_count else ""
        outcome = tr("skipped: {reason}", reason=step.reason) if step.status == "skipped" else _took(step.duration)
        yield f"  {_MARKS[step.status]} {step.name}  ·  {outcome}{retries}"
        if step.error is not None:
            yield from _error(step)
        if self._verbose:
            yield from _details(step)
        else:
            yield from (f"      ! {warning}" for warning in step.warnings)

    def _show_status(self, event: Event) -> None:
        """On a terminal, a last line says what is going on, and goes away."""
        if self._status is None:
            return
        data = event.data
        if isinstance(data, Progressed):
            remaining = data.estimated_remaining
            rest = tr(", about {time} left", time=_took(remaining)) if remaining else ""
            self._status.update(f"{data.current_step}/{data.total_steps} ({data.percentage:g} %){rest}")
        elif event.step_name is not None and event.result is None and not isinstance(data, Logged | ErrorOccurred):
            self._status.update(event.step_name)

    def _write_plain(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()

    def _use_rich(self, *, color: bool, status: bool) -> None:
        from rich.console import Console as RichConsole
        from rich.text import Text

        console = RichConsole(
            file=self._out, force_terminal=True if color else None, no_color=not color, highlight=False
        )

        def write(line: str) -> None:
            text = Text(line)
            mark = line.lstrip()[:1]
            if mark in _STYLES:
                start = line.index(mark)
                text.stylize(_STYLES[mark], start, start + 1)
            elif line and not line.startswith(" "):
                text.stylize("bold")
            console.print(text, soft_wrap=True)

        self._write = write
        if status:
            self._status = console.status("")
            self._status.start()


def _took(seconds: float) -> str:
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 60 else f"{int(seconds // 60)} min {seconds % 60:.0f} s"


def _error(step: StepResult) -> Iterator[str]:
    unmet = [check for check in step.checks if check.status != "passed"]
    if unmet:
        for check in unmet:
            yield f"      {check.where}: {_told(check)}"
    elif step.error is not None:
        yield f"      {step.where}: {step.error.message}"
    if step.error is not None:
        yield f"      → {step.error.suggestion}"


def _told(check: CheckResult) -> str:
    path = f"{check.path}: " if check.path and check.path not in (check.message or "") else ""
    about = f" ({check.description})" if check.description else ""
    return f"{path}{check.message or check.op}{about}"


def _details(step: StepResult) -> Iterator[str]:
    view = step.response or {}
    request = view.get("request")
    if isinstance(request, dict):
        yield f"      · {request.get('method')} {request.get('url')} → {view.get('status_code')} {view.get('reason')}"
    timings = view.get("timings")
    if isinstance(timings, dict):
        measured = (f"{phase} {value:.1f} ms" for phase, value in timings.items() if value is not None)
        yield f"      · {', '.join(measured)}"
    for attempt in step.attempts:
        if attempt.reason:
            rest = tr(", then {delay:g} s of rest", delay=attempt.delay) if attempt.delay is not None else ""
            yield "      · " + tr("attempt {number}: {reason}", number=attempt.number, reason=attempt.reason) + rest
    for check in step.checks:
        if check.status == "passed":
            yield f"      ✓ {check.path or check.op}" + (f" ({check.description})" if check.description else "")
    for name, value in step.extracted.items():
        yield f"      · {name} = {_short(value)}"
    if step.error is not None and view.get("text"):
        yield f"      · {_short(view['text'], 400)}"


def _short(value: object, most: int = 120) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}…"


def _case(case: CaseResult) -> Iterator[str]:
    yield "  " + tr(
        "{mark} {status} · {passed} of {total} steps passed, {failed} failed, {skipped} skipped · {time}",
        mark=_MARKS[case.status], status=tr(case.status), passed=case.passed_steps, total=case.total_steps,
        failed=case.failed_steps, skipped=case.skipped_steps, time=_took(case.duration),
    )  # fmt: skip


def _summary(result: RunResult) -> Iterator[str]:
    counts = result.counts()
    for case in result.cases:
        if case.started_at is None:
            yield f"- {case.name}: {tr(case.status)}" + (f" ({case.reason})" if case.reason else "")
    yield ""
    parts = [f"{count} {tr(status)}" for status, count in counts.items()]
    yield tr(
        "{total} cases: {parts} · {time}", total=len(result.cases), parts=", ".join(parts), time=_took(result.duration)
    )
    if len(result.cases) > 1:
        for case in result.cases:
            if case.status in {"failed", "error", "cancelled"}:
                yield f"✗ {case.name}  ·  {case.file}"


def prepare(stream: IO[str]) -> IO[str]:
    """A standard stream that prints something for characters its encoding lacks instead of failing."""
    if stream in {sys.stdout, sys.stderr} and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
    return stream
