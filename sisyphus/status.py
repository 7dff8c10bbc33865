"""A last line on the terminal that says what is going on, and goes away."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from sisyphus.events import CaseStarted, Progressed, StepStarted
from sisyphus.results import CaseResult
from sisyphus.telling import printable, took
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from sisyphus.events import Event

_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_SECONDS_A_FRAME: Final = 0.1
_ERASE: Final = "\r\x1b[2K"


class Status:
    """Knows from events what is running, and draws it.

    A thread draws: a step that takes long looks different from one that hangs if the clock goes on, also while the loop
    is busy. Rich's own status draws anew at each line that is printed, which makes a line cost ten times as much.
    """

    def __init__(self, console: Console, cases: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._cases = cases
        self._done = 0
        self._names: dict[str | None, str] = {}
        self._running: dict[str | None, StepStarted] = {}
        self._inside: dict[str | None, StepStarted] = {}  # the last that began inside the running one
        self._left: float | None = None
        self._shown: tuple[str, float, float | None] = ("", 0.0, None)  # what the thread reads
        self._drawn = False
        self._turn = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def handle(self, event: Event) -> None:
        data = event.data
        if isinstance(data, CaseStarted):
            self._names[event.test_case_id] = data.test_name
        elif isinstance(data, StepStarted):
            self._take_up(event.test_case_id, data)
        elif isinstance(data, Progressed):
            # Rows of a database are known to the run only, and to watchers all.
            self._cases = data.cases_total or self._cases
            self._left = data.estimated_remaining if self._cases == 1 else None
        elif isinstance(event.result, CaseResult):
            self._done += 1
            self._running.pop(event.test_case_id, None)
        text = self._compose()
        # The first is shown whatever it says: a clock's zero is anywhere, as on the day this machine was started.
        if text != self._shown[0] or self._thread is None:
            self._shown = (text, self._clock(), self._left)
        if self._thread is None:
            self._thread = threading.Thread(target=self._draw_on, name="status line", daemon=True)
            self._thread.start()

    def _take_up(self, case: str | None, step: StepStarted) -> None:
        if step.parent is None:
            self._running[case] = step
            self._inside.pop(case, None)
        elif case in self._running:
            self._inside[case] = step
        else:  # the setup of the case
            self._running[case] = step

    def aside(self, write: Callable[[], None]) -> None:
        """Lets something else be written where the line stands."""
        with self._turn:
            self._erase()
            write()

    def stop(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.aside(lambda: None)

    def _compose(self) -> str:
        parts = []
        if self._cases > 1:
            parts.append(tr("{done} of {total} cases done", done=self._done, total=self._cases))
        if self._running:
            case, step = next(iter(self._running.items()))
            name = f"{self._names.get(case)}: {step.step_name}" if self._cases > 1 else step.step_name
            inner = self._inside.get(case)
            within = "" if inner is None else f" › {_round(inner)}{inner.step_name}"
            parts.append(f"{name} ({step.step_index + 1}/{step.total_steps}){within}")
        return printable(" · ".join(parts).replace("\n", " "))

    def _draw_on(self) -> None:
        while not self._over.wait(_SECONDS_A_FRAME):
            with self._turn:
                self._draw()

    def line(self) -> str:
        """What stands there now."""
        from rich.text import Text

        now = self._clock()
        text, since, left = self._shown
        waited = now - since
        if waited >= 1:
            text += f" · {int(waited)} s"
        if left is not None and left - waited >= 1:
            text += " · " + tr("about {time} left", time=took(round(left - waited)))
        line = Text(f"{_FRAMES[int(now / _SECONDS_A_FRAME) % len(_FRAMES)]} {text}")
        # A line that fills the last column would wrap, and one that wraps cannot be erased.
        line.truncate(self._console.width - 1, overflow="ellipsis")
        return line.plain

    def _draw(self) -> None:
        self._console.file.write(f"{_ERASE}{self.line()}")
        self._console.file.flush()
        self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            self._console.file.write(_ERASE)
            self._drawn = False


def _round(step: StepStarted) -> str:
    return "" if step.iteration is None else f"#{step.iteration + 1} "
