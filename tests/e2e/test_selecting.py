"""Choosing cases, ending early and exit codes, as a user meets them: real processes wherever one leaves something behind."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from pathlib import Path

import pytest
import trio
from attrs import frozen
from programs import Done, a_case, engine, environment, running

from sisyphus.cli import main

GOOD = "{name: rest, type: wait, seconds: 0}"
BAD = '{name: broken, type: wait, seconds: "${nothing}"}'
SEE = "(see sisyphus-api-engine --help)\n"
FALSE = "{name: fails, type: wait, seconds: 0, validations: [{eq: [$.waited, no]}]}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six cases in a project: a and d good, b and e bad, c and f disabled or good."""
    (tmp_path / ".sisyphus").mkdir()
    for name, step, more in (
        ("a", GOOD, "tags: [smoke]"),
        ("b", BAD, "tags: [smoke, slow]"),
        ("c", GOOD, "enabled: false"),
        ("d", GOOD, "tags: slow"),
        ("e", BAD, "tags: [smoke]"),
        ("f", GOOD, "description: has no tags"),
    ):
        a_case(tmp_path, f"name: {name}\n{more}\nsteps: [{step}]\n", f"{name}.yaml")
    return tmp_path


async def run(folder: Path, *arguments: object) -> Done:
    return await engine(*arguments, "--format", "json", "--jobs", 1, cwd=folder)


