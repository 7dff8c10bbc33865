"""`db_query` in templates: the same database as the steps', a limit of its own, and nothing left behind."""

from __future__ import annotations

import threading

import pytest
import trio
from player import case_of, play

from sisyphus.database import lookup
from sisyphus.database.threads import NAME

FILL = '{name: fill, type: database, database: shop, operation: script, sql: "create table t (a int); insert into t values (7)"}'
ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select sum(i) from n"


async def said(message: str, connections: str = "shop: {type: sqlite}") -> object:
    case = case_of(f"""
        name: c
        config: {{connections: {{{connections}}}}}
        steps:
          - {FILL}
          - {{name: s, type: print, message: "{message}"}}
    """)
    with trio.fail_after(15):
        run = await play(case)
    assert [thread for thread in threading.enumerate() if thread.name.startswith(NAME)] == []
    step = run.step_named("s")
    return step.error.message if step.error is not None else step.response["output"]


@pytest.mark.parametrize(
    "call",
    [
        "db_query('select a from t')[0].a",
        "db_query('select a from t where a > ?', 3)[0].a",
        "db_query('select a from t where a > :least', {'least': 3}, connection='shop')[0].a",
    ],
)
async def test_a_template_sees_the_rows_of_the_database_that_the_steps_use(call: str) -> None:
    assert await said("${" + call + "}") == "7"


async def test_a_query_that_does_not_end_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "LIMIT", 0.2)
    assert await said("${db_query('" + ENDLESS + "')}") == "db_query(): no answer within 0.2 s"


async def test_what_the_database_refuses_is_the_error_of_the_step() -> None:
    assert await said("${db_query('selct 1')}") == 'near "selct": syntax error (SQLITE_ERROR)'


async def test_with_several_connections_one_has_to_be_named() -> None:
    two = "shop: {type: sqlite}, other: {type: sqlite}"
    assert await said("${db_query('select 1')}", two) == "db_query(): say which database: connection='…'"
