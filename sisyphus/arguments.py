"""What can be asked for on the command line."""

from __future__ import annotations

import argparse
import textwrap
from typing import TYPE_CHECKING, Any, Final

from sisyphus import argument_values as values
from sisyphus import words
from sisyphus.errors import UsageError, nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


RUN: Final = "sisyphus-api-engine"
VALIDATE: Final = "sisyphus-api-validate"

FORMATS: Final = ("text", "json")


def parse(given: Sequence[str], program: str = RUN) -> argparse.Namespace:
    """Reads the command line; `program` is `RUN` or `VALIDATE`.

    The result has `help` with the text to print if that was asked for.

    Raises:
        UsageError: something is asked for that does not exist.
    """
    args = read(_parser(program), given)
    if program == VALIDATE:
        args.validate = True
    return args


def read(parser: _Parser, given: Sequence[str]) -> argparse.Namespace:
    """Reads a command line as `parse` does; the parser has `paths`, for what stands behind ``--`` too."""
    see = tr("see {program} --help", program=parser.prog)
    given = list(given)
    end = given.index("--") if "--" in given else len(given)
    try:
        args, unknown = parser.parse_known_intermixed_args(given[:end])
    except argparse.ArgumentError as exc:
        raise UsageError(f"{exc.argument_name}: {_in_our_words(exc.message)} ({see})") from exc
    if unknown:
        near = nearest(unknown[0].partition("=")[0], parser.known)
        hint = tr("did you mean '{near}'?", near=near) if near else see
        raise UsageError(tr("there is no option '{option}'", option=unknown[0]) + f" ({hint})")
    args.paths += given[end + 1 :]
    args.help = parser.format_help() if args.help else None
    return args


def subcommand_parser(word: str, usage: str, description: str, epilog: str) -> _Parser:
    """The parser of a command beside running cases, for `add_common` and `read`.

    Args:
        word: the command's name.
        usage: how it is called, with ``%(prog)s`` for all up to that name.
        description: what it does, one sentence.
        epilog: its exit codes.
    """
    return _Parser(f"{RUN} {word}", usage=usage, description=description, epilog=textwrap.fill(epilog, 78))


def language_of(given: Iterable[str]) -> str | None:
    """The last ``--lang``, found before the arguments are parsed, since what is wrong with them is said in it."""
    last = before = None
    for argument in given:
        if before == "--lang":
            last = argument
        elif argument.startswith("--lang="):
            last = argument.removeprefix("--lang=")
        before = argument
    return last


def _in_our_words(complaint: str) -> str:
    """What argparse says itself, it says in English only."""
    if complaint.startswith("expected"):
        return tr("a value is missing")
    if complaint.startswith("ignored explicit argument"):
        return tr("takes no value")
    return complaint


class _Parser(argparse.ArgumentParser):
    """Keeps the options it knows, and raises what is wrong instead of ending the process."""

    def __init__(self, program: str, **options: Any) -> None:
        super().__init__(
            prog=program, add_help=False, allow_abbrev=False, exit_on_error=False, formatter_class=_Help, **options
        )
        self.known: list[str] = []

    def group(self, title: str) -> Callable[..., None]:
        group = self.add_argument_group(title)

        def add(*names: str, **options: Any) -> None:
            self.known.extend(group.add_argument(*names, **options).option_strings)

        return add


class _Help(argparse.RawDescriptionHelpFormatter):
    def add_usage(self, usage: str | None, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, tr("usage: ") if prefix is None else prefix)


def _parser(program: str) -> _Parser:
    running = program == RUN
    parser = _Parser(
        program,
        usage=tr("%(prog)s [options] PATH…"),
        description=tr("Runs API tests written in YAML and shows them live over WebSocket.")
        if running
        else tr("Checks API tests written in YAML without running them."),
        epilog=_epilog(running=running),
    )
    _add_cases(parser, running=running)
    if running:
        _add_running(parser)
        _add_watching(parser)
        _add_access(parser)
        _add_keeping(parser)
    _add_output(parser, running=running)
    return parser


def _add_cases(parser: _Parser, *, running: bool) -> None:
    add = parser.group(tr("which cases"))
    add("paths", nargs="*", metavar="PATH", help=tr("case files, folders (with all *.yaml and *.yml below) or globs"))
    add("--cases", nargs="+", action="extend", default=[], metavar="PATH", help=tr("the same"))
    add("--profile", metavar="NAME", help=tr("the profile to use, of those under config.profiles"))
    add(
        "--override", action="append", default=[], metavar="K=V",
        help=tr("set a variable or a key of config, as in base_url=http://localhost:8000; may be given again"),
    )  # fmt: skip
    add(
        "--env-prefix", metavar="PREFIX",
        help=tr("make variables of the environment's PREFIX… ones: API_HOST is ${host} with API_"),
    )  # fmt: skip
    if running:
        _add_selecting(add)
        add("--list", action="store_true", help=tr("show which cases would run, and run nothing"))
        add("--validate", action="store_true", help=tr("check all the files and run nothing"))


def _add_selecting(add: Callable[..., None]) -> None:
    add(
        "--tags", action="append", type=values.tags, default=[], metavar="EXPR",
        help=tr("only cases for whose tags it holds: 'smoke and not slow', 'a or b', 'a,b', parentheses"),
    )  # fmt: skip
    add(
        "--exclude-tags",
        action="append",
        type=values.tags,
        default=[],
        metavar="EXPR",
        help=tr("no cases for whose tags it holds"),
    )
    add("--last-failed", action="store_true", help=tr("only cases that failed when they last ran; all if none did"))
    add(
        "--shard",
        type=values.shard,
        metavar="I/N",
        help=tr("only the I-th of N parts, as in 1/3: for several machines"),
    )