def here(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Done:
    """The same in this process, for what leaves nothing behind."""
    with contextlib.chdir(folder):
        code = main([".", *arguments, "--format", "json", "--jobs", "1", "--lang", "en"])
    return Done(code, *capsys.readouterr())


def statuses(done: Done) -> dict[str, str]:
    return {case["name"]: case["status"] for case in done.document["cases"]}


# --- which -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "names", "told"),
    [
        (["--tags", "smoke and not slow"], "ae", "2 of 6 cases selected\n"),
        (["--tags", "smoke,slow", "--exclude-tags", "slow"], "ae", "2 of 6 cases selected\n"),
        (["--tags", "smoke", "--tags", "slow"], "abde", "4 of 6 cases selected\n"),
        (["--exclude-tags", "smoke or slow"], "cf", "2 of 6 cases selected\n"),
        (["--shard", "2/4"], "bf", "2 of 6 cases selected\n"),
        (["--shard", "1/2", "--tags", "smoke"], "ae", "2 of 6 cases selected\n"),
        (["--shard", "1/1"], "abcdef", ""),
        (["--shard", "7/7"], "", "0 of 6 cases selected\n"),
    ],
)
def test_cases_that_are_not_chosen_are_not_in_the_result(
    arguments: list[str], names: str, told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = here(folder, capsys, *arguments)

    assert "".join(statuses(done)) == names
    assert (done.code, done.err) == (1 if set(names) & set("be") else 0, told)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--tags", "smoke and"], f"--tags: 'smoke and' is no expression over tags: a tag is missing at its end {SEE}"),
        (["--exclude-tags", "(a"], f"--exclude-tags: '(a' is no expression over tags: a '(' is not closed {SEE}"),
        (["--tags", "smok"], "none of the 6 cases is selected by --tags 'smok' (did you mean 'smoke'?)\n"),
        (["--shard", "0/3"], f"--shard: must be I/N with I from 1 to N, as in 1/3, got '0/3' {SEE}"),
        (["--shard", "4/3"], f"--shard: must be I/N with I from 1 to N, as in 1/3, got '4/3' {SEE}"),
        (["--shard", "half"], f"--shard: must be I/N with I from 1 to N, as in 1/3, got 'half' {SEE}"),
        (["--max-failures", "0"], f"--max-failures: must be a whole number from 1 on, got '0' {SEE}"),
    ],
)  # fmt: skip
def test_a_choice_that_makes_no_sense_ends_with_2(
    arguments: list[str], sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = here(folder, capsys, *arguments)

    assert (done.code, done.out, done.err) == (2, "", sentence)


async def test_a_file_that_is_wrong_is_told_also_if_its_case_would_not_be_chosen(folder: Path) -> None:
    a_case(folder, "name: z\nstep: []\n", "z.yaml")

    done = await run(folder, ".", "--tags", "smoke")

    assert (done.code, done.out) == (2, "")
    assert "z.yaml:2:1: unknown key 'step'" in done.err


async def test_the_chosen_cases_are_listed_and_nothing_is_run(folder: Path) -> None:
    done = await engine(".", "--list", "--tags", "slow", cwd=folder)

    assert done == Done(0, "b.yaml  ·  b  ·  smoke, slow\nd.yaml  ·  d  ·  slow\n", "2 of 6 cases selected\n")


async def test_a_list_may_be_json(folder: Path) -> None:
    done = await run(folder, "d.yaml", "--list")

    assert done.document["cases"] == [{"name": "d", "file": "d.yaml", "tags": ["slow"], "steps": 1, "warnings": []}]


async def test_a_terminals_text_begins_with_how_many_are_run(folder: Path) -> None:
    done = await engine(".", "--tags", "slow and not smoke", cwd=folder)

    assert done.err == "1 of 6 cases selected\n"
    assert done.out.endswith("1 case: 1 passed · " + done.out.rsplit(" · ", 1)[1])


async def test_rows_of_data_are_shared_out_and_run_again_one_by_one(tmp_path: Path) -> None:
    (tmp_path / ".sisyphus").mkdir()
    a_case(
        tmp_path,
        """
        name: row
        config: {data_source: [{s: 0}, {s: "x"}, {s: 0}, {s: "y"}, {s: 0}]}
        steps: [{name: rest, type: wait, seconds: "${s}"}]
        """,
        "rows.yaml",
    )
    part = await run(tmp_path, "rows.yaml", "--shard", "2/3")
    assert (part.err, statuses(part)) == ("2 of 5 cases selected\n", {"row [#2]": "error", "row [#5]": "passed"})

    whole = await run(tmp_path, "rows.yaml")
    assert list(statuses(whole).values()) == ["passed", "error", "passed", "error", "passed"]

    again = await run(tmp_path, "rows.yaml", "--last-failed")
    assert list(statuses(again)) == ["row [#2]", "row [#4]"]


async def test_rows_of_a_database_are_shared_out_and_run_again_one_by_one(tmp_path: Path) -> None:
    (tmp_path / ".sisyphus").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "rows.db")) as database:
        database.executescript("create table rows (s); insert into rows values (0), ('x'), (0), ('y'), (0);")
    a_case(
        tmp_path,
        """
        name: row
        config:
          output: {path: rows.json}
          data_source: {type: database, database: {type: sqlite, path: rows.db}, sql: select s from rows order by rowid}
        steps: [{name: rest, type: wait, seconds: "${s}"}]
        """,
        "rows.yaml",
    )
    a_case(tmp_path, f"name: plain\nsteps: [{GOOD}]\n", "a.yaml")
    part = await run(tmp_path, ".", "--shard", "2/3")
    assert (part.err, statuses(part)) == ("2 of 6 cases selected\n", {"row [#1]": "passed", "row [#4]": "error"})

    whole = await run(tmp_path, ".")
    assert (whole.err, list(statuses(whole).values())) == (
        "",
        ["passed", "passed", "error", "passed", "error", "passed"],
    )

    again = await run(tmp_path, ".", "--last-failed")
    assert (again.err, list(statuses(again))) == ("2 of 6 cases selected\n", ["row [#2]", "row [#4]"])

    (tmp_path / "rows.json").unlink(missing_ok=True)
    without = await engine(".", "--shard", "8/8", cwd=tmp_path)
    assert (without.code, without.err) == (0, "0 of 6 cases selected\n")
    assert not (tmp_path / "rows.json").exists()


async def test_rows_that_could_not_be_read_are_all_run_the_next_time(tmp_path: Path) -> None:
    (tmp_path / ".sisyphus").mkdir()
    case = """
        name: row
        config:
          data_source: {type: database, database: {type: sqlite, path: rows.db}, sql: select s from rows}
        steps: [{name: rest, type: wait, seconds: "${s}"}]
        """
    a_case(tmp_path, case, "rows.yaml")
    a_case(tmp_path, f"name: plain\nsteps: [{GOOD}]\n", "a.yaml")
    assert statuses(await run(tmp_path, ".")) == {"plain": "passed", "row": "error"}

    with contextlib.closing(sqlite3.connect(tmp_path / "rows.db")) as database:
        database.executescript("create table rows (s); insert into rows values (0), (0);")
    assert statuses(await run(tmp_path, ".", "--last-failed")) == {"row [#1]": "passed", "row [#2]": "passed"}
    assert len(statuses(await run(tmp_path, ".", "--last-failed"))) == 3  # nothing failed any longer


# --- what failed -----------------------------------------------------------------------------------------------------


