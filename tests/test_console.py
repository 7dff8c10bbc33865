"""What the terminal shows of a run, and what stands on its last line meanwhile."""

from __future__ import annotations

import datetime as dt
import io
import re
import threading
from typing import Any

import pytest
from attrs import evolve
from rich.cells import cell_len

from sisyphus.console import Console
from sisyphus.errors import Mark
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
)
from sisyphus.results import Attempt, CaseResult, ErrorInfo, RunResult, StepResult
from sisyphus.status import Status
from sisyphus.telling import printable, took
from sisyphus.values.validate import CheckResult

MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
CHECKS = (
    CheckResult(op="status_code", path="$.status_code", expect=200, actual=200, status="passed"),
    CheckResult(op="eq", path="$.name", expect="李雷", actual="李雷", status="passed", description="the name"),
)
UNMET = CheckResult(
    op="eq", path="$.id", expect=8, actual=7, status="failed", message="expected 8, got 7", description="the id",
    where=Mark("a.yaml", 9, 5),
)  # fmt: skip
ANSWER = {
    "status_code": 200,
    "reason": "OK",
    "text": '{"id": 7}',
    "timings": {"dns": None, "connect": 0.25, "total": 12.5},
    "request": {"method": "GET", "url": "http://127.0.0.1/users/7"},
}
ASSERTION = ErrorInfo(type="AssertionError", category="assertion", message="expected 8, got 7", suggestion="Compare.")
REFUSED = ErrorInfo(type="ConnectError", category="network", message="nothing listens", suggestion="Start it.")

OK = StepResult(
    name="get a user", type="request", index=0, status="success", started_at=MOMENT, duration=0.0123, checks=CHECKS,
    response=ANSWER, extracted={"name": "李雷", "ids": [1, None]},
)  # fmt: skip
FAILED = evolve(OK, name="compare", status="failure", checks=(*CHECKS, UNMET), error=ASSERTION, duration=1.5)
BROKEN = StepResult(
    name="connect", type="request", index=1, status="error", started_at=MOMENT, duration=61.0, error=REFUSED,
    where=Mark("a.yaml", 12, 3),
    attempts=(
        Attempt(number=1, began=0, duration=0.1, status="error", reason="nothing listens", delay=1.0),
        Attempt(number=2, began=1.1, duration=0.1, status="error", reason="nothing listens"),
    ),
)  # fmt: skip
SKIPPED = StepResult(name="after", type="wait", index=2, status="skipped", started_at=MOMENT, reason="enabled: false")


class Screen(io.StringIO):
    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self._terminal = terminal
        self.drawn = threading.Event()

    def flush(self) -> None:
        if self.getvalue():
            self.drawn.set()

    def isatty(self) -> bool:
        return self._terminal

    @property
    def lines(self) -> list[str]:
        return self.getvalue().split("\n")


def event(data: Data, case: str = "case-1", **fields: Any) -> Event:
    return Event(data=data, timestamp=MOMENT, test_case_id=case, **fields)


def begun(name: str, case: str = "case-1") -> Event:
    return event(CaseStarted(test_name=name, total_steps=3, description=None), case)


def step(result: StepResult, case: str = "case-1") -> Event:
    data = StepFinished(
        step_name=result.name, status=result.status, duration=0.0, retry_count=0, has_error=result.error is not None
    )
    return event(data, case, step_name=result.name, result=result)


def case_result(name: str, case: str = "case-1", status: Any = "passed", **fields: Any) -> CaseResult:
    known = {"total_steps": 1, "passed_steps": 1, "started_at": MOMENT, "duration": 0.5, "file": f"{name}.yaml"}
    return CaseResult(id=case, name=name, status=status, **(known | fields))


def ended(result: CaseResult) -> Event:
    data = CaseFinished(status="passed", total_steps=1, passed_steps=1, failed_steps=0, skipped_steps=0, duration=0.5)
    return event(data, result.id, result=result)


def shown(*events: Event, verbose: bool = False, result: RunResult | None = None) -> str:
    screen = Screen()
    console = Console(screen, verbose=verbose)
    for each in events:
        console.handle(each)
    if result is not None:
        console.finish(result)
    return screen.getvalue()


