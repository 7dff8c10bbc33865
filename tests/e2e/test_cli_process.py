"""The command line as a process: arguments in; text or JSON, files and an exit code out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import trio
from programs import Done, a_case, command, engine, environment

import sisyphus

PASSING = """
    name: fine
    config:
      variables: {who: world, n: 1}
      profiles:
        dev: {variables: {who: developers}}
        prod: {variables: {who: customers}}
      mock_server:
        routes:
          - {path: "/hello/{name}", response: {body: {hello: "${path_params.name}"}}}
    steps:
      - name: greet
        url: /hello/${who}
        validations: [{eq: [$.hello, "${who}"]}]
        extractors: [{name: greeted, path: $.hello}]
    """
FAILING = """
    name: wrong
    steps:
      - {name: broken, type: wait, seconds: "${nothing}"}
      - {name: fine, type: wait, seconds: 0}
    """


@pytest.fixture
def fine(tmp_path: Path) -> Path:
    return a_case(tmp_path, PASSING, "fine.yaml")


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    return a_case(tmp_path, FAILING, "wrong.yaml")


def through_shell(line: str, cwd: Path) -> Done:
    """What a user types, `ENGINE` standing for the program; its code is that of the engine, not of the last in a pipe."""
    whole = f"set -o pipefail; {line.replace('ENGINE', f'{sys.executable} -m sisyphus')}"
    done = subprocess.run(
        ["bash", "-c", whole], capture_output=True, text=True, timeout=20, check=False, cwd=cwd, env=environment()
    )
    return Done(done.returncode, done.stdout, done.stderr)


async def test_a_case_that_passes_ends_with_0_and_is_shown_step_by_step(fine: Path, tmp_path: Path) -> None:
    done = await engine("--cases", fine, cwd=tmp_path)

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[:2] == ["", "fine"]
    assert "  ✓ greet  ·  " in done.out
    assert "1 case: 1 passed · " in done.out


async def test_a_case_that_fails_ends_with_1_and_is_explained(wrong: Path, tmp_path: Path) -> None:
    done = await engine(wrong, cwd=tmp_path)

    assert (done.code, done.err) == (1, "")
    assert f"{wrong}:3:5: 'nothing' is not defined" in done.out
    assert "  ✓ fine" in done.out


async def test_the_json_format_is_one_document_and_nothing_else_also_when_a_case_fails(
    fine: Path, wrong: Path, tmp_path: Path
) -> None:
    done = await engine("--cases", fine, wrong, "--format", "json", "-v", cwd=tmp_path)

    assert done.code == 1
    assert done.document["status"] == "error"
    assert {name: step["status"] for name, step in done.steps.items()} == {
        "greet": "success", "broken": "error", "fine": "success",
    }  # fmt: skip
    assert done.steps["greet"]["extracted"] == {"greeted": "world"}


async def test_the_json_format_stays_one_document_with_a_live_server(fine: Path, tmp_path: Path) -> None:
    done = await engine(fine, "--format", "json", "--ws-server", "--ws-port", 0, cwd=tmp_path)

    assert done.code == 0
    assert done.document["status"] == "passed"
    stream, page = done.err.splitlines()
    assert stream.startswith("watch live: ws://localhost:")
    assert page == stream.replace("watch live: ws:", "in a browser: http:")


async def test_the_result_is_written_to_a_file_beside_the_text(fine: Path, tmp_path: Path) -> None:
    done = await engine(fine, "-o", tmp_path / "new" / "result.json", cwd=tmp_path)

    assert "✓ greet" in done.out
    result = json.loads((tmp_path / "new" / "result.json").read_text(encoding="utf-8"))
    assert result["summary"]["steps"] == {"total": 1, "passed": 1, "failed": 0, "skipped": 0}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["result.json"]


async def test_a_dash_as_output_means_stdout(fine: Path, tmp_path: Path) -> None:
    done = await engine(fine, "--output", "-", cwd=tmp_path)

    assert done.document["status"] == "passed"
    assert not (tmp_path / "-").exists()


async def test_the_json_of_stdout_and_of_the_file_are_the_same(wrong: Path, tmp_path: Path) -> None:
    done = await engine(wrong, "--format", "json", "-o", "result.json", cwd=tmp_path)

    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8")) == done.document


@pytest.mark.parametrize("file", ["file/result.json", "."])
async def test_an_output_that_cannot_be_written_is_told_before_anything_runs(
    file: str, fine: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    done = await engine(fine, "-o", file, cwd=tmp_path)

    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(f"cannot write {file}: ")
    assert len(done.err.splitlines()) == 1


async def test_an_output_that_becomes_unwritable_during_the_run_is_told_and_the_rest_is_shown(
    tmp_path: Path,
) -> None:
    case = a_case(tmp_path, "name: c\nsteps:\n  - {name: rest, type: wait, seconds: 0}\n")

    done = await engine(case, "-o", "/dev/full", cwd=tmp_path)

    assert done.code == 3
    assert "1 case: 1 passed" in done.out
    assert done.err == "cannot write /dev/full: No space left on device\n"


async def test_verbose_shows_requests_checks_and_values(fine: Path, tmp_path: Path) -> None:
    done = await engine(fine, "-v", cwd=tmp_path)

    assert "· GET http://127.0.0.1:" in done.out
    assert '✓ $.hello eq "world"' in done.out
    assert '· greeted = "world"' in done.out


async def test_a_profile_an_override_and_the_environment_set_variables(fine: Path, tmp_path: Path) -> None:
    async def greeted(*arguments: object, **env: str) -> str:
        done = await engine(fine, "--format", "json", *arguments, cwd=tmp_path, env=env)
        return done.steps["greet"]["extracted"]["greeted"]

    assert await greeted("--profile", "prod") == "customers"
    assert await greeted(SISYPHUS_PROFILE="dev") == "developers"
    assert await greeted("--profile", "prod", "--override", "who=me") == "me"
    assert await greeted("--env-prefix", "APP_", APP_WHO="everyone") == "everyone"


async def test_an_unknown_profile_is_told_with_those_there_are(fine: Path, tmp_path: Path) -> None:
    done = await engine(fine, "--profile", "pord", cwd=tmp_path)

    assert (done.code, done.out) == (2, "")
    assert "unknown profile 'pord' (did you mean 'prod'? known profiles: dev, prod)" in done.err


async def test_overrides_are_typed_and_reach_config(tmp_path: Path) -> None:
    case = a_case(tmp_path, """
        name: typed
        config: {variables: {n: 0}}
        steps:
          - {name: slow, type: wait, seconds: 30, timeout: "${limit}"}
        """)  # fmt: skip

    done = await engine(case, "--override", "limit=0.05", "--format", "json", cwd=tmp_path)

    assert done.steps["slow"]["error"]["category"] == "timeout"


async def test_folders_and_globs_are_searched_and_output_comes_in_input_order(tmp_path: Path) -> None:
    for number, seconds in enumerate((0.3, 0.2, 0.1, 0)):
        text = f"name: number {number}\nsteps:\n  - {{name: rest, type: wait, seconds: {seconds}}}\n"
        a_case(tmp_path, text, f"cases/{number}.yaml")

    in_text, in_json = [], []
    async with trio.open_nursery() as nursery:

        async def text() -> None:
            in_text.append(await engine("cases", cwd=tmp_path))

        async def document() -> None:
            in_json.append(await engine("cases/*.yaml", "--format", "json", cwd=tmp_path))

        nursery.start_soon(text)
        nursery.start_soon(document)

    names = [f"number {number}" for number in range(4)]
    assert [line for line in in_text[0].out.splitlines() if line.startswith("number")] == names
    assert [case["name"] for case in in_json[0].document["cases"]] == names


async def test_one_job_at_a_time_and_no_more_after_the_first_failure(tmp_path: Path, wrong: Path) -> None:
    after = a_case(tmp_path, "name: after\nsteps:\n  - {name: rest, type: wait, seconds: 0}\n", "z.yaml")

    done = await engine(wrong, after, "--jobs", 1, "--fail-fast", "--format", "json", cwd=tmp_path)

    assert done.code == 1
    assert [case["status"] for case in done.document["cases"]] == ["error", "skipped"]
    assert "--fail-fast" in done.document["cases"][1]["reason"]


async def test_validate_says_what_is_right_and_runs_nothing(fine: Path, wrong: Path, tmp_path: Path) -> None:
    for program in ("sisyphus-api-engine", "sisyphus-api-validate"):
        flag = ["--validate"] if program == "sisyphus-api-engine" else []
        done = await engine(*flag, fine, wrong, cwd=tmp_path, program=program)

        assert (done.code, done.err) == (0, "")
        assert done.out == f"{fine}: ok (1 step)\n{wrong}: ok (2 steps)\n"


async def test_validate_tells_all_problems_of_all_files_at_once(tmp_path: Path, fine: Path) -> None:
    a_case(tmp_path, "name: a\nsteps:\n  - {name: x, metod: GET, url: /}\n", "a.yaml")
    a_case(tmp_path, "name: b\nstep: []\n", "b.yaml")

    done = await engine("a.yaml", fine, "b.yaml", cwd=tmp_path, program="sisyphus-api-validate")

    assert (done.code, done.out) == (2, "")
    assert "a.yaml:3:15: unknown key 'metod' in a step (did you mean 'method'?)" in done.err
    assert "b.yaml:2:1: unknown key 'step' in a case (did you mean 'steps'?)" in done.err


async def test_validate_has_a_json_document_too(tmp_path: Path, fine: Path) -> None:
    a_case(tmp_path, "name: a\nsteps:\n  - {name: x, metod: GET, url: /}\n", "a.yaml")

    right = await engine("--validate", fine, "--format", "json", cwd=tmp_path)
    broken = await engine("--validate", "a.yaml", "--format", "json", cwd=tmp_path)

    assert (right.code, right.document["valid"], right.document["cases"][0]["steps"]) == (0, True, 1)
    assert (broken.code, broken.document["valid"]) == (2, False)
    assert broken.document["problems"][0]["line"] == 3


async def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    assert (await engine("--version", cwd=tmp_path)).out == f"sisyphus-api-engine {sisyphus.__version__}\n"


@pytest.mark.parametrize("language", [(), ("--lang", "zh")])
async def test_help_names_every_option_and_ends_with_0(language: tuple[str, ...], tmp_path: Path) -> None:
    done = await engine("--help", *language, cwd=tmp_path)

    assert done.code == 0
    for option in (
        "--cases", "--validate", "--profile", "--override", "--env-prefix", "--jobs", "--fail-fast", "--ws-server",
        "--ws-host", "--ws-port", "--ws-drain", "--output", "--format", "--verbose", "--no-color", "--lang", "--debug",
        "--version", "--help",
    ):  # fmt: skip
        assert option in done.out
    assert "130" in done.out


async def test_all_messages_are_chinese_if_the_user_says_so(wrong: Path, tmp_path: Path) -> None:
    by_option = await engine(wrong, "--lang", "zh", cwd=tmp_path)
    by_environment = await engine(wrong, cwd=tmp_path, env={"SISYPHUS_LANG": "zh"})

    assert "is not defined" not in by_option.out
    assert "nothing" in by_option.out
    assert any("\u4e00" <= char <= "\u9fff" for char in by_option.out)
    assert by_environment.out.split("·")[0] == by_option.out.split("·")[0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
@pytest.mark.parametrize("arguments", ["fine.yaml", "fine.yaml --format json", "--validate fine.yaml", "--help"])
def test_a_stdout_that_is_full_is_told_in_one_sentence(arguments: str, fine: Path, tmp_path: Path) -> None:
    done = through_shell(f"ENGINE {arguments} > /dev/full", tmp_path)

    assert (done.code, done.err) == (3, "cannot write to stdout: No space left on device\n")


def test_a_reader_who_leaves_is_told_in_one_sentence_and_costs_no_result(fine: Path, tmp_path: Path) -> None:
    done = through_shell("ENGINE fine.yaml -o result.json | true", tmp_path)

    assert (done.code, done.err) == (3, "cannot write to stdout: Broken pipe\n")
    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["status"] == "passed"


def test_a_process_without_stdout_and_stderr_runs_all_the_same(fine: Path, tmp_path: Path) -> None:
    done = through_shell("ENGINE fine.yaml -o result.json >&- 2>&-", tmp_path)

    assert (done.code, done.out, done.err) == (3, "", "")
    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["status"] == "passed"


def test_what_is_said_on_stderr_never_goes_to_stdout(tmp_path: Path) -> None:
    assert through_shell("ENGINE missing.yaml 2>&-", tmp_path) == Done(2, "", "")


def test_json_is_utf_8_also_where_the_terminal_is_not(tmp_path: Path) -> None:
    a_case(tmp_path, "name: 结账\nsteps:\n  - {name: 休息, type: wait, seconds: 0}\n")

    line = "PYTHONIOENCODING=ascii PYTHONUTF8=0 ENGINE case.yaml"
    text, document = through_shell(line, tmp_path), through_shell(f"{line} --format json", tmp_path)

    assert (text.code, document.code) == (0, 0)
    assert "? ??" in text.out
    assert document.document["cases"][0]["name"] == "结账"


def test_a_terminal_gets_colours_and_a_pipe_does_not(fine: Path, tmp_path: Path) -> None:
    if shutil.which("script") is None:
        pytest.skip("needs `script`")
    line = " ".join(command("fine.yaml"))

    def in_terminal(line: str) -> str:
        return through_shell(f"TERM=xterm script -qec '{line}' /dev/null", tmp_path).out

    assert "\x1b[32m✓\x1b[0m greet" in in_terminal(line)
    assert "  ✓ greet" in in_terminal(f"{line} --no-color")
    assert "  ✓ greet" in through_shell("ENGINE fine.yaml", tmp_path).out


def test_the_console_scripts_are_installed(tmp_path: Path) -> None:
    scripts = Path(sys.executable).parent
    for name in ("sisyphus", "sisyphus-api-engine", "sisyphus-api-validate"):
        done = subprocess.run(
            [scripts / name, "--version"], capture_output=True, text=True, timeout=20, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        assert sisyphus.__version__ in done.stdout


def test_no_package_of_a_feature_that_is_not_used_is_imported(tmp_path: Path) -> None:
    """Start-up time is a feature: what a plain run loads is what it needs."""
    a_case(tmp_path, "name: c\nsteps:\n  - {name: rest, type: wait, seconds: 0}\n")
    program = (
        "import sys; from sisyphus.cli import main; code = main(['case.yaml']); "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'rich', 'jinja2', 'strictyaml', 'hypercorn', 'starlette', 'lxml', 'jsonschema', 'jsonpath', 'asyncio'}))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False, cwd=tmp_path,
        env=environment(),
    )  # fmt: skip

    assert done.stdout.splitlines()[-1] == "[]", done


def test_the_engine_starts_from_a_folder_that_is_gone(fine: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()

    done = through_shell(f"cd {gone} && rmdir {gone} && ENGINE {fine}", tmp_path)

    assert "Traceback" not in done.err
    assert done.code == 0, done.err