async def test_only_what_failed_is_run_again_until_nothing_fails(folder: Path) -> None:
    assert statuses(await run(folder, "."))["b"] == "error"

    again = await run(folder, ".", "--last-failed")
    assert (again.code, again.err, list(statuses(again))) == (1, "2 of 6 cases selected\n", ["b", "e"])

    a_case(folder, f"name: b\nsteps: [{GOOD}]\n", "b.yaml")
    again = await run(folder, ".", "--last-failed")
    assert (again.code, statuses(again)) == (1, {"b": "passed", "e": "error"})

    a_case(folder, f"name: e\nsteps: [{GOOD}]\n", "e.yaml")
    again = await run(folder, ".", "--last-failed")
    assert (again.code, again.err, statuses(again)) == (0, "1 of 6 cases selected\n", {"e": "passed"})

    again = await run(folder, ".", "--last-failed")
    assert (again.code, len(statuses(again))) == (0, 6)
    assert again.err == "--last-failed: no failure of an earlier run is known, so all cases are run\n"


async def test_what_failed_is_known_from_another_folder_and_by_another_path(folder: Path) -> None:
    await run(folder, ".")
    (folder / "inner").mkdir()

    done = await run(folder / "inner", "../e.yaml", folder / "a.yaml", "--last-failed")

    assert list(statuses(done)) == ["e"]


async def test_an_interrupted_run_remembers_what_had_failed_by_then(folder: Path) -> None:
    a_case(folder, "name: long\nsteps: [{name: rest, type: wait, seconds: 60}]\n", "g.yaml")
    async with running("b.yaml", "g.yaml", "--jobs", 1, "-v", cwd=folder) as underway:
        await underway.until("\nlong\n")
        underway.interrupt()
        done = await underway.done()

    assert done.code == 130
    assert json.loads((folder / ".sisyphus/cache/last-failed.json").read_text()) == {"failed": ["b.yaml"]}


@pytest.mark.parametrize("content", ["", "no json", '{"failed": 5}'])
async def test_a_garbled_memory_is_told_and_all_cases_are_run(content: str, folder: Path) -> None:
    path = a_case(folder, content, ".sisyphus/cache/last-failed.json")

    done = await run(folder, "b.yaml", "d.yaml", "--last-failed")

    assert (done.code, list(statuses(done))) == (1, ["b", "d"])
    assert done.err == (
        f"what failed in earlier runs cannot be read from {path}: it holds something else\n"
        "--last-failed: no failure of an earlier run is known, so all cases are run\n"
    )
    assert json.loads(path.read_text()) == {"failed": ["b.yaml"]}


async def test_a_memory_that_cannot_be_written_matters_only_to_those_who_ask(folder: Path) -> None:
    a_case(folder, "a file where the folder should be", ".sisyphus/cache")

    silent = await run(folder, "b.yaml")
    asked = await run(folder, "b.yaml", "--last-failed")

    assert (silent.code, silent.err) == (1, "")
    assert asked.code == 1
    assert "what failed is not remembered for --last-failed: cannot write " in asked.err
    assert "Traceback" not in asked.err