def run_of(*cases: CaseResult, duration: float = 1.25) -> RunResult:
    return RunResult(run_id="r", started_at=MOMENT, duration=duration, cases=cases)


def test_a_run_in_plain_text() -> None:
    case = case_result("users", status="error", total_steps=4, failed_steps=2, skipped_steps=1, duration=62.6)

    text = shown(begun("users"), step(OK), step(FAILED), step(BROKEN), step(SKIPPED), ended(case), result=run_of(case))

    assert text == (
        "\n"
        "users\n"
        "  ✓ get a user  ·  12 ms\n"
        "  ✗ compare  ·  1.50 s\n"
        "      a.yaml:9:5: $.id: expected 8, got 7 (the id)\n"
        "      → Compare.\n"
        "  ✗ connect  ·  1 min 1 s after 1 retry\n"
        "      a.yaml:12:3: nothing listens\n"
        "      → Start it.\n"
        "  - after  ·  skipped: enabled: false\n"
        "  ✗ error · steps: 1 of 4 passed, 2 failed, 1 skipped · 1 min 3 s\n"
        "\n"
        "1 case: 1 error · 1.25 s\n"
    )


@pytest.mark.parametrize(("failures", "told"), [(10, None), (12, "2 more steps failed inside; -v shows them all")])
@pytest.mark.parametrize(("around", "margin"), [("0", "    "), ("teardown/0", "      ")])
def test_of_many_failures_inside_a_step_the_first_are_told_and_the_others_counted(
    failures: int, told: str | None, around: str, margin: str
) -> None:
    loop = evolve(FAILED, name="loop", type="loop", path=around, parent=around.rpartition("/")[0] or None)
    rounds = [evolve(BROKEN, path=f"{around}/{n}", parent=around, iteration=n) for n in range(failures)]
    good = [evolve(OK, path=f"{around}/{n + 100}", parent=around, iteration=n) for n in range(20)]
    case = case_result("c", status="failed")
    events = [begun("c"), *map(step, [*good, *rounds, loop]), *map(step, [evolve(loop, path="1", parent=None)])]

    lines = shown(*events, ended(case), result=run_of(case)).split("\n")

    numbers = [line.split()[1] for line in lines if line.strip().startswith("✗ #")]
    assert numbers == [f"#{n + 1}" for n in range(10)]
    assert [line for line in lines if "failed inside" in line] == ([f"{margin}· {told}"] if told else [])
    assert len([line for line in lines if "✗ loop" in line]) == 2

    verbose = shown(*events, ended(case), result=run_of(case), verbose=True)
    assert verbose.count("✗ #") == failures
    assert "failed inside" not in verbose


def test_verbose_shows_what_was_sent_measured_checked_and_extracted() -> None:
    assert shown(step(OK), verbose=True) == (
        "  ✓ get a user  ·  12 ms\n"
        "      · GET http://127.0.0.1/users/7 → 200 OK\n"
        "      · connect 0.2 ms, total 12.5 ms\n"
        "      ✓ $.status_code status_code 200\n"
        '      ✓ $.name eq "李雷" (the name)\n'
        '      · name = "李雷"\n'
        "      · ids = [1,null]\n"
    )


def test_verbose_shows_the_body_of_what_failed() -> None:
    text = shown(step(FAILED), verbose=True)

    assert '      · {"id": 7}\n' in text
    assert "expected 8, got 7 (the id)\n" in text


def test_verbose_shows_statements_with_their_rows_and_what_scripts_print() -> None:
    rows = {"sql": "select id\n  from users", "rows": [{"id": 7}], "row_count": 1}
    asked = evolve(OK, type="database", response=rows, checks=(), extracted={})
    failed = evolve(FAILED, type="database", response={**rows, "row_count": 2})
    script = evolve(asked, type="script", response={"output": "one\ntwo\n", "stderr": "careful\n"})

    assert shown(step(asked), verbose=True).split("\n")[1:] == ["      · select id from users → 1 row", ""]
    assert "→ 2 rows\n" in shown(step(failed), verbose=True)
    assert '      · [{"id":7}]\n' in shown(step(failed), verbose=True)
    assert shown(step(script), verbose=True).split("\n")[1:] == ["      · one", "        two", "      · careful", ""]
    assert shown(step(script)) == "  ✓ get a user  ·  12 ms\n"


