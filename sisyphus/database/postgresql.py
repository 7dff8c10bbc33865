"""PostgreSQL, through psycopg."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

import psycopg
import trio
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.pq import PollingStatus, TransactionStatus

from sisyphus.database.connection import BATCH, FORCE, shut, until
from sisyphus.database.result import Result, StoppedError, gather
from sisyphus.database.statement import Bound, Statement, bind
from sisyphus.database.threads import NAME
from sisyphus.errors import ConnectError, DatabaseError, FieldError, ResolveError, StepError
from sisyphus.words import tr

if TYPE_CHECKING:
    from threading import Event

    from sisyphus.database.target import Target

# Seconds that asking the server to cancel may take before it is asked again, or cut off.
_ASKING: Final = 1.0


async def connect(target: Target) -> psycopg.Connection[Any]:
    """Connects without a thread: libpq says what it waits for, and Trio waits for it.

    Raises:
        StepError: the server cannot be reached, or lets nobody in.

    Cancelled at any moment, it closes what it began.
    """
    info = await _conninfo(target)
    try:
        link = pq.PGconn.connect_start(info.encode())
    except psycopg.Error as exc:
        raise ConnectError(tr("no connection to {database}: {reason}", database=target, reason=exc)) from exc
    try:
        await _negotiate(link, target)
        await trio.lowlevel.checkpoint()
        link.nonblocking = 1
        connection = psycopg.Connection[Any](link)
        connection.autocommit = True
        connection.prepare_threshold = None  # a step runs once
    except BaseException:
        link.finish()
        raise
    return connection


async def _negotiate(link: pq.abc.PGconn, target: Target) -> None:
    while (status := link.connect_poll()) != PollingStatus.OK:
        if status == PollingStatus.FAILED:
            raise _refused(target, link.error_message.decode(errors="replace"))
        wait = trio.lowlevel.wait_readable if status == PollingStatus.READING else trio.lowlevel.wait_writable
        await wait(link.socket)


async def _conninfo(target: Target) -> str:
    given: dict[str, Any] = {
        "host": target.host, "port": target.port, "user": target.user, "password": target.password,
        "dbname": target.database, "application_name": "sisyphus", "client_encoding": "UTF8",
    }  # fmt: skip
    if not target.host.startswith(("/", "@")):  # a folder of sockets
        # libpq would look the name up while everything waits.
        try:
            found = await trio.socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            raise ResolveError(tr("no address for {host}: {reason}", host=target.host, reason=exc)) from exc
        addresses = list(dict.fromkeys(address[4][0] for address in found))
        given["hostaddr"] = ",".join(map(str, addresses))
        given["host"] = ",".join([target.host] * len(addresses))
    return make_conninfo(**{key: value for key, value in given.items() if value is not None})


def wrap(connection: Any, target: Target) -> PostgresConnection:
    return PostgresConnection(connection, target)


class PostgresConnection:
    """A `sisyphus.database.connection.Connection`."""

    # A cancel may arrive when the statement has ended, and would end the next one.
    survives: Final = False

    def __init__(self, connection: psycopg.Connection[Any], target: Target) -> None:
        self._connection = connection
        self._target = target
        self.is_lost = False

    def run(self, statement: Statement, stop: Event) -> Result:
        bound = bind(statement, "format")
        try:
            return self._run(statement, bound, stop)
        except psycopg.Error as exc:
            raise self._explained(exc) from exc
        except StoppedError:
            raise DatabaseError(tr("the statement was interrupted")) from None
        except (OverflowError, UnicodeError, ValueError, TypeError) as exc:  # what no parameter can be
            raise FieldError(tr("the database cannot take a parameter: {reason}", reason=exc)) from exc

    def _run(self, statement: Statement, bound: Bound, stop: Event) -> Result:
        # It puts the parameters in itself, as any client's user expects: the server would want to know their types.
        with closing(psycopg.ClientCursor(self._connection)) as cursor:
            if statement.operation == "executemany":
                with self._connection.transaction():  # all or nothing
                    cursor.executemany(bound.sql, until(stop, bound.params))
                return Result(row_count=max(cursor.rowcount, 0))
            if statement.operation != "query":
                return self._execute(cursor, bound, statement, stop)
            return self._stream(cursor, bound, statement, stop)

    def _stream(self, cursor: Any, bound: Bound, statement: Statement, stop: Event) -> Result:
        """A query's rows as they come: a usual cursor would first bring all of them into memory."""
        with closing(cursor.stream(bound.sql, bound.params, size=BATCH)) as rows:
            try:
                first = next(rows, None)
            except psycopg.ProgrammingError as exc:
                if exc.sqlstate is None:  # it was carried out, and is none that gives rows
                    return Result()
                raise
            columns = [column.name for column in cursor.description or ()]
            some = _batches(chain([first] if first is not None else [], rows))
            return gather(columns, some, statement.most, stop.is_set)

    @staticmethod
    def _execute(cursor: Any, bound: Bound, statement: Statement, stop: Event) -> Result:
        cursor.execute(bound.sql, bound.params)
        if statement.operation == "script":
            count = max(cursor.rowcount, 0)
            while cursor.nextset():
                count += max(cursor.rowcount, 0)
            return Result(row_count=count)
        if cursor.description is None:
            return Result(row_count=max(cursor.rowcount, 0))
        columns = [column.name for column in cursor.description]
        return gather(columns, _batches(iter(cursor)), statement.most, stop.is_set)

    async def interrupt(self, attempt: int) -> None:
        if attempt >= FORCE:
            shut(self._connection.fileno())
            return
        await trio.to_thread.run_sync(self._ask, thread_name=NAME)

    def _ask(self) -> None:
        try:
            self._connection.cancel_safe(timeout=_ASKING)
        except (psycopg.Error, OSError):
            return  # the server is not there any longer, or does not answer: the next attempts use force

    def reset(self, stop: Event) -> None:
        try:
            self._connection.rollback()
            self._connection.execute("DISCARD ALL")
        except psycopg.Error as exc:
            raise self._explained(exc) from exc

    def close(self) -> None:
        self._connection.close()

    def _explained(self, exc: psycopg.Error) -> StepError:
        if self._connection.closed or self._connection.info.transaction_status == TransactionStatus.UNKNOWN:
            self.is_lost = True
            return ConnectError(
                tr("the connection to {database} broke: {reason}", database=self._target, reason=_first_line(str(exc)))
            )
        message = exc.diag.message_primary or _first_line(str(exc))
        details = [part for part in (exc.diag.message_detail, exc.diag.message_hint) if part]
        return DatabaseError(". ".join([message, *details]), state=exc.sqlstate)


def _refused(target: Target, reason: str) -> StepError:
    reason = _first_line(reason)
    said = reason.partition("FATAL:")[2].strip()
    if not said:
        return ConnectError(tr("no connection to {database}: {reason}", database=target, reason=reason))
    suggestion = tr("Check the user, the password and the name of the database.")
    return DatabaseError(tr("{database} lets nobody in: {reason}", database=target, reason=said), suggestion=suggestion)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
