"""Rows of data-driven cases: where they come from, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sisyphus.case.load import load
from sisyphus.case.rows import planned
from sisyphus.errors import CaseFileError


def written(folder: Path, source: str, **files: bytes | str) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_csv", ".csv").replace("_json", ".json")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    case = folder / "c.yaml"
    case.write_text(f"name: c\nconfig:\n  data_source: {source}\nsteps: []\n")
    return case


def rows(folder: Path, source: str, **files: bytes | str) -> Any:
    data = load(written(folder, source, **files)).data
    assert data is not None
    return data.rows


def problem(folder: Path, source: str, **files: bytes | str) -> str:
    with pytest.raises(CaseFileError) as caught:
        load(written(folder, source, **files))
    (only,) = caught.value.problems
    return str(only).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("options", "content", "expected"),
    [
        ("", "a,b\n1,\n\n2,x\n", [{"a": "1", "b": None}, {"a": "2", "b": "x"}]),
        ("", "\ufeffa,b\r\n1,2\r\n", [{"a": "1", "b": "2"}]),
        ("", 'a,b\n"x,y","two\nlines"\n', [{"a": "x,y", "b": "two\nlines"}]),
        (', delimiter: ";"', "a;b\n1;2", [{"a": "1", "b": "2"}]),
        (", delimiter: tab", "a\tb\n1\t2", [{"a": "1", "b": "2"}]),
        (", has_header: false", "1,2\n3,4", [{"column_1": "1", "column_2": "2"}, {"column_1": "3", "column_2": "4"}]),
        (", encoding: gbk", "名\n值".encode("gbk"), [{"名": "值"}]),
        (", encoding: utf-16", "a\n1".encode("utf-16"), [{"a": "1"}]),
    ],
)
def test_cells_of_a_csv_file_are_text_and_empty_ones_null(
    options: str, content: bytes | str, expected: Any, tmp_path: Path
) -> None:
    assert rows(tmp_path, f"{{type: csv, file_path: d.csv{options}}}", d_csv=content) == expected


def test_rows_of_a_json_file_stand_anywhere_in_it(tmp_path: Path) -> None:
    assert rows(tmp_path, "{type: json, file_path: d.json}", d_json='[{"a": 1}]') == [{"a": 1}]
    nested = '{"data": {"users": [{"a": [1]}]}}'
    assert rows(tmp_path, "{type: json, file_path: d.json, data_key: data.users}", d_json=nested) == [{"a": [1]}]


def test_a_path_is_relative_to_the_case_file_and_then_to_the_project(tmp_path: Path) -> None:
    (tmp_path / ".sisyphus").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "d.csv").write_text("a\nproject")
    (tmp_path / "cases").mkdir()
    case = written(tmp_path / "cases", "{file_path: data/d.csv}")
    assert load(case).data.rows == [{"a": "project"}]  # type: ignore[union-attr]
    written(tmp_path / "cases", "{file_path: data/d.csv}", data__d_csv="a\ncase")
    assert load(case).data.rows == [{"a": "case"}]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("source", "content", "message"),
    [
        ("{file_path: d.csv}", "a,b\n1\n", "d.csv:2:1: 1 cells where there are 2 columns (quote a cell that holds the delimiter)"),
        ("{file_path: d.csv}", "a\n1,2\n", "d.csv:2:1: 2 cells where there are 1 columns (quote a cell that holds the delimiter)"),
        ("{file_path: d.csv}", "", "c.yaml:3:28: d.csv: there are no rows (a case with data runs once for each row)"),
        ("{file_path: d.csv}", "a,b\n", "c.yaml:3:28: d.csv: there are no rows (a case with data runs once for each row)"),
        ("{file_path: d.csv}", "a,a\n1,2", "d.csv:1:1: two columns are called 'a'"),
        ("{file_path: d.csv}", "a;b\n1;2", "d.csv:1:1: there is one column, called 'a;b' (write delimiter: \";\")"),
        ("{file_path: d.csv}", "a\tb\n1\t2", "d.csv:1:1: there is one column, called 'a\tb' (write delimiter: tab)"),
        ("{file_path: d.csv}", "a,\n1,2", "d.csv:1:1: a column has no name (name every column, or write has_header: false)"),
        ("{file_path: d.csv}", 'a\n"x"y', "d.csv:2:1: this is no CSV: ',' expected after '\"'"),
        ("{file_path: d.csv}", "a\n名称".encode("gbk"),
         "d.csv:2:1: this is not utf-8 (write encoding: gbk if it comes from Excel, or save it as UTF-8)"),
        ("{file_path: d.csv, encoding: klingon}", "a\n1",
         "c.yaml:3:28: d.csv: unknown encoding 'klingon' (known: utf-8, gbk, utf-16)"),
        ("{file_path: d.csv, delimiter: '||'}", "a\n1", "c.yaml:3:46: delimiter must be one character, got '||'"),
        ("{type: json, file_path: d.csv}", "[1", "d.csv:1:1: this is no JSON: Expecting ',' delimiter"),
        ("{type: json, file_path: d.csv, data_key: users}", '{"user": []}',
         "c.yaml:3:40: d.csv: data_key users: there is no 'users' (did you mean 'user'?)"),
        ("{type: json, file_path: d.csv}", '{"user": []}',
         "c.yaml:3:40: d.csv: the rows must be a list of mappings (a JSON file may have them under data_key)"),
        ("[{a: 1}, 2]", "", "c.yaml:3:16: row 2 is no mapping (write for example {user: ann})"),
        ("[]", "", "c.yaml:3:16: there are no rows (a case with data runs once for each row)"),
        ("{type: xml, file_path: d.csv}", "", "c.yaml:3:23: unknown type 'xml' of data_source (known: csv, database, inline, json)"),
        ("{typ: csv}", "", "c.yaml:3:17: unknown key 'typ' in data_source (did you mean 'type'?)"),
    ],
)  # fmt: skip
def test_data_that_is_wrong_is_said_with_its_place(
    source: str, content: bytes | str, message: str, tmp_path: Path
) -> None:
    assert problem(tmp_path, source, d_csv=content) == message


@pytest.mark.parametrize("path", ["../d.csv", "/etc/passwd", "none.csv", "x\\0.csv", "y" * 5000])
def test_a_file_outside_the_project_or_not_there_is_not_read(path: str, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "d.csv").write_text("a\n1")
    assert problem(tmp_path / "inner", f'{{type: csv, file_path: "{path}"}}').startswith("c.yaml:3:39: ")


def test_rows_of_a_database_are_not_read_before_the_run(tmp_path: Path) -> None:
    case = load(
        written(tmp_path, "{type: database, database: {type: postgresql, host: nowhere.invalid}, sql: select 1}")
    )
    assert planned([case]) == [case]


def test_without_iterations_the_case_runs_once(tmp_path: Path) -> None:
    case = written(tmp_path, "[{a: 1}]\n  data_iterations: false")
    assert load(case).data is None


def test_cases_of_rows_share_what_they_do(tmp_path: Path) -> None:
    case = load(written(tmp_path, "{file_path: d.csv}", d_csv="a\n" + "1\n" * 3))
    first, *_, last = planned([case])
    assert (first.name, last.name) == ("c [#1]", "c [#3]")
    assert first.config is last.config
    assert first.steps is last.steps
