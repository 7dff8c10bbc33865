"""Facts on their way from a case to the dispatcher, without its secrets."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import trio

from sisyphus.events import Event, Logged, Progressed, VariableSet

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from sisyphus.case.model import WebSocket
    from sisyphus.events import Data, Level
    from sisyphus.redaction.redactor import Redactor
    from sisyphus.results import CaseResult, StepResult


class Clock:
    """Wall-clock times that never go back: the wall clock is read once, then the monotonic one is added."""

    def __init__(self) -> None:
        self._began = dt.datetime.now(dt.UTC)
        self._zero = trio.current_time()

    def now(self) -> dt.datetime:
        return self.at(trio.current_time())

    def at(self, moment: float) -> dt.datetime:
        """The wall-clock time of a `trio.current_time()`."""
        return self._began + dt.timedelta(seconds=moment - self._zero)

    @property
    def began(self) -> dt.datetime:
        return self._began

    def elapsed(self) -> float:
        """Seconds since the clock was made."""
        return trio.current_time() - self._zero


class Emitter:
    """Sends the facts of one case; closes its end of the channel as a context manager."""

    def __init__(
        self,
        channel: trio.MemorySendChannel[Event],
        clock: Clock,
        case_id: str,
        settings: WebSocket,
        redactor: Redactor,
    ) -> None:
        self._channel = channel
        self.redactor = redactor
        self.clock = clock
        self.case_id = case_id
        unsent: list[type[Data]] = []
        if not settings.send_progress:
            unsent.append(Progressed)
        if not settings.send_logs:
            unsent.append(Logged)
        if not settings.send_variables:
            unsent.append(VariableSet)
        self._unsent = tuple(unsent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._channel.close()

    async def emit(
        self, data: Data, *, step_name: str | None = None, result: StepResult | CaseResult | None = None
    ) -> None:
        """Sends one fact; waits only while the channel is full, so it is not always a checkpoint."""
        # Here, before anyone else sees it: what nobody was told nobody can give away.
        event = Event(
            data=self.redactor.data(data),
            timestamp=self.clock.now(),
            test_case_id=self.case_id,
            step_name=self.redactor.text(step_name) if step_name is not None else None,
            result=self.redactor.result(result),
            sent=type(data) not in self._unsent,
        )
        try:
            self._channel.send_nowait(event)
        except trio.WouldBlock:
            await self._channel.send(event)

    async def log(self, level: Level, message: str, *, step_name: str | None = None, **context: Any) -> None:
        await self.emit(Logged(level=level, message=message, context=context), step_name=step_name)