def _add_running(parser: _Parser) -> None:
    add = parser.group(tr("how they run"))
    add(
        "--jobs",
        type=values.from_one,
        default=8,
        metavar="N",
        help=tr("cases at a time (default 8; 1 = one after the other)"),
    )
    add("--fail-fast", action="store_true", help=tr("after the first failure begin nothing more"))
    add("--max-failures", type=values.from_one, metavar="N", help=tr("begin nothing more when N cases have failed"))


def _add_watching(parser: _Parser) -> None:
    add = parser.group(tr("watching live"))
    add("--ws-server", action="store_true", help=tr("serve the run's events over WebSocket"))
    add("--ws-host", metavar="HOST", help=tr("the address to listen at, instead of localhost; implies --ws-server"))
    add(
        "--ws-port", type=values.port, metavar="PORT",
        help=tr("the port to listen at, instead of 8765; 0 = any free one; implies --ws-server"),
    )  # fmt: skip
    add(
        "--ws-wait-clients", type=values.count, metavar="N",
        help=tr("begin when N watchers are there; implies --ws-server"),
    )  # fmt: skip
    add(
        "--ws-wait-timeout", type=values.seconds, metavar="S",
        help=tr("begin without them after S seconds (default: wait for ever)"),
    )  # fmt: skip
    add(
        "--ws-linger", type=values.seconds, metavar="S",
        help=tr("serve the finished run for S seconds, for who comes late (default 0; Ctrl-C ends it)"),
    )  # fmt: skip
    add(
        "--ws-drain", type=values.seconds, metavar="S",
        help=tr("seconds that watchers have to read the end of the run (default 5)"),
    )  # fmt: skip


def _add_access(parser: _Parser) -> None:
    add = parser.group(tr("who may watch"))
    add(
        "--ws-token", metavar="T",
        help=tr("ask watchers for this token; auto makes one and prints it (or SISYPHUS_WS_TOKEN, which ps does not show)"),
    )  # fmt: skip
    add(
        "--ws-allow-origin", type=values.origin, action="append", metavar="ORIGIN",
        help=tr("let pages of this origin watch, as in https://ci.example; may be given again"),
    )  # fmt: skip
    add("--ws-cert", metavar="FILE", help=tr("serve wss:// and https:// with this certificate (PEM)"))
    add("--ws-key", metavar="FILE", help=tr("the certificate's key (PEM), unless it stands in the same file"))


def _add_keeping(parser: _Parser) -> None:
    add = parser.group(tr("keeping events for who comes late or is slow"))
    add("--event-log", metavar="FILE", help=tr("append every event to FILE as a line of JSON"))
    add(
        "--ws-keep-events", type=values.from_one, metavar="N",
        help=tr("how many events memory keeps for watchers (default 65536)"),
    )  # fmt: skip
    add(
        "--ws-keep-bytes", type=values.size, metavar="SIZE",
        help=tr("how many bytes of events memory keeps, as in 512K or 64M (default 64M)"),
    )  # fmt: skip


def _add_output(parser: _Parser, *, running: bool) -> None:
    add = parser.group(tr("output"))
    add("-o", "--output", metavar="FILE", help=tr("write the result as JSON to FILE"))
    if running:
        add("--html", metavar="FILE", help=tr("write the page that shows the run to FILE, with the run in it"))
    add(
        "--format", type=values.one_of(FORMATS), default="text", metavar="|".join(FORMATS),
        help=tr("what stdout shows: text (default), or the result as one JSON document and nothing else"),
    )  # fmt: skip
    if running:
        add(
            "-v",
            "--verbose",
            action="store_true",
            help=tr("show requests, statements, what scripts print, timings, checks and extracted values"),
        )
        add("--no-color", action="store_true", help=tr("no colours"))
    add("--version", action="store_true", help=tr("show the version"))
    add_common(add)


def add_common(add: Callable[..., None]) -> None:
    """What can be asked of every command."""
    languages = tr("language of all messages; by default the environment's")
    add("--lang", type=values.one_of(words.LANGUAGES), metavar="|".join(words.LANGUAGES), help=languages)
    add("--debug", action="store_true", help=tr("show a traceback where the engine itself fails"))
    add("-h", "--help", action="store_true", help=tr("show this help"))


def _epilog(*, running: bool) -> str:
    if not running:
        return tr("exit code: 0 all files are right, 2 something is wrong with them or the arguments")
    commands = (
        (f"{RUN} tests/", tr("run all cases of a folder")),
        (f"{RUN} login.yaml -v -o result.json", tr("run one, show everything, keep the result")),
        (f"{RUN} login.yaml --ws-server", tr("let it be watched at ws://localhost:8765")),
        (f"{RUN} watch", tr("let this terminal show such a run")),
        (f"{RUN} mock login.yaml", tr("serve its mock server by itself")),
    )
    width = max(len(command) for command, _ in commands)
    examples = "\n".join(f"  {command:{width}}  {meaning}" for command, meaning in commands)
    codes = tr(
        "exit code: 0 all passed or skipped, 1 something failed, 2 arguments or case files are wrong and nothing ran, "
        "3 the run could not start or finish its outputs, 130 interrupted"
    )
    return f"{tr('examples:')}\n{examples}\n\n{textwrap.fill(codes, 78)}"
