"""From paths, folders and globs to cases, and the problems of all their files at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from loading import problem, problems

from sisyphus.case.finding import find_files
from sisyphus.case.load import load, load_all
from sisyphus.case.project import Choices
from sisyphus.errors import CaseFileError, Mark, UsageError

CASE = "name: c\nsteps: []\n"


class Folder:
    """A folder that is the current one, with files that hold cases unless they are told otherwise."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def with_files(self, *names: str, text: str = CASE) -> Folder:
        for name in names:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return self

    def find(self, *paths: str) -> list[str]:
        return [str(path) for path in find_files(paths)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)


def refusal(folder: Folder, *paths: str) -> str:
    with pytest.raises(UsageError) as caught:
        folder.find(*paths)
    return str(caught.value)


def test_files_are_taken_in_the_order_given(folder: Folder) -> None:
    folder.with_files("b.yaml", "a.yml", "C.YAML")
    assert folder.find("b.yaml", "C.YAML", "a.yml") == ["b.yaml", "C.YAML", "a.yml"]


def test_a_folder_is_searched_to_any_depth_and_sorted(folder: Folder) -> None:
    folder.with_files("x/b.yaml", "x/a/z.yml", "x/a.yaml", "x/notes.txt", "x/data.json", "x/B.YAML")
    assert folder.find("x") == ["x/B.YAML", "x/a/z.yml", "x/a.yaml", "x/b.yaml"]


def test_parts_and_hidden_files_in_folders_are_no_cases(folder: Folder) -> None:
    folder.with_files("x/a.yaml", "x/_part.yaml", "x/.hidden.yaml", "x/_parts/b.yaml", "x/.sisyphus/config.yaml")
    assert folder.find("x") == ["x/a.yaml"]


def test_the_folder_itself_may_have_any_name(folder: Folder) -> None:
    folder.with_files("_x/.y/a.yaml")
    assert folder.find("_x/.y") == ["_x/.y/a.yaml"]


def test_a_folder_named_like_a_case_is_a_folder(folder: Folder) -> None:
    folder.with_files("x/a.yaml/b.yaml")
    assert folder.find("x") == ["x/a.yaml/b.yaml"]


def test_a_part_can_be_asked_for_by_its_name(folder: Folder) -> None:
    folder.with_files("_part.yaml")
    assert folder.find("_part.yaml") == ["_part.yaml"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.yaml", ["a.yaml", "b.yaml"]),
        ("?.yaml", ["a.yaml", "b.yaml"]),
        ("[a].yaml", ["a.yaml"]),
        ("*", ["a.yaml", "b.yaml", "x/c.yaml", "x/y/d.yml"]),
        ("x*", ["x/c.yaml", "x/y/d.yml"]),
        ("**/*.y*ml", ["a.yaml", "b.yaml", "x/c.yaml", "x/y/d.yml"]),
        ("x/**/*.yml", ["x/y/d.yml"]),
        ("_*.yaml", ["_p.yaml"]),
    ],
)
def test_a_glob_finds_cases_and_folders_of_cases(folder: Folder, pattern: str, found: list[str]) -> None:
    folder.with_files("a.yaml", "b.yaml", "_p.yaml", "notes.md", "x/c.yaml", "x/_q.yaml", "x/y/d.yml")
    assert folder.find(pattern) == found


def test_a_file_whose_name_looks_like_a_glob_is_that_file(folder: Folder) -> None:
    folder.with_files("[a].yaml", "a.yaml")
    assert folder.find("[a].yaml") == ["[a].yaml"]


def test_the_same_file_is_one_case_however_it_is_named(folder: Folder) -> None:
    folder.with_files("x/a.yaml", "x/b.yaml")
    Path("link.yaml").symlink_to("x/a.yaml")
    paths = ["x/a.yaml", "./x/a.yaml", str(folder.root / "x/a.yaml"), "x/../x/a.yaml", "link.yaml", "x", "x/*.yaml"]
    assert folder.find(*paths) == ["x/a.yaml", "x/b.yaml"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("logn.yaml", "logn.yaml does not exist (did you mean 'login.yaml'?)"),
        ("x/logn.yaml", "x/logn.yaml does not exist (did you mean 'x/login.yml'?)"),
        ("nothing/like/it.yaml", "nothing/like/it.yaml does not exist"),
        ("zzzzzzzz", "zzzzzzzz does not exist"),
        ("n" * 300, "n" * 300 + " does not exist"),
        ("empty", "no case files (*.yaml, *.yml) in empty"),
        ("*.yml", "no file matches *.yml"),
        ("*.md", "none of the files that match *.md is a case file (*.yaml, *.yml)"),
        ("notes.md", "notes.md is no case file (case files end in .yaml or .yml)"),
        ("", "an empty path names no case file"),
    ],
)
def test_a_path_without_cases_is_refused(folder: Folder, path: str, message: str) -> None:
    folder.with_files("login.yaml", "x/login.yml", "notes.md", "empty/_part.yaml", "empty/read.me")
    assert refusal(folder, path) == message


def test_a_file_without_an_ending_is_taken_at_its_word(folder: Folder) -> None:
    folder.with_files("case")
    assert load("case", Choices(environ={})).name == "c"


def test_one_path_of_several_that_leads_nowhere_refuses_all(folder: Folder) -> None:
    folder.with_files("a.yaml")
    assert refusal(folder, "a.yaml", "b.yaml") == "b.yaml does not exist (did you mean 'a.yaml'?)"


