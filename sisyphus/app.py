"""The nurseries of a run, wired in one screenful."""

from __future__ import annotations

import sys
import uuid
from contextlib import ExitStack, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import trio

from sisyphus import signals
from sisyphus.audience import Audience
from sisyphus.engine.context import Run
from sisyphus.engine.emitter import Clock
from sisyphus.engine.run import case_id, run_cases
from sisyphus.errors import OutputError, StartError
from sisyphus.events import Event
from sisyphus.http.pool import Pools
from sisyphus.record import Record
from sisyphus.report.fold import Fold
from sisyphus.settings import Settings, live_settings
from sisyphus.sinks import Announcer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import FrameType

    from sisyphus.case.model import Case, MockServer
    from sisyphus.event_log import EventLog
    from sisyphus.live.server import Serving
    from sisyphus.results import RunResult
    from sisyphus.sinks import Sink

T = TypeVar("T")

# The dispatcher encodes an event in some 20 µs; what stands here is only what came while it did.
EVENT_BUFFER: Final = 256

# Seconds that an interrupted run has for its last words, its outputs and its watchers; it must be gone within 10.
CLEAN_UP: Final = 8.0

# Seconds of these in which the teardowns of the cases have to be done.
TAKEN_DOWN: Final = 6.5

# Seconds that watchers have when the interruption comes after the run's end: who reads at all needs none of them.
LAST_WORDS: Final = 1.0


