"""Scripts as case files have them: their spellings, their places, and what is wrong with them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from loading import case, problems, step

from sisyphus.case.load import load
from sisyphus.case.project import Choices
from sisyphus.errors import CaseFileError
from sisyphus.scripts.program import NoPython, Text, compiled


def text(written: str) -> Text:
    return step(f"name: s\ntype: script\n{written}").spec.text  # type: ignore[no-any-return, attr-defined]


@pytest.mark.parametrize("written", ["script: x = 1", "code: x = 1"])
@pytest.mark.parametrize("type_", ["script", "code", "python", "Script"])
def test_a_script_is_spelt_in_many_ways(type_: str, written: str) -> None:
    loaded = step(f"name: s\ntype: {type_}\n{written}")
    assert (loaded.type, loaded.spec.text.source) == ("script", "x = 1")  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["script_file", "source", "file", "script_path"])
def test_it_may_stand_in_a_file_of_its_own(key: str) -> None:
    spec: Any = step(f"{{name: s, type: script, {key}: '${{where}}.py'}}").spec
    assert (spec.script_file, spec.text) == ("${where}.py", None)


@pytest.mark.parametrize(
    ("written", "imports"),
    [
        ("", None), ("allow_imports:", None), ("allow_imports: true", True), ("allow_imports: false", ()),
        ("allow_imports: []", ()), ("allow_imports: json", ("json",)), ("allow_imports: [json, a.b]", ("json", "a.b")),
    ],
)  # fmt: skip
def test_it_says_what_it_may_import(written: str, imports: Any) -> None:
    assert step(f"name: s\ntype: script\nscript: x = 1\n{written}").spec.allow_imports == imports  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("written", "line", "column"),
    [
        ("script: |\n  x = 1\n", 7, 6),
        ("script: |-\n  x = 1\n", 7, 6),
        ("script: |  # why\n\n\n     x = 1\n", 7, 9),
        ("script: |2\n    # x\n  x = 1\n", 7, 6),
        ("script:\n  |\n  x = 1\n", 8, 6),
    ],
)
def test_the_lines_of_a_block_are_lines_of_the_file(written: str, line: int, column: int) -> None:
    found = text(written)
    assert (found.file, found.line, found.column, found.exact) == ("c.yaml", line, column, True)


@pytest.mark.parametrize("written", ["script: >\n  x = 1\n", "script: 'x = 1'", 'script: "x = 1"', "script: x = 1"])
def test_the_lines_of_other_text_are_not(written: str) -> None:
    found = text(written)
    assert (found.line, found.exact) == (6, False)


STEP = "name: c\nsteps:\n  - name: s\n    type: script\n"

REFUSED: list[tuple[str, list[str]]] = [
    ("    script: |\n      x = 1\n      def f(:\n        pass\n", ["7:13: this is not Python: invalid syntax"]),
    ("    script: |\n\n      x = (\n", ["7:11: this is not Python: '(' was never closed"]),
    ("    script: |\n      if x:\n      y = 1\n", ["7:7: this is not Python: expected an indented block after 'if' statement on line 1"]),
    ("    script: |\n      return 1\n", ["6:7: this is not Python: 'return' outside function"]),
    ("    script: x =\n", ["5:13: this is not Python: invalid syntax"]),
    ("    script: \"x = 1\\ny =\"\n", ["5:13: this is not Python: invalid syntax, on line 2 of the script"]),
    ("    script: 'x = ${n}'\n", ["5:13: this is not Python: invalid syntax (templates are not rendered in scripts: use get_var('name'))"]),
    ("    script: [x]\n", ["5:13: script: expected text, got a list"]),
    ("    script: 5\n", ["5:13: script: expected text, got a number"]),
    ("    script:\n", ["5:12: a script step needs a script (write for example script: set_var('total', 3))"]),
    ("    args: [1]\n", ["3:5: a script step needs a script (write for example script: set_var('total', 3))"]),
    ("    script: x = 1\n    script_file: a.py\n", ["6:18: a script stands in 'script' or in the file 'script_file', but both are given (keep one of them)"]),
    ("    code: x = 1\n    source: a.py\n", ["6:13: a script stands in 'code' or in the file 'source', but both are given (keep one of them)"]),
    ("    script: x = 1\n    script_type: javascript\n", ["6:18: script_type: there is only python, got 'javascript' (remove it)"]),
    ("    script: x = 1\n    script_type: [python]\n", ["6:18: script_type: there is only python, got '['python']' (remove it)"]),
    ("    script_file: [a]\n", ["5:18: script_file: expected text, got a list"]),
    ("    script: x = 1\n    allow_imports: {a: 1}\n", ["6:20: allow_imports must be text or a list of texts, got a mapping"]),
    ("    script: x = 1\n    allow_imports: [json, 'a b', {}]\n", [
        "6:27: allow_imports: 'a b' is no name of a module (write for example allow_imports: [decimal, xml.etree])",
        "6:34: allow_imports must be text or a list of texts, got a mapping",
    ]),
    ("    script: x = 1\n    alow_imports: true\n", ["6:5: unknown key 'alow_imports' in a step of type script (did you mean 'allow_imports'?)"]),
]  # fmt: skip


@pytest.mark.parametrize(("written", "found"), REFUSED)
def test_a_script_that_is_wrong(written: str, found: list[str]) -> None:
    assert problems(STEP + written) == found


def test_a_key_of_a_script_says_the_type_that_is_missing() -> None:
    assert problems("name: c\nsteps: [{name: s, script: x = 1}]") == [
        "2:19: 'script' belongs to steps of type script (write 'type: script' too)"
    ]


@pytest.mark.parametrize("source", ["-" * 200_000 + "1", "(" * 1000, "x = '\ud800'", "[" * 150 + "]" * 150])
def test_hostile_text_is_a_problem_or_a_script(source: str) -> None:
    with contextlib.suppress(NoPython):
        compiled(Text(source=source, file="c.yaml"))


def test_braces_of_a_script_are_no_templates() -> None:
    assert text("script: |\n  x = f'{{1}}' + '${' + '{%'\n").source == "x = f'{{1}}' + '${' + '{%'\n"


def test_what_python_warns_of_is_a_warning_of_the_file() -> None:
    loaded = case(STEP + "    script: |\n      x = 1\n      y = x is 1\n")
    (warning,) = loaded.warnings
    assert warning.startswith('c.yaml:7:7: "is" with ')


def test_a_mistake_in_its_file_is_found_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = (\n", encoding="utf-8")
    file = tmp_path / "c.yaml"
    file.write_text("name: c\nsteps: [{name: s, type: script, script_file: a.py}]\n", encoding="utf-8")
    with pytest.raises(CaseFileError) as caught:
        load(file, Choices(environ={}))
    assert str(caught.value) == f"{tmp_path}/a.py:2:5: this is not Python: '(' was never closed"
