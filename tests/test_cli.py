"""Arguments in, exit code out; in this process, without a run where none is needed."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from sisyphus import app, arguments, commands
from sisyphus.cli import main, validate_main
from sisyphus.errors import StartError, UsageError
from sisyphus.words import choose

CASE = "name: c\nsteps:\n  - {name: rest, type: wait, seconds: 0}\n"


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SISYPHUS_LANG", "en")
    yield
    choose("en")


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("case.yaml").write_text(CASE)
    return "case.yaml"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "no case files given; try: sisyphus-api-engine examples/"),
        (["--cases"], "--cases: a value is missing (see sisyphus-api-engine --help)"),
        (["--case", "a.yaml"], "there is no option '--case' (did you mean '--cases'?)"),
        (["--xyzzy"], "there is no option '--xyzzy' (see sisyphus-api-engine --help)"),
        (["a", "--jobs", "0"], "--jobs: must be a whole number from 1 on, got '0' (see sisyphus-api-engine --help)"),
        (["a", "--jobs", "-1"], "--jobs: must be a whole number from 1 on, got '-1' (see sisyphus-api-engine --help)"),
        (["a", "--jobs", "two"], "--jobs: must be a whole number from 1 on, got 'two' (see sisyphus-api-engine --help)"),
        (["a", "--jobs", "²"], "--jobs: must be a whole number from 1 on, got '²' (see sisyphus-api-engine --help)"),
        (["a", "--ws-port", "65536"],
         "--ws-port: a port is a number from 0 to 65535, got '65536' (see sisyphus-api-engine --help)"),
        (["a", "--ws-port=-1"],
         "--ws-port: a port is a number from 0 to 65535, got '-1' (see sisyphus-api-engine --help)"),
        (["a", "--ws-port", "http"],
         "--ws-port: a port is a number from 0 to 65535, got 'http' (see sisyphus-api-engine --help)"),
        (["a", "--ws-drain", "soon"],
         "--ws-drain: must be a number of seconds, got 'soon' (see sisyphus-api-engine --help)"),
        (["a", "--ws-drain", "inf"],
         "--ws-drain: must be a number of seconds, got 'inf' (see sisyphus-api-engine --help)"),
        (["a", "--ws-drain", "nan"],
         "--ws-drain: must be a number of seconds, got 'nan' (see sisyphus-api-engine --help)"),
        (["a", "--format", "xml"], "--format: there is no 'xml', only text, json (see sisyphus-api-engine --help)"),
        (["a", "--lang", "fr"], "--lang: there is no 'fr', only en, zh (see sisyphus-api-engine --help)"),
        (["a", "--verbose=1"], "-v/--verbose: takes no value (see sisyphus-api-engine --help)"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_told_in_one_sentence_and_end_with_2(
    given: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(given) == 2
    assert capsys.readouterr() == ("", f"{sentence}\n")


def test_an_override_without_a_value_is_told(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([case, "--override", "who"]) == 2
    assert capsys.readouterr().err == "--override takes KEY=VALUE, got 'who'\n"


def test_an_override_may_hold_an_equals_sign_and_is_typed_as_in_a_file() -> None:
    assert commands._overrides(["a=b=c", "n=5", "t=true", "s='5'", "e=", "config.timeout = 3"]) == {
        "a": "b=c", "n": 5, "t": True, "s": "'5'", "e": None, "config.timeout": " 3",
    }  # fmt: skip


def test_wrong_arguments_are_told_in_the_language_they_ask_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sisyphus import words_zh

    monkeypatch.setitem(words_zh.CATALOGUE, "a value is missing", "缺少值")  # type: ignore[misc]

    main(["--lang", "zh", "--jobs"])

    assert "缺少值" in capsys.readouterr().err


def test_the_last_language_counts_however_it_is_written() -> None:
    assert arguments.language_of(["--lang", "zh", "--lang=en"]) == "en"
    assert arguments.language_of(["--lang=en", "x", "--lang", "zh"]) == "zh"
    assert arguments.language_of(["--lang"]) is None
    assert arguments.language_of(["--langs", "zh"]) is None


def test_paths_may_stand_anywhere_and_are_taken_in_their_order_after_those_of_cases() -> None:
    args = arguments.parse(["a", "--jobs", "2", "b", "--cases", "c", "d", "-v", "e", "--cases", "f"])

    assert (args.cases, args.paths, args.jobs, args.verbose) == (["c", "d", "f"], ["a", "b", "e"], 2, True)


def test_a_file_whose_name_begins_with_a_dash_is_given_after_two_dashes() -> None:
    assert arguments.parse(["--", "-x.yaml"]).paths == ["-x.yaml"]


def test_nothing_is_abbreviated() -> None:
    with pytest.raises(UsageError, match="there is no option '--ws-p'"):
        arguments.parse(["a", "--ws-p", "1"])


def test_validating_knows_only_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert validate_main(["--ws-server", "x"]) == 2
    assert "there is no option '--ws-server' (see sisyphus-api-validate --help)" in capsys.readouterr().err
    assert validate_main([]) == 2
    assert "no case files given; try: sisyphus-api-validate examples/" in capsys.readouterr().err
    assert validate_main(["--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: sisyphus-api-validate [options] PATH…\n")


def test_help_is_shown_also_beside_something_unknown_to_the_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["missing.yaml", "-h"]) == 0
    assert "which cases:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("missing.yaml", "missing.yaml does not exist\n"),
        ("cas.yaml", "cas.yaml does not exist (did you mean 'case.yaml'?)\n"),
        ("empty", "no case files (*.yaml, *.yml) in empty\n"),
        ("*.yml", "no file matches *.yml\n"),
    ],
)
def test_paths_that_lead_nowhere_end_with_2(
    path: str, sentence: str, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()

    assert main([path]) == 2
    assert capsys.readouterr() == ("", sentence)


def test_a_case_is_run(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([case]) == 0
    assert "✓ rest" in capsys.readouterr().out


def test_what_the_engine_did_not_expect_is_called_a_bug_in_one_sentence(
    case: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: object) -> None:
        await trio.lowlevel.checkpoint()
        raise ExceptionGroup("outer", [ExceptionGroup("inner", [ZeroDivisionError("by zero")])])

    monkeypatch.setattr(app.LiveRun, "supervise", broken)

    assert main([case]) == 3
    assert capsys.readouterr().err == (
        "the engine failed: ZeroDivisionError: by zero. This is a bug; run again with --debug and report what it prints.\n"
    )


def test_debug_shows_the_traceback(
    case: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: object) -> None:
        await trio.lowlevel.checkpoint()
        raise ExceptionGroup("outer", [ZeroDivisionError("by zero")])

    monkeypatch.setattr(app.LiveRun, "supervise", broken)

    assert main([case, "--debug"]) == 3
    shown = capsys.readouterr().err
    assert "ZeroDivisionError: by zero" in shown
    assert "in broken" in shown


@pytest.mark.parametrize("debug", [False, True])
def test_no_secret_stands_in_what_is_said_of_a_bug(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    file = tmp_path / "case.yaml"
    file.write_text(
        "name: c\nconfig: {variables: {password: hush-hush-4711}}\nsteps:\n"
        "  - {name: s, type: wait, seconds: 0, extract: {}, variables: {token: other-secret-99}}\n"
    )
    monkeypatch.setenv("DEPLOY_TOKEN", "of-the-environment")

    def broken(self: object, *_: object) -> None:
        raise ValueError("hush-hush-4711 other-secret-99 of-the-environment password=whatever plain")

    monkeypatch.setattr("sisyphus.report.fold.Fold.handle", broken)

    assert main([str(file), *(["--debug"] if debug else [])]) == 3
    shown = capsys.readouterr().err
    assert "ValueError: *** *** *** password=*** plain" in shown
    assert ("Traceback" in shown) == debug


def test_a_run_that_cannot_start_ends_with_3(
    case: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(self: object) -> None:
        await trio.lowlevel.checkpoint()
        raise StartError("address already in use: 127.0.0.1:8765")

    monkeypatch.setattr(app.LiveRun, "supervise", refused)

    assert main([case]) == 3
    assert capsys.readouterr().err == "address already in use: 127.0.0.1:8765\n"


def test_a_program_that_calls_main_keeps_its_own_signal_handlers(case: str) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    main([case])

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_message_is_lost_rather_than_said_in_the_wrong_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)

    assert main(["missing.yaml"]) == 2