class LiveRun:
    """A run that is going on.

    Attributes:
        run_id: its UUID.
        events: every event from the first on, for ``async for``; ends with the run. Kept until it is read.
        interrupted: whether a signal came.
    """

    def __init__(self, cases: Sequence[Case], settings: Settings, sinks: Iterable[Sink]) -> None:
        self.run_id: Final = str(uuid.uuid4())
        self.interrupted = False
        # Unbounded on purpose: the reader is the program that started the run, and no reader may slow a run.
        self._feed, self.events = trio.open_memory_channel[Event](float("inf"))
        self._fed = True
        self._cases = _planned(cases)
        self._settings = settings
        live = settings.live if settings.live != "as the cases say" else live_settings(cases, environ=settings.environ)
        self._sinks = list(sinks)
        self._audience = Audience(live, self._announcers)
        self._scope = trio.CancelScope()
        self._reading = trio.CancelScope()  # of rows that stand in a database, before the run
        # Watchers and outputs are owed the end of the run also when the caller is cancelled; see `_hurry`.
        self._shelter = trio.CancelScope(shield=True)
        self._run: Run | None = None
        self._result: RunResult | None = None
        self._troubles: list[Exception] = []

    @property
    def serving(self) -> Serving | None:
        """Where watchers connect, if a server was asked for, from its start on."""
        return self._audience.serving

    @property
    def result(self) -> RunResult:
        """What came of the run; there once `events` ended or the ``async with`` block was left."""
        if self._result is None:
            raise RuntimeError("the run has no result before it is over")
        return self._result

    def without_secrets(self, text: str) -> str:
        """What is said of the run outside of its events, without the secrets of any of its cases."""
        from sisyphus.redaction.beside import MASK
        from sisyphus.redaction.redactor import Redactor
        from sisyphus.redaction.secrets import of_environment

        run = self._run
        if run is not None:
            text = run.ledger.scrubbed(text, lambda _: MASK)
        return Redactor(shared=of_environment(self._settings.environ)).text(text)

    def cancel(self, reason: str = "cancelled by the caller") -> None:
        """Ends the run as Ctrl-C does: the running steps become errors, watchers and sinks get the end."""
        self._scope.cancel(reason)
        self._reading.cancel(reason)
        if self._result is not None:
            self._audience.linger_no_longer()

    async def supervise(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Carries out the run from the binding of the port to the last watcher's close frame.

        `started` comes when the live server, if any, listens. Cancelled from outside, the run ends as after Ctrl-C,
        within `CLEAN_UP` seconds, and the cancellation goes on.

        Raises:
            StartError: the live server's address or the event log cannot be used; nothing was run.
            OutputError: a sink could not finish; the result is there all the same.
            ExceptionGroup: the engine itself failed; watchers and sinks had the end before.
            Exception: a sink failed in a way of its own; the others had everything.
        """

        def ready() -> None:
            task_status.started()

        with self._feed, self._signals():
            async with trio.open_nursery() as nursery:
                with self._shelter:
                    nursery.start_soon(self._follow_caller)
                    await self._serve_and_run(ready)
                nursery.cancel_scope.cancel("the run is over")
        if self._troubles:
            first, *others = self._troubles
            for other in others:
                first.add_note(f"{type(other).__name__}: {other}")
            raise first

    async def _follow_caller(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            self._hurry("the caller was cancelled")

    def _hurry(self, reason: str) -> None:
        if self._run is not None:
            self._run.gone_by = min(self._run.gone_by, trio.current_time() + TAKEN_DOWN)
        left = CLEAN_UP if self._result is None else LAST_WORDS
        self._shelter.deadline = min(self._shelter.deadline, trio.current_time() + left)
        self._scope.cancel(reason)
        self._reading.cancel(reason)

    async def _serve_and_run(self, ready: Callable[[], None]) -> None:
        record = Record(run_id=self.run_id)
        with ExitStack() as opened:
            async with trio.open_nursery() as patience:
                async with trio.open_nursery() as serving:
                    try:
                        self._open_log(record, opened)
                        self._open_pages(record, opened)
                        await self._audience.let_in(record, serving, cases_total=len(self._cases))
                    except StartError as exc:
                        self._troubles.append(exc)
                    else:
                        if record.log is not None:
                            serving.start_soon(self._keep_log, record.log)
                        ready()
                        await self._run_and_tell(record)
                        hurry = self._scope.cancel_called
                        patience.start_soon(partial(self._audience.explain_waiting, in_a_hurry=hurry))
                patience.cancel_scope.cancel("all watchers had the end")

    async def _read_rows(self, record: Record) -> None:
        """Makes a case for each row that stands in a database; cancelled, such a case stays one, which is not begun."""
        if all(case.data is None for case in self._cases):
            return
        from sisyphus.engine.rows import with_rows

        with self._reading:
            self._cases = await with_rows(self._cases, self._settings.environ)
        if self._settings.narrow is not None:
            self._cases = self._settings.narrow(self._cases)
        if record.state is not None:
            record.state.cases_total = len(self._cases)

    def _open_log(self, record: Record, opened: ExitStack) -> None:
        if self._settings.event_log is not None:
            from sisyphus.event_log import EventLog

            record.log = opened.enter_context(EventLog(self._settings.event_log))

    async def _keep_log(self, log: EventLog) -> None:
        await log.write_behind()
        if log.trouble is not None:
            self._troubles.append(log.trouble)
            if self._result is None:
                for announcer in self._announcers():
                    announcer.log_ended(str(log.trouble))

    def _open_pages(self, record: Record, opened: ExitStack) -> None:
        wanted = self._settings.pages
        if not wanted:
            return
        from sisyphus.report.pages import Pages

        try:
            record.pages = Pages(wanted)
        except OutputError as exc:
            raise StartError(str(exc)) from exc
        opened.callback(record.pages.abandon)

    async def _run_and_tell(self, record: Record) -> None:
        await self._read_rows(record)
        clock = Clock()
        by_id = {case_id(index): case for index, case in enumerate(self._cases)}
        record.outputs = {name: case.config.output for name, case in by_id.items()}
        fold = Fold(by_id, keep_steps=self._settings.keep_steps)
        events, incoming = trio.open_memory_channel[Event](EVENT_BUFFER)
        if record.pages is not None:
            record.pages.open_for(by_id)
        looked_at = self._settings.details or record.details is not None or record.pages is not None
        async with Pools() as pools:
            run = self._run = Run(
                clock=clock, pools=pools, serve_mock=_serve_mock, cases_total=len(self._cases), details=looked_at,
                environ=self._settings.environ, max_failures=self._settings.most_failures,
            )  # fmt: skip
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._dispatch, incoming, record, fold)
                try:
                    with events, self._scope:
                        await self._audience.gather()
                        run.clock = clock = Clock()  # waiting for them is no part of the run
                        record.begin()
                        await run_cases(self._cases, run, events, jobs=self._settings.jobs)
                except Exception as exc:  # noqa: BLE001 - raised by supervise, once watchers and sinks had the end
                    self._troubles.append(exc)
        self._result = fold.result(
            run_id=self.run_id, started_at=clock.began, duration=clock.elapsed(),
            interrupted=self._scope.cancelled_caught, reason=run.stopping,
        )  # fmt: skip
        self._feed.close()
        for sink in tuple(self._sinks):
            self._show(sink, sink.finish, self._result)
        record.close()
        if record.pages is not None:
            self._troubles += record.pages.troubles
        if self._scope.cancel_called:
            self._audience.linger_no_longer()

    async def _dispatch(self, incoming: trio.MemoryReceiveChannel[Event], record: Record, fold: Fold) -> None:
        """Gives each event its `seq`, and shows it to everyone; the only task that does."""
        seq = 0
        async with incoming:
            async for first in incoming:
                for event in _and_what_waits(first, incoming):
                    seq += 1
                    record.append(seq, event)
                    fold.handle(event)
                    for sink in tuple(self._sinks):
                        self._show(sink, sink.handle, event)
                    if self._fed:
                        self._feed_with(event)

    def _feed_with(self, event: Event) -> None:
        try:
            self._feed.send_nowait(event)
        except trio.BrokenResourceError:
            self._fed = False  # nobody reads `events`, or nobody any longer

    def _show(self, sink: Sink, show: Callable[[T], None], what: T) -> None:
        try:
            show(what)
        except Exception as exc:  # noqa: BLE001 - raised by supervise; what a sink does concerns no other sink
            self._sinks.remove(sink)
            self._troubles.append(exc)

    def _announcers(self) -> list[Announcer]:
        return [sink for sink in self._sinks if isinstance(sink, Announcer)]

    def _signals(self) -> AbstractContextManager[None]:
        if not self._settings.handle_signals:
            return nullcontext()
        token = trio.lowlevel.current_trio_token()

        # Not `trio.open_signal_receiver`: it hands both signals to the loop, and the second must end the process also
        # when the loop is busy with something else.
        def first(_number: int, _frame: FrameType | None) -> None:
            signals.hand_over_to(signals.end_process)
            token.run_sync_soon(self._interrupt)
            # While a function of the user's runs, the loop hears nothing; without one the module is not even there.
            if (foreign := sys.modules.get("sisyphus.foreign")) is not None:
                foreign.stop()

        return signals.handled_by(first)

    def _interrupt(self) -> None:
        if self._result is not None and self._audience.lingers:
            # The run is over, and told: this is how somebody says that the finished run need not be served any longer.
            self._audience.linger_no_longer()
            self._hurry("enough")
            return
        self.interrupted = True
        for announcer in self._announcers():
            announcer.interrupted()
        self._hurry("interrupted")


def _planned(cases: Sequence[Case]) -> Sequence[Case]:
    """The cases, with one for each row of those that have rows of their own."""
    if all(case.data is None for case in cases):
        return cases
    from sisyphus.case.rows import planned

    return planned(cases)


def _and_what_waits(first: Event, incoming: trio.MemoryReceiveChannel[Event]) -> Iterator[Event]:
    """An event and those that stand behind it: a turn of Trio's scheduler for each would cost as much as the event."""
    yield first
    with suppress(trio.WouldBlock, trio.EndOfChannel):
        while True:
            yield incoming.receive_nowait()


def _serve_mock(server: MockServer, *, task_status: trio.TaskStatus[Mapping[str, Any]]) -> Coroutine[Any, Any, None]:
    from sisyphus.mock.server import serve

    return serve(server, task_status=task_status)
