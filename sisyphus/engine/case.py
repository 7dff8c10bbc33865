"""One case: its variables, its mock server, its steps in order, and a verdict that is always given."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import trio
from attrs import define, field

from sisyphus.engine.base_names import base_names
from sisyphus.engine.bench import first_trouble
from sisyphus.engine.clean_up import see_through
from sisyphus.engine.context import CaseContext, Run
from sisyphus.engine.frame import Frame
from sisyphus.engine.progress import Tally
from sisyphus.engine.scope import Scope
from sisyphus.engine.step import FAREWELL, only_cancelled, run_step
from sisyphus.errors import SisyphusError, StepTimeout
from sisyphus.events import CaseFinished, CaseStarted, ErrorOccurred
from sisyphus.http.session import Session
from sisyphus.results import CaseResult, ErrorInfo, about
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from sisyphus.case.model import Case, MockServer
    from sisyphus.engine.emitter import Emitter
    from sisyphus.results import CaseStatus, Role


async def run_case(case: Case, run: Run, emitter: Emitter) -> CaseStatus:
    """Runs one case and sends its events, `test_start` first and `test_complete` last, whatever happens between.

    Cancelled, the running step ends as an `error`, the case as `cancelled`, and the cancellation goes on.
    """
    await emitter.emit(CaseStarted(test_name=case.name, total_steps=len(case.steps), description=case.description))
    progress = _CaseRun(case=case, run=run, emitter=emitter, tally=Tally(len(case.steps)), began=trio.current_time())
    try:
        await progress.carry_out()
    except BaseException as exc:
        # Not handled, only told: a case that was started gets its end also when the engine itself is wrong.
        progress.cancelled = only_cancelled(exc)
        if not progress.cancelled:
            progress.error = _bug(exc)
            progress.error_untold = not progress.tally.errors  # else the step has told it
        raise
    finally:
        run.cases_completed += 1
        # Watchers and results are owed the end of a case that was begun.
        with trio.move_on_after(FAREWELL, shield=True):
            await progress.finish()
    return progress.status()


@define(kw_only=True, eq=False, repr=False)
class _CaseRun:
    case: Case
    run: Run
    emitter: Emitter
    tally: Tally
    began: float
    cancelled: bool = False
    error: ErrorInfo | None = None
    error_untold: bool = False
    counted: bool = False
    limit: trio.CancelScope | None = None
    # Shielded once it runs: the teardown of a cancelled case talks to the mock server too. `_mock` ends it.
    mock_scope: trio.CancelScope = field(factory=trio.CancelScope)

    async def carry_out(self) -> None:
        for warning in self.case.warnings:
            await self.emitter.log("warning", warning)
        if self.case.trouble is not None:
            self.error = ErrorInfo.of(self.case.trouble)
            await self._tell(self.error)
            return
        seconds = self.case.config.case_timeout or float("inf")
        with trio.move_on_after(seconds) as self.limit:
            async with self._mock(self.case.config.mock_server) as mock:
                if self.error is None:
                    async with aclosing(self._context(mock)) as context:
                        await self._carry_out(context, self._frame(mock, context))
        if self.limit.cancelled_caught:
            self.error = self._why_cancelled()
            await self._tell(self.error)

    @asynccontextmanager
    async def _mock(self, server: MockServer | None) -> AsyncIterator[Mapping[str, Any] | None]:
        """The mock server while it runs, as templates see it."""
        if server is None:
            yield None
            return
        async with trio.open_nursery() as nursery:
            mock: Mapping[str, Any] | None = None
            try:
                mock = await nursery.start(self.supervise_mock, server)
                # From here on it lives until the teardowns have ended. A shield from the beginning would keep a
                # cancelled `start` waiting for a server that nobody ends.
                self.mock_scope.shield = True
            except SisyphusError as exc:
                self.error = ErrorInfo(
                    type=type(exc).__name__,
                    category="system",
                    message=str(exc),
                    suggestion=tr("Leave mock_server.host and port out: then it is any free port of 127.0.0.1."),
                )
                await self._tell(self.error)
            try:
                yield mock
            finally:
                self.mock_scope.cancel("the case is done")

    async def supervise_mock(  # noqa: ASYNC128 - serve_mock says when it has started
        self, server: MockServer, *, task_status: trio.TaskStatus[Mapping[str, Any]]
    ) -> None:
        with self.mock_scope:
            await self.run.serve_mock(server, task_status=task_status)

    def _frame(self, mock: Mapping[str, Any] | None, context: CaseContext) -> Frame:
        case, config = self.case, self.case.config
        names: dict[str, Any] = {}  # what the description of a database may use

        def query(sql: str, *params: Any, connection: Any = None) -> Any:
            return context.look_up(names, sql, params, connection)

        builtins = {**base_names(case, self.run.environ, query), "response": None, "steps": {}}
        if mock is not None:
            builtins |= {"mock": mock, "mock_url": mock["url"]}
        names.update(builtins)
        written, given = variables_of(case)
        return Frame(
            scope=Scope(
                builtins, written, given=given, legacy=config.compat == "legacy", learn=self.emitter.redactor.learn
            )
        )

    def _context(self, mock: Mapping[str, Any] | None) -> CaseContext:
        base_url = self.case.config.base_url
        if base_url is None and mock is not None:
            base_url = mock["url"]
        return CaseContext(
            case=self.case, run=self.run, emitter=self.emitter, session=Session(self.run.pools), tally=self.tally,
            began=self.began, explain=self._explain, base_url=base_url,
        )  # fmt: skip

    async def _carry_out(self, context: CaseContext, frame: Frame) -> None:
        for name, broken in frame.scope.broken.items():
            message = tr("the variable '{name}' has no value: {reason}", name=name, reason=broken)
            await self.emitter.log("warning", message)
        for warning in frame.scope.take_warnings():
            await self.emitter.log("warning", warning)
        try:
            if self.case.setup:
                self.error = await self._hook("setup", context, frame)
            if self.error is not None:
                context.stopping = self.error.message
                await self._tell(self.error)
            await self._run_steps(context, frame)
        finally:
            if self.case.teardown:
                await see_through(partial(self._tear_down, context, frame), self.run)  # noqa: ASYNC102 - it shields, with a deadline

    async def _tear_down(self, context: CaseContext, frame: Frame) -> None:
        trouble = await self._hook("teardown", context, frame)
        if trouble is not None:
            await self._tell(trouble)
            self.error = self.error or trouble

    async def _hook(self, role: Role, context: CaseContext, frame: Frame) -> ErrorInfo | None:
        """Runs the case's setup, up to its first failure, or all of its teardown; returns why it failed."""
        steps = self.case.setup if role == "setup" else self.case.teardown
        inner, results = frame.below(role, role=role), []
        for index, step in enumerate(steps):
            results.append(await run_step(step, inner.place(index, len(steps)), context, inner))
            if role == "setup" and results[-1].status in {"failure", "error"}:
                break
        return first_trouble(results, role)

    async def _run_steps(self, context: CaseContext, frame: Frame) -> None:
        steps = self.case.steps
        for index, step in enumerate(steps):
            result = await run_step(step, frame.place(index, len(steps)), context, frame)
            if result.status in {"failure", "error"}:
                self._count_failure()
            # Steps that never wait must not keep the others, or a Ctrl-C, from their turn.
            await trio.lowlevel.checkpoint()

    def _count_failure(self) -> None:
        """Counts the case among the failed ones, once."""
        if not self.counted:
            self.counted = True
            self.run.count_failed_case()

    def _why_cancelled(self) -> ErrorInfo:
        limit = self.limit
        if limit is not None and trio.current_time() >= limit.deadline:
            error = StepTimeout(
                tr("the case did not end within its case_timeout of {limit:g} s", limit=self.case.config.case_timeout),
                suggestion=tr("Raise config.case_timeout if the case may take so long, or find the slow step."),
            )
            return ErrorInfo.of(error)
        return ErrorInfo(
            type="Cancelled",
            category="system",
            message=tr("cancelled"),
            suggestion=tr("The run was ended from outside before this step was done; run it again."),
        )

    def _explain(self, exc: BaseException) -> ErrorInfo:
        return self._why_cancelled() if only_cancelled(exc) else _bug(exc)

    async def _tell(self, error: ErrorInfo) -> None:
        await self.emitter.emit(
            ErrorOccurred(
                error_type=error.type,
                error_category=error.category,
                message=error.message,
                suggestion=error.suggestion,
            )
        )

    def status(self) -> Literal["passed", "failed", "error", "cancelled"]:
        if self.cancelled:
            return "cancelled"
        if self.error is not None or self.tally.errors:
            return "error"
        return "failed" if self.tally.failed else "passed"

    async def finish(self) -> None:
        if self.error is not None and self.error_untold:
            await self._tell(self.error)
            self.error_untold = False
        case, tally, status = self.case, self.tally, self.status()
        if status in {"failed", "error"}:
            self._count_failure()
        duration = trio.current_time() - self.began
        skipped = tally.total - tally.passed - tally.failed  # what was not reached was skipped too
        result = CaseResult(
            id=self.emitter.case_id, name=case.name, file=case.file, status=status, total_steps=tally.total,
            passed_steps=tally.passed, failed_steps=tally.failed, skipped_steps=skipped, description=case.description,
            tags=case.tags, started_at=self.emitter.clock.at(self.began), duration=duration, error=self.error,
            warnings=case.warnings, about=about(case.config), output=case.config.output,
        )  # fmt: skip
        data = CaseFinished(
            status=status, total_steps=tally.total, passed_steps=tally.passed, failed_steps=tally.failed,
            skipped_steps=skipped, duration=round(duration, 6),
        )  # fmt: skip
        await self.emitter.emit(data, result=result)


def variables_of(case: Case) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The case's variables: those that are written, templates allowed, and those that are data."""
    if case.row is None:
        return case.config.variables, {}
    row = case.row.variables()
    return ({**case.config.variables, **row}, {}) if case.row.is_written else (case.config.variables, row)


def _bug(exc: BaseException) -> ErrorInfo:
    return ErrorInfo(
        type=type(exc).__name__,
        category="system",
        message=tr("the engine failed: {reason}", reason=repr(exc)),
        suggestion=tr("This is a bug in sisyphus-api-engine; run again with --debug and report what it prints."),
    )