# --- ending early ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "came_of_it"),
    [
        ([], {"a": "passed", "b": "error", "c": "skipped", "d": "passed", "e": "error", "f": "passed"}),
        (["--fail-fast"],
         {"a": "passed", "b": "error", "c": "skipped", "d": "skipped", "e": "skipped", "f": "skipped"}),
        (["--max-failures", "1"],
         {"a": "passed", "b": "error", "c": "skipped", "d": "skipped", "e": "skipped", "f": "skipped"}),
        (["--max-failures", "2"],
         {"a": "passed", "b": "error", "c": "skipped", "d": "passed", "e": "error", "f": "skipped"}),
        (["--max-failures", "3"],
         {"a": "passed", "b": "error", "c": "skipped", "d": "passed", "e": "error", "f": "passed"}),
    ],
)  # fmt: skip
def test_enough_failures_end_the_run(
    arguments: list[str], came_of_it: dict[str, str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = here(folder, capsys, *arguments)

    assert (done.code, statuses(done)) == (1, came_of_it)


async def test_what_was_not_begun_says_why(folder: Path) -> None:
    done = await run(folder, ".", "--max-failures", 2)

    reasons = {case["name"]: case["reason"] for case in done.document["cases"]}
    assert (reasons["c"], reasons["f"]) == ("enabled: false", "stopped at 2 failed cases (--max-failures)")


# --- exit codes ------------------------------------------------------------------------------------------------------


@frozen
class Ends:
    """How a command line ends."""

    code: int
    arguments: tuple[str, ...]
    case: str = f"name: c\nsteps: [{GOOD}]\n"
    ctrl_c: bool = False


ENDS = {
    "all passed": Ends(0, ("c.yaml",)),
    "disabled": Ends(0, ("c.yaml",), "name: c\nenabled: false\nsteps: []\n"),
    "no steps": Ends(0, ("c.yaml",), "name: c\nsteps: []\n"),
    "every step skipped": Ends(0, ("c.yaml",), "name: c\nsteps: [{name: s, url: /, skip_if: true}]\n"),
    "an empty shard": Ends(0, ("c.yaml", "--shard", "2/2")),
    "right files": Ends(0, ("c.yaml", "--validate")),
    "a list": Ends(0, ("c.yaml", "--list")),
    "help": Ends(0, ("--help",)),
    "version": Ends(0, ("--version",)),
    "a validation that does not hold": Ends(1, ("c.yaml",), f"name: c\nsteps: [{FALSE}]\n"),
    "a step that cannot be carried out": Ends(1, ("c.yaml",), f"name: c\nsteps: [{BAD}]\n"),
    "a case out of time": Ends(
        1, ("c.yaml",), "name: c\nconfig: {case_timeout: 0.1}\nsteps: [{name: s, type: wait, seconds: 9}]\n"
    ),
    "an unknown option": Ends(2, ("c.yaml", "--tag", "x")),
    "no such file": Ends(2, ("missing.yaml",)),
    "a file that is wrong": Ends(2, ("c.yaml",), "name: c\nstep: []\n"),
    "a file that is wrong, checked only": Ends(2, ("c.yaml", "--validate"), "name: c\nstep: []\n"),
    "tags of no case": Ends(2, ("c.yaml", "--tags", "x")),
    "an unknown profile": Ends(2, ("c.yaml", "--profile", "x")),
    "an override that cannot be": Ends(2, ("c.yaml", "--override", "timeout=soon")),
    "nothing given": Ends(2, ()),
    "a result that cannot be written": Ends(3, ("c.yaml", "-o", "c.yaml/x.json")),
    "a host that is not ours": Ends(3, ("c.yaml", "--ws-host", "192.0.2.1")),
    "interrupted": Ends(130, ("c.yaml",), "name: c\nsteps: [{name: s, type: wait, seconds: 60}]\n", ctrl_c=True),
}


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS.keys())
async def test_every_exit_code_has_one_meaning(ends: Ends, tmp_path: Path) -> None:
    a_case(tmp_path, ends.case, "c.yaml")
    async with running(*ends.arguments, cwd=tmp_path) as underway:
        if ends.ctrl_c:
            await underway.until("\nc\n")
            underway.interrupt()
        done = await underway.done()

    assert done.code == ends.code, done
    assert "Traceback" not in done.err
    assert bool(done.err) == (ends.code in {2, 3, 130} or "--shard" in ends.arguments)


async def test_a_result_that_can_no_longer_be_written_ends_with_3_and_is_remembered(tmp_path: Path) -> None:
    (tmp_path / ".sisyphus").mkdir()
    a_case(tmp_path, f"name: c\nsteps: [{BAD}, {{name: rest, type: wait, seconds: 1}}]\n", "c.yaml")
    (tmp_path / "out").mkdir()
    async with running("c.yaml", "-o", "out/r.json", cwd=tmp_path) as underway:
        await underway.until("broken")
        await trio.Path(tmp_path / "out").rename(tmp_path / "moved")
        a_case(tmp_path, "a file where the folder was", "out")
        done = await underway.done()

    assert (done.code, done.err[:13]) == (3, "cannot write ")
    assert (tmp_path / ".sisyphus/cache/last-failed.json").exists()


UNUSED = """
import sys
from sisyphus.cli import main
main(["c.yaml"])
unwanted = {"case.functions", "case._reporting", "values._faker", "values.user_functions", "values._data", "foreign",
            "selection", "tags", "destinations"}
sys.exit(sorted({f"sisyphus.{name}" for name in unwanted} & sys.modules.keys()) or 0)
"""


async def test_what_a_run_does_not_use_it_does_not_import(tmp_path: Path) -> None:
    a_case(tmp_path, f"name: c\nsteps: [{GOOD}]\n", "c.yaml")

    done = await trio.run_process(
        [sys.executable, "-c", UNUSED], capture_stderr=True, capture_stdout=True, check=False, cwd=tmp_path,
        env=environment(),
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, b"")
