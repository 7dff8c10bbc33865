"""Arguments in, exit code out."""

from __future__ import annotations

import gc
import os
import sys
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from sisyphus import arguments, signals, words
from sisyphus.errors import CaseFileError, OutputError, StartError, UsageError
from sisyphus.outputs import Outputs
from sisyphus.report.standard import StandardStream
from sisyphus.version import __version__
from sisyphus.words import tr

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from types import FrameType

    from sisyphus.case.model import Case
    from sisyphus.case.project import Choices

WRONG_INPUT: Final = 2
NOT_DONE: Final = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Runs case files; the console script `sisyphus-api-engine`.

    Returns:
        The exit code: 0 all passed or skipped, 1 something failed, 2 wrong arguments or case files (nothing ran), 3 the
        run could not start or finish its outputs, 130 interrupted.
    """
    return _guarded(arguments.RUN, argv)


def validate_main(argv: Sequence[str] | None = None) -> int:
    """Checks case files without running them; the console script `sisyphus-api-validate`."""
    return _guarded(arguments.VALIDATE, argv)


def _guarded(program: str, argv: Sequence[str] | None) -> int:
    if argv is None:
        # What is made from here to the first step (modules, models, templates) lives as long as the process: looking
        # through it for garbage, again and again, would be a tenth of the start-up.
        gc.disable()
    given = list(sys.argv[1:] if argv is None else argv)
    words.choose(arguments.language_of(given))
    out = StandardStream(sys.stdout, "stdout")
    in_main_thread = threading.current_thread() is threading.main_thread()
    try:
        with signals.handled_by(_end_before_the_run) if in_main_thread else nullcontext():
            code = _command(given, program, out)
            if code != signals.INTERRUPTED:  # Ctrl-C ends whoever reads our output too, and that is no news
                out.check()
    except (UsageError, CaseFileError) as exc:
        code = _say(str(exc), WRONG_INPUT)
    except (StartError, OutputError) as exc:
        code = _say(str(exc), NOT_DONE)
    except Exception as exc:
        if "--debug" in given:
            raise
        code = _bug(exc)
    if argv is None:
        # Python looks for garbage once more when it ends: all that a long run left behind, for nothing.
        gc.freeze()
    if argv is None and in_main_thread:
        # All is said and written; Python's way out is no place for a KeyboardInterrupt.
        signals.hand_over_to(signals.end_process)
    return code


def _end_before_the_run(_number: int, _frame: FrameType | None) -> None:
    """There is nothing to clean up yet, and an exception could come out anywhere in the loading of modules."""
    _say(tr("interrupted"), signals.INTERRUPTED)
    os._exit(signals.INTERRUPTED)


def _say(message: str, code: int = 0) -> int:
    stderr = StandardStream(sys.stderr, "stderr")
    stderr.write(f"{message}\n")
    stderr.flush()
    return code


def _bug(exc: BaseException) -> int:
    leaf = exc
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    message = tr(
        "the engine failed: {reason}. This is a bug; run again with --debug and report what it prints.",
        reason=f"{type(leaf).__name__}: {leaf}",
    )
    return _say(message, NOT_DONE)


def _command(given: Sequence[str], program: str, out: StandardStream) -> int:
    args = arguments.parse(given, program)
    if args.help is not None or args.version:
        out.write(args.help or f"{program} {__version__}\n")
        return 0
    from sisyphus.case.project import Choices

    if not args.cases and not args.paths:
        raise UsageError(tr("no case files given; try: {program} examples/", program=program))
    choices = Choices(profile=args.profile, overrides=_overrides(args.override), env_prefix=args.env_prefix)
    return _validate(args, choices, out) if args.validate else _run(args, choices, out)


def _overrides(given: Sequence[str]) -> dict[str, Any]:
    from sisyphus.case.yaml import scalar

    result: dict[str, Any] = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key.strip():
            raise UsageError(tr("--override takes KEY=VALUE, got '{item}'", item=item))
        result[key.strip()] = scalar(value)
    return result


def _cases(args: argparse.Namespace, choices: Choices) -> list[Case]:
    from sisyphus.case.load import load_all

    return load_all([*args.cases, *args.paths], choices)


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


def _run(args: argparse.Namespace, choices: Choices, out: StandardStream) -> int:
    cases = _cases(args, choices)
    import trio

    from sisyphus.app import LiveRun, Settings, live_settings

    outputs = Outputs(args, out, cases=len(cases))
    asked = args.ws_server or args.ws_host is not None or args.ws_port is not None
    settings = Settings(
        jobs=args.jobs,
        fail_fast=args.fail_fast,
        live=live_settings(cases, asked=asked, host=args.ws_host, port=args.ws_port, drain=args.ws_drain),
        keep_steps=outputs.wanted,
        handle_signals=threading.current_thread() is threading.main_thread(),
    )
    run = LiveRun(cases, settings, outputs.sinks)
    run.events.close()
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    try:
        trio.run(run.supervise)
        code = signals.INTERRUPTED if run.interrupted else run.result.exit_code
    except OutputError as exc:
        also = getattr(exc, "__notes__", ())
        code = _say("\n".join([str(exc), *also]), signals.INTERRUPTED if run.interrupted else NOT_DONE)
    finally:
        outputs.close()
    return code
