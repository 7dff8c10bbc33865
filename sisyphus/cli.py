"""Arguments in, exit code out."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sisyphus import __version__, words
from sisyphus.errors import CaseFileError, OutputError, StartError, UsageError
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sisyphus.app import Sink
    from sisyphus.case.model import Case
    from sisyphus.console import Console
    from sisyphus.live.server import LiveSettings, Serving
    from sisyphus.results import RunResult

WRONG_INPUT: Final = 2
NOT_DONE: Final = 3
INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs case files; the console script `sisyphus-api-engine`.

    Returns:
        The exit code: 0 all passed or skipped, 1 something failed, 2 wrong arguments or case files (nothing ran), 3 the
        run could not start or finish its outputs, 130 interrupted.
    """
    return _guarded(_run_or_validate, argv)


def validate_main(argv: Sequence[str] | None = None) -> int:
    """Checks case files without running them; the console script `sisyphus-api-validate`."""
    return _guarded(_run_or_validate, ["--validate", *(sys.argv[1:] if argv is None else argv)])


def _guarded(command: Any, argv: Sequence[str] | None) -> int:
    # What is made from here to the first step (modules, models, templates) lives as long as the process: looking
    # through it for garbage, again and again, would be a tenth of the start-up.
    gc.disable()
    given = list(sys.argv[1:] if argv is None else argv)
    words.choose(_language(given))
    try:
        code: int = command(_parser().parse_args(given))
    except KeyboardInterrupt:
        return _say(tr("interrupted"), INTERRUPTED)
    except (UsageError, CaseFileError) as exc:
        return _say(str(exc), WRONG_INPUT)
    except (StartError, OutputError) as exc:
        return _say(str(exc), NOT_DONE)
    except BaseExceptionGroup as group:
        if group.split(KeyboardInterrupt)[0] is not None:
            return _say(tr("interrupted"), INTERRUPTED)
        if "--debug" in given:
            raise
        return _bug(group)
    except Exception as exc:
        if "--debug" in given:
            raise
        return _bug(exc)
    return code


def _language(given: Sequence[str]) -> str | None:
    """``--lang`` before the parser is made, since its help is in that language too."""
    for index, argument in enumerate(given):
        if argument == "--lang" and index + 1 < len(given):
            return given[index + 1]
        if argument.startswith("--lang="):
            return argument.removeprefix("--lang=")
    return None


def _say(message: str, code: int) -> int:
    print(message, file=sys.stderr)  # noqa: T201 - this is the command line
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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(tr("{message} (see {program} --help)", message=message, program=self.prog))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="sisyphus-api-engine",
        description=tr("Runs API tests written in YAML and shows them live over WebSocket."),
        allow_abbrev=False,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help=tr("more case files, as with --cases"))
    parser.add_argument(
        "--cases", nargs="+", action="extend", default=[], metavar="PATH", help=tr("case files, folders, globs")
    )
    parser.add_argument("--validate", action="store_true", help=tr("check the files, run nothing"))
    parser.add_argument("--profile", metavar="NAME", help=tr("the profile to use"))
    parser.add_argument(
        "--override", action="append", default=[], metavar="K=V", help=tr("set a variable or a key of config")
    )
    parser.add_argument("--env-prefix", metavar="PREFIX", help=tr("take variables from the environment"))
    parser.add_argument("--jobs", type=int, default=8, metavar="N", help=tr("cases at a time (8; 1 = in order)"))
    parser.add_argument("--fail-fast", action="store_true", help=tr("stop at the first failure"))
    live = parser.add_argument_group(tr("watching"))
    live.add_argument("--ws-server", action="store_true", help=tr("serve the run's events over WebSocket"))
    live.add_argument("--ws-host", metavar="HOST", help=tr("address to listen at (localhost)"))
    live.add_argument("--ws-port", type=int, metavar="PORT", help=tr("port to listen at (8765; 0 = any free one)"))
    live.add_argument("--ws-drain", type=float, metavar="S", help=tr("seconds watchers have to read the end (5)"))
    out = parser.add_argument_group(tr("output"))
    out.add_argument("-o", "--output", metavar="FILE", help=tr("write the result as JSON"))
    out.add_argument("--format", choices=("text", "json"), default="text", help=tr("what stdout shows"))
    out.add_argument("-v", "--verbose", action="store_true", help=tr("show the details of every step"))
    out.add_argument("--no-color", action="store_true", help=tr("no colours"))
    out.add_argument("--lang", choices=words.LANGUAGES, help=tr("language of all messages"))
    out.add_argument("--debug", action="store_true", help=tr("show tracebacks"))
    parser.add_argument("--version", action="version", version=f"sisyphus-api-engine {__version__}")
    return parser


