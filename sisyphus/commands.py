"""What the command line does: run case files, or only check them, or a command of another name."""

from __future__ import annotations

import gc
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sisyphus import signals, words
from sisyphus.arguments import RUN, language_of, parse
from sisyphus.case.load import load_all
from sisyphus.case.project import Choices
from sisyphus.case.yaml import scalar
from sisyphus.errors import CaseFileError, OutputError, SisyphusError, StartError, UsageError, WatchError
from sisyphus.outputs import Outputs
from sisyphus.report.standard import StandardStream
from sisyphus.subcommands import subcommand
from sisyphus.version import __version__
from sisyphus.words import tr

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from sisyphus.app import LiveRun
    from sisyphus.case.model import Case
    from sisyphus.results import RunResult
    from sisyphus.settings import Settings

WRONG_INPUT: Final = 2
NOT_DONE: Final = 3


def outcome(program: str, given: Sequence[str]) -> int:
    """Does what the command line says; every error becomes a sentence and an exit code."""
    words.choose(language_of(given))
    out = StandardStream(sys.stdout, "stdout")
    try:
        code = _command(given, program, out)
        if code != signals.INTERRUPTED:  # Ctrl-C ends whoever reads our output too, and that is no news
            out.check()
    except (UsageError, CaseFileError) as exc:
        return _say(str(exc), WRONG_INPUT)
    except (StartError, OutputError, WatchError) as exc:
        return _say(str(exc), NOT_DONE)
    except Exception as exc:  # noqa: BLE001 - the outermost edge: a bug, told in a sentence; --debug shows where it is
        return _bug(exc, debug="--debug" in given)
    return code


def _say(message: str, code: int = 0) -> int:
    stderr = StandardStream(sys.stderr, "stderr")
    stderr.write(f"{message}\n")
    stderr.flush()
    return code


def _bug(exc: BaseException, *, debug: bool, scrub: Callable[[str], str] | None = None) -> int:
    if scrub is None:
        from sisyphus.redaction.redactor import Redactor
        from sisyphus.redaction.secrets import of_environment

        scrub = Redactor(shared=of_environment(os.environ)).text
    if debug:
        return _say(scrub("".join(traceback.format_exception(exc)).rstrip("\n")), NOT_DONE)
    leaf = exc
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    message = tr(
        "the engine failed: {reason}. This is a bug; run again with --debug and report what it prints.",
        reason=scrub(f"{type(leaf).__name__}: {leaf}"),
    )
    return _say(message, NOT_DONE)


def _command(given: Sequence[str], program: str, out: StandardStream) -> int:
    if program == RUN and (command := subcommand(given)) is not None:
        return command.run(given[1:], out)
    args = parse(given, program)
    if args.help is not None or args.version:
        out.write(args.help or f"{program} {__version__}\n")
        return 0
    if not args.cases and not args.paths:
        raise UsageError(tr("no case files given; try: {program} examples/", program=program))
    choices = Choices(profile=args.profile, overrides=_overrides(args.override), env_prefix=args.env_prefix)
    if args.validate:
        return _validate(args, choices, out)
    return _list(args, choices, out) if args.list else _run(args, choices, out)


