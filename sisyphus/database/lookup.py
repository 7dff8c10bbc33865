"""`db_query` of templates: a short question, for which everything else waits."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import outcome
import trio

from sisyphus.database.sessions import described
from sisyphus.database.statement import Statement
from sisyphus.database.target import target_of
from sisyphus.database.threads import NAME
from sisyphus.errors import FieldError, TemplateError
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.database.result import Result, Row
    from sisyphus.database.sessions import CaseDatabases
    from sisyphus.database.target import Target

LIMIT: Final = 2.0
"""Seconds; templates are evaluated at once, and no other case goes on meanwhile."""


def look_up(
    databases: CaseDatabases,
    connections: Mapping[str, Any],
    render: Callable[[Any], Any],
    sql: str,
    params: Sequence[Any],
    connection: Any,
) -> Sequence[Row]:
    """The rows of a query.

    Args:
        databases: those of the case.
        connections: its `config.connections`.
        render: evaluates the templates of these.
        sql: the query.
        params: its parameters, one by one, or one list or mapping.
        connection: as `database` of a step; None for the only one of `connections`.

    Raises:
        StepError: it could not be carried out, or not within `LIMIT`: it is interrupted then, and nothing is left.
    """
    if connection is None:
        if len(connections) != 1:
            raise FieldError(
                tr("db_query(): say which database: connection='…'"),
                suggestion=tr("known: {names}", names=", ".join(connections) or "-"),
            )
        connection = next(iter(connections))
    target = target_of(render(described(connection, connections)))
    given = params[0] if len(params) == 1 and isinstance(params[0], dict | list) else list(params)
    result = _waited_for(partial(_ask, databases, target, Statement(sql=sql, params=given)))
    return result.rows


async def _ask(databases: CaseDatabases, target: Target, statement: Statement) -> Result:
    with trio.move_on_after(LIMIT):
        return await databases.run(target, statement)
    raise TemplateError(
        tr("db_query(): no answer within {limit:g} s", limit=LIMIT),
        suggestion=tr("Ask in a database step before this one, and use what it extracts."),
    )


def _waited_for(ask: Callable[[], Awaitable[Result]]) -> Result:
    """What `ask` returns, in a loop of its own: in that of the run, whoever evaluates a template cannot await."""
    came: list[outcome.Outcome[Result]] = []
    thread = threading.Thread(target=lambda: came.append(outcome.capture(trio.run, ask)), name=NAME)
    thread.start()
    thread.join()
    return came[0].unwrap()
