"""`database`: carries out a statement and shows the rows that came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import trio
from attrs import frozen

from sisyphus.case._databasing import check_database, check_sql
from sisyphus.case._shapes import expected, require, unknown
from sisyphus.case.draft import spellings
from sisyphus.case.model import ABSENT, NOWHERE, StepSpec
from sisyphus.errors import FieldError, Mark
from sisyphus.steps.protocol import Outcome
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Draft, Findings
    from sisyphus.database.result import Result
    from sisyphus.steps.protocol import StepContext


@frozen(kw_only=True, eq=False, repr=False)
class Database(StepSpec):
    """A statement for a database: a map of how it is reached, a URL, or the name of a connection or a variable."""

    database: Any = ABSENT
    operation: str = "query"
    sql: str
    params: Any = None
    where: Mark = NOWHERE


SPEC: Final = Database
KEYS: Final = spellings(
    "database", "operation", "sql", "params",
    connection="database", command="operation", query="sql", statement="sql", parameters="params",
)  # fmt: skip
INNER: Final = ()
DEFAULT_LIMIT: Final = True
ANSWERS: Final = True


def finish(draft: Draft, found: Findings) -> Draft:
    """Completes a database step whose keys are the model's already."""
    draft["where"] = Mark(*draft.place)
    require(draft, "sql", tr("a database step needs sql"), "sql: select 1", found)
    if require(draft, "database", tr("a database step needs a database"), "database: {type: sqlite}", found):
        check_database(draft["database"], draft.place_of("database"), found)
    check_sql(draft, found)
    _check_operation(draft, found)
    return draft


def _check_operation(draft: Draft, found: Findings) -> None:
    from sisyphus.database.statement import OPERATIONS

    written = draft.get("operation")
    if written is None:
        draft.pop("operation", None)
    elif not isinstance(written, str):
        found.wrong(draft.place_of("operation"), f"{draft.key_of('operation')}: {expected(tr('text'), written)}")
        draft.discard("operation")
    elif "{" not in written and written.lower() not in OPERATIONS:
        message = tr("unknown operation '{name}'", name=written)
        found.wrong(draft.place_of("operation"), message, unknown(written, OPERATIONS))


async def execute(spec: Database, context: StepContext) -> Outcome:
    """Carries out the statement.

    Raises:
        StepError: the database refused it, or cannot be reached.
    """
    from sisyphus.database.statement import OPERATIONS

    written = str(context.render_whole(spec.operation)).lower()
    operation = OPERATIONS.get(written)
    if operation is None:
        raise FieldError(tr("unknown operation '{name}'", name=written))
    sql = context.render_whole(spec.sql)
    if not isinstance(sql, str) or not sql.strip():
        raise FieldError(tr("{field} must be text, got {value!r}", field="sql", value=sql))
    began = trio.current_time()
    result = await ask(spec.database, sql, spec.params, context, operation=operation)
    return outcome(sql, result, trio.current_time() - began)


async def ask(database: Any, sql: str, params: Any, context: StepContext, *, operation: Any = "query") -> Result:
    """Carries out a rendered statement on the database that a step, or a condition of one, names.

    Args:
        database: a map, a URL, or the name of a variable or of `config.connections`; may hold templates.
        sql: the statement, rendered.
        params: its parameters; may hold templates.
        context: the step's.
        operation: one of `sisyphus.database.statement.Operation`.

    Raises:
        StepError: it could not be carried out.

    Cancelled at any await, the statement is interrupted, and nothing of it is left.
    """
    from sisyphus.database.statement import Statement

    target = context.database(context.render_whole(database))
    statement = Statement(sql=sql, params=context.render(params), operation=operation)
    return await context.databases.run(target, statement)


def outcome(sql: str, result: Result, elapsed: float) -> Outcome:
    view = {
        "rows": result.rows, "data": result.rows, "row_count": result.row_count, "columns": list(result.columns),
        "sql": sql, "elapsed": elapsed,
    }  # fmt: skip
    warnings: tuple[str, ...] = ()
    if result.cut:
        count = len(result.rows)
        warnings = (tr("only the first {count} rows are kept; ask for fewer (LIMIT, fewer columns)", count=count),)
    return Outcome(view=view, warnings=warnings)
