"""Files that a case is made of are looked for before anything runs; those that it works on are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sisyphus.case.load import load
from sisyphus.case.project import Choices
from sisyphus.errors import CaseFileError

NAMED = [
    "{name: s, type: script, script_file: FILE}",
    "{name: s, url: /a, validations: [{schema: FILE}]}",
    "{name: s, url: /a, validations: [{not: [{schema: FILE}]}]}",
    "{name: s, url: /a, data_provider: FILE}",
    "{name: s, url: /a, data_provider: {type: csv, file_path: FILE}}",
    "{name: s, url: /a, mock: {response: {file: FILE}}}",
    "{name: s, url: /a, mock: {conditions: [{condition: true, responses: [{body: a}, {file: FILE}]}]}}",
    "{name: s, type: poll, url: /a, mock: {response: {file: FILE}}, poll_config: {condition: {type: status_code, expect: 200}}}",
    "{name: l, type: loop, loop_count: 2, steps: [{name: s, url: /a, mock: {response: {file: FILE}}}]}",
    "{name: s, type: wait, seconds: 0, teardown: [{url: /a, mock: {response: {file: FILE}}}]}",
]
IN_YAML = "a schema's file is JSON; one written in YAML is taken in by schema: !include PATH"
WORKED_ON = [
    "{name: s, url: /a, method: POST, files: {f: FILE}}",
    "{name: s, url: /a, cert: FILE}",
    "{name: s, type: database, database: {type: sqlite, path: FILE}, sql: select 1}",
    "{name: s, type: print, message: \"${file('FILE')}\"}",
    "{name: s, url: /a, enabled: false, mock: {response: {file: FILE}}}",
    "{name: s, url: /a, mock: {response: {file: '${name}FILE'}}}",
]


def a_case(folder: Path, step: str, part: str = "steps") -> Path:
    file = folder / "cases" / "a.yaml"
    file.parent.mkdir(exist_ok=True)
    other = "" if part == "steps" else "steps: []\n"
    file.write_text(f"name: a\n{other}{part}: [{step}]\n", encoding="utf-8")
    return file


@pytest.mark.parametrize("part", ["steps", "setup"])
@pytest.mark.parametrize("step", NAMED)
def test_a_file_that_is_not_there_is_a_problem_with_its_place(step: str, part: str, tmp_path: Path) -> None:
    file = a_case(tmp_path, step.replace("FILE", "none.txt"), part)
    with pytest.raises(CaseFileError) as caught:
        load(file, Choices(environ={}))
    (problem,) = caught.value.problems
    line = 2 if part == "steps" else 3
    column = file.read_text(encoding="utf-8").splitlines()[line - 1].index("none.txt") + 1
    assert (problem.mark.line, problem.mark.column) == (line, column)
    assert problem.message == "the file none.txt does not exist"


@pytest.mark.parametrize("step", NAMED)
def test_it_is_looked_for_beside_the_case_and_then_in_the_project(step: str, tmp_path: Path) -> None:
    (tmp_path / ".sisyphus").mkdir()
    (tmp_path / "far.csv").write_text("{}", encoding="utf-8")
    assert load(a_case(tmp_path, step.replace("FILE", "far.csv")), Choices(environ={})).warnings == ()


@pytest.mark.parametrize("step", WORKED_ON)
def test_what_a_step_works_on_may_be_made_by_the_run(step: str, tmp_path: Path) -> None:
    load(a_case(tmp_path, step.replace("FILE", "none.txt")), Choices(environ={}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"type":\n  object}', "2:3: this is no JSON: Expecting value (" + IN_YAML + ")"),
        ('{"type": "objct"}', "1:1: the schema is wrong at $.type: 'objct' is not valid under any of the given schemas"),
        ("5", "1:1: a schema is a map, or the path of a JSON file with one"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_schema_of_the_project_is_found_too(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / ".sisyphus").mkdir()
    (tmp_path / "user.json").write_text(content, encoding="utf-8")
    with pytest.raises(CaseFileError) as caught:
        load(a_case(tmp_path, "{name: s, url: /a, validations: [{schema: user.json}]}"), Choices(environ={}))
    assert str(caught.value) == f"{tmp_path}/user.json:{message}"


def test_what_is_wrong_in_a_script_of_the_project_is_found_too(tmp_path: Path) -> None:
    (tmp_path / ".sisyphus").mkdir()
    (tmp_path / "far.py").write_text("x = (", encoding="utf-8")
    with pytest.raises(CaseFileError) as caught:
        load(a_case(tmp_path, "{name: s, type: script, script_file: far.py}"), Choices(environ={}))
    assert str(caught.value) == f"{tmp_path}/far.py:1:5: this is not Python: '(' was never closed"
