"""What failed is remembered from run to run, whatever becomes of the file it is kept in."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve

from sisyphus import last_failed
from sisyphus.case.model import Case, DataSource
from sisyphus.case.rows import cases_of, planned
from sisyphus.last_failed import Memory
from sisyphus.results import CaseResult, CaseStatus, RunResult


def a_run(*cases: CaseResult) -> RunResult:
    return RunResult(run_id="r", started_at=dt.datetime.now(dt.UTC), duration=0, cases=cases)


class Project:
    """A folder with cases `a.yaml`, `b.yaml`, `c.yaml`, and a memory of its runs."""

    def __init__(self, root: Path, *, known: bool = True) -> None:
        self.root = root
        self.environ = {"XDG_CACHE_HOME": str(root / "user-cache")}
        (root / (".sisyphus" if known else ".")).mkdir(exist_ok=True)
        for name in "abc":
            (root / f"{name}.yaml").touch()

    def case(self, name: str) -> Case:
        return Case(name=name, file=str(self.root / f"{name}.yaml"), root=str(self.root))

    def ran(self, **statuses: CaseStatus) -> list[str]:
        """Has cases end so; gives what could not be done."""
        cases = [self.case(name) for name in statuses]
        results = tuple(
            CaseResult(id=case.name, name=case.name, file=case.file, status=statuses[case.name], total_steps=0)
            for case in cases
        )
        memory = Memory(self.environ)
        memory.learn(cases, a_run(*results))
        return memory.notes

    def failed(self, names: str = "abc") -> tuple[str, list[str]]:
        memory = Memory(self.environ)
        return "".join(case.name for case in memory.failed_of([self.case(name) for name in names])), memory.notes

    @property
    def file(self) -> Path:
        return self.root / ".sisyphus" / "cache" / "last-failed.json"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


ALL = ("abc", ["--last-failed: no failure of an earlier run is known, so all cases are run"])


def test_without_an_earlier_run_all_cases_are_run(project: Project) -> None:
    assert project.failed() == ALL


def test_cases_that_failed_or_could_not_be_carried_out_are_remembered(project: Project) -> None:
    assert project.ran(a="failed", b="passed", c="error") == []
    assert project.failed() == ("ac", [])


def test_a_case_that_passes_is_forgotten_and_one_that_did_not_run_is_not(project: Project) -> None:
    project.ran(a="failed", b="failed", c="failed")
    project.ran(a="passed", b="skipped", c="cancelled")

    assert project.failed() == ("bc", [])


def test_when_all_is_well_again_all_cases_are_run(project: Project) -> None:
    project.ran(a="failed")
    project.ran(a="passed")

    assert project.failed() == ALL


def test_failures_that_are_not_among_the_cases_asked_for_do_not_count(project: Project) -> None:
    project.ran(a="failed")

    assert project.failed("bc") == ("bc", ALL[1])


def test_no_cases_are_none(project: Project) -> None:
    assert project.failed("") == ("", [])


def rows_of(case: Case, *statuses: CaseStatus) -> tuple[CaseResult, ...]:
    """What came of the rows of a case."""
    return tuple(
        CaseResult(id=f"case-{n}", name=f"{case.name} [#{n}]", file=case.file, status=status, total_steps=0)
        for n, status in enumerate(statuses, start=1)
    )


def test_each_row_of_data_is_remembered_for_itself(project: Project) -> None:
    source = DataSource(type="inline", rows=[{"n": 1}, {"n": 2}, {"n": 3}])
    rows = planned([evolve(project.case("a"), data=source)])
    memory = Memory(project.environ)
    memory.learn(rows, a_run(*rows_of(project.case("a"), "failed", "passed", "error")))

    assert [case.name for case in memory.failed_of([*rows, project.case("b")])] == ["a [#1]", "a [#3]"]

    memory.learn(rows, a_run(*rows_of(project.case("a"), "passed", "failed")))
    assert [case.name for case in memory.failed_of(rows)] == ["a [#2]", "a [#3]"]
    assert json.loads(project.file.read_text()) == {"failed": ["a.yaml#2", "a.yaml#3"]}


def test_of_rows_that_only_the_run_knows_one_that_failed_has_all_of_them_run(project: Project) -> None:
    case = evolve(project.case("a"), data=DataSource(type="database"))
    memory = Memory(project.environ)
    memory.learn([case], a_run(*rows_of(case, "passed", "failed")))

    assert memory.failed_of([case, project.case("b")]) == [case]

    memory.learn([case], a_run(*rows_of(case, "passed", "passed")))
    assert memory.failed_of([case, project.case("b")]) == [case, project.case("b")]


def test_rows_that_could_not_be_read_are_all_run_until_they_are(project: Project) -> None:
    case = evolve(project.case("a"), data=DataSource(type="database"))
    unread = CaseResult(id="case-1", name=case.name, file=case.file, status="error", total_steps=0)
    memory = Memory(project.environ)
    memory.learn([case], a_run(unread))
    rows = list(cases_of(case, DataSource(type="database"), [{"n": 1}, {"n": 2}]))
    assert memory.failed_of([*rows, project.case("b")]) == rows

    memory.learn(rows, a_run(*rows_of(case, "passed", "failed")))
    assert [row.name for row in memory.failed_of([*rows, project.case("b")])] == ["a [#2]"]


def test_a_name_that_only_looks_like_a_row_is_none(project: Project) -> None:
    case = evolve(project.case("a"), name="issue [#7]")
    memory = Memory(project.environ)
    failed = CaseResult(id="case-1", name=case.name, file=case.file, status="failed", total_steps=0)
    memory.learn([case], a_run(failed))

    assert memory.failed_of([case, project.case("b")]) == [case]


def test_a_run_in_which_all_is_well_leaves_no_file_behind(project: Project) -> None:
    project.ran(a="passed")

    assert [path.name for path in (project.root / ".sisyphus").iterdir()] == []


def test_the_file_is_kept_out_of_version_control(project: Project) -> None:
    project.ran(a="failed")

    assert json.loads(project.file.read_text()) == {"failed": ["a.yaml"]}
    assert "\n*\n" in (project.file.parent / ".gitignore").read_text()


def test_a_folder_that_is_no_project_does_not_become_one(tmp_path: Path) -> None:
    project = Project(tmp_path, known=False)
    project.ran(a="failed")

    assert project.failed() == ("a", [])
    assert not (tmp_path / ".sisyphus").exists()
    assert len(list((tmp_path / "user-cache" / "sisyphus-api-engine").iterdir())) == 1


def test_cases_are_known_however_their_path_is_written(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.ran(a="failed")
    monkeypatch.chdir(project.root)
    case = Case(name="a", file="./a.yaml", root=str(project.root))

    assert Memory(project.environ).failed_of([case, project.case("b")]) == [case]


def test_cases_whose_files_are_gone_are_forgotten(project: Project) -> None:
    project.ran(a="failed", b="failed")
    (project.root / "a.yaml").unlink()
    project.ran(c="failed")

    assert json.loads(project.file.read_text()) == {"failed": ["b.yaml", "c.yaml"]}


@pytest.mark.parametrize(
    "content",
    [b"", b'{"failed": [', b"[]", b'{"failed": "a"}', b'{"failed": [1]}', b"\xff\xfe\x00", b"[" * 100_000],
)
def test_a_garbled_file_is_told_and_made_anew(content: bytes, project: Project) -> None:
    project.ran(a="failed")
    project.file.write_bytes(content)

    assert project.failed() == (
        "abc", [f"what failed in earlier runs cannot be read from {project.file}: it holds something else", *ALL[1]],
    )  # fmt: skip
    assert project.ran(b="failed") == []
    assert project.failed() == ("b", [])


def test_a_file_beyond_all_measure_is_not_read(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.ran(a="failed")
    monkeypatch.setattr(last_failed, "_LARGEST", 5)

    assert project.failed()[1][0].endswith(": it holds something else")


@pytest.mark.parametrize("in_the_way", [".sisyphus/cache", ".sisyphus/cache/last-failed.json/x"])
def test_where_it_cannot_be_written_that_is_noted_and_nothing_else_happens(in_the_way: str, project: Project) -> None:
    path = project.root / in_the_way
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()

    [note] = project.ran(a="failed")
    assert note.startswith(f"what failed is not remembered for --last-failed: cannot write {project.file}: ")
    assert project.failed()[0] == "abc"


def test_a_run_that_does_not_let_go_of_the_file_is_not_waited_for(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    monkeypatch.setattr(last_failed, "PATIENCE", 0.05)
    project.ran(a="failed")
    with project.file.with_suffix(".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        [note] = project.ran(b="failed")

    assert note.endswith(f"cannot write {project.file}: another run does not let go of it")
    assert project.failed()[0] == "a"


AGAIN_AND_AGAIN = """
import datetime as dt, sys
from pathlib import Path
from sisyphus.case.model import Case
from sisyphus.last_failed import Memory
from sisyphus.results import CaseResult, RunResult

