"""What steps, interruptions and ends of runs do with a real PostgreSQL and a real MariaDB."""

from __future__ import annotations

import gc
import random
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pymysql
import pytest
import trio
from databases import Server
from player import Played, case_of, play

from sisyphus.case.model import Case
from sisyphus.database import mysql
from sisyphus.database.target import Target
from sisyphus.database.threads import NAME
from sisyphus.wire import dumps

pytestmark = pytest.mark.real

SLEEP = {"postgresql": "select pg_sleep(30)", "mysql": "select sleep(30)"}
MANY = {"postgresql": "select generate_series(1, 5000000)", "mysql": "select seq from seq_1_to_5000000"}
ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"


def sessions(server: Server) -> int:
    """How many connections of cases the server has."""
    if server.type == "postgresql":
        with psycopg.connect(
            host=server.host, port=server.port, user=server.user, password=server.password, dbname=server.database
        ) as watcher:
            row = watcher.execute(
                "select count(*) from pg_stat_activity where application_name = 'sisyphus'"
            ).fetchone()
            assert row is not None
            return int(row[0])
    watcher = pymysql.connect(
        host=server.host, port=server.port, user=server.user, password=server.password, database=server.database
    )
    try:
        cursor = watcher.cursor()
        cursor.execute(
            "select count(*) from information_schema.processlist where user = %s and id <> connection_id()",
            [server.user],
        )
        return int(cursor.fetchone()[0])
    finally:
        watcher.close()


async def nothing_is_left(*servers: Server) -> None:
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith(NAME)] == []
    for server in servers:
        for _ in range(100):  # a server notices that somebody left a moment later
            if not (left := await trio.to_thread.run_sync(sessions, server)):
                break
            await trio.sleep(0.05)
        assert left == 0


def case(steps: list[dict[str, Any]], server: Server, name: str = "c") -> Case:
    steps = [{"name": f"s{number}", "type": "database", "database": "db", **step} for number, step in enumerate(steps)]
    return case_of(dumps({"name": name, "config": {"connections": {"db": server.spec}}, "steps": steps}))


async def played(server: Server, *steps: dict[str, Any]) -> Played:
    with trio.fail_after(30):
        return await play(case(list(steps), server))


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Iterator[str]:
    return f"t{abs(hash(request.node.name)) % 10**9}"


async def test_placeholders_rows_and_operations_are_those_of_sqlite(server: Server, table: str) -> None:
    run = await played(
        server,
        {"operation": "script", "sql": f"create table {table} (id int primary key, name varchar(20)); insert into {table} values (1, 'a;b')"},
        {"operation": "executemany", "sql": f"insert into {table} values (:id, :name)",
         "params": [{"id": 2, "name": "it's 100%"}, {"id": 3, "name": None}]},
        {"sql": f"select id, name from {table} where id > ? and '%' = '%' order by id", "params": [1]},
        {"operation": "exec", "sql": f"update {table} set name = %s where id < :n".replace(":n", "%s"), "params": ["x", 3]},
        {"operation": "exec", "sql": f"drop table {table}"},
    )  # fmt: skip
    assert run.statuses == ["success"] * 5
    assert run.steps[2].response["rows"] == [{"id": 2, "name": "it's 100%"}, {"id": 3, "name": None}]
    assert [step.response["row_count"] for step in run.steps[1:4]] == [2, 2, 2]
    await nothing_is_left(server)


async def test_values_of_postgresql_become_json(postgresql: Server) -> None:
    run = await played(postgresql, {"sql": """select 1.50::numeric as d, '{"a": [1]}'::jsonb as j, array[1, 2] as l,
        '2026-01-02 03:04:05'::timestamp as t, '\\x00ff'::bytea as b, true as y, null as n,
        '00000000-0000-0000-0000-000000000001'::uuid as u, interval '1 day 2 hours' as i, 'nan'::float8 as f"""})  # fmt: skip
    assert run.step.response["rows"] == [{
        "d": 1.5, "j": {"a": [1]}, "l": [1, 2], "t": "2026-01-02T03:04:05", "b": "AP8=", "y": True, "n": None,
        "u": "00000000-0000-0000-0000-000000000001", "i": "26:00:00", "f": "nan",
    }]  # fmt: skip


