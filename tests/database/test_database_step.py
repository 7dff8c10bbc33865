"""What a `database` step does with SQLite: rows, parameters, transactions, limits, errors."""

from __future__ import annotations

import sqlite3
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve
from player import Played, case_of, play

from sisyphus.case.model import Case
from sisyphus.database.connection import batches
from sisyphus.database.result import gather
from sisyphus.database.threads import NAME

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"


def busy_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(NAME)]


def case(steps: str, *, config: str = "connections: {shop: {type: sqlite}}", folder: Path | None = None) -> Case:
    made = case_of(f"name: c\nconfig:\n  {config}\nsteps:\n" + textwrap.indent(textwrap.dedent(steps), "  "))
    return made if folder is None else evolve(made, file=str(folder / "c.yaml"), root=str(folder))


async def played(steps: str, **options: Any) -> Played:
    with trio.fail_after(20):
        return await play(case(steps, **options))


async def test_steps_of_a_case_share_a_database_in_memory_that_the_next_case_does_not_see() -> None:
    steps = """
        - {name: make, type: database, database: shop, operation: exec, sql: "create table t (a int)"}
        - {name: fill, type: database, database: shop, operation: exec, sql: "insert into t values (1), (2)"}
        - {name: read, type: database, database: shop, sql: select * from t}
    """
    with trio.fail_after(20):
        run = await play(case(steps), case(steps))
    assert run.statuses == ["success"] * 6
    assert [step.response["row_count"] for step in run.steps if step.name == "fill"] == [2, 2]


async def test_the_result_has_rows_columns_and_the_sql_that_was_carried_out() -> None:
    run = await played("""
        - {name: s, type: database, database: shop, sql: "select 1 as a, null as b, ? as c", params: ["${'x'}"]}
    """)
    view = dict(run.step.response or {})
    assert view.pop("elapsed") > 0
    rows = [{"a": 1, "b": None, "c": "x"}]
    assert view == {
        "rows": rows, "data": rows, "row_count": 1, "columns": ["a", "b", "c"], "sql": "select 1 as a, null as b, ? as c",
    }  # fmt: skip


