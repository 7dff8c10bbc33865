"""Results in lines of text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sisyphus.case.model import ABSENT, NOWHERE
from sisyphus.wire import dumps
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sisyphus.results import CaseResult, RunResult, StepResult
    from sisyphus.values.validate import CheckResult

MARKS: Final = {
    "success": "✓",
    "passed": "✓",
    "failure": "✗",
    "failed": "✗",
    "error": "✗",
    "skipped": "-",
    "cancelled": "✗",
}

# What would move the cursor, ring, colour or turn the text around: names and answers come from elsewhere.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

_VALUE: Final = 120  # characters of a value that are shown
_BODY: Final = 400


def took(seconds: float) -> str:
    """A duration as people read it."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.995:
        return f"{seconds} s" if isinstance(seconds, int) else f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def printable(line: str) -> str:
    """The line with control characters written out; text of several lines goes on under its own beginning."""
    if "\n" in line:
        line = line.replace("\n", "\n" + " " * (len(line) - len(line.lstrip()) + 2))
    return _CONTROL.sub(lambda found: found[0] if found[0] == "\n" else repr(found[0])[1:-1], line)


def step_lines(step: StepResult, *, verbose: bool) -> Iterator[str]:
    """How a step ended, why, and with `verbose` everything that is known about it."""
    margin = "  " * step.depth
    outcome = tr("skipped: {reason}", reason=step.reason) if step.status == "skipped" else took(step.duration)
    name = step.name if step.iteration is None else f"#{step.iteration + 1} {step.name}"
    yield f"{margin}  {MARKS[step.status]} {name}  ·  {outcome}{_retries(step.retry_count)}"
    if step.type == "load" and step.response is not None:
        yield f"{margin}      · {_performance(step.response['performance'])}"
    if step.error is not None:
        yield from (margin + line for line in _error(step))
    if verbose:  # its warnings and attempts have been told as they came
        yield from (margin + line for line in _details(step))
    else:
        yield from (f"{margin}      ! {warning}" for warning in step.warnings)


def around_line(name: str, depth: int) -> str:
    """The line above the steps inside another one, or of a hook of the case."""
    return f"{'  ' * depth}  ▸ {name}"


def case_lines(case: CaseResult) -> Iterator[str]:
    """How a case ended."""
    yield "  " + tr(
        "{mark} {status} · steps: {passed} of {total} passed, {failed} failed, {skipped} skipped · {time}",
        mark=MARKS[case.status], status=tr(case.status), passed=case.passed_steps, total=case.total_steps,
        failed=case.failed_steps, skipped=case.skipped_steps, time=took(case.duration),
    )  # fmt: skip


def run_lines(result: RunResult) -> Iterator[str]:
    """How a run ended: its cases in numbers, and by name those to look after."""
    for case in result.cases:
        if case.started_at is None:
            yield f"- {case.name}: {tr(case.status)}" + (f" ({case.reason})" if case.reason else "")
    counts = result.counts()
    total = len(result.cases)
    yield ""
    yield tr(
        "{cases}: {parts} · {time}",
        cases=tr("1 case") if total == 1 else tr("{count} cases", count=total),
        parts=", ".join(f"{count} {tr(status)}" for status, count in counts.items()),
        time=took(result.duration),
    )
    if total > 1:
        for case in result.cases:
            if case.status in {"failed", "error"} or (case.status == "cancelled" and case.started_at is not None):
                yield f"✗ {case.name}" + (f"  ·  {case.file}" if case.file else "")


def _retries(count: int) -> str:
    if not count:
        return ""
    return tr(" after 1 retry") if count == 1 else tr(" after {count} retries", count=count)


def _error(step: StepResult) -> Iterator[str]:
    unmet = [check for check in step.checks if check.status != "passed"]
    for check in unmet:
        yield f"      {check.where}: {_told(check)}"
    if step.error is not None:
        if not unmet:
            place = f"{step.where}: " if step.where != NOWHERE else ""  # a watcher does not know it
            yield f"      {place}{step.error.message}"
        yield f"      → {step.error.suggestion}"


def _told(check: CheckResult) -> str:
    path = f"{check.path}: " if check.path and check.path not in (check.message or "") else ""
    about = f" ({check.description})" if check.description else ""
    return f"{path}{check.message or check.op}{about}"


def _performance(numbers: Mapping[str, Any]) -> str:
    line = tr(
        "{count} requests, {failures} failed, {rate} per second",
        count=numbers["count"], failures=numbers["failures"], rate=numbers["requests_per_second"],
    )  # fmt: skip
    if numbers["mean"] is None:
        return line
    times = ", ".join(f"{name} {numbers[name]:.1f}" for name in ("min", "mean", "p50", "p90", "p95", "p99", "max"))
    return f"{line} · {times} ms"


def _details(step: StepResult) -> Iterator[str]:
    # Of a load it is one answer of many, whose times would be taken for those of all.
    view = (step.response or {}) if step.type != "load" else {}
    request = view.get("request") or step.sent
    if isinstance(request, dict):
        answer = f"{view.get('status_code')} {view.get('reason') or ''}".rstrip() if view else tr("no answer")
        made_up = tr(" (by the step's mock)") if view.get("mocked") else ""
        yield f"      · {request.get('method')} {request.get('url')} → {answer}{made_up}"
    if step.type == "database" and "sql" in view:
        yield f"      · {_clipped(' '.join(str(view['sql']).split()), _VALUE)} → {_rows(view['row_count'])}"
    if step.type == "script":
        printed = (str(view.get(stream) or "").rstrip() for stream in ("output", "stderr"))
        yield from (f"      · {_clipped(text, _BODY)}" for text in printed if text)
    timings = view.get("timings")
    if isinstance(timings, dict):
        measured = (f"{phase} {value:.1f} ms" for phase, value in timings.items() if value is not None)
        yield f"      · {', '.join(measured)}"
    for check in step.checks:
        if check.status == "passed":
            yield f"      ✓ {_held(check)}"
    for name, value in step.extracted.items():
        yield f"      · {name} = {_short(value, _VALUE)}"
    if step.error is not None and view.get("text"):
        yield f"      · {_clipped(str(view['text']), _BODY)}"
    if step.error is not None and view.get("rows"):
        yield f"      · {_short(view['rows'], _BODY)}"


def _rows(count: int) -> str:
    return tr("1 row") if count == 1 else tr("{count} rows", count=count)


def _held(check: CheckResult) -> str:
    path = f"{check.path} " if check.path else ""
    expected = f" {_short(check.expect, _VALUE)}" if check.expect is not ABSENT else ""
    return f"{path}{check.op}{expected}" + (f" ({check.description})" if check.description else "")


def _short(value: Any, most: int) -> str:
    return _clipped(dumps(value), most)


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
