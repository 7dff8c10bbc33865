"""`!include`: parts of a case that live in files of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from sisyphus.case import yaml
from sisyphus.case._files import bytes_of
from sisyphus.case.yaml import Map, Seq, read, read_file
from sisyphus.errors import CaseFileError, Mark

if TYPE_CHECKING:
    from pathlib import Path


class Project:
    """A folder with files, read as a user would name them from within it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, **files: str) -> None:
        for name, text in files.items():
            self.file(f"{name}.yaml", text)

    def file(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, name: str = "main.yaml", *, root: Path | None = None) -> Map:
        return read_file(self.root / name, root=root or self.root, shown=name)

    def problems(self, name: str = "main.yaml", *, root: Path | None = None) -> list[str]:
        with pytest.raises(CaseFileError) as caught:
            self.read(name, root=root)
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "project").mkdir()
    return Project(tmp_path / "project")


def test_a_mapping_a_list_and_a_scalar_can_be_included(project: Project) -> None:
    project.write(
        main="config: !include config.yaml\nsteps: !include 'steps.yaml'\nn: !include n.yaml\n",
        config="base_url: http://h\n",
        steps="- name: a\n- name: b\n",
        n="5\n",
    )
    case = project.read()
    assert case == {"config": {"base_url": "http://h"}, "steps": [{"name": "a"}, {"name": "b"}], "n": 5}
    assert isinstance(case["config"], Map)
    assert isinstance(case["steps"], Seq)


@pytest.mark.parametrize(
    "place", ["!include p.yaml", "{a: !include p.yaml}", "- !include p.yaml", "[x, !include p.yaml]"]
)
def test_an_include_can_stand_wherever_a_value_can(project: Project, place: str) -> None:
    project.write(main=f"key:\n  {place}\n", p="found: true\n")
    assert "{'found': True}" in str(project.read())


def test_the_whole_case_can_be_included(project: Project) -> None:
    project.write(main="!include other.yaml\n", other="name: x\n")
    assert project.read() == {"name": "x"}


def test_json_can_be_included(project: Project) -> None:
    project.write(main="json: !include body.json\n")
    project.file("body.json", '{"a": [1, null, "2"]}')
    assert project.read() == {"json": {"a": [1, None, "2"]}}


def test_included_nodes_name_the_included_file_and_their_place_the_including_one(project: Project) -> None:
    project.file("cases/main.yaml", "name: x\nsteps: !include ../parts/steps.yaml\n")
    project.file("parts/steps.yaml", "# steps\n- name: a\n")
    case = project.read("cases/main.yaml")
    assert case.value_mark("steps") == Mark("cases/main.yaml", 2, 8)
    assert case["steps"].mark == Mark("parts/steps.yaml", 2, 1)
    assert case["steps"][0].key_mark("name") == Mark("parts/steps.yaml", 2, 3)


def test_paths_are_relative_to_the_file_they_stand_in(project: Project) -> None:
    project.write(main="a: !include sub/one.yaml\n")
    project.file("sub/one.yaml", "b: !include two.yaml\n")
    project.file("sub/two.yaml", "c: 1\n")
    assert project.read() == {"a": {"b": {"c": 1}}}


def test_text_read_from_memory_includes_relative_to_its_name(project: Project) -> None:
    project.write(part="1\n")
    assert read("a: !include part.yaml\n", file=str(project.root / "main.yaml")) == {"a": 1}


def test_problems_of_all_files_are_told_together_and_each_once(project: Project) -> None:
    project.write(main="a: !include part.yaml\nb: !include part.yaml\nc: &x 1\n", part="d: 1\nd: 2\ne: 'x\n")
    assert [problem.split(": ")[0] for problem in project.problems()] == [
        "main.yaml:3:4",
        "part.yaml:2:1",
        "part.yaml:3:4",
    ]


def test_an_included_file_with_nothing_in_it_is_a_problem(project: Project) -> None:
    project.write(main="a: !include part.yaml\n", part="# later\n")
    assert project.problems()[0].startswith("part.yaml:1:1: there is nothing in this file")


def test_a_missing_file_is_told_where_it_is_included(project: Project) -> None:
    project.write(main="a: 1\nb: !include no.yaml\n")
    assert project.problems() == ["main.yaml:2:4: cannot include 'no.yaml': there is no such file (check the path)"]


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("!include", "no path is given"),
        ("!include ''", "no path is given"),
        ('!include "a\\0b"', "no path is given"),
        ("!include .", "this is not a file"),
        ("!include /etc/hosts", "the path is absolute"),
        ("!include [a.yaml]", "!include stands before a value and takes one path"),
        ("!include {a: b}", "!include stands before a value and takes one path"),
        ("&x !include a.yaml", "the anchor '&x' is not allowed"),
    ],
)
def test_what_is_no_path_of_a_file_is_a_problem(project: Project, written: str, what: str) -> None:
    project.write(main=f"a: {written}\n")
    (problem,) = project.problems()
    assert problem.startswith("main.yaml:1:4: ")
    assert what in problem


def test_a_key_cannot_be_included(project: Project) -> None:
    project.write(main="!include a.yaml: 1\n")
    assert project.problems()[0].startswith("main.yaml:1:1: !include stands before a value")