@pytest.mark.parametrize(
    "sql",
    [
        "attach '{outside}' as other",
        "attach '../outside.db' as other",
        "attach 'link.db' as other",
        "vacuum into '{outside}'",
        "attach '{folder}' || '/outside.db' as other",
        "attach 'file:{outside}' as other",
    ],
)
async def test_no_statement_opens_a_file_outside_the_project(
    sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    outside = tmp_path / "outside.db"
    outside.write_bytes(b"")
    (tmp_path / "project" / "link.db").symlink_to(outside)
    monkeypatch.chdir(tmp_path / "project")
    sql = sql.format(outside=outside, folder=tmp_path)
    step = f'- {{name: s, type: database, database: shop, operation: exec, sql: "{sql}"}}'
    run = await played(step, folder=tmp_path / "project")
    assert run.step.error is not None
    expected = (
        "the file of an attach must be a path" if "||" in sql or "file:" in sql else "is outside the project's folder"
    )
    assert expected in run.step.error.message
    assert outside.read_bytes() == b""


async def test_a_statement_may_open_another_file_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = "attach 'other.db' as other; create table other.t (a); attach ':memory:' as m; attach '' as x; vacuum"
    run = await played(
        f'- {{name: s, type: database, database: shop, operation: script, sql: "{script}"}}', folder=tmp_path
    )
    assert run.step.error is None
    assert (tmp_path / "other.db").exists()


async def test_after_a_refused_attach_other_mistakes_are_told_as_they_are() -> None:
    run = await played("""
        - {name: attach, type: database, database: shop, sql: "attach '/etc/hostname' as other"}
        - {name: wrong, type: database, database: shop, sql: select * from absent}
    """)
    assert run.step_named("wrong").error.message == "no such table: absent (SQLITE_ERROR)"


async def test_validations_and_extractors_see_the_rows_and_the_next_step_the_response() -> None:
    run = await played("""
        - name: read
          type: database
          database: shop
          sql: select 7 as id, 'Ann' as name
          validations:
            - eq: ["$.rows[0].id", 7]
            - eq: ["$.data[0].name", Ann]
            - eq: [row_count, 1]
          extract: {id: "rows[0].id"}
        - {name: next, type: wait, condition: "response.rows[0].id == id", max_wait: 0}
    """)
    assert run.statuses == ["success", "success"]


async def test_executemany_is_done_as_a_whole_or_not_at_all() -> None:
    run = await played("""
        - {name: make, type: database, database: shop, command: execute, sql: "create table t (a int unique)"}
        - {name: many, type: database, database: shop, operation: executemany, sql: "insert into t values (?)",
           params: [[1], [2], [2]]}
        - {name: read, type: database, database: shop, sql: select * from t}
        - {name: again, type: database, database: shop, operation: executemany, sql: "insert into t values (:a)",
           params: [{a: 1}, {a: 2}]}
    """)
    assert run.statuses == ["success", "error", "success", "success"]
    assert run.steps[2].response["rows"] == []
    assert run.steps[3].response["row_count"] == 2


async def test_executemany_within_a_transaction_is_a_whole_too_and_ends_nothing() -> None:
    run = await played("""
        - {name: make, type: database, database: shop, command: execute, sql: "create table t (a int unique)"}
        - {name: begin, type: database, database: shop, command: execute, sql: begin}
        - {name: one, type: database, database: shop, command: execute, sql: insert into t values (1)}
        - {name: many, type: database, database: shop, operation: executemany, sql: "insert into t values (?)",
           params: [[2], [3], [3]]}
        - {name: more, type: database, database: shop, operation: executemany, sql: "insert into t values (?)",
           params: [[4], [5]]}
        - {name: commit, type: database, database: shop, command: execute, sql: commit}
        - {name: read, type: database, database: shop, sql: select a from t order by a}
    """)
    assert run.statuses == ["success", "success", "success", "error", "success", "success", "success"]
    assert [row["a"] for row in run.steps[-1].response["rows"]] == [1, 4, 5]


async def test_a_transaction_may_span_steps() -> None:
    run = await played("""
        - {name: make, type: database, database: shop, operation: script,
           sql: "create table t (a text); insert into t values ('a;b'); begin; delete from t;"}
        - {name: gone, type: database, database: shop, sql: select * from t}
        - {name: back, type: database, database: shop, operation: exec, sql: rollback}
        - {name: there, type: database, database: shop, sql: select * from t}
    """)
    assert [step.response["row_count"] for step in run.steps if step.response] == [2, 0, 0, 1]


async def test_a_script_may_hold_triggers_and_comments() -> None:
    run = await played("""
        - name: make
          type: database
          database: shop
          operation: script
          sql: |
            create table t (a int); -- one; two
            create trigger tr after insert on t begin update t set a = 5; update t set a = a + 1; end;
            insert into t values (1)
        - {name: read, type: database, database: shop, sql: select a from t}
    """)
    assert run.steps[1].response["rows"] == [{"a": 6}]


async def test_a_path_is_relative_to_the_case_file(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "shop.db").executescript("create table t (a); insert into t values (1)").close()
    run = await played(
        '- {name: s, type: database, database: {type: sqlite, path: ./shop.db}, sql: select * from t}', folder=tmp_path
    )  # fmt: skip
    assert run.step.response["rows"] == [{"a": 1}]


@pytest.mark.parametrize("path", ["../outside.db", "/etc/outside.db"])
async def test_a_path_does_not_lead_outside_the_project(tmp_path: Path, path: str) -> None:
    (tmp_path / "inner").mkdir()
    run = await played(
        f"- {{name: s, type: database, database: {{type: sqlite, path: {path}}}, sql: select 1}}",
        folder=tmp_path / "inner",
    )
    assert "is outside the project's folder" in run.step.error.message


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("database: shop, sql: selct 1", 'near "selct": syntax error (SQLITE_ERROR)'),
        ("database: shop, sql: select * from users", "no such table: users (SQLITE_ERROR)"),
        ("database: shop, sql: select 1; select 2", "the sql holds several statements"),
        ("database: shop, sql: 'select ?', params: [1, 2]", "the sql has 1 placeholders, but there are 2 params"),
        ("database: shop, sql: 'select ?', params: [99999999999999999999]",
         "the database cannot take a parameter: Python int too large to convert to SQLite INTEGER"),
        ("database: shp, sql: select 1", "there is no database 'shp' (did you mean 'shop'?)"),
        ("database: '${5}', sql: select 1", "a database is a mapping, a name or a URL, got 'int'"),
        ("database: shop, sql: \"${''}\"", "sql must be text, got ''"),
        ("database: shop, sql: select 1, operation: \"${'x'}\"", "unknown operation 'x'"),
        ("database: {type: sqlite, path: none/shop.db}, sql: select 1",
         "cannot open sqlite:none/shop.db: unable to open database file"),
    ],
)  # fmt: skip
async def test_what_cannot_be_carried_out_is_said(step: str, message: str, tmp_path: Path) -> None:
    run = await played(f"- {{name: s, type: database, {step}}}", folder=tmp_path)
    assert (run.step.status, run.step.error.message) == ("error", message)
    assert run.step.error.suggestion


