"""The nurseries of a run, wired in one screenful."""

from __future__ import annotations

import os
import signal
import uuid
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import trio
from attrs import define, field
from attrs.validators import ge

from sisyphus.case.model import Case
from sisyphus.engine.context import Run
from sisyphus.engine.emitter import Clock
from sisyphus.engine.run import case_id, run_cases
from sisyphus.errors import OutputError, StartError
from sisyphus.events import Event
from sisyphus.http.pool import Pools
from sisyphus.journal import Journal
from sisyphus.report.fold import Fold
from sisyphus.wire import encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from sisyphus.case.model import MockServer
    from sisyphus.live.server import LiveSettings, Serving
    from sisyphus.results import RunResult

# The dispatcher encodes an event in some 20 µs; what stands here is only what came while it did.
EVENT_BUFFER: Final = 256

# An interrupted run has to be gone within this time: seconds for last words, outputs and watchers.
CLEAN_UP: Final = 8.0


class Sink(Protocol):
    """Sees every event in order, from one task, and the result at the end; it must not block."""

    def handle(self, event: Event) -> None: ...

    def finish(self, result: RunResult) -> None: ...


@runtime_checkable
class Announcer(Protocol):
    """A sink that also wants to know where watchers connect."""

    def serving(self, serving: Serving) -> None: ...


@define(frozen=True, kw_only=True)
class Settings:
    """How a run is carried out.

    Attributes:
        jobs: how many cases may run at a time.
        fail_fast: whether the first failure ends the run.
        live: where watchers connect; None for no server.
        keep_steps: whether the result holds the results of the steps.
        handle_signals: whether SIGINT and SIGTERM end the run; only in the main thread.
        environ: what ``${env.…}`` reads.
    """

    jobs: int = field(default=8, validator=ge(1))
    fail_fast: bool = False
    live: LiveSettings | None = None
    keep_steps: bool = True
    handle_signals: bool = False
    environ: Mapping[str, str] = field(factory=lambda: os.environ)


