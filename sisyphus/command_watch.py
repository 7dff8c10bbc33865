"""`watch`: shows a run that goes on elsewhere, and ends as it ends."""

from __future__ import annotations

import gc
import os
import ssl
import sys
from typing import TYPE_CHECKING, Final

from attrs import frozen

from sisyphus import argument_values as values
from sisyphus import signals
from sisyphus.arguments import RUN, add_common, read, subcommand_parser
from sisyphus.errors import UsageError
from sisyphus.report.standard import StandardStream
from sisyphus.settings import TOKEN_VARIABLE
from sisyphus.viewing import Lines, View
from sisyphus.words import tr

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence


_LEVELS: Final = ("debug", "info", "warning", "error")
_SCHEMES: Final = {"http": "ws", "https": "wss"}  # where a browser shows it

_PATIENTLY: Final = 30.0  # seconds


def run(given: Sequence[str], out: StandardStream) -> int:
    """Shows the run to its end.

    Returns:
        The exit code that the run has itself; 130 after Ctrl-C.

    Raises:
        WatchError: nobody is there, or refuses, or was there and does not come back.
    """
    args = _parsed(given)
    if args.help is not None:
        out.write(args.help)
        return 0
    if len(args.paths) > 1:
        raise UsageError(tr("watch shows one run; try: {example}", example=f"{RUN} watch ws://localhost:8765"))
    view = Lines(out) if args.json else View(out, verbose=args.verbose, level=args.level, color=not args.no_color)
    url, shown = _address(args.paths)
    watcher = _Watcher(
        url=url, token=_token(args.token or shown), trusting=_trusting(args), wait=args.wait,
        patience=args.patience, view=view, out=out,
    )  # fmt: skip
    import trio

    gc.freeze()
    gc.enable()
    try:
        return trio.run(watcher.follow)
    finally:
        view.close()


def _parsed(given: Sequence[str]) -> argparse.Namespace:
    parser = subcommand_parser(
        "watch",
        tr("%(prog)s [options] [URL]"),
        tr("Shows a run that is served with --ws-server, from its start to its end, through lost connections."),
        tr(
            "exit code: that of the run: 0 all passed or skipped, 1 something failed, 130 interrupted (also by Ctrl-C here); "
            "2 arguments are wrong, 3 there is nothing to watch, or no longer"
        ),
    )
    add = parser.group(tr("what is watched"))
    add("paths", nargs="*", metavar="URL", help=tr("where the run is served (default ws://localhost:8765)"))
    add(
        "--wait", type=values.seconds, default=_PATIENTLY, metavar="S",
        help=tr("wait for a run that is not there yet, at most S seconds (default 30)"),
    )  # fmt: skip
    add(
        "--patience", type=values.seconds, default=_PATIENTLY, metavar="S",
        help=tr("try to get a lost connection back, at most S seconds (default 30)"),
    )  # fmt: skip
    add("--token", metavar="T", help=tr("what --ws-token asks for (or SISYPHUS_WS_TOKEN, which ps does not show)"))
    add("--ca", metavar="FILE", help=tr("trust the certificates of this authority (PEM), for wss://"))
    _add_output(parser.group(tr("output")))
    return read(parser, given)


def _add_output(add: Callable[..., None]) -> None:
    add(
        "--level", type=values.one_of(_LEVELS), default="warning", metavar="|".join(_LEVELS),
        help=tr("show log messages from this level on (default warning)"),
    )  # fmt: skip
    add("-v", "--verbose", action="store_true", help=tr("show steps inside others, and variables if they are sent"))
    add("--json", action="store_true", help=tr("print each event as it came, one JSON object a line"))
    add("--no-color", action="store_true", help=tr("no colours"))
    add_common(add)


def _address(paths: Sequence[str]) -> tuple[str, str | None]:
    """What to connect to, and the token that stands in it: a run with `--ws-token auto` prints it so."""
    from sisyphus.live.wanted import DEFAULT_URL, apart

    url, shown = apart(paths[0] if paths else DEFAULT_URL.rstrip("/"))
    scheme, there, rest = url.partition("://")
    return f"{_SCHEMES.get(scheme, scheme)}://{rest}" if there else f"ws://{scheme}", shown


def _token(given: str | None) -> str | None:
    from sisyphus.concealing import conceal_argument

    if given is not None:
        conceal_argument(given)
    return given or os.environ.get(TOKEN_VARIABLE) or None


def _trusting(args: argparse.Namespace) -> ssl.SSLContext | None:
    if args.ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=args.ca)
    except (OSError, ssl.SSLError) as exc:
        reason = exc.strerror if not isinstance(exc, ssl.SSLError) else tr("there is no certificate (PEM) in it")
        raise UsageError(tr("--ca: {file} cannot be used: {reason}", file=args.ca, reason=reason)) from exc


@frozen(kw_only=True)
class _Watcher:
    url: str
    token: str | None
    trusting: ssl.SSLContext | None
    wait: float
    patience: float
    view: View | Lines
    out: StandardStream

    async def follow(self) -> int:
        """Watches until the run is over, or a signal comes."""
        import trio

        with trio.CancelScope() as scope, signals.cancelling(scope):
            return await self._see()
        return signals.INTERRUPTED

    async def _see(self) -> int:
        from sisyphus.live.client import watch

        told_lost = told_back = 0
        async with watch(
            self.url, token=self.token, ssl_context=self.trusting, wait=self.wait, patience=self.patience,
            on_wait=self._say_waiting,
            on_break=lambda: self.view.connection("lost"),
        ) as run:  # fmt: skip
            async for received in run:
                if run.reconnects > told_back:
                    told_back = run.reconnects
                    self.view.connection("back")
                for first, last in run.lost[told_lost:]:
                    self.view.missing(first, last)
                told_lost = len(run.lost)
                self.view.handle(received)
                if self.out.broken:
                    break  # as with `| head`: nobody sees the rest
        return self.view.finish()

    def _say_waiting(self) -> None:
        stderr = StandardStream(sys.stderr, "stderr")
        line = tr("nobody is at {url} yet; waiting up to {seconds:g} s", url=self.url, seconds=self.wait)
        stderr.write(f"{line}\n")
        stderr.flush()