root, name = sys.argv[1:]
case = Case(name=name, file=str(Path(root) / f"{name}.yaml"), root=root)
failed = CaseResult(id="c", name=name, file=case.file, status="failed", total_steps=0)
for _ in range(20):
    memory = Memory({})
    memory.learn([case], RunResult(run_id="r", started_at=dt.datetime.now(dt.UTC), duration=0, cases=(failed,)))
    print(*memory.notes, end="")
"""


def test_runs_at_the_same_time_lose_nothing(project: Project) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", AGAIN_AND_AGAIN, str(project.root), name], stdout=subprocess.PIPE, text=True
        )
        for name in "abc"
    ]
    told = [process.communicate(timeout=20)[0] for process in processes]

    assert (told, [process.returncode for process in processes]) == (["", "", ""], [0, 0, 0])
    assert project.failed() == ("abc", [])


def test_without_a_home_it_is_kept_among_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_failed.os.path, "expanduser", lambda _: "~")
    monkeypatch.setattr(last_failed.tempfile, "gettempdir", lambda: str(tmp_path / "t"))
    project = Project(tmp_path, known=False)
    project.environ = {"XDG_CACHE_HOME": "relative"}

    assert project.ran(a="failed") == []
    assert (tmp_path / "t" / "sisyphus-api-engine").is_dir()