async def test_values_of_mariadb_become_json(mariadb: Server) -> None:
    run = await played(mariadb, {"sql": """select cast(1.50 as decimal(5, 2)) as d, cast('2026-01-02 03:04:05' as datetime) as t,
        time '26:00:01' as i, x'00ff' as b, null as n, b'101' as y, 'é' as e"""})  # fmt: skip
    assert run.step.response["rows"] == [{
        "d": 1.5, "t": "2026-01-02T03:04:05", "i": "26:00:01", "b": "AP8=", "n": None, "y": "BQ==", "e": "é",
    }]  # fmt: skip


async def test_a_transaction_spans_steps_and_ends_with_the_case(server: Server, table: str) -> None:
    made = case([{"operation": "exec", "sql": f"create table {table} (a int)"}], server)
    open_ = case([{"operation": "exec", "sql": "begin"}, {"operation": "exec", "sql": f"insert into {table} values (1)"},
                  {"sql": f"select * from {table}"}], server)  # fmt: skip
    after = case([{"sql": f"select * from {table}"}, {"operation": "exec", "sql": f"drop table {table}"}], server)
    with trio.fail_after(30):
        run = await play(made, open_, after, jobs=1)
    assert [step.response["row_count"] for step in run.steps if "select" in step.response["sql"]] == [1, 0]


async def test_the_next_case_gets_the_connection_as_if_it_were_new(server: Server) -> None:
    temporary = {"operation": "exec", "sql": "create temporary table left_over (a int)"}
    with trio.fail_after(30):
        run = await play(*[case([temporary, {"sql": "select 'é' as e"}], server)] * 3, jobs=1)
    assert run.statuses == ["success"] * 6
    await nothing_is_left(server)


async def test_a_run_reuses_its_connections(postgresql: Server) -> None:
    with trio.fail_after(30):
        run = await play(*[case([{"sql": "select pg_backend_pid() as pid"}], postgresql)] * 3, jobs=1)
    assert len({step.response["rows"][0]["pid"] for step in run.steps}) == 1


async def test_executemany_is_all_or_nothing(server: Server, table: str) -> None:
    run = await played(
        server,
        {"operation": "exec", "sql": f"create table {table} (a int primary key)"},
        {"operation": "executemany", "sql": f"insert into {table} values (?)", "params": [[1], [2], [2]]},
        {"sql": f"select * from {table}"},
        {"operation": "exec", "sql": f"drop table {table}"},
    )
    assert run.statuses == ["success", "error", "success", "success"]
    assert run.steps[2].response["rows"] == []


async def test_executemany_within_a_transaction_is_all_or_nothing_too_and_ends_nothing(
    server: Server, table: str
) -> None:
    # Not by `values`, which the driver of MySQL makes one statement of.
    run = await played(
        server,
        {"operation": "exec", "sql": f"create table {table} (a int primary key)"},
        {"operation": "exec", "sql": "begin"},
        {"operation": "exec", "sql": f"insert into {table} values (1)"},
        {"operation": "executemany", "sql": f"insert into {table} select ?", "params": [[2], [3], [3]]},
        {"operation": "executemany", "sql": f"insert into {table} select ?", "params": [[4], [5]]},
        {"operation": "exec", "sql": "commit"},
        {"sql": f"select a from {table} order by a"},
        {"operation": "exec", "sql": f"drop table {table}"},
    )
    assert run.statuses == [*["success"] * 3, "error", *["success"] * 4]
    assert [row["a"] for row in run.steps[-2].response["rows"]] == [1, 4, 5]


@pytest.mark.parametrize(
    "sql", [SLEEP, {"postgresql": ENDLESS.replace("count(*)", "sum(i)"), "mysql": SLEEP["mysql"]}, MANY]
)
async def test_a_statement_that_reaches_its_timeout_is_ended_in_the_server(server: Server, sql: dict[str, str]) -> None:
    began = trio.current_time()
    run = await played(
        server, {"sql": sql[server.type], "timeout": 0.01 if sql is MANY else 0.3}, {"sql": "select 1 as a"}
    )
    assert run.statuses == ["error", "success"]
    assert run.steps[0].error.category == "timeout"
    assert trio.current_time() - began < 8
    await nothing_is_left(server)


async def test_more_rows_than_are_kept_are_not_read_and_the_connection_goes_on(server: Server, table: str) -> None:
    run = await played(
        server,
        {"operation": "exec", "sql": f"create temporary table {table} (a int)"},
        {"sql": MANY[server.type]},
        {"sql": f"select * from {table}"},
    )
    assert run.statuses == ["success"] * 3
    assert len(run.steps[1].response["rows"]) == 10_000
    assert run.steps[1].warnings