def test_verbose_shows_no_status_text_where_the_server_gave_none() -> None:
    assert "→ 200\n" in shown(step(evolve(OK, response=ANSWER | {"reason": ""})), verbose=True)


def test_long_values_and_bodies_are_cut() -> None:
    text = shown(
        step(evolve(FAILED, response=ANSWER | {"text": "x" * 10_000}, extracted={"big": "y" * 10_000})), verbose=True
    )

    assert max(map(len, text.split("\n"))) < 500
    assert "x…\n" in text
    assert "y…\n" in text


def test_warnings_of_a_step_stand_under_it() -> None:
    text = shown(
        event(Logged(level="warning", message="no charset"), step_name="get a user"),
        step(evolve(OK, warnings=("no charset",))),
    )

    assert text == "  ✓ get a user  ·  12 ms\n      ! no charset\n"


def test_verbose_tells_log_messages_as_they_come_and_once() -> None:
    text = shown(
        event(Logged(level="warning", message="attempt 1 of 2: refused"), step_name="get"),
        event(Logged(level="info", message="hello"), step_name="get"),
        step(evolve(OK, warnings=("attempt 1 of 2: refused",))),
        verbose=True,
    )

    assert text.startswith("  ! get: attempt 1 of 2: refused\n  · get: hello\n  ✓ get a user  ·  12 ms\n")
    assert text.count("refused") == 1


def test_warnings_of_a_case_are_told_and_its_other_messages_only_when_verbose() -> None:
    events = (
        event(Logged(level="warning", message="priority means nothing here")),
        event(Logged(level="info", message="three variables")),
    )

    assert shown(*events) == "  ! priority means nothing here\n"
    assert shown(*events, verbose=True) == "  ! priority means nothing here\n  · three variables\n"


def test_an_error_of_a_case_is_told_with_what_to_do() -> None:
    data = ErrorOccurred(
        error_type="StartError", error_category="system", message="port taken", suggestion="Leave it out."
    )

    assert shown(event(data)) == "  ✗ port taken\n    → Leave it out.\n"


def test_an_error_of_a_step_is_told_with_the_step_only() -> None:
    data = ErrorOccurred(
        error_type="X", error_category="network", message="refused", suggestion="s", step_name="connect"
    )

    assert shown(event(data, step_name="connect")) == ""


def test_the_lines_of_cases_that_run_side_by_side_stand_together_in_the_order_of_their_beginning() -> None:
    a, b, c = (case_result(name, f"case-{number}") for number, name in enumerate("abc", 1))

    text = shown(
        begun("a", "case-1"), begun("b", "case-2"), begun("c", "case-3"),
        step(evolve(OK, name="c1"), "case-3"), step(evolve(OK, name="b1"), "case-2"),
        step(evolve(OK, name="a1"), "case-1"), ended(c), step(evolve(OK, name="a2"), "case-1"), ended(a),
        step(evolve(OK, name="b2"), "case-2"), ended(b),
    )  # fmt: skip

    assert re.findall(r"^[abc]$|[abc]\d", text, re.MULTILINE) == ["a", "a1", "a2", "b", "b1", "b2", "c", "c1"]


def test_the_first_case_that_is_not_done_is_shown_as_it_goes_on() -> None:
    screen = Screen()
    console = Console(screen)
    seen: list[str] = []
    for each in (
        begun("a", "case-1"),
        begun("b", "case-2"),
        step(evolve(OK, name="b1"), "case-2"),
        step(evolve(OK, name="a1"), "case-1"),
        ended(case_result("a", "case-1")),
        step(evolve(OK, name="b2"), "case-2"),
    ):
        console.handle(each)
        seen.append("".join(re.findall(r"[ab]\d", screen.getvalue())))

    assert seen == ["", "", "", "a1", "a1b1", "a1b1b2"]


def test_what_a_case_said_before_an_end_that_never_came_is_not_lost() -> None:
    cases = (case_result("a", "case-1"), case_result("b", "case-2"))

    text = shown(
        begun("a", "case-1"), begun("b", "case-2"), step(evolve(OK, name="b1"), "case-2"), result=run_of(*cases)
    )

    assert "b1" in text


