"""Which steps are around those that are told, so that a reader sees where these belong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sisyphus.events import CaseFinished, StepFinished, StepStarted
from sisyphus.results import StepResult
from sisyphus.telling import around_line
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sisyphus.events import Event

Key = tuple[str | None, str]


class Outline:
    """Knows from events which steps are under way, and which of them have been named above what runs inside."""

    def __init__(self) -> None:
        self._names: dict[Key, str] = {}
        self._named: set[Key] = set()

    def handle(self, event: Event) -> None:
        """Takes one event, before `lines_around` is asked about it."""
        data, case = event.data, event.test_case_id
        if isinstance(data, StepStarted):
            self._names[case, data.path or str(data.step_index)] = data.step_name
        elif isinstance(data, StepFinished):
            self._forget((case, event.result.path if isinstance(event.result, StepResult) else data.path or ""))
        elif isinstance(data, CaseFinished):
            for role in ("setup", "teardown"):
                self._forget((case, role))

    def lines_around(self, case: str | None, step: StepResult) -> Iterator[str]:
        """A line for each step around this one that has none yet, the outermost first."""
        if step.parent is None:
            return
        path = step.parent.split("/")
        for depth in range(len(path)):
            key = (case, "/".join(path[: depth + 1]))
            if key not in self._named:
                self._named.add(key)
                yield around_line(self._names.get(key) or (tr("setup") if key[1] == "setup" else tr("teardown")), depth)

    def _forget(self, key: Key) -> None:
        self._names.pop(key, None)
        self._named.discard(key)