@pytest.mark.parametrize(
    ("change", "type_", "message"),
    [
        ({"password": "wrong"}, "DatabaseError", "lets nobody in"),
        ({"database": "nowhere"}, "DatabaseError", "lets nobody in"),
        ({"port": 1}, "ConnectError", "no connection to"),
        ({"host": "nowhere.invalid"}, "ResolveError", "no address for nowhere.invalid"),
    ],
)
async def test_whoever_does_not_get_in_is_told_why(
    server: Server, change: dict[str, Any], type_: str, message: str
) -> None:
    run = await played(server, {"database": {**server.spec, **change}, "sql": "select 1"})
    assert (run.step.error.type, message in run.step.error.message) == (type_, True), run.step.error
    assert server.password not in repr(run.step.error)
    await nothing_is_left(server)


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ("selct 1", {"postgresql": "42601", "mysql": "1064"}),
        ("select * from no_table", {"postgresql": "42P01", "mysql": "1146"}),
    ],
)
async def test_what_the_server_refuses_has_its_own_number(server: Server, sql: str, state: dict[str, str]) -> None:
    run = await played(server, {"sql": sql}, {"sql": "select 1"})
    assert run.statuses == ["error", "success"]
    assert run.steps[0].error.message.endswith(f"({state[server.type]})")


async def test_several_statements_are_a_script(server: Server) -> None:
    run = await played(server, {"sql": "select 1; select 2"})
    assert run.step.status == "error"


@pytest.mark.parametrize("sql", [MANY["mysql"], "select 1; select 2"])
def test_a_connection_that_is_closed_in_the_middle_of_rows_leaves_nothing_that_complains(
    mariadb: Server, sql: str
) -> None:
    made = mysql._connection(  # as the program makes it: what is thrown away later complains in another test
        Target(
            type="mysql", host=mariadb.host, port=mariadb.port, user=mariadb.user, password=mariadb.password,
            database=mariadb.database,
        )
    )  # fmt: skip
    made.connect()
    cursor = made.cursor()
    cursor.execute(sql)
    assert made._result is not None
    assert made._result.unbuffered_active
    made.close()
    del cursor
    gc.collect()  # `filterwarnings = error` makes what a finaliser raises a failure of this test


@pytest.mark.parametrize("type_", ["postgresql", "mysql"])
async def test_a_host_that_accepts_and_never_answers_is_left_at_the_timeout(type_: str) -> None:
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    async with listener:
        made = case_of(dumps({"name": "c", "steps": [
            {"name": "s", "type": "database", "sql": "select 1", "timeout": 0.3,
             "database": {"type": type_, "port": port, "user": "u", "password": "p"}},
        ]}))  # fmt: skip
        with trio.fail_after(10):
            run = await play(made)
        assert run.step.error.category == "timeout"
        assert run.step.duration < 3
        await nothing_is_left()


async def test_a_connection_that_breaks_is_said_and_the_next_step_has_a_new_one(postgresql: Server) -> None:
    run = await played(postgresql, {"sql": "select pg_terminate_backend(pg_backend_pid())"}, {"sql": "select 1"})
    assert run.statuses == ["error", "success"]
    assert run.steps[0].error.category in {"network", "business"}


async def test_nothing_is_left_wherever_a_mixture_of_statements_is_cancelled(
    postgresql: Server, mariadb: Server
) -> None:
    chance = random.Random(7)
    both = [postgresql, mariadb]
    for _ in range(12):
        cases = [
            case([{"sql": "select 1"}, {"sql": chance.choice([SLEEP, MANY])[server.type]}, {"sql": "select 2"}], server)
            for server in both
        ]
        cases.append(case_of(dumps({"name": "l", "steps": [
            {"name": "l", "type": "database", "database": {"type": "sqlite"}, "sql": ENDLESS},
        ]})))  # fmt: skip
        scope = trio.CancelScope()
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_cancel_later, scope, chance.uniform(0, 0.15))
                await play(*cases, scope=scope)
        await nothing_is_left(*both)


async def _cancel_later(scope: trio.CancelScope, seconds: float) -> None:
    await trio.sleep(seconds)
    scope.cancel()
