"""What can be asked for on the command line."""

from __future__ import annotations

import argparse
import math
import textwrap
from typing import TYPE_CHECKING, Any, Final

from sisyphus import words
from sisyphus.errors import UsageError, nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sisyphus.selection import Shard
    from sisyphus.tags import TagExpression

RUN: Final = "sisyphus-api-engine"
VALIDATE: Final = "sisyphus-api-validate"

FORMATS: Final = ("text", "json")


def parse(given: Sequence[str], program: str = RUN) -> argparse.Namespace:
    """Reads the command line; `program` is `RUN` or `VALIDATE`.

    The result has `help` with the text to print if that was asked for.

    Raises:
        UsageError: something is asked for that does not exist.
    """
    parser = _parser(program)
    see = tr("see {program} --help", program=program)
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
    if program == VALIDATE:
        args.validate = True
    return args


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
        "--tags", action="append", type=_tags, default=[], metavar="EXPR",
        help=tr("only cases for whose tags it holds: 'smoke and not slow', 'a or b', 'a,b', parentheses"),
    )  # fmt: skip
    add(
        "--exclude-tags",
        action="append",
        type=_tags,
        default=[],
        metavar="EXPR",
        help=tr("no cases for whose tags it holds"),
    )
    add("--last-failed", action="store_true", help=tr("only cases that failed when they last ran; all if none did"))
    add("--shard", type=_shard, metavar="I/N", help=tr("only the I-th of N parts, as in 1/3: for several machines"))


def _add_running(parser: _Parser) -> None:
    add = parser.group(tr("how they run"))
    add(
        "--jobs",
        type=_from_one,
        default=8,
        metavar="N",
        help=tr("cases at a time (default 8; 1 = one after the other)"),
    )
    add("--fail-fast", action="store_true", help=tr("after the first failure begin nothing more"))
    add("--max-failures", type=_from_one, metavar="N", help=tr("begin nothing more when N cases have failed"))


def _add_watching(parser: _Parser) -> None:
    add = parser.group(tr("watching live"))
    add("--ws-server", action="store_true", help=tr("serve the run's events over WebSocket"))
    add("--ws-host", metavar="HOST", help=tr("the address to listen at, instead of localhost; implies --ws-server"))
    add(
        "--ws-port", type=_port, metavar="PORT",
        help=tr("the port to listen at, instead of 8765; 0 = any free one; implies --ws-server"),
    )  # fmt: skip
    add(
        "--ws-wait-clients", type=_count, metavar="N",
        help=tr("begin when N watchers are there; implies --ws-server"),
    )  # fmt: skip
    add(
        "--ws-wait-timeout", type=_seconds, metavar="S",
        help=tr("begin without them after S seconds (default: wait for ever)"),
    )  # fmt: skip
    add(
        "--ws-drain", type=_seconds, metavar="S",
        help=tr("seconds that watchers have to read the end of the run (default 5)"),
    )  # fmt: skip


def _add_output(parser: _Parser, *, running: bool) -> None:
    add = parser.group(tr("output"))
    add("-o", "--output", metavar="FILE", help=tr("write the result as JSON to FILE"))
    add(
        "--format", type=_one_of(FORMATS), default="text", metavar="|".join(FORMATS),
        help=tr("what stdout shows: text (default), or the result as one JSON document and nothing else"),
    )  # fmt: skip
    if running:
        add("-v", "--verbose", action="store_true", help=tr("show requests, timings, checks and extracted values"))
        add("--no-color", action="store_true", help=tr("no colours"))
    languages = tr("language of all messages; by default the environment's")
    add("--lang", type=_one_of(words.LANGUAGES), metavar="|".join(words.LANGUAGES), help=languages)
    add("--debug", action="store_true", help=tr("show a traceback where the engine itself fails"))
    add("--version", action="store_true", help=tr("show the version"))
    add("-h", "--help", action="store_true", help=tr("show this help"))


def _epilog(*, running: bool) -> str:
    if not running:
        return tr("exit code: 0 all files are right, 2 something is wrong with them or the arguments")
    commands = (
        (f"{RUN} tests/", tr("run all cases of a folder")),
        (f"{RUN} login.yaml -v -o result.json", tr("run one, show everything, keep the result")),
        (f"{RUN} login.yaml --ws-server", tr("let it be watched at ws://localhost:8765")),
    )
    width = max(len(command) for command, _ in commands)
    examples = "\n".join(f"  {command:{width}}  {meaning}" for command, meaning in commands)
    codes = tr(
        "exit code: 0 all passed or skipped, 1 something failed, 2 arguments or case files are wrong and nothing ran, "
        "3 the run could not start or finish its outputs, 130 interrupted"
    )
    return f"{tr('examples:')}\n{examples}\n\n{textwrap.fill(codes, 78)}"


def _port(text: str) -> int:
    if _is_number(text) and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(tr("a port is a number from 0 to 65535, got '{value}'", value=text))


def _from_one(text: str) -> int:
    if _is_number(text) and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(tr("must be a whole number from 1 on, got '{value}'", value=text))


def _tags(text: str) -> TagExpression:
    from sisyphus.tags import TagSyntaxError, parse_tags

    try:
        return parse_tags(text)
    except TagSyntaxError as exc:
        message = tr("'{value}' is no expression over tags: {reason}", value=text, reason=exc)
        raise argparse.ArgumentTypeError(message) from exc


def _shard(text: str) -> Shard:
    from sisyphus.selection import Shard

    index, slash, count = text.partition("/")
    if slash and _is_number(index) and _is_number(count) and 0 < int(index) <= int(count):
        return Shard(int(index), int(count))
    raise argparse.ArgumentTypeError(tr("must be I/N with I from 1 to N, as in 1/3, got '{value}'", value=text))


def _is_number(text: str) -> bool:
    # Python refuses to read numbers of some thousand digits.
    return text.isascii() and text.isdigit() and len(text) < 10


def _count(text: str) -> int:
    if _is_number(text):
        return int(text)
    raise argparse.ArgumentTypeError(tr("must be a whole number, got '{value}'", value=text))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if 0 <= seconds < math.inf:
        return seconds
    raise argparse.ArgumentTypeError(tr("must be a number of seconds, got '{value}'", value=text))


def _one_of(known: Sequence[str]) -> Callable[[str], str]:
    def choose(text: str) -> str:
        if text in known:
            return text
        message = tr("there is no '{value}', only {known}", value=text, known=", ".join(known))
        raise argparse.ArgumentTypeError(message)

    return choose
