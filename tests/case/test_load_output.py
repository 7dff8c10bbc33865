"""`config.output`: where the result goes, and how much of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from loading import case, config, problems

from sisyphus.case.load import load
from sisyphus.case.model import Output
from sisyphus.case.project import Choices


def output(text: str) -> Output:
    return config(f"output: {text}\n").output


def warnings(text: str) -> list[str]:
    loaded = case(f"name: c\nsteps: []\nconfig:\n  {text}\n")
    return [warning.removeprefix("c.yaml:") for warning in loaded.warnings]


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("", Output()),
        ("{}", Output()),
        ("{path: r.json}", Output(path="r.json")),
        ("{format: json, path: r.json}", Output(path="r.json")),
        ("{formats: [JSON], path: r.json}", Output(path="r.json")),
        ("{format: console}", Output(formats=("console",))),
        ("{formats: [text, json], path: reports/}", Output(formats=("text", "json"), path="reports/")),
        ("{include_request: false}", Output(include_request=False)),
        ("{include_response: false}", Output(include_response=False)),
        ("{format: html, path: r.html}", Output(formats=("html",), path="r.html")),
        ("{allure: false, allure_dir: }", Output()),
    ],
)
def test_it_says_where_the_result_goes(text: str, means: Output) -> None:
    assert output(text) == means


LATER = "this version does not write {} yet; json and html can be written"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("output: {path: r.json}", []),
        ("output: {format: html, path: r.html}", []),
        (
            "output: {format: html}",
            ["4:20: output: html is written nowhere without a path (write for example path: report.html)"],
        ),
        ("output: {formats: [html, json, junit], path: r}", [f"4:21: {LATER.format('junit')}"]),
        ("output: {formats: [csv, Allure], allure: true}", [f"4:21: {LATER.format('allure, csv')}"]),
        ("output: {allure: true}", [f"4:11: {LATER.format('allure')}"]),
        ("output: {allure_dir: out}", [f"4:11: {LATER.format('allure')}"]),
        (
            "output: {format: json}",
            ["4:20: output: json is written nowhere without a path (write for example path: result.json)"],
        ),
        ("output: {format: console}", []),
        ("output: {sensitive_data_mask: true}", []),
    ],
)
def test_what_has_no_effect_is_told(text: str, told: list[str]) -> None:
    assert warnings(text) == told


KNOWN = "known: allure, console, csv, html, json, junit, text"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("output: json", "4:11: output must be a mapping, got text (write for example output: {path: result.json})"),
        ("output: {format: jsn}", "4:20: unknown format 'jsn' (did you mean 'json'?)"),
        ("output: {formats: [json, pdf], path: r}", f"4:28: unknown format 'pdf' ({KNOWN})"),
        ("output: {format: {a: 1}}", "4:20: format must be text or a list of texts, got a mapping"),
        ("output: {path: [a]}", "4:18: path: expected text, got a list"),
        ("output: {include_request: no}", "4:29: include_request: expected true or false, got text 'no'"),
        ("output: {sensitive_data_mask: no}", "4:33: sensitive_data_mask: expected true or false, got text 'no'"),
        ("output: {pth: r}", "4:12: unknown key 'pth' in output (did you mean 'path'?)"),
        ("output: {format: json, formats: [json]}", "4:26: 'formats' says again what 'format' says (keep one of them)"),
        ('output: {path: "${x"}', "4:18: '${' is not closed by '}': ${x"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, told: str) -> None:
    assert problems(f"name: c\nsteps: []\nconfig:\n  {text}\n") == [told]


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        ("{}", "full"),
        ("{output: {sensitive_data_mask: true}}", "full"),
        ("{output: {sensitive_data_mask: false}}", "none"),
        ("{output: {sensitive_data_mask: false}, masking_strategy: partial}", "partial"),
    ],
)
def test_the_mask_is_another_spelling_of_the_strategy(text: str, strategy: str) -> None:
    assert config(text).masking_strategy == strategy


def test_the_project_file_says_it_for_all_cases(tmp_path: Path) -> None:
    (tmp_path / ".sisyphus").mkdir()
    (tmp_path / ".sisyphus" / "config.yaml").write_text(
        "output: {path: all.json, include_response: false, sensitive_data_mask: false}\n"
    )
    path = tmp_path / "c.yaml"
    path.write_text("name: c\nconfig: {output: {path: own.json, sensitive_data_mask: true}}\nsteps: []\n")

    loaded = load(path, Choices(environ={})).config

    assert loaded.output == Output(path="own.json", include_response=False)
    assert loaded.masking_strategy == "full"


def test_the_command_line_may_set_it_too() -> None:
    overrides: dict[str, Any] = {"config.output.path": "o.json"}
    assert config("output: {path: c.json}", overrides=overrides).output.path == "o.json"
