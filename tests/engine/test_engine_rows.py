"""Cases with rows: which variables they have, and how they run."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from player import case_of, play

import sisyphus
from sisyphus.case.rows import planned

CASE = """
    name: c
    config:
      variables: {user: nobody, greeting: "hi ${user}", age: 1}
      profiles: {p: {variables: {age: 99}}}
      data_source: [{user: "${'a' + 'nn'}", age: 7}, {user: bob, age: 8}]
      OPTIONS
    steps: [{name: s, type: print, message: "${greeting} ${age} ${_data_index}/${_data_total}"}]
"""


async def said(options: str = "", **choices: Any) -> list[str]:
    case = case_of(CASE.replace("OPTIONS", options), **choices)
    run = await play(*planned([case]), jobs=1)
    return [step.response["output"] for step in run.steps]


async def test_a_row_wins_over_the_variables_of_the_case() -> None:
    assert await said() == ["hi ann 7 0/2", "hi bob 8 1/2"]


async def test_the_profile_and_the_command_line_win_over_a_row() -> None:
    assert await said(profile="p") == ["hi ann 99 0/2", "hi bob 99 1/2"]
    assert await said(overrides={"user": "eve"}) == ["hi eve 7 0/2", "hi eve 8 1/2"]


async def test_a_prefix_stands_before_the_names_of_the_columns() -> None:
    assert await said("variable_prefix: row_") == ["hi nobody 1 0/2", "hi nobody 1 1/2"]


async def test_each_row_is_a_case_of_its_own() -> None:
    with trio.fail_after(10):
        result = await sisyphus.run(case_of(CASE.replace("OPTIONS", "")), live=None)
    assert [(case.id, case.name, case.status) for case in result.cases] == [
        ("case-1", "c [#1]", "passed"),
        ("case-2", "c [#2]", "passed"),
    ]


SOURCE = """
    name: c
    config:
      variables: {least: 1}
      connections: {db: {type: "${'sqlite'}"}}
      data_source: {type: database, database: db, sql: SQL, params: ["${least}"]}
    steps: [{name: s, type: print, message: "${a}"}]
"""


async def test_rows_of_a_database_are_read_before_the_cases_begin_and_never_evaluated() -> None:
    with trio.fail_after(10):
        result = await sisyphus.run(
            case_of(SOURCE.replace("SQL", "\"select '$' || '{1 + ' || ? || '}' as a union select 'b'\"")), live=None
        )
    assert [case.steps[0].response["output"] for case in result.cases] == ["${1 + 1}", "b"]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select * from users where a = ?", "no such table: users (SQLITE_ERROR)"),
        ("select 1 where 1 > ?", "there are no rows"),
    ],
)
async def test_a_case_whose_rows_cannot_be_read_is_an_error_and_the_others_run(sql: str, message: str) -> None:
    with trio.fail_after(10):
        result = await sisyphus.run(
            [case_of(SOURCE.replace("SQL", f'"{sql}"')), case_of(CASE.replace("OPTIONS", ""))], live=None
        )
    assert [case.status for case in result.cases] == ["error", "passed", "passed"]
    assert result.cases[0].error.message == message


async def test_reading_rows_can_be_cancelled() -> None:
    endless = "with recursive n(i) as (select ? union all select i + 1 from n) select sum(i) from n"
    with trio.fail_after(10):
        async with sisyphus.open_run(case_of(SOURCE.replace("SQL", f'"{endless}"')), live=None) as run:
            await trio.sleep(0.2)
            run.cancel()
    assert [case.status for case in run.result.cases] == ["cancelled"]


@pytest.mark.parametrize("limit", ["0.2", '"${1 / 5}"'])
async def test_reading_rows_ends_with_the_timeout_of_a_step(limit: str) -> None:
    endless = "with recursive n(i) as (select ? union all select i + 1 from n) select sum(i) from n"
    text = SOURCE.replace("SQL", f'"{endless}"').replace("config:\n", f"config:\n      timeout: {limit}\n")
    with trio.fail_after(10):
        result = await sisyphus.run(case_of(text), live=None)
    (case,) = result.cases
    assert (case.status, case.error.category) == ("error", "timeout")
    assert case.error.message == "no end within the timeout of 0.2 s"