class TestRoot:
    def test_includes_may_climb_as_far_as_the_root(self, project: Project) -> None:
        project.file("a/b/main.yaml", "x: !include ../../top.yaml\n")
        project.write(top="1\n")
        assert project.read("a/b/main.yaml") == {"x": 1}

    def test_but_not_out_of_it(self, project: Project, tmp_path: Path) -> None:
        (tmp_path / "secret.yaml").write_text("secret: 1\n")
        project.write(main="x: !include ../secret.yaml\n")
        (problem,) = project.problems()
        assert problem.startswith("main.yaml:1:4: cannot include '../secret.yaml': it lies outside of the project")

    def test_nor_by_a_link(self, project: Project, tmp_path: Path) -> None:
        (tmp_path / "secret.yaml").write_text("secret: 1\n")
        (project.root / "link.yaml").symlink_to(tmp_path / "secret.yaml")
        (project.root / "up").symlink_to(tmp_path)
        project.write(main="x: !include link.yaml\ny: !include up/secret.yaml\n")
        assert [problem.split(": ")[2] for problem in project.problems()] == [
            f"it lies outside of the project (keep included files under {project.root})"
        ] * 2

    def test_nor_into_a_neighbour_whose_name_begins_alike(self, project: Project, tmp_path: Path) -> None:
        (tmp_path / "project-2").mkdir()
        (tmp_path / "project-2" / "a.yaml").write_text("1\n")
        project.write(main="x: !include ../project-2/a.yaml\n")
        assert "outside of the project" in project.problems()[0]

    def test_a_link_within_the_root_is_followed(self, project: Project) -> None:
        project.write(main="x: !include link.yaml\n", real="1\n")
        (project.root / "link.yaml").symlink_to("real.yaml")
        assert project.read() == {"x": 1}

    def test_without_a_root_it_is_the_files_own_folder(self, project: Project) -> None:
        project.file("sub/main.yaml", "x: !include ../top.yaml\n")
        project.write(top="1\n")
        with pytest.raises(CaseFileError, match="outside of the project"):
            read_file(project.root / "sub" / "main.yaml")

    def test_a_project_that_is_reached_by_a_link_is_still_its_own_root(self, project: Project, tmp_path: Path) -> None:
        project.write(main="x: !include part.yaml\n", part="1\n")
        (tmp_path / "alias").symlink_to(project.root)
        assert read_file(tmp_path / "alias" / "main.yaml", root=tmp_path / "alias") == {"x": 1}


class TestLimits:
    def test_a_circle_of_includes_is_named(self, project: Project) -> None:
        project.write(main="a: !include b.yaml\n", b="c: !include c.yaml\n", c="d: !include b.yaml\n")
        assert project.problems() == [
            "c.yaml:1:4: cannot include 'b.yaml': it includes itself: b.yaml → c.yaml → b.yaml (break the circle)"
        ]

    def test_a_circle_by_a_link_is_one_too(self, project: Project) -> None:
        project.write(main="a: !include link.yaml\n")
        (project.root / "link.yaml").symlink_to("main.yaml")
        assert "includes itself: main.yaml → link.yaml" in project.problems()[0]

    def test_the_same_file_twice_is_no_circle(self, project: Project) -> None:
        project.write(main="a: !include p.yaml\nb: !include p.yaml\n", p="1\n")
        assert project.read() == {"a": 1, "b": 1}

    def test_includes_may_be_8_deep(self, project: Project) -> None:
        value: Any = self.chain(project, 8)
        for _ in range(8):
            value = value["next"]
        assert value == "end"

    def test_the_ninth_is_refused(self, project: Project) -> None:
        with pytest.raises(CaseFileError) as caught:
            self.chain(project, 9)
        (problem,) = caught.value.problems
        assert problem.mark == Mark("f8.yaml", 1, 7)
        assert "more than 8 deep" in problem.message

    def chain(self, project: Project, length: int) -> Map:
        for number in range(length):
            project.file(f"f{number}.yaml", f"next: !include f{number + 1}.yaml\n")
        project.file(f"f{length}.yaml", "end\n")
        return project.read("f0.yaml")

    def test_levels_count_through_includes(self, project: Project) -> None:
        project.write(main="a: " + "[" * 60 + "!include b.yaml" + "]" * 60 + "\n", b="[[[]]]\n")
        assert project.read()
        project.write(b="[[[[]]]]\n")
        assert "b.yaml:1:4: nested deeper than 64 levels" in project.problems()[0]

    def test_all_files_share_one_limit_of_size(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        # Eight levels of ten includes each would be a hundred million files.
        for number in range(1, 8):
            project.file(f"f{number}.yaml", f"- !include f{number + 1}.yaml\n" * 10)
        project.file("f8.yaml", "# " + "x" * 1_000_000 + "\n")
        project.write(main="a: !include f1.yaml\n")
        opened: list[Path] = []
        monkeypatch.setattr(yaml, "bytes_of", lambda path, *limit: opened.append(path) or bytes_of(path, *limit))
        assert "f8.yaml': more than 16 MiB, with what it includes" in " ".join(project.problems())
        assert len(opened) < 100

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
    def test_a_pipe_is_not_waited_for(self, project: Project) -> None:
        os.mkfifo(project.root / "pipe.yaml")
        project.write(main="a: !include pipe.yaml\n")
        assert "cannot include 'pipe.yaml': this is not a file" in project.problems()[0]
