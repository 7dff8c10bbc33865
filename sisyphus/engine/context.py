"""What the steps of one case share, and what the cases of one run share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import trio
from attrs import define, field

from sisyphus.errors import FieldError
from sisyphus.files import file_inside, place_inside
from sisyphus.redaction.secrets import Secrets, of_environment
from sisyphus.values.template import render
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.canned.turns import Turns
    from sisyphus.case.model import Case, MockServer
    from sisyphus.database.sessions import CaseDatabases, Databases
    from sisyphus.engine.emitter import Clock, Emitter
    from sisyphus.engine.progress import Tally
    from sisyphus.events import Progressed
    from sisyphus.http.pool import Pools
    from sisyphus.http.session import Session
    from sisyphus.results import ErrorInfo


class ServeMock(Protocol):
    """Serves a mock server until it is cancelled; `started` carries `mock` of templates: its `url`, its `requests`."""

    async def __call__(self, server: MockServer, *, task_status: trio.TaskStatus[Mapping[str, Any]]) -> None: ...


@define(eq=False, repr=False)
class Run:
    """What all cases of a run share.

    Attributes:
        max_failures: after how many failed cases no further step or case begins; None for never.
        cases_failed: how many have a step that failed, or failed as a whole.
        stopping: why no further step is to begin, once something said so (``--fail-fast``).
        details: whether anyone keeps the whole responses of steps.
        secrets: the secret values of the environment.
        ledger: the secret values that the cases have learnt, the newest of them.
        gone_by: the `trio.current_time()` by which all clean-up has to be done, once the run was interrupted.
    """

    clock: Clock
    pools: Pools
    serve_mock: ServeMock
    cases_total: int
    environ: Mapping[str, str]
    max_failures: int | None = None
    cases_completed: int = 0
    cases_failed: int = 0
    stopping: str | None = None
    gone_by: float = float("inf")
    details: bool = True
    secrets: Secrets = field(init=False)
    ledger: Secrets = field(factory=Secrets, init=False)
    _databases: Databases | None = None

    def __attrs_post_init__(self) -> None:
        self.secrets = of_environment(self.environ)

    @property
    def databases(self) -> Databases:
        """The connections that the cases share, made when the first of them asks."""
        if self._databases is None:
            from sisyphus.database.sessions import Databases

            self._databases = Databases()
        return self._databases

    def close(self) -> None:
        """Lets go of what the cases shared."""
        if self._databases is not None:
            self._databases.close()

    def count_failed_case(self) -> None:
        """Takes note of one more case that failed, which may be enough."""
        self.cases_failed += 1
        if self.max_failures is None or self.cases_failed < self.max_failures or self.stopping is not None:
            return
        if self.max_failures == 1:
            self.stopping = tr("stopped at the first failure (--fail-fast)")
        else:
            self.stopping = tr("stopped at {count} failed cases (--max-failures)", count=self.cases_failed)


@define(eq=False, repr=False)
class CaseContext:
    """What the steps of one case share.

    Attributes:
        tally: how many of the case's own steps ended, and how.
        began: `trio.current_time()` when the case did.
        explain: says why, when a step is ended by a cancellation from outside or by a bug.
        base_url: what relative URLs are joined with; may hold templates.
        stopping: why no further step of this case is to begin, but those of a teardown.
    """

    case: Case
    run: Run
    emitter: Emitter
    session: Session
    tally: Tally
    began: float
    explain: Callable[[BaseException], ErrorInfo]
    base_url: str | None = None
    stopping: str | None = None
    _databases: CaseDatabases | None = None
    _turns: Turns | None = None

    @property
    def turns(self) -> Turns:
        """What made-up answers depend on, made when the first step asks."""
        if self._turns is None:
            from sisyphus.canned.turns import Turns

            self._turns = Turns(self.case.config.seed)
        return self._turns

    @property
    def databases(self) -> CaseDatabases:
        """The databases of the case, made when the first step asks."""
        if self._databases is None:
            from sisyphus.database.sessions import CaseDatabases

            self._databases = CaseDatabases(self.run.databases, partial(place_in_project, self.case))
        return self._databases

    def look_up(self, names: Mapping[str, Any], sql: str, params: Sequence[Any], connection: Any) -> Any:
        """What `db_query` of templates does: see `sisyphus.database.lookup`."""
        from sisyphus.database.lookup import look_up

        known = {**self.case.config.variables, **names}
        connections = self.case.config.connections
        return look_up(self.databases, connections, lambda value: render(value, known), sql, params, connection)

    async def aclose(self) -> None:
        """Lets go of what the steps opened; cancelled, it does so at once."""
        if self._databases is not None:
            await self._databases.aclose()

    def progress(self) -> Progressed:
        elapsed = trio.current_time() - self.began
        return self.tally.progress(elapsed, self.run.cases_completed, self.run.cases_total)


def place_in_project(case: Case, written: str) -> Path:
    """Where a case means a file to be, by a path relative to the case file; never outside the project's folder.

    Raises:
        FieldError: it leads outside, or cannot be a path.
    """
    return place_inside(written, folder=Path(case.file).parent, root=case.root)


def inside_project(case: Case, written: str) -> Path:
    """The file that a case means by a path: relative to the case file, else to the project's folder.

    Raises:
        FieldError: it does not exist, leads outside the project, or cannot be a path.
    """
    return file_inside(written, folder=Path(case.file).parent, root=case.root)


def text_of(case: Case, written: str) -> str:
    """The text of a file that a case means by a path.

    Raises:
        FieldError: it does not exist, leads outside the project, or is no text.
    """
    path = inside_project(case, written)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise FieldError(tr("cannot read {path}: {reason}", path=written, reason=exc)) from exc