async def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no database at all, but long enough to have been one" * 50)
    run = await played(
        "- {name: s, type: database, database: {type: sqlite, path: a.txt}, sql: select * from t}", folder=tmp_path
    )
    assert run.step.error.message == "sqlite:a.txt is no SQLite database (SQLITE_NOTADB)"


async def test_a_statement_that_reaches_its_timeout_is_interrupted_and_the_database_goes_on() -> None:
    run = await played(f"""
        - {{name: make, type: database, database: shop, operation: exec, sql: create table t (a)}}
        - {{name: slow, type: database, database: shop, timeout: 0.2, sql: "{ENDLESS}"}}
        - {{name: read, type: database, database: shop, sql: select * from t}}
    """)
    assert run.statuses == ["success", "error", "success"]
    assert run.steps[1].error.category == "timeout"
    assert run.steps[1].duration < 5
    assert busy_threads() == []


async def test_more_rows_than_are_kept_are_a_warning() -> None:
    run = await played("""
        - {name: s, type: database, database: shop,
           sql: "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000000) select i from n"}
    """)
    assert (run.step.status, len(run.step.response["rows"])) == ("success", 10_000)
    assert run.step.warnings == ("only the first 10000 rows are kept; ask for fewer (LIMIT, fewer columns)",)


async def test_a_database_that_another_writes_to_is_waited_for(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "shop.db", isolation_level=None, check_same_thread=False)
    other.executescript("create table t (a); begin immediate; insert into t values (1)")
    threading.Timer(0.3, lambda: other.execute("commit")).start()
    run = await played(
        "- {name: s, type: database, database: {type: sqlite, path: shop.db}, operation: exec, sql: insert into t values (2)}",
        folder=tmp_path,
    )
    other.close()
    assert run.statuses == ["success"]