class LiveRun:
    """A run that is going on.

    Attributes:
        run_id: its UUID.
        events: every event from the first on, for ``async for``; ends with the run. Kept until it is read.
        serving: where watchers connect, if a server was asked for.
    """

    def __init__(self, cases: Sequence[Case], settings: Settings, sinks: Iterable[Sink]) -> None:
        self.run_id: Final = str(uuid.uuid4())
        self.serving: Serving | None = None
        # Unbounded on purpose: the reader is the program that started the run, and no reader may slow a run.
        self._feed, self.events = trio.open_memory_channel[Event](float("inf"))
        self._cases = cases
        self._settings = settings
        self._sinks = tuple(sinks)
        self._scope = trio.CancelScope()
        self._result: RunResult | None = None
        self._troubles: list[Exception] = []

    @property
    def result(self) -> RunResult:
        """What came of the run; there once `events` ended or the ``async with`` block was left."""
        if self._result is None:
            raise RuntimeError("the run has no result before it is over")
        return self._result

    def cancel(self, reason: str = "cancelled by the caller") -> None:
        """Ends the run as Ctrl-C does: the running steps become errors, watchers and sinks get the end."""
        self._scope.cancel(reason)

    async def supervise(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Carries out the run from the binding of the port to the last watcher's close frame.

        `started` comes when the live server, if any, listens. Cancelled from outside, the run ends as after Ctrl-C,
        within `CLEAN_UP` seconds, and the cancellation goes on.

        Raises:
            StartError: the live server's address cannot be used; nothing was run.
            OutputError: a sink could not finish; the result is there all the same.
            ExceptionGroup: the engine itself failed; watchers and sinks had the end before.
        """
        with self._feed:
            async with trio.open_nursery() as nursery:
                # Watchers and outputs are owed the end of the run also when the caller is cancelled: this shield gets
                # its deadline from `_follow_caller` then.
                with trio.CancelScope(shield=True) as shelter:
                    nursery.start_soon(self._follow_caller, shelter)
                    await self._under_signals(task_status)
                nursery.cancel_scope.cancel("the run is over")
        if self._troubles:
            raise self._troubles[0]

    async def _follow_caller(self, shelter: trio.CancelScope) -> None:
        try:
            await trio.sleep_forever()
        finally:
            if self._result is None:
                shelter.deadline = trio.current_time() + CLEAN_UP
                self._scope.cancel("the caller was cancelled")

    async def _under_signals(self, task_status: trio.TaskStatus[None]) -> None:
        async with trio.open_nursery() as signals:
            async with trio.open_nursery() as serving:
                if self._settings.handle_signals:
                    await signals.start(self._end_by_signal, serving.cancel_scope)
                journal = Journal() if self._settings.live else None
                try:
                    await self._open_door(journal, serving)
                except StartError as exc:
                    self._troubles.append(exc)
                else:
                    task_status.started()
                    await self._run_and_tell(journal)
            signals.cancel_scope.cancel("the run is over")

    async def _open_door(self, journal: Journal | None, serving: trio.Nursery) -> None:
        if journal is not None and self._settings.live is not None:
            from sisyphus.live.server import serve

            self.serving = await serving.start(serve, journal, self._settings.live)
            for sink in self._sinks:
                if isinstance(sink, Announcer):
                    sink.serving(self.serving)

    async def _run_and_tell(self, journal: Journal | None) -> None:
        clock = Clock()
        fold = Fold(self._planned(), keep_steps=self._settings.keep_steps)
        events, incoming = trio.open_memory_channel[Event](EVENT_BUFFER)
        async with Pools() as pools:
            run = Run(
                clock=clock, pools=pools, serve_mock=_serve_mock, cases_total=len(self._cases),
                environ=self._settings.environ, fail_fast=self._settings.fail_fast,
            )  # fmt: skip
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._dispatch, incoming, journal, fold)
                try:
                    with self._scope:
                        await run_cases(self._cases, run, events, jobs=self._settings.jobs)
                except Exception as exc:  # noqa: BLE001 - raised by supervise, once watchers and sinks had the end
                    self._troubles.append(exc)
        self._result = fold.result(
            run_id=self.run_id, started_at=clock.began, duration=clock.elapsed(),
            interrupted=self._scope.cancelled_caught, reason=run.stopping,
        )  # fmt: skip
        for sink in self._sinks:
            try:
                sink.finish(self._result)
            except OutputError as exc:
                self._troubles.append(exc)
        if journal is not None:
            journal.close()

    def _planned(self) -> dict[str, Case]:
        return {case_id(index): case for index, case in enumerate(self._cases)}

    async def _dispatch(self, incoming: trio.MemoryReceiveChannel[Event], journal: Journal | None, fold: Fold) -> None:
        """Gives each event its `seq`, and shows it to everyone; the only task that does."""
        seq = 0
        async with incoming:
            async for event in incoming:
                seq += 1
                if journal is not None and event.sent:
                    journal.append(seq, encode(event, seq=seq, run_id=self.run_id))
                fold.handle(event)
                for sink in self._sinks:
                    sink.handle(event)
                if self._wants_feed():
                    self._feed.send_nowait(event)

    def _wants_feed(self) -> bool:
        return self._feed.statistics().open_receive_channels > 0

    async def _end_by_signal(
        self, serving: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for _ in signals:
                break
        # From here on a signal ends the process at once, also when the loop is busy with something else.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: os._exit(130))
        if self._result is None:
            self._scope.cancel("interrupted")
        else:
            serving.cancel("interrupted while watchers were reading the end")


async def _serve_mock(server: MockServer, *, task_status: trio.TaskStatus[str]) -> None:
    from sisyphus.mock.server import serve

    await serve(server, task_status=task_status)


@asynccontextmanager
async def open_run(
    cases: Case | str | Path | Iterable[Case | str | Path], *, sinks: Iterable[Sink] = (), **options: Any
) -> AsyncIterator[LiveRun]:
    """Starts a run; leaving the block waits for its end.

    Args:
        cases: cases, or paths of files, directories and globs.
        sinks: what else sees the events.
        **options: fields of `Settings` (`jobs`, `fail_fast`, `live`, …), and `profile`, `overrides` for loading.

    Yields:
        the run, which is going on by then; a live server, if asked for, listens.

    Raises:
        UsageError, CaseFileError: nothing was run.
        StartError: the live server's address cannot be used; nothing was run.

    Cancelling the block, or an exception in it, cancels the run.
    """
    settings, loaded = prepare_run(cases, options)
    live_run = LiveRun(loaded, settings, sinks)
    refused: StartError | None = None
    async with trio.open_nursery() as nursery:
        try:
            await nursery.start(live_run.supervise)
        except StartError as exc:
            refused = exc
        else:
            yield live_run
    if refused is not None:
        raise refused


async def run(
    cases: Case | str | Path | Iterable[Case | str | Path], *, sinks: Iterable[Sink] = (), **options: Any
) -> RunResult:
    """Runs cases to their end; ``trio.run(sisyphus.run, "case.yaml")``.

    Takes and raises what `open_run` does. Cancelled, the run ends as after Ctrl-C, and the cancellation goes on.
    """
    settings, loaded = prepare_run(cases, options)
    live_run = LiveRun(loaded, settings, sinks)
    live_run.events.close()
    await live_run.supervise()
    return live_run.result


def prepare_run(
    cases: Case | str | Path | Iterable[Case | str | Path], options: dict[str, Any]
) -> tuple[Settings, list[Case]]:
    """Loads what is not loaded yet, and tells the loader's options from the run's."""
    from sisyphus.case.load import load_all
    from sisyphus.case.project import Choices

    choices = Choices(**{key: options.pop(key) for key in ("profile", "overrides", "env_prefix") if key in options})
    settings = Settings(**options)
    given = [cases] if isinstance(cases, Case | str | Path) else list(cases)
    loaded: list[Case] = []
    for item in given:
        loaded.extend([item] if isinstance(item, Case) else load_all([item], choices))
    return settings, loaded
