"""A run shown by who has nothing but its events: as its own console shows it."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest

from sisyphus.events import (
    CaseFinished,
    CaseStarted,
    Data,
    ErrorOccurred,
    Event,
    Logged,
    Progressed,
    StepFinished,
    StepStarted,
    VariableSet,
)
from sisyphus.viewing import Lines, View
from sisyphus.wire import Received, decode

MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Run:
    """Makes the events of a run, as a watcher gets them."""

    def __init__(self) -> None:
        self.now = MOMENT
        self.seq = 0

    def __call__(self, data: Data, case: str = "case-1", step: str | None = None) -> Received:
        self.seq += 1
        event = Event(data=data, timestamp=self.now, test_case_id=case, step_name=step)
        return Received(seq=self.seq, run_id="r", event=event)

    def case(self, name: str, case: str = "case-1") -> Received:
        return self(CaseStarted(test_name=name, total_steps=2), case)

    def begins(self, name: str, index: int = 0, **fields: Any) -> Received:
        return self(
            StepStarted(step_name=name, step_type="request", step_index=index, total_steps=2, **fields), step=name
        )

    def ends(self, name: str, status: Any = "success", retries: int = 0, **fields: Any) -> Received:
        failed = status in {"failure", "error"}
        data = StepFinished(
            step_name=name, status=status, duration=0.5, retry_count=retries, has_error=failed, **fields
        )  # fmt: skip
        return self(data, step=name)

    def fails(self, name: str | None, message: str) -> Received:
        data = ErrorOccurred(
            error_type="E", error_category="network", message=message, suggestion="Start it.", step_name=name
        )  # fmt: skip
        return self(data, step=name)

    def says(self, message: str, level: Any = "info", step: str | None = None) -> Received:
        return self(Logged(level=level, message=message), step=step)

    def over(self, status: Any = "passed", case: str = "case-1") -> Received:
        data = CaseFinished(
            status=status, total_steps=2, passed_steps=1, failed_steps=int(status == "failed"), skipped_steps=0,
            duration=1.0,
        )  # fmt: skip
        return self(data, case)

    def progress(self, step: int, left: float | None = None, **cases: int) -> Received:
        data = Progressed(
            current_step=step, total_steps=2, percentage=step * 50.0, passed_steps=step, failed_steps=0,
            estimated_remaining=left, **cases,
        )  # fmt: skip
        return self(data)


def shown(*events: Received, **options: Any) -> tuple[str, int]:
    out = io.StringIO()
    view = View(out, **options)
    for event in events:
        view.handle(event)
    return out.getvalue(), view.finish()


def test_a_watched_run_looks_as_it_does_where_it_is() -> None:
    run = Run()
    text, code = shown(
        run.case("orders"),
        run.begins("log in"),
        run.says("attempt 1 failed", "warning", "log in"),
        run.ends("log in", retries=1),
        run.begins("pay", 1),
        run.fails("pay", "nothing listens"),
        run.ends("pay", "error"),
        run.begins("after", 2),
        run.says("跳过：enabled: false", step="after"),
        run.ends("after", "skipped"),
        run.over("failed"),
    )
    assert text == (
        "\n"
        "orders\n"
        "  ! log in: attempt 1 failed\n"
        "  ✓ log in  ·  500 ms after 1 retry\n"
        "  ✗ pay  ·  500 ms\n"
        "      nothing listens\n"
        "      → Start it.\n"
        "  - after  ·  skipped: enabled: false\n"
        "  ✗ failed · steps: 1 of 2 passed, 1 failed, 0 skipped · 1.00 s\n"
    )
    assert code == 1


def test_steps_inside_others_stand_under_them_and_have_their_own_errors() -> None:
    run = Run()
    inner = {"path": "0/0", "parent": "0", "iteration": 0}
    other = {"path": "0/1", "parent": "0", "iteration": 1}
    text, _ = shown(
        run.case("c"),
        run.begins("load"),
        run.begins("get", **inner),
        run.begins("get", **other),
        run.fails("get", "first"),
        run.fails("get", "second"),
        run.ends("get", "error", **inner),
        run.ends("get", "error", **other),
        run.ends("load"),
    )
    assert text.splitlines()[2:] == [
        "  ▸ load",
        "    ✗ #1 get  ·  500 ms",
        "        first",
        "        → Start it.",
        "    ✗ #2 get  ·  500 ms",
        "        second",
        "        → Start it.",
        "  ✓ load  ·  500 ms",
    ]


def test_verbose_shows_variables_and_what_ran_inside() -> None:
    run = Run()
    value = VariableSet(variable_name="id", variable_value=7, source="extracted")
    events = [
        run.case("c"),
        run.begins("a"),
        run(value, step="a"),
        run.ends("a"),
        run.ends("in", path="1/0", parent="1"),
    ]
    assert "      · id = 7\n" in shown(*events, verbose=True)[0]
    assert " in " in shown(*events, verbose=True)[0]
    assert "id = 7" not in shown(*events)[0]
    assert " in " not in shown(*events)[0]


@pytest.mark.parametrize(("level", "said"), [("debug", "dwie"), ("info", "wie"), ("warning", "we"), ("error", "e")])
def test_the_level_chooses_the_log_messages(level: Any, said: str) -> None:
    run = Run()
    logs = [run.says("d", "debug"), run.says("w", "warning"), run.says("i", "info"), run.says("e", "error")]
    text, _ = shown(run.case("c"), *logs, level=level)
    assert "".join(line.strip()[-1] for line in text.splitlines()[2:]) == said


def test_where_no_status_line_can_be_seen_progress_is_told_every_ten_seconds() -> None:
    run = Run()
    events = [run.case("orders"), run.progress(0)]
    for seconds, left in ((9, 20.0), (10, 12.4), (19, 1.0), (21, None)):
        run.now = MOMENT + dt.timedelta(seconds=seconds)
        events.append(run.progress(1, left, cases_completed=1, cases_total=3))
    text, _ = shown(*events)
    assert [line for line in text.splitlines() if line.startswith("…")] == [
        "… orders: 50 % (1/2) · about 12 s left · 1 of 3 cases done",
        "… orders: 50 % (1/2) · 1 of 3 cases done",
    ]


@pytest.mark.parametrize(
    ("statuses", "lost", "code"),
    [
        (["passed", "passed"], False, 0),
        (["passed", "failed"], False, 1),
        (["error"], False, 1),
        (["failed", "cancelled"], False, 130),
        ([], False, 0),
        (["passed"], True, 3),
        (["failed"], True, 1),
        ([], True, 3),
    ],
)
@pytest.mark.parametrize("kind", [View, Lines])
def test_the_exit_code_is_the_runs_unless_what_is_lost_may_have_failed(
    kind: Any, statuses: list[str], lost: bool, code: int
) -> None:
    run = Run()
    view = kind(io.StringIO())
    if lost:
        view.missing(1, 6)
    for number, status in enumerate(statuses):
        view.handle(run.case("c", f"case-{number}"))
        view.handle(run.over(status, f"case-{number}"))
    assert view.finish() == code


def test_what_is_lost_and_how_the_connection_is_are_said() -> None:
    out = io.StringIO()
    view = View(out)
    view.connection("lost")
    view.connection("back")
    view.missing(6, 20)
    assert out.getvalue().splitlines() == [
        "! the connection is lost; trying to get it back",
        "! the connection is back",
        "! events 6 to 20 are lost: the server no longer has them",
    ]


def test_lines_are_the_events_themselves() -> None:
    run = Run()
    out = io.StringIO()
    lines = Lines(out)
    events = [run.case("订单"), run.begins("a", path="0/0", parent="0"), run.over()]
    for event in events:
        lines.handle(event)
    assert [decode(line) for line in out.getvalue().splitlines()] == events