def test_a_file_that_cannot_be_read_is_a_problem_of_that_file(folder: Folder) -> None:
    folder.with_files("ok.yaml")
    Path("broken.yaml").symlink_to("nowhere.yaml")
    os.mkfifo("pipe.yaml")
    with pytest.raises(CaseFileError) as caught:
        load_all(["ok.yaml", "broken.yaml", "pipe.yaml"], Choices(environ={}))
    assert [problem.mark for problem in caught.value.problems] == [Mark("broken.yaml", 1, 1), Mark("pipe.yaml", 1, 1)]


def test_cases_come_in_the_order_of_the_paths(folder: Folder) -> None:
    folder.with_files("b.yaml", text="name: b\nsteps: []\n").with_files("x/a.yaml", text="name: a\nsteps: []\n")
    loaded = load_all(["b.yaml", "x"], Choices(environ={}))
    assert [(case.name, case.file) for case in loaded] == [("b", "b.yaml"), ("a", "x/a.yaml")]


def test_nothing_asked_for_is_nothing_loaded() -> None:
    assert load_all([]) == []


def test_load_is_for_one_case(folder: Folder) -> None:
    folder.with_files("x/a.yaml", "x/b.yaml")
    with pytest.raises(UsageError, match=r"x holds 2 cases; load_all\(\) loads them"):
        load("x")


def test_problems_of_all_files_are_told_at_once_sorted_by_their_place(folder: Folder) -> None:
    folder.with_files("b.yaml", text="name: b\nsteps:\n- {name: s, uri: /}\n- {nam: s, url: /}\n")
    folder.with_files("a.yaml", text="steps: &a []\n").with_files("c.yaml")
    with pytest.raises(CaseFileError) as caught:
        load_all(["c.yaml", "b.yaml", "a.yaml"], Choices(environ={}))
    assert [str(problem).split(" (")[0] for problem in caught.value.problems] == [
        "a.yaml:1:8: the anchor '&a' is not allowed",
        "b.yaml:3:13: unknown key 'uri' in a step",
        "b.yaml:4:4: unknown key 'nam' in a step",
    ]


def test_a_problem_of_a_part_that_two_cases_include_is_told_once(folder: Folder) -> None:
    folder.with_files("_step.yaml", text="{name: s, uri: /}\n")
    folder.with_files("a.yaml", "b.yaml", text="name: c\nsteps: [!include _step.yaml]\n")
    with pytest.raises(CaseFileError) as caught:
        load_all(["a.yaml", "b.yaml"], Choices(environ={}))
    assert [str(problem.mark) for problem in caught.value.problems] == ["_step.yaml:1:11"]


def test_places_in_included_parts_are_those_in_the_part(folder: Folder) -> None:
    folder.with_files("_request.yaml", text="method: GET\nurl: '${a'\nheadrs: {}\n")
    folder.with_files("_checks.yaml", text="- status_code: 200\n- eqq: 1\n")
    folder.with_files(
        "a.yaml",
        text="name: c\nsteps:\n- name: s\n  request: !include _request.yaml\n  validations: !include _checks.yaml\n",
    )
    with pytest.raises(CaseFileError) as caught:
        load("a.yaml", Choices(environ={}))
    assert [str(problem).split(" (")[0] for problem in caught.value.problems] == [
        "_checks.yaml:2:3: unknown comparator 'eqq'",
        "_request.yaml:2:6: '${' is not closed by '}': ${a",
        "_request.yaml:3:1: unknown key 'headrs' in a step",
    ]


STEPS = "name: c\nsteps:\n"


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (
            "- {name: a, url: /, depends_on: b}\n- {name: b, url: /}",
            "'a' depends on 'b', which does not come before it",
        ),
        ("- {name: a, url: /, depends_on: a}", "'a' depends on itself"),
        (
            "- {name: aaa, url: /}\n- {name: b, url: /, depends_on: [aaa, aab]}",
            "'b' depends on 'aab', which is no step",
        ),
    ],
)
def test_a_step_depends_on_steps_before_it(steps: str, message: str) -> None:
    assert problem(STEPS + steps + "\n").split(": ", 1)[1].split(" (")[0] == message


def test_two_steps_cannot_have_one_id() -> None:
    text = STEPS + "- {name: a, id: x, url: /}\n- {name: b, id: y, url: /}\n- {name: c, id: x, url: /}\n"
    assert problem(text) == "5:17: the step on line 3 has the id 'x' too (give each step an id of its own)"


@pytest.mark.parametrize(
    "broken",
    [
        "{nmae: Log in, url: /}",
        "{name: [a], url: /}",
        "{name: Log in, type: reqest}",
        "{name: Log in, type: poll, url: /}",
        "{name: x, idd: Log in, url: /}",
        "{name: x, id: [a], url: /}",
        "text",
        "{Log in: }",
    ],
)
def test_a_wrong_step_does_not_make_those_that_depend_on_it_wrong(broken: str) -> None:
    assert len(problems(f"{STEPS}- {broken}\n- {{name: b, url: /, depends_on: Log in}}\n")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "description: 模板写作 ${} 或 {{ }}\n",
        "config: {name: '${', version: '{{', author: '{%', description: '${'}\n",
    ],
)
def test_texts_that_nobody_renders_may_hold_anything(text: str, folder: Folder) -> None:
    folder.with_files("a.yaml", text=f"name: c ${{\n{text}steps: [{{name: s, description: '${{', url: /}}]\n")
    assert load("a.yaml", Choices(environ={})).steps[0].description == "${"