def test_the_summary_of_several_cases_names_those_to_look_after() -> None:
    text = shown(
        result=run_of(
            case_result("a", "case-1"),
            case_result("b", "case-2", "failed"),
            case_result("c", "case-3", "skipped", started_at=None, reason="enabled: false"),
            case_result("d", "case-4", "error"),
            case_result("e", "case-5", "passed"),
            duration=0.2,
        )
    )

    assert text == (
        "- c: skipped (enabled: false)\n"
        "\n"
        "5 cases: 2 passed, 1 failed, 1 skipped, 1 error · 200 ms\n"
        "✗ b  ·  b.yaml\n"
        "✗ d  ·  d.yaml\n"
    )


def test_a_cancelled_case_that_never_began_is_named_once() -> None:
    text = shown(
        result=run_of(case_result("a", "case-1", "cancelled"), case_result("b", "case-2", "cancelled", started_at=None))
    )

    assert text == "- b: cancelled\n\n2 cases: 2 cancelled · 1.25 s\n✗ a  ·  a.yaml\n"


@pytest.mark.parametrize(("retries", "told"), [(0, ""), (1, " after 1 retry"), (2, " after 2 retries")])
def test_retries_are_counted_as_people_count(retries: int, told: str) -> None:
    attempts = tuple(Attempt(number=n, began=0, duration=0, status="success") for n in range(retries + 1))

    assert shown(step(evolve(OK, attempts=attempts))) == f"  ✓ get a user  ·  12 ms{told}\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.0004, "0 ms"), (0.9994, "999 ms"), (0.9996, "1.00 s"), (12.345, "12.35 s"), (59.99, "59.99 s"),
     (59.999, "1 min 0 s"), (119.7, "2 min 0 s"), (3_725, "62 min 5 s"), (3, "3 s")],
)  # fmt: skip
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert took(seconds) == text


def test_text_from_elsewhere_cannot_move_the_cursor() -> None:
    hostile = "\x1b[2J\x07red\x9b31m \u202egnp.exe"

    text = shown(begun(hostile), step(evolve(OK, name=hostile)))

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert "\\x1b[2J\\x07red\\x9b31m \\u202egnp.exe" in text


def test_text_of_several_lines_goes_on_under_its_own_beginning() -> None:
    assert printable("    ✗ one\ntwo") == "    ✗ one\n      two"


def test_chinese_spaces_and_emoji_are_left_alone() -> None:
    assert printable("名　称 👩‍💻") == "名　称 👩‍💻"


