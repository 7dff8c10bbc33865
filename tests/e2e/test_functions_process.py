"""Functions of the user's own in a real run: what they print, and what ends them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from programs import a_case, engine, running

FUNCTIONS = """
    import time

    def greet(name):
        print("greeting", name)
        return f"Hello {name}"

    def block(seconds):
        print("blocking")
        time.sleep(seconds)

    def spin():
        print("blocking")
        while True:
            pass

    def stubborn():
        print("blocking")
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass
    """


@pytest.fixture
def project(tmp_path: Path) -> Path:
    a_case(tmp_path, FUNCTIONS, ".sisyphus/functions.py")
    return tmp_path


def a_step(folder: Path, template: str, more: str = "") -> Path:
    return a_case(
        folder,
        f"""
        name: c
        steps:
          - {{name: calls, type: print, message: '{template}'{more}}}
          - {{name: after, type: wait, seconds: 0}}
        """,
    )


async def test_what_a_function_prints_is_not_in_the_way_of_the_result(project: Path) -> None:
    case = a_step(project, "${greet(1)}")
    a_case(project, f"{FUNCTIONS}\n    print('loading')\n", ".sisyphus/functions.py")

    done = await engine(case, "--format", "json", cwd=project)

    assert (done.code, done.err) == (0, "loading\ngreeting 1\n")
    assert "Hello 1" in json.dumps(json.loads(done.out)["cases"][0]["steps"][0]["response"])


@pytest.mark.parametrize("template", ["${block(60)}", "${spin()}"])
async def test_ctrl_c_ends_a_function_that_blocks_and_the_result_is_written(template: str, project: Path) -> None:
    case = a_step(project, template)
    async with running(case, "-o", "r.json", cwd=project) as underway:
        await underway.until("blocking\n", "err")
        began = time.monotonic()
        underway.interrupt()
        done = await underway.done()

    assert done.code == 130
    assert time.monotonic() - began < 5
    [case_result] = json.loads((project / "r.json").read_text())["cases"]
    step = case_result["steps"][0]
    assert (case_result["status"], step["status"]) == ("cancelled", "error")
    assert "() was interrupted (.sisyphus/functions.py:" in step["error"]["message"]


async def test_a_function_that_nothing_ends_is_ended_by_a_second_ctrl_c(project: Path) -> None:
    case = a_step(project, "${stubborn()}")
    async with running(case, cwd=project) as underway:
        await underway.until("blocking\n", "err")
        underway.interrupt()
        time.sleep(0.3)  # noqa: ASYNC251 - two signals at once are one
        underway.interrupt()
        done = await underway.done()

    assert done.code == 130


async def test_a_function_ends_with_the_time_of_its_step_and_the_run_goes_on(project: Path) -> None:
    case = a_step(project, "${block(60)}", ", timeout: 0.3")

    done = await engine(case, "--format", "json", cwd=project)

    error = done.steps["calls"]["error"]
    assert (done.code, error["message"]) == (1, "block() did not end within 0.3 s (.sisyphus/functions.py:7)")
    assert done.steps["after"]["status"] == "success"


async def test_a_broken_file_ends_with_2_and_one_line(project: Path) -> None:
    a_case(project, "def greet(:\n", ".sisyphus/functions.py")

    done = await engine(a_step(project, "${greet(1)}"), cwd=project)

    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert done.err.startswith(".sisyphus/functions.py:1:11: SyntaxError: ")
