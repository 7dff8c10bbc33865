"""The databases of a run and of each of its cases: who has which connection, and who closes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio

from sisyphus.database.target import MEMORY, Target
from sisyphus.database.threads import in_thread
from sisyphus.errors import FieldError, StepError, nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from pathlib import Path

    from sisyphus.database.connection import Connection
    from sisyphus.database.result import Result
    from sisyphus.database.servers import Lease, Servers
    from sisyphus.database.statement import Statement


class Databases:
    """The connections of a run that no case uses at the moment."""

    def __init__(self) -> None:
        self._servers: Servers | None = None

    def close(self) -> None:
        """Closes what is idle; the cases have given back theirs."""
        if self._servers is not None:
            self._servers.close()

    @property
    def servers(self) -> Servers:
        if self._servers is None:
            from sisyphus.database.servers import Servers

            self._servers = Servers()
        return self._servers


class CaseDatabases:
    """The databases of one case.

    A case keeps the connections it has until it ends, so that a transaction may span its steps; a SQLite database is
    its own, one of a server is given back to the run.

    Args:
        databases: those of the run.
        locate: finds the file that the case means by a path; raises FieldError for one outside the project.
    """

    def __init__(self, databases: Databases, locate: Callable[[str], Path]) -> None:
        self._databases = databases
        self._locate = locate
        self._sqlite: dict[Path | None, _Shared] = {}
        self._idle: defaultdict[Target, list[Lease]] = defaultdict(list)

    async def run(self, target: Target, statement: Statement) -> Result:
        """Carries out a statement.

        Raises:
            StepError: it could not be carried out.

        Cancelled at any moment, the statement is interrupted, its thread waited for, and a server's connection closed.
        """
        async with self._connection(target) as connection:
            try:
                return await in_thread(lambda stop: connection.run(statement, stop), connection.interrupt)
            except BaseException as exc:  # cancelled too: what it was asked may still be under way
                if not isinstance(exc, StepError) and not connection.survives:
                    connection.is_lost = True
                raise

    @asynccontextmanager
    async def _connection(self, target: Target) -> AsyncIterator[Connection]:
        if target.type == "sqlite":
            async with self._shared(target) as connection:
                yield connection
            return
        idle = self._idle[target]
        lease = idle.pop() if idle else await self._databases.servers.connect(target)
        try:
            yield lease.connection
        finally:
            if lease.connection.is_lost:
                lease.drop()
            else:
                idle.append(lease)

    @asynccontextmanager
    async def _shared(self, target: Target) -> AsyncIterator[Connection]:
        """The case's one connection to a SQLite database, for one statement at a time."""
        from sisyphus.database.sqlite import open_sqlite

        path = None if target.path == MEMORY else self._locate(target.path)
        shared = self._sqlite.setdefault(path, _Shared())
        async with shared.lock:
            if shared.connection is None:
                # Kept before the thread ends: who is cancelled meanwhile gets nothing to close.
                await in_thread(lambda _: setattr(shared, "connection", open_sqlite(target, path, self._locate)))
            connection = shared.connection
            assert connection is not None  # noqa: S101 - for the type checker
            yield connection

    async def aclose(self) -> None:
        """Closes what is the case's own, and gives back the rest; cancelled, it closes that too."""
        for shared in self._sqlite.values():
            if shared.connection is not None:
                shared.connection.close()
        self._sqlite.clear()
        leases = [lease for idle in self._idle.values() for lease in idle]
        self._idle.clear()
        try:
            while leases:
                await self._databases.servers.take_back(leases.pop())
        finally:
            for lease in leases:
                lease.drop()


class _Shared:
    """A connection that steps at the same time take turns with."""

    def __init__(self) -> None:
        self.lock = trio.Lock()
        self.connection: Connection | None = None


def described(written: Any, *spaces: Mapping[str, Any]) -> Any:
    """The map or URL that is meant by one of these, or by a name; `spaces` are asked for a name in turn.

    Raises:
        FieldError: the name means nothing.
    """
    if not isinstance(written, str) or "://" in written:
        return written
    for space in spaces:
        if written in space:
            return space[written]
    known = sorted({name for space in spaces for name, value in space.items() if _may_be_one(value)})
    near = nearest(written, known)
    hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
    raise FieldError(
        tr("there is no database '{name}'", name=written) + hint,
        suggestion=tr("Give it under config.connections: {name}: {{type: sqlite, path: shop.db}}", name=written),
    )


def _may_be_one(value: Any) -> bool:
    return isinstance(value, Mapping) and not {"type", "url"}.isdisjoint(value)
