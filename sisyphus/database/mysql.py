"""MySQL and MariaDB, through PyMySQL."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pymysql
import trio
from pymysql.constants import CLIENT, FIELD_TYPE, SERVER_STATUS
from pymysql.cursors import SSCursor

from sisyphus.database.connection import FORCE, batches, shut, until
from sisyphus.database.result import Result, StoppedError, gather, to_json
from sisyphus.database.statement import Bound, Statement, bind
from sisyphus.database.threads import NAME, in_thread
from sisyphus.errors import ConnectError, DatabaseError, FieldError, ResolveError, StepError
from sisyphus.words import tr

if TYPE_CHECKING:
    from threading import Event

    from sisyphus.database.target import Target

# Seconds that the second connection, which ends what the first one does, may take for each of its answers.
_ASKING: Final = 1.0

_RESET_CONNECTION: Final = 0x1F  # a command of the protocol that PyMySQL has no name for
_LOST: Final = frozenset({
    0,
    2006,
    2013,
    2014,
    2055,
    1927,
})  # the client's and the server's numbers for "no longer there"
_NO_ENTRY: Final = frozenset({1044, 1045, 1049, 1130, 1698})


async def connect(target: Target) -> pymysql.Connection[Any]:
    """Opens the socket in Trio, which can be cancelled anywhere, and says hello over it in a thread.

    Raises:
        StepError: the server cannot be reached, or lets nobody in.

    Cancelled at any moment, it closes what it began.
    """
    link = await _socket(target)
    made: list[pymysql.Connection[Any]] = []

    async def interrupt(_: int) -> None:
        with suppress(OSError):  # it has been closed already
            link.shutdown(socket.SHUT_RDWR)

    def hello(_: Event) -> None:
        connection = _connection(target)
        made.append(connection)
        connection.connect(link)  # closes the socket if it fails

    greeted = False
    try:
        await in_thread(hello, interrupt)
        greeted = True
    except (pymysql.Error, OSError) as exc:
        raise _refused(target, exc) from exc
    finally:
        if not greeted:
            for connection in made:
                with suppress(pymysql.Error):  # it has closed itself
                    connection.close()
            link.close()
    return made[0]


async def _socket(target: Target) -> socket.socket:
    try:
        if target.host.startswith("/"):
            stream = await trio.open_unix_socket(target.host)
        else:
            stream = await trio.open_tcp_stream(target.host, target.port)
    except socket.gaierror as exc:
        raise ResolveError(tr("no address for {host}: {reason}", host=target.host, reason=exc)) from exc
    except (OSError, UnicodeError) as exc:
        cause = exc.__cause__ if isinstance(exc.__cause__, ExceptionGroup) else None
        reason = cause.exceptions[0] if cause is not None else exc
        raise ConnectError(
            tr("no connection to {database}: {reason}", database=target, reason=getattr(reason, "strerror", reason))
        ) from exc
    link = socket.socket(fileno=stream.socket.detach())
    link.settimeout(None)
    return link


def _connection(target: Target, **more: Any) -> pymysql.Connection[Any]:
    return _Connection(
        host=target.host, port=target.port, user=target.user, password=target.password or "", database=target.database,
        charset="utf8mb4", autocommit=True, cursorclass=SSCursor, client_flag=CLIENT.MULTI_STATEMENTS,
        program_name="sisyphus", defer_connect=True, local_infile=False, **more,
    )  # fmt: skip


class _Connection(pymysql.Connection):  # type: ignore[misc]  # it has no types
    """A connection whose end is the end of what it was reading.

    PyMySQL's cursors and results read on to the last row when they are thrown away, also where nobody sends any longer.
    """

    def _force_close(self) -> None:
        if (result := getattr(self, "_result", None)) is not None:  # there is none if it was never made
            result.unbuffered_active, result.has_next = False, False
        super()._force_close()

    __del__ = _force_close


def wrap(connection: Any, target: Target) -> MysqlConnection:
    return MysqlConnection(connection, target)


class MysqlConnection:
    """A `sisyphus.database.connection.Connection`."""

    survives: Final = False

    def __init__(self, connection: pymysql.Connection[Any], target: Target) -> None:
        self._connection = connection
        self._target = target
        self.is_lost = False

    def run(self, statement: Statement, stop: Event) -> Result:
        bound = bind(statement, "format", mysql=True)
        try:
            return self._run(statement, bound, stop)
        except (pymysql.Error, OSError) as exc:
            raise self._explained(exc) from exc
        except StoppedError:
            self.is_lost = True  # with rows of that statement under way
            raise DatabaseError(tr("the statement was interrupted")) from None
        except (OverflowError, UnicodeError, ValueError, TypeError) as exc:  # what no parameter can be
            raise FieldError(tr("the database cannot take a parameter: {reason}", reason=exc)) from exc

    def _run(self, statement: Statement, bound: Bound, stop: Event) -> Result:
        cursor = self._connection.cursor()
        if statement.operation == "executemany":
            return Result(row_count=self._all_or_nothing(cursor, bound, stop))
        cursor.execute(bound.sql, bound.params)
        if statement.operation == "script":
            count = _changed(cursor)
            while cursor.nextset():
                count += _changed(cursor)
            return Result(row_count=count)
        if cursor.description is None:
            result = Result(row_count=_changed(cursor))
        else:
            columns = [column[0] for column in cursor.description]
            converters = [_converter(column[1]) for column in cursor.description]
            result = gather(columns, batches(cursor), statement.most, stop.is_set, converters)
        if result.cut:
            self._leave_the_rest(cursor)
        elif cursor.nextset():
            self._leave_the_rest(
                cursor
            )  # else the connection cannot be made as new, and its cursor complains when it goes
            raise DatabaseError(
                tr("the sql holds several statements"), suggestion=tr("Write operation: script, or one step for each.")
            )
        cursor.close()
        return result

    def _all_or_nothing(self, cursor: Any, bound: Bound, stop: Event) -> int:
        # Within a transaction of the case's own that goes on, whatever becomes of this.
        within = self._connection.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS
        cursor.execute("SAVEPOINT sisyphus" if within else "BEGIN")
        try:
            count = cursor.executemany(bound.sql, list(until(stop, bound.params)))
            cursor.execute("RELEASE SAVEPOINT sisyphus" if within else "COMMIT")
        except BaseException:
            with suppress(pymysql.Error, OSError):  # it is no longer there, which undoes everything too
                cursor.execute("ROLLBACK TO SAVEPOINT sisyphus" if within else "ROLLBACK")
            raise
        return max(int(count or 0), 0)

    def _leave_the_rest(self, cursor: Any) -> None:
        """Has the server send no more rows: there may be millions, and reading past them takes as long as reading."""
        self._kill("QUERY")
        with suppress(pymysql.Error):  # that it was killed
            cursor.close()

    def _kill(self, what: str) -> None:
        """Ends what the connection does (`QUERY`) or the whole connection, over a second one; takes a few seconds at most."""
        second = _connection(self._target, connect_timeout=_ASKING, read_timeout=_ASKING, write_timeout=_ASKING)
        try:
            second.connect()
            with second.cursor() as cursor:
                cursor.execute(f"KILL {what} {self._connection.thread_id()}")
        except (pymysql.Error, OSError):
            return  # the server is not there any longer, or does not answer: who asked waits, or uses force
        finally:
            with suppress(pymysql.Error):
                second.close()

    async def interrupt(self, attempt: int) -> None:
        link = self._connection._sock  # noqa: SLF001 - PyMySQL has no other way to it
        if attempt >= FORCE and link is not None:
            shut(link.fileno())
        else:
            # The connection and not only its statement, which may not have reached the server yet.
            await trio.to_thread.run_sync(self._kill, "CONNECTION", thread_name=NAME)

    def reset(self, stop: Event) -> None:
        connection = self._connection
        try:
            connection._execute_command(_RESET_CONNECTION, b"")  # noqa: SLF001 - it has no name for this command
            connection._read_ok_packet()  # noqa: SLF001
            connection.set_character_set("utf8mb4")
            connection.autocommit(value=True)
            if self._target.database:
                connection.select_db(self._target.database)
        except (pymysql.Error, OSError) as exc:
            raise self._explained(exc) from exc

    def close(self) -> None:
        self._connection.close()

    def _explained(self, exc: Exception) -> StepError:
        number, reason = _said(exc)
        if isinstance(exc, OSError | pymysql.InterfaceError) or number in _LOST or not self._connection.open:
            self.is_lost = True
            return ConnectError(
                tr("the connection to {database} broke: {reason}", database=self._target, reason=reason)
            )
        return DatabaseError(reason, state=str(number) if number else None)


def _said(exc: Exception) -> tuple[int, str]:
    if isinstance(exc, pymysql.Error) and len(exc.args) > 1 and isinstance(exc.args[0], int):
        return exc.args[0], str(exc.args[1])
    return 0, str(exc) or type(exc).__name__


def _refused(target: Target, exc: Exception) -> StepError:
    number, reason = _said(exc)
    if number in _NO_ENTRY:
        suggestion = tr("Check the user, the password and the name of the database.")
        return DatabaseError(
            tr("{database} lets nobody in: {reason}", database=target, reason=reason), state=str(number),
            suggestion=suggestion,
        )  # fmt: skip
    return ConnectError(tr("no connection to {database}: {reason}", database=target, reason=reason))


def _changed(cursor: Any) -> int:
    """How many rows a statement changed; one that gives rows has the largest number there is."""
    return int(cursor.rowcount) if cursor.description is None and cursor.rowcount > 0 else 0


def _converter(kind: int) -> Callable[[Any], Any]:
    if kind == FIELD_TYPE.BIT:
        return lambda value: None if value is None else int.from_bytes(value, "big")
    if kind == FIELD_TYPE.JSON:
        return lambda value: None if value is None else json.loads(value)
    return to_json
