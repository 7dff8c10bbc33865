"""`mock`: serves a mock server by itself until Ctrl-C, and shows each request."""

from __future__ import annotations

import gc
import math
from functools import partial
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from sisyphus import argument_values as values
from sisyphus import signals
from sisyphus.arguments import RUN, add_common, read, subcommand_parser
from sisyphus.case.mock_file import load_mock
from sisyphus.case.model import MockServer
from sisyphus.case.project import Choices
from sisyphus.errors import StartError, UsageError
from sisyphus.report.standard import StandardStream
from sisyphus.words import tr

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sisyphus.mock.server import Exchange

_PATH_SHOWN: Final = 200  # characters


def run(given: Sequence[str], out: StandardStream) -> int:
    """Serves until Ctrl-C or SIGTERM, which is how it is meant to end: the exit code is 0."""
    args = _parsed(given)
    if args.help is not None:
        out.write(args.help)
        return 0
    if len(args.paths) != 1:
        example = f"{RUN} mock orders.yaml"
        raise UsageError(
            tr("mock serves one file; try: {example} (cases in a folder 'mock' run by ./mock)", example=example)
        )
    server = load_mock(args.paths[0], Choices(profile=args.profile))
    if args.host is not None:
        server = evolve(server, host=args.host)
    if args.port is not None:
        server = evolve(server, port=args.port)
    import trio

    # It may run for days; what has been made so far stays.
    gc.freeze()
    gc.enable()
    trio.run(_Standalone(server=server, out=out).serve)
    return 0


def _parsed(given: Sequence[str]) -> argparse.Namespace:
    parser = subcommand_parser(
        "mock",
        tr("%(prog)s [options] FILE"),
        tr("Serves the mock server of a case file, or of a file with just its routes, until Ctrl-C."),
        tr("exit code: 0 ended by Ctrl-C, 2 arguments or file are wrong, 3 the address cannot be used"),
    )
    add = parser.group(tr("what is served"))
    add(
        "paths",
        nargs="*",
        metavar="FILE",
        help=tr("a case file with config.mock_server, or a file with mock_server or routes"),
    )
    add("--host", metavar="HOST", help=tr("the address to listen at, instead of the file's or 127.0.0.1"))
    add(
        "--port",
        type=values.port,
        metavar="PORT",
        help=tr("the port to listen at, instead of the file's or any free one"),
    )
    add("--profile", metavar="NAME", help=tr("the profile to use, of those under config.profiles"))
    add_common(parser.group(tr("output")))
    return read(parser, given)


@frozen(kw_only=True)
class _Standalone:
    server: MockServer
    out: StandardStream

    async def serve(self) -> None:
        """Serves until a signal comes.

        Raises:
            StartError: the address cannot be listened on.
        """
        import trio

        from sisyphus.mock.server import serve

        trouble: StartError | None = None
        with trio.CancelScope() as scope, signals.cancelling(scope):
            async with trio.open_nursery() as nursery:
                try:
                    record = await nursery.start(partial(serve, self.server, watch=self._tell))
                except StartError as exc:
                    trouble = exc
                else:
                    self._introduce(record["url"])
        if trouble is not None:
            raise StartError(
                f"{trouble} ({tr('choose another with --host and --port; port 0 is any free one')})"
            ) from trouble

    def _introduce(self, url: str) -> None:
        lines = [tr("mock server at {url} (Ctrl-C ends it)", url=url)]
        lines.extend(
            f"  {route.method.upper()} {route.path}" + (f"  ·  {route.name}" if route.name else "")
            for route in self.server.routes
        )
        self.out.write("\n".join(lines) + "\n")
        self.out.flush()

    def _tell(self, exchange: Exchange) -> None:
        self.out.write(line_of(exchange) + "\n")
        self.out.flush()


def line_of(exchange: Exchange) -> str:
    """A request and its answer in one line of text, whatever the client wrote."""
    asked, reply = exchange.asked, exchange.reply
    path = "".join(char if char.isprintable() else repr(char)[1:-1] for char in asked.path)
    if len(path) > _PATH_SHOWN:
        path = f"{path[:_PATH_SHOWN]}…"
    if reply.ending == "never":
        came = tr("no answer, the client left")
    elif not exchange.given:
        came = tr("the client left before its answer")
    else:
        came = tr("connection closed") if reply.ending == "close" else str(reply.status_code)
    took = math.ceil(exchange.seconds * 1000)
    named = f"  ·  {reply.route}" if reply.route not in {None, f"{asked.method} {asked.path}"} else ""
    return f"{asked.method} {path} → {came}, {took} ms{named}"
