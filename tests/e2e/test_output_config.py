"""`config.output` in a real run: the files that are there afterwards."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path

from programs import a_case, engine

TWO = """
    name: {name}
    config:
      name: settings of {name}
      version: 1.2
      author: Ann
      {output}
      mock_server: [{{path: /a, response: {{body: {{n: 1}}}}}}]
    steps:
      - name: ask
        url: /a
        teardown: {{name: again, url: /a}}
    """


def written(folder: Path) -> dict[str, list[str]]:
    """Each result there is, and the cases in it."""
    return {
        str(path.relative_to(folder)): [case["name"] for case in json.loads(path.read_text())["cases"]]
        for path in folder.rglob("*.json")
    }


def files(folder: Path, pattern: str) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(pattern))


async def test_each_file_holds_the_cases_that_name_it(tmp_path: Path) -> None:
    a_case(tmp_path, TWO.format(name="a", output="output: {path: out/both.json}"), "a.yaml")
    a_case(tmp_path, TWO.format(name="b", output="output: {path: out/both.json}"), "b.yaml")
    a_case(tmp_path, TWO.format(name="c", output="output: {path: own/, include_request: false}"), "c.yaml")
    a_case(tmp_path, TWO.format(name="d", output="output: {include_response: false}"), "d.yaml")

    done = await engine(".", cwd=tmp_path)

    assert (done.code, done.err) == (0, "")
    assert written(tmp_path) == {"out/both.json": ["a", "b"], "own/result.json": ["c"]}


async def test_what_is_not_to_be_included_is_left_out_at_any_depth(tmp_path: Path) -> None:
    a_case(tmp_path, TWO.format(name="a", output="output: {include_request: false}"), "a.yaml")
    a_case(tmp_path, TWO.format(name="b", output="output: {include_response: false}"), "b.yaml")

    a, b = (await engine(".", "--format", "json", cwd=tmp_path)).document["cases"]

    for step in (a["steps"][0], a["steps"][0]["children"][0]):
        assert (step["request"], step["response"]["status_code"]) == (None, 200)
    for step in (b["steps"][0], b["steps"][0]["children"][0]):
        assert (step["request"]["method"], step["response"]) == ("GET", None)
    assert a["config"] == {"name": "settings of a", "description": None, "version": "1.2", "author": "Ann"}


async def test_the_command_line_says_where_the_result_goes_before_the_case_does(tmp_path: Path) -> None:
    case = a_case(tmp_path, TWO.format(name="a", output="output: {path: case.json}"))

    await engine(case, "-o", "cli.json", cwd=tmp_path)

    assert written(tmp_path) == {"cli.json": ["a"]}


async def test_a_file_that_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    case = a_case(tmp_path, TWO.format(name="a", output="output: {path: case.yaml/r.json}"))

    done = await engine(case, cwd=tmp_path)

    assert (done.code, done.out) == (3, "")
    assert done.err == "cannot write case.yaml/r.json: File exists\n"


async def test_formats_of_later_versions_are_a_warning(tmp_path: Path) -> None:
    case = a_case(tmp_path, TWO.format(name="a", output="output: {format: junit, path: r.xml}"))

    done = await engine(case, cwd=tmp_path)

    assert done.code == 0
    assert f"  ! {case}:6:20: this version does not write junit yet; json and html can be written" in done.out
    assert not (tmp_path / "r.xml").exists()


def told_by(report: Path) -> tuple[list[str], list[str]]:
    """The cases that begin in a page, and the names of the steps it has details of."""
    cases: list[str] = []
    steps: list[str] = []
    for kind, block in re.findall(r'class="run-(events|details)"[^>]*>([^<]*)<', report.read_text()):
        text = gzip.decompress(base64.b64decode(block)).decode()
        if kind == "details":
            steps += [detail["name"] for detail in json.loads(text).values()]
        else:
            events = map(json.loads, text.splitlines())
            cases += [event["data"]["test_name"] for event in events if event["type"] == "test_start"]
    return sorted(cases), sorted(steps)


async def test_a_page_holds_the_cases_that_ask_for_it(tmp_path: Path) -> None:
    a_case(tmp_path, TWO.format(name="a", output="output: {formats: [json, html], path: out/}"), "a.yaml")
    a_case(tmp_path, TWO.format(name="b", output="output: {format: html, path: out/report.html}"), "b.yaml")
    a_case(tmp_path, TWO.format(name="c", output="output: {formats: [json, html], path: c.json}"), "c.yaml")
    a_case(tmp_path, TWO.format(name="d", output="output: {path: d.json}"), "d.yaml")
    left_out = "{name: e, tags: [later], config: {output: {format: html, path: e.html}}, steps: [{name: p, type: print, message: hello}]}"
    a_case(tmp_path, left_out, "e.yaml")

    done = await engine(".", "--exclude-tags", "later", cwd=tmp_path)

    assert (done.code, done.err) == (0, "4 of 5 cases selected\n")
    assert written(tmp_path) == {"out/result.json": ["a"], "c.json": ["c"], "d.json": ["d"]}
    assert files(tmp_path, "*.html") == ["c.html", "out/report.html"]
    assert told_by(tmp_path / "out/report.html") == (["a", "b"], ["again", "again", "ask", "ask"])
    assert told_by(tmp_path / "c.html") == (["c"], ["again", "ask"])


async def test_the_command_lines_page_counts_instead_of_those_of_cases(tmp_path: Path) -> None:
    a_case(tmp_path, TWO.format(name="a", output="output: {format: html, path: a.html}"), "a.yaml")
    a_case(tmp_path, TWO.format(name="b", output=""), "b.yaml")

    done = await engine(".", "--html", "all.html", cwd=tmp_path)

    assert (done.code, done.err) == (0, "")
    assert files(tmp_path, "*.html") == ["all.html"]
    assert told_by(tmp_path / "all.html")[0] == ["a", "b"]


async def test_a_page_that_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    a_case(tmp_path, TWO.format(name="a", output="output: {format: html, path: a.html}"), "a.yaml")
    a_case(tmp_path, TWO.format(name="b", output="output: {format: html, path: b.yaml/b.html}"), "b.yaml")

    done = await engine(".", cwd=tmp_path)

    assert (done.code, done.out) == (3, "")
    assert done.err == "cannot write b.yaml/b.html: File exists\n"
    assert files(tmp_path, "*") == ["a.yaml", "b.yaml"]