def _overrides(given: Sequence[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key.strip():
            raise UsageError(tr("--override takes KEY=VALUE, got '{item}'", item=item))
        result[key.strip()] = scalar(value)
    return result


def _cases(args: argparse.Namespace, choices: Choices) -> list[Case]:
    return load_all([*args.cases, *args.paths], choices)


def _planned(args: argparse.Namespace, choices: Choices) -> list[Case]:
    """The cases with one for each row of data: each is chosen, and counted, for itself."""
    cases = _cases(args, choices)
    if all(case.data is None for case in cases):
        return cases
    from sisyphus.case.rows import planned

    return planned(cases)


def _validate(args: argparse.Namespace, choices: Choices, out: StandardStream) -> int:
    from sisyphus.report.json_validation import render_cases, render_problems

    outputs = Outputs(args, out)
    try:
        cases = _cases(args, choices)
    except CaseFileError as exc:
        outputs.deliver(render_problems(exc.problems))
        raise
    outputs.deliver(render_cases(cases))
    for case in cases:
        for warning in case.warnings:
            _say(tr("warning: {text}", text=warning))
        if not outputs.json:
            count = len(case.steps)
            steps = tr("1 step") if count == 1 else tr("{count} steps", count=count)
            out.write(tr("{file}: ok ({steps})", file=case.file, steps=steps) + "\n")
    return 0


def _list(args: argparse.Namespace, choices: Choices, out: StandardStream) -> int:
    from sisyphus.report.json_validation import render_cases

    outputs = Outputs(args, out)
    loaded = _planned(args, choices)
    cases = _narrowed(loaded, args)
    outputs.deliver(render_cases(cases))
    if not outputs.json:
        for case in cases:
            out.write("  ·  ".join(filter(None, (case.file, case.name, ", ".join(case.tags)))) + "\n")
    outputs.selected(len(cases), of=len(loaded))
    return 0


def _narrowed(cases: Sequence[Case], args: argparse.Namespace) -> list[Case]:
    """The cases that the command line asks for."""
    return _among_rows(_before_rows(cases, args), args)


def _before_rows(cases: Sequence[Case], args: argparse.Namespace) -> list[Case]:
    if not (args.tags or args.exclude_tags):
        return list(cases)
    from sisyphus.selection import Selection
    from sisyphus.tags import any_of

    return Selection(
        tags=any_of(args.tags) if args.tags else None,
        exclude_tags=any_of(args.exclude_tags) if args.exclude_tags else None,
    ).before_rows(cases)


def _among_rows(cases: Sequence[Case], args: argparse.Namespace) -> list[Case]:
    if not (args.shard or args.last_failed):
        return list(cases)
    from sisyphus.last_failed import Memory
    from sisyphus.selection import Selection

    memory = Memory()
    selected = Selection(failed=memory.failed_of if args.last_failed else None, shard=args.shard).among_rows(cases)
    for note in memory.notes:
        _say(note)
    return selected


def _run(args: argparse.Namespace, choices: Choices, out: StandardStream) -> int:
    loaded = _planned(args, choices)
    cases = _before_rows(loaded, args)
    # Rows of a database are known to the run only, which then chooses among them.
    later = bool(args.shard or args.last_failed) and any(case.data is not None for case in cases)
    if not later:
        cases = _among_rows(cases, args)
    from sisyphus.app import LiveRun

    outputs = Outputs(args, out, cases=cases)
    left_out = len(loaded) - len(cases)

    def narrow(known: Sequence[Case]) -> list[Case]:
        chosen = _among_rows(known, args)
        outputs.selected(len(chosen), of=len(known) + left_out)
        return chosen

    settings = _settings(args, cases, keep_steps=outputs.wanted, narrow=narrow if later else None)
    run = LiveRun(cases, settings, outputs.sinks)
    run.events.close()
    if not later:
        outputs.selected(len(cases), of=len(loaded))
    if not gc.isenabled():
        gc.freeze()
        # A step makes some thousand objects and drops nearly all of them again, without circles: looking for garbage
        # at the usual 700 would be done at every step, and find nothing.
        gc.set_threshold(20_000, 20, 100)
        gc.enable()
    try:
        code = _carry_out(run, outputs)
    except SisyphusError:
        raise
    except Exception as exc:  # noqa: BLE001 - a bug; only the run knows its secrets, which its traceback may quote
        return _bug(exc, debug=args.debug, scrub=run.without_secrets)
    _remember(cases, run.result, args)
    return code


def _settings(
    args: argparse.Namespace,
    cases: list[Case],
    *,
    keep_steps: bool,
    narrow: Callable[[Sequence[Case]], list[Case]] | None,
) -> Settings:
    from sisyphus.settings import Settings
    from sisyphus.watching import live_options

    return Settings(
        jobs=args.jobs,
        fail_fast=args.fail_fast,
        max_failures=args.max_failures,
        live=live_options(args, cases),
        keep_steps=keep_steps,
        details=keep_steps or args.verbose,
        event_log=None if args.event_log is None else Path(args.event_log),
        html=None if args.html is None else Path(args.html),
        html_parts=_html_parts(args, cases),
        handle_signals=threading.current_thread() is threading.main_thread(),
        narrow=narrow,
    )


def _html_parts(args: argparse.Namespace, cases: Sequence[Case]) -> dict[Path, set[str]]:
    if args.html is not None or not any(case.config.output.path for case in cases):
        return {}
    from sisyphus.destinations import destinations

    return destinations(cases, "html")


def _carry_out(run: LiveRun, outputs: Outputs) -> int:
    import trio

    try:
        trio.run(run.supervise)
    except OutputError as exc:
        also = getattr(exc, "__notes__", ())
        return _say("\n".join([str(exc), *also]), signals.INTERRUPTED if run.interrupted else NOT_DONE)
    finally:
        outputs.close()
    return signals.INTERRUPTED if run.interrupted else run.result.exit_code


def _remember(cases: list[Case], result: RunResult, args: argparse.Namespace) -> None:
    """Keeps for --last-failed what failed; where that cannot be, only who wants to know is told."""
    from sisyphus.last_failed import Memory

    memory = Memory()
    memory.learn(cases, result)
    for note in memory.notes if args.last_failed or args.verbose else ():
        _say(note)
