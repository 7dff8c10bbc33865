"""The rows of cases that stand in a database, read before the cases are planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing, closing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import trio
from attrs import evolve

from sisyphus.case.rows import cases_of
from sisyphus.engine.base_names import base_names
from sisyphus.engine.scope import Scope
from sisyphus.errors import DatabaseError, StepError, StepTimeout
from sisyphus.steps.fields import seconds
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.model import Case, DataSource
    from sisyphus.database.sessions import CaseDatabases

MOST_ROWS: Final = 1_000_000


def needs_reading(cases: Sequence[Case]) -> bool:
    return any(case.data is not None and case.data.type == "database" and case.enabled for case in cases)


async def with_rows(cases: Sequence[Case], environ: Mapping[str, str]) -> list[Case]:
    """The cases, with one for each row where the rows stand in a database.

    A case whose rows cannot be read stays one, which ends as an `error` that says why. Cancelled, the statement is
    interrupted, and nothing of it is left.
    """
    result: list[Case] = []
    for case in cases:
        if case.data is None or not needs_reading([case]):
            result.append(case)
            continue
        try:
            rows = await _read(case, case.data, environ)
            result += cases_of(case, case.data, rows)
        except StepError as exc:
            result.append(evolve(case, trouble=exc))
    return result


async def _read(case: Case, source: DataSource, environ: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
    from sisyphus.database.sessions import CaseDatabases, Databases
    from sisyphus.engine.context import place_in_project

    with closing(Databases()) as shared:
        async with aclosing(CaseDatabases(shared, partial(place_in_project, case))) as databases:
            return await _ask(case, source, environ, databases)


async def _ask(
    case: Case, source: DataSource, environ: Mapping[str, str], databases: CaseDatabases
) -> Sequence[Mapping[str, Any]]:
    from sisyphus.database.sessions import described
    from sisyphus.database.statement import Statement
    from sisyphus.database.target import target_of

    config = case.config
    scope = Scope(base_names(case, environ), config.variables)
    names = scope.names()
    written = described(scope.render_whole(source.database, names), config.connections, scope.variables)
    statement = Statement(
        sql=scope.render_whole(source.sql, names), params=scope.render_whole(source.params, names), most=MOST_ROWS
    )
    target, timeout = target_of(scope.render_whole(written, names)), scope.render_whole(config.timeout, names)
    limit = (0 if timeout is None else seconds(timeout, "timeout")) or float("inf")
    with trio.move_on_after(limit) as within:  # as of a database step: no case has begun whose limit would count
        result = await databases.run(target, statement)
    if within.cancelled_caught:
        raise StepTimeout(
            tr("no end within the timeout of {limit:g} s", limit=limit),
            suggestion=tr("Raise config.timeout if reading the rows may take so long, or ask for fewer."),
        )
    if not result.rows:
        raise DatabaseError(tr("there are no rows"), suggestion=tr("a case with data runs once for each row"))
    return result.rows