def _run_or_validate(args: argparse.Namespace) -> int:
    from sisyphus.case.load import load_all
    from sisyphus.case.project import Choices

    paths = [*args.cases, *args.paths]
    if not paths:
        raise UsageError(tr("no case files given; try: sisyphus-api-engine --cases examples/"))
    if args.jobs < 1:
        raise UsageError(tr("--jobs must be at least 1, got {value}", value=args.jobs))
    choices = Choices(profile=args.profile, overrides=_overrides(args.override), env_prefix=args.env_prefix)
    cases = load_all(paths, choices)
    if args.validate:
        return _validated(cases)
    return _run(args, cases)


def _overrides(given: Sequence[str]) -> dict[str, Any]:
    from sisyphus.case.yaml import scalar

    result: dict[str, Any] = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key.strip():
            raise UsageError(tr("--override takes KEY=VALUE, got '{item}'", item=item))
        result[key.strip()] = scalar(value)
    return result


def _validated(cases: Sequence[Case]) -> int:
    for case in cases:
        for warning in case.warnings:
            _say(tr("warning: {text}", text=warning), 0)
        print(tr("{file}: ok ({count} steps)", file=case.file, count=len(case.steps)))  # noqa: T201
    return 0


def _run(args: argparse.Namespace, cases: Sequence[Case]) -> int:
    import trio

    from sisyphus.app import LiveRun, Settings

    outputs = _Outputs(args, cases)
    settings = Settings(
        jobs=args.jobs,
        fail_fast=args.fail_fast,
        live=_live_settings(args, cases),
        keep_steps=outputs.need_steps,
        handle_signals=True,
    )
    run = LiveRun(cases, settings, [outputs, *outputs.sinks])
    run.events.close()
    gc.freeze()
    gc.enable()
    trio.run(run.supervise)
    return run.result.exit_code


def _live_settings(args: argparse.Namespace, cases: Sequence[Case]) -> LiveSettings | None:
    """The command line over the YAML, key by key; of several cases the first that says something counts."""
    written = [case.config.websocket for case in cases]
    asked = args.ws_server or args.ws_host is not None or args.ws_port is not None
    if not asked and not any(websocket.enabled for websocket in written):
        return None
    from sisyphus.live.server import LiveSettings

    said: dict[str, Any] = {"host": args.ws_host, "port": args.ws_port, "drain": args.ws_drain}
    for websocket in written:
        if asked or websocket.enabled:
            for key in ("host", "port"):
                if said[key] is None:
                    said[key] = getattr(websocket, key)
    try:
        return LiveSettings(**{key: value for key, value in said.items() if value is not None})
    except ValueError as exc:
        raise UsageError(tr("the live server cannot be set up so: {reason}", reason=exc)) from exc


class _Outputs:
    """Where the run's result goes: the terminal, stdout as JSON, a file."""

    def __init__(self, args: argparse.Namespace, cases: Sequence[Case]) -> None:
        self._file = args.output
        self._json = args.format == "json" or args.output == "-"
        self.need_steps = self._json or self._file is not None
        self._console: Console | None = None
        self.sinks: list[Sink] = []
        if not self._json:
            from sisyphus.console import Console, prepare

            color = False if args.no_color else None
            self._console = Console(
                prepare(sys.stdout), verbose=args.verbose, color=color, several=len(cases) > 1 and args.jobs > 1
            )
            self.sinks.append(self._console)

    def serving(self, serving: Serving) -> None:
        line = tr("watch live: {url}", url=serving.url)
        if self._console is not None:
            self._console.announce(line)
        else:
            _say(line, 0)

    def handle(self, event: object) -> None:
        """The events themselves go to the console, which is a sink of its own."""

    def finish(self, result: RunResult) -> None:
        if not self.need_steps:
            return
        from sisyphus.report.files import write_atomically
        from sisyphus.report.json_result import render

        text = render(result, engine_version=__version__)
        if self._json:
            from sisyphus.console import prepare

            prepare(sys.stdout).write(text)
            sys.stdout.flush()
        if self._file is not None and self._file != "-":
            write_atomically(Path(self._file), text)
