"""The files that cases name for their results, and what stands in each of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from attrs import evolve

from sisyphus.case.load import loads
from sisyphus.case.model import Case
from sisyphus.case.project import Choices
from sisyphus.destinations import destinations, part_of
from sisyphus.errors import OutputError
from sisyphus.results import CaseResult, RunResult


def a_case(output: str, more: str = "", name: str = "c.yaml") -> Case:
    text = f"name: c\nconfig: {{output: {output}{more}}}\nsteps: []\n"
    return loads(text, name=name, choices=Choices(environ={}))


def test_cases_that_name_the_same_file_stand_in_it_together() -> None:
    wanted = ("{path: a.json}", "{}", "{path: b.json}", "{path: a.json}")
    cases = [a_case(output, name=f"{number}.yaml") for number, output in enumerate(wanted)]
    assert destinations(cases) == {Path("a.json"): {"0.yaml", "3.yaml"}, Path("b.json"): {"2.yaml"}}


def test_a_folder_gets_a_file_of_a_fixed_name(tmp_path: Path) -> None:
    assert destinations([a_case("{path: new/folder/}")]) == {Path("new/folder/result.json"): {"c.yaml"}}
    assert destinations([a_case(f"{{path: {tmp_path}}}")]) == {tmp_path / "result.json": {"c.yaml"}}


def test_other_formats_write_no_json() -> None:
    assert destinations([a_case("{format: console, path: a.json}"), a_case("{format: html, path: a.html}")]) == {}


def test_of_several_formats_each_has_a_file_of_its_own(tmp_path: Path) -> None:
    def files(written: str) -> tuple[str, ...]:
        cases = [a_case(f"{{formats: [html, json], path: {written}}}")]
        return tuple(str(path) for kind in ("json", "html") for path in destinations(cases, kind))

    assert files("out/r.json") == ("out/r.json", "out/r.html")
    assert files("out/r.HTM") == ("out/r.json", "out/r.HTM")
    assert files("out/r.html") == ("out/r.json", "out/r.html")
    assert files("v1.2") == ("v1.2", "v1.2.html")
    assert files(f"{tmp_path}") == (f"{tmp_path}/result.json", f"{tmp_path}/report.html")


def test_a_single_format_takes_the_path_as_it_is() -> None:
    assert destinations([a_case("{format: html, path: a.json}")], "html") == {Path("a.json"): {"c.yaml"}}
    assert destinations([a_case("{format: json, path: a.html}")]) == {Path("a.html"): {"c.yaml"}}
    assert destinations([a_case("{format: json, path: a.html}")], "html") == {}


def test_a_path_may_hold_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILD", "7")
    case = a_case(
        '{path: "${where}/${env.BUILD}-${config.seed}.json"}', ', seed: 5, variables: {where: "${base}", base: b}'
    )
    assert destinations([case]) == {Path("b/7-5.json"): {"c.yaml"}}


def test_a_path_that_cannot_be_rendered_is_told_with_the_file() -> None:
    with pytest.raises(OutputError, match=r"^c.yaml: config\.output\.path: 'nothing' is not defined"):
        destinations([a_case('{path: "${nothing}"}')])


def test_a_part_of_a_result_is_judged_by_its_own_cases() -> None:
    good = CaseResult(id="case-1", name="a", file="a", status="passed", total_steps=1, passed_steps=1)
    bad = evolve(good, id="case-2", file="b", status="failed")
    row = evolve(bad, id="case-3", name="b [#2]", status="passed")
    whole = RunResult(run_id="r", started_at=dt.datetime.now(dt.UTC), duration=1, cases=(good, bad, row))

    assert part_of(whole, {"a", "b"}) == whole
    assert part_of(whole, {"a"}).status == "passed"
    assert part_of(whole, {"b"}).cases == (bad, row)
