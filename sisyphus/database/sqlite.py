"""SQLite, which comes with Python."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from sisyphus.database.connection import batches, until
from sisyphus.database.result import Result, StoppedError, gather
from sisyphus.database.statement import Bound, Statement, bind
from sisyphus.database.target import MEMORY, Target
from sisyphus.errors import ConnectError, DatabaseError, FieldError, StepError
from sisyphus.words import tr

if TYPE_CHECKING:
    from threading import Event

T = TypeVar("T")

# Seconds in which another connection may finish what it is writing.
_PATIENCE: Final = 5.0
_PAUSE: Final = 0.02
# What may end a statement; before it, what may hold a semicolon that does not. SQLite need not be asked about those: each
# time it reads all of the statement, and a text may hold thousands.
_ENDS: Final = re.compile(
    r"""'[^']*(?:'|\Z)|"[^"]*(?:"|\Z)|`[^`]*(?:`|\Z)|\[[^]]*(?:\]|\Z)|--[^\n]*|/\*.*?(?:\*/|\Z)|;""", re.DOTALL
)
_BUSY: Final = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED"})


def open_sqlite(target: Target, path: Path | None, locate: Callable[[str], Path]) -> SqliteConnection:
    """Opens a file, which need not exist, or a database in memory; blocks, so it is called in a thread.

    `locate` raises FieldError for the path of a file that a statement may not open either.

    Raises:
        StepError: it cannot be opened.
    """
    try:
        # Not its own patience: while it lasts, nobody can interrupt.
        connection = sqlite3.connect(
            MEMORY if path is None else path, timeout=0, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as exc:
        message = tr("cannot open {database}: {reason}", database=target, reason=exc)
        raise ConnectError(
            message, suggestion=tr("Check the path: its folder must exist, and may be written to.")
        ) from exc
    return SqliteConnection(connection, target, locate)


class SqliteConnection:
    """A `sisyphus.database.connection.Connection`."""

    survives: Final = True

    def __init__(self, connection: sqlite3.Connection, target: Target, locate: Callable[[str], Path]) -> None:
        self._connection = connection
        self._target = target
        self._locate = locate
        self._refused: FieldError | None = None
        self.is_lost = False
        connection.set_authorizer(self._authorize)

    def _authorize(self, action: int, file: str | None, *_: str | None) -> int:
        """Keeps ATTACH and VACUUM INTO, which open files of their own, to the project; `file` is None if it is an expression."""
        if action != sqlite3.SQLITE_ATTACH or file in {"", MEMORY}:  # "": temporary, as VACUUM has it
            return sqlite3.SQLITE_OK
        try:
            self._locate(_opened_by(file))
        except FieldError as exc:
            self._refused = exc
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    def run(self, statement: Statement, stop: Event) -> Result:
        self._refused = None
        bound = bind(statement, "qmark")
        try:
            if statement.operation == "script":
                before = self._connection.total_changes
                for part in _statements(bound.sql):
                    self._patiently(partial(self._connection.execute, part), stop).close()
                return Result(row_count=self._connection.total_changes - before)
            return self._patiently(lambda: self._run(statement, bound, stop), stop)
        except sqlite3.Error as exc:
            raise self._explained(exc) from exc
        except StoppedError:
            raise DatabaseError(tr("the statement was interrupted")) from None
        except (OverflowError, UnicodeError, ValueError, TypeError) as exc:  # what no parameter can be
            raise FieldError(tr("the database cannot take a parameter: {reason}", reason=exc)) from exc

    def _patiently(self, work: Callable[[], T], stop: Event) -> T:
        """Does `work`, which changes all or nothing, once others let it."""
        patience = _PATIENCE
        while True:
            try:
                return work()
            except sqlite3.Error as exc:
                if _name(exc) not in _BUSY or patience <= 0:
                    raise
            if stop.wait(_PAUSE):
                raise StoppedError
            patience -= _PAUSE

    def _run(self, statement: Statement, bound: Bound, stop: Event) -> Result:
        with closing(self._connection.cursor()) as cursor:
            if statement.operation == "executemany":
                self._all_or_nothing(lambda: cursor.executemany(bound.sql, until(stop, bound.params)))
                return Result(row_count=max(cursor.rowcount, 0))
            cursor.execute(bound.sql, bound.params or ())
            if cursor.description is None:
                return Result(row_count=max(cursor.rowcount, 0))
            columns = [column[0] for column in cursor.description]
            return gather(columns, batches(cursor), statement.most, stop.is_set)

    def _all_or_nothing(self, work: Callable[[], object]) -> None:
        connection = self._connection
        within = connection.in_transaction  # of the case's own, which goes on whatever becomes of this
        connection.execute("SAVEPOINT sisyphus" if within else "BEGIN IMMEDIATE")
        try:
            work()
            connection.execute("RELEASE sisyphus" if within else "COMMIT")
        except BaseException:
            if connection.in_transaction:  # some errors end all of it
                connection.execute("ROLLBACK TO sisyphus" if within else "ROLLBACK")
            raise

    async def interrupt(self, attempt: int) -> None:
        self._connection.interrupt()

    def reset(self, stop: Event) -> None:
        raise NotImplementedError  # it belongs to its case, and ends with it

    def close(self) -> None:
        self._connection.close()

    def _explained(self, exc: sqlite3.Error) -> StepError:
        if self._refused is not None:
            return self._refused
        name, reason = _name(exc), str(exc)
        if name in _BUSY:
            return DatabaseError(
                tr("{database} is locked by another connection", database=self._target), state=name,
                suggestion=tr("End the other transaction first; steps of one case share a connection."),
            )  # fmt: skip
        if name == "SQLITE_NOTADB":
            return DatabaseError(tr("{database} is no SQLite database", database=self._target), state=name)
        if name == "SQLITE_CANTOPEN":
            return ConnectError(
                tr("cannot open {database}: {reason}", database=self._target, reason=exc),
                suggestion=tr("Check the path: its folder must exist, and may be written to."),
            )
        if "one statement at a time" in reason:
            return DatabaseError(
                tr("the sql holds several statements"), suggestion=tr("Write operation: script, or one step for each.")
            )
        return DatabaseError(reason, state=name)


def _opened_by(file: str | None) -> str:
    """The file that SQLite would open: it takes paths from the current folder.

    Raises:
        FieldError: nobody can see which one that is.
    """
    if file is None or file.startswith("file:"):  # an expression; a URL, which some builds of SQLite understand
        raise FieldError(
            tr("the file of an attach must be a path, written as text"),
            suggestion=tr("write for example {example}", example="attach 'shop.db' as shop"),
        )
    return str(Path(file).absolute())


def _name(exc: sqlite3.Error) -> str | None:
    """SQLite's own word for the error, without what makes it special: SQLITE_BUSY_SNAPSHOT is SQLITE_BUSY."""
    name = getattr(exc, "sqlite_errorname", None)
    return "_".join(name.split("_")[:2]) if isinstance(name, str) else None


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; SQLite itself says where one ends."""
    begin = 0
    for found in _ENDS.finditer(script):
        if found[0] == ";" and sqlite3.complete_statement(statement := script[begin : found.end()]):
            yield statement
            begin = found.end()
    if script[begin:].strip("; \t\r\n"):
        yield script[begin:]
