"""A step that is repeated for each row of a file or a database."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import trio
from attrs import evolve
from player import case_of, play


async def said(provider: str, folder: Path) -> list[object]:
    with contextlib.chdir(folder):  # where a case that is text looks for its files
        case = case_of(f"""
            name: c
            config: {{connections: {{db: {{type: sqlite}}}}}}
            steps: [{{name: s, type: print, message: "${{a}}", data_provider: {provider}}}]
        """)
    with trio.fail_after(10):
        run = await play(evolve(case, file=str(folder / "c.yaml"), root=str(folder)))
    return [
        step.response["output"] if step.error is None else step.error.message
        for step in run.steps
        if step.type == "print" or step.error
    ]


@pytest.mark.parametrize(
    "provider",
    [
        "d.csv",
        "{type: csv, file_path: d.csv}",
        "d.json",
        "{file_path: d.json}",
        "{type: database, database: db, sql: select 1 as a union select 2}",
        "{connection: db, query: select 1 as a union select 2}",
        "{path: d.csv}",
        "{type: list, rows: [{a: 1}, {a: 2}]}",
        "{type: \"${'csv'}\", file: \"${'d'}.csv\"}",
    ],
)
async def test_a_step_is_repeated_for_each_row(provider: str, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a\n1\n2\n")
    (tmp_path / "d.json").write_text('[{"a": 1}, {"a": 2}]')
    assert await said(provider, tmp_path) == ["1", "2"]


async def test_rows_that_are_wrong_are_the_error_of_the_step(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a,b\n1\n")
    assert await said("d.csv", tmp_path) == ["d.csv:2: 1 cells where there are 2 columns"]


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        ('{file_path: d.json, data_key: "${5}"}', "d.json: data_key 5: there is no '5'"),
        ('{file_path: d.json, encoding: "u\\0"}', "d.json: unknown encoding 'u\0'"),
    ],
)
async def test_what_a_template_makes_of_the_settings_is_the_error_of_the_step(
    provider: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "d.json").write_text('{"a": []}')
    assert await said(provider, tmp_path) == [message]


async def test_a_file_that_cannot_be_read_is_the_error_of_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: trio.Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "d.csv").write_text("a\n1\n")
    monkeypatch.setattr(trio.Path, "read_bytes", refuse)
    assert await said("d.csv", tmp_path) == ["cannot read d.csv: Permission denied"]