async def test_waiting_for_another_writer_is_ended_by_the_timeout(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    other.executescript("create table t (a); begin immediate")
    run = await played(
        "- {name: s, type: database, timeout: 0.3, database: {type: sqlite, path: shop.db}, operation: exec, sql: insert into t values (2)}",
        folder=tmp_path,
    )
    other.close()
    assert (run.step.error.category, run.step.duration < 3) == ("timeout", True)


async def test_a_database_may_be_named_by_a_variable_and_hold_templates() -> None:
    run = await played(
        "- {name: s, type: database, database: mine, sql: select 1}",
        config='variables: {kind: sqlite, mine: {type: "${kind}"}}',
    )
    assert run.statuses == ["success"]


async def test_a_cancelled_case_closes_its_database(tmp_path: Path) -> None:
    scope = trio.CancelScope()
    made = case(
        f"""
        - {{name: make, type: database, database: {{type: sqlite, path: a.db}}, operation: script, sql: "create table t (a); begin exclusive"}}
        - {{name: slow, type: database, database: {{type: sqlite, path: a.db}}, sql: "{ENDLESS}"}}
        """,
        folder=tmp_path,
    )
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def cancel() -> None:
                await trio.sleep(0.5)
                scope.cancel()

            run = await play(made, scope=scope)
    assert run.case.status == "cancelled"
    assert busy_threads() == []
    after = sqlite3.connect(tmp_path / "a.db", timeout=0)
    after.execute("create table free (a)")  # nobody holds the exclusive lock any longer
    after.close()


@pytest.mark.parametrize("package", ["driver", "sqlalchemy"])
@pytest.mark.parametrize(
    ("kind", "name", "driver"), [("postgresql", "PostgreSQL", "psycopg"), ("mysql", "MySQL", "pymysql")]
)
async def test_without_the_package_of_a_server_it_says_what_to_install(
    package: str, kind: str, name: str, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in list(sys.modules):
        if module.startswith(f"sisyphus.database.{kind}"):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, driver if package == "driver" else package, None)
    run = await played(f"- {{name: s, type: database, database: {{type: {kind}, port: 1}}, sql: select 1}}")
    error = run.step.error
    assert error is not None
    assert (error.type, error.message) == ("DriverMissing", f"what speaks to {name} is not installed")
    assert error.suggestion == f"Install it: pip install 'sisyphus-api-engine[{kind}]'"


async def test_a_script_may_hold_a_text_of_thousands_of_semicolons() -> None:
    text = ";x" * 300_000
    began = time.perf_counter()
    run = await played(f"""
        - name: make
          type: database
          database: shop
          operation: script
          sql: "create table t (a); insert into t values ('{text}'); insert into t values (';'), ('it''s; /* no')"
        - {{name: read, type: database, database: shop, sql: select length(a) as n from t}}
    """)
    assert run.steps[1].response["rows"] == [{"n": 600_000}, {"n": 1}, {"n": 11}]
    assert time.perf_counter() - began < 10  # asked at each semicolon, SQLite reads all that stands before it: 60 s


@pytest.mark.parametrize(
    ("param", "status"),
    [("${headers}", "success"), ("${[headers]}", "success"), ("${[upper]}", "error"), ("${['nan'|float]}", "error")],
)
async def test_a_parameter_may_be_any_mapping_and_what_json_lacks_is_an_error(param: str, status: str) -> None:
    run = await play(f"""
        name: x
        config: {{base_url: "http://api", connections: {{db: {{type: sqlite}}}}}}
        steps:
          - {{name: ask, url: /a, variables: {{n: 1}}}}
          - {{name: s, type: database, database: db, sql: "select ? as a", params: ["{param}"], variables: {{headers: "${{response.headers}}"}}}}
    """)
    assert run.steps[1].status == status
    if status == "success":
        assert '"content-type": "application/json"' in run.steps[1].response["rows"][0]["a"].lower()
    else:
        assert run.steps[1].error.message.startswith("the database cannot take a parameter: ")


async def test_rows_that_are_not_kept_are_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sisyphus.database.result.MOST_CHARACTERS", 5)
    made: list[int] = []
    connection = sqlite3.connect(":memory:")
    connection.create_function("made", 1, lambda n: made.append(n) or "xxxx")
    rows = connection.execute(
        "with recursive c(x) as (select 1 union all select x + 1 from c where x < 400) select made(x) from c"
    )
    kept = gather(["t"], batches(rows), 1000, lambda: False)
    assert (len(kept.rows), kept.cut) == (2, True)
    assert len(made) <= 4