def test_what_is_no_terminal_gets_no_colours_and_no_status_line() -> None:
    assert "\x1b" not in shown(begun("a"), step(OK), ended(case_result("a")), result=run_of(case_result("a")))


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, *, color: bool = True, **environment: str) -> str:
    for name in ("NO_COLOR", "TERM", "COLORTERM", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm-256color"} | environment).items():
        monkeypatch.setenv(name, value)
    screen = Screen(terminal=True)
    console = Console(screen, color=color)
    for each in (begun("a"), step(OK), ended(case_result("a"))):
        console.handle(each)
    console.finish(run_of(case_result("a")))
    return screen.getvalue()


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[32m✓\x1b[0m get a user" in on_a_terminal(monkeypatch)


def test_a_terminal_gets_no_colours_if_the_user_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "  ✓ get a user" in on_a_terminal(monkeypatch, color=False)
    assert "  ✓ get a user" in on_a_terminal(monkeypatch, NO_COLOR="1")


def test_a_terminal_that_can_do_nothing_gets_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in on_a_terminal(monkeypatch, TERM="dumb")


def test_square_brackets_are_text_and_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen(terminal=True)
    console = Console(screen, color=False)

    console.handle(step(evolve(OK, name="[red]x[/red] [0]")))
    console.close()

    assert "[red]x[/red] [0]" in screen.getvalue()


def test_announcements_stand_between_the_lines() -> None:
    screen = Screen()

    Console(screen).announce("watch live: ws://localhost:8765")

    assert screen.getvalue() == "watch live: ws://localhost:8765\n"


class Terminal:
    """A console of Rich's, as far as a status line needs one."""

    def __init__(self, width: int = 80) -> None:
        self.width = width
        self.file = Screen(terminal=True)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def started(name: str, index: int, case: str = "case-1") -> Event:
    data = StepStarted(step_name=name, step_type="wait", step_index=index, total_steps=3)
    return event(data, case, step_name=name)


def progressed(left: float | None) -> Event:
    data = Progressed(
        current_step=1, total_steps=3, percentage=33.33, passed_steps=1, failed_steps=0, estimated_remaining=left
    )
    return event(data)


def status(*events: Event, cases: int = 1, width: int = 80, later: float = 0.0) -> str:
    """What the status line says `later` seconds after the events."""
    clock = Clock()
    line = Status(Terminal(width), cases, clock)  # type: ignore[arg-type]
    for each in events:
        line.handle(each)
    clock.now += later
    line.stop()
    return line.line()[2:]


def test_the_status_line_says_which_step_is_under_way() -> None:
    assert status(begun("a"), started("log in", 0)) == "log in (1/3)"


def test_the_status_line_says_how_long_a_step_takes_already() -> None:
    events = (begun("a"), started("log in", 0))

    assert status(*events, later=0.9) == "log in (1/3)"
    assert status(*events, later=12.9) == "log in (1/3) · 12 s"


def test_the_status_line_counts_from_the_first_event_on() -> None:
    clock = Clock()
    clock.now = 2091.0
    line = Status(Terminal(), 1, clock)  # type: ignore[arg-type]
    clock.now += 30  # it waited for watchers
    line.handle(begun("a"))
    line.stop()

    assert line.line()[2:] == ""


def test_the_status_line_says_how_long_the_case_may_still_take_and_counts_down() -> None:
    events = (begun("a"), progressed(65.0), started("log in", 1))

    assert status(*events) == "log in (2/3) · about 1 min 5 s left"
    assert status(*events, later=10) == "log in (2/3) · 10 s · about 55 s left"
    assert status(*events, later=65) == "log in (2/3) · 65 s"


def test_the_clock_of_a_step_goes_on_while_other_cases_do_something() -> None:
    clock = Clock()
    line = Status(Terminal(), 2, clock)  # type: ignore[arg-type]
    for each in (begun("a"), started("long", 0), begun("b", "case-2"), started("b1", 0, "case-2")):
        line.handle(each)
    clock.now = 3
    line.handle(step(evolve(OK, name="b1"), "case-2"))
    line.stop()

    assert line.line()[2:] == "0 of 2 cases done · a: long (1/3) · 3 s"


def test_the_status_line_of_several_cases_says_how_many_are_done_and_shows_the_first_that_is_not() -> None:
    text = status(
        begun("a", "case-1"), started("a1", 0, "case-1"), begun("b", "case-2"), started("b1", 2, "case-2"),
        ended(case_result("a", "case-1")), cases=5,
    )  # fmt: skip

    assert text == "1 of 5 cases done · b: b1 (3/3)"


def test_the_status_line_never_fills_the_terminals_width() -> None:
    text = status(begun("a"), started("很长的步骤名称" * 20, 0), width=40)

    assert text.endswith("…")
    assert cell_len(f"⠋ {text}") < 40


def test_the_status_line_is_one_line_without_control_characters() -> None:
    assert status(begun("a"), started("one\ntwo\x1b[2J", 0)) == "one two\\x1b[2J (1/3)"


def test_what_is_written_aside_of_the_status_line_finds_an_empty_line() -> None:
    terminal = Terminal()
    line = Status(terminal, 1)  # type: ignore[arg-type]
    line.handle(begun("a"))
    line.handle(started("log in", 0))

    assert terminal.file.drawn.wait(5)  # the thread draws every 0.1 s
    line.aside(lambda: terminal.file.write("done\n"))
    line.stop()

    assert "log in (1/3)\r\x1b[2Kdone\n" in terminal.file.getvalue()
    assert terminal.file.getvalue().endswith(("done\n", "\r\x1b[2K"))


def test_what_is_printed_is_seen_at_once_and_flushed_once() -> None:
    flushed: list[str] = []

    class Buffered(io.StringIO):
        def flush(self) -> None:
            flushed.append(self.getvalue())

    out = Buffered()
    console = Console(out)
    console.handle(begun("a"))
    console.handle(step(FAILED))
    assert flushed[-1] == out.getvalue() != ""
    assert len(flushed) == 2
