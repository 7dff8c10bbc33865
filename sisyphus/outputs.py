"""Where the result of a run goes: the terminal, stdout as JSON, a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sisyphus.errors import OutputError
from sisyphus.report.files import check_writable, write_atomically
from sisyphus.report.standard import StandardStream
from sisyphus.sinks import Announcer, Sink
from sisyphus.telling import took
from sisyphus.version import __version__
from sisyphus.words import tr

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sisyphus.case.model import Case
    from sisyphus.console import Console
    from sisyphus.live.server import Serving
    from sisyphus.results import RunResult


class Outputs(Announcer):
    """What the command line asks for, as a sink of the run; a console is one more, see `sinks`.

    Args:
        args: the command line.
        out: stdout.
        cases: the cases that are run, some of which may name a file for their results; -o counts instead of these.

    Raises:
        OutputError: a file will not be writable; told before anything is run for it.
    """

    def __init__(self, args: argparse.Namespace, out: StandardStream, *, cases: Sequence[Case] = ()) -> None:
        self._out = out
        self._file = Path(args.output) if args.output not in {None, "-"} else None
        self.json = args.format == "json" or args.output == "-"
        self._console: Console | None = None
        self._parts: dict[Path, set[str]] = {}
        if args.output is None and any(case.config.output.path for case in cases):
            from sisyphus.destinations import destinations

            self._parts = destinations(cases)
        for file in (*self._parts, *([self._file] if self._file is not None else [])):
            check_writable(file)
        if cases and not self.json:
            from sisyphus.console import Console

            self._console = Console(out, verbose=args.verbose, color=not args.no_color, cases=len(cases))

    @property
    def wanted(self) -> bool:
        """Whether somebody wants the document."""
        return self.json or self._file is not None or bool(self._parts)

    @property
    def sinks(self) -> list[Sink]:
        """Everything that has to see the run."""
        return [self] if self._console is None else [self, self._console]

    def handle(self, event: object) -> None:
        """The events themselves go to the console."""

    def finish(self, result: RunResult) -> None:
        """Writes the result of the run."""
        if not self.wanted:
            return
        from sisyphus.report.json_result import render

        if self.json or self._file is not None:
            self.deliver(render(result, engine_version=__version__))
        if self._parts:
            self._write_parts(result)

    def _write_parts(self, result: RunResult) -> None:
        from sisyphus.destinations import part_of
        from sisyphus.report.json_result import render

        failures: list[OutputError] = []
        for file, named_by in self._parts.items():
            part = part_of(result, named_by)
            if not part.cases:
                continue  # chosen was none of them, which only the run knew
            try:
                write_atomically(file, render(part, engine_version=__version__))
            except OutputError as exc:
                failures.append(exc)
        if failures:
            raise OutputError("\n".join(map(str, failures)))

    def deliver(self, document: str) -> None:
        """Writes a JSON document wherever it is wanted.

        Raises:
            OutputError: the file could not be written.
        """
        if self.json:
            self._out.write_document(document)
        if self._file is not None:
            write_atomically(self._file, document)

    def selected(self, count: int, *, of: int) -> None:
        """Says how many of the cases are run, unless all are."""
        if count != of:
            self._remark(tr("{count} of {total} cases selected", count=count, total=of))

    def serving(self, serving: Serving) -> None:
        """Says where to watch; part of what a person reads, in the way of a program that reads stdout."""
        for line in (tr("watch live: {url}", url=serving.url), tr("in a browser: {url}", url=serving.page)):
            if self._console is not None:
                self._console.announce(line)
            else:
                _tell(line)
        if serving.exposed:
            self._remark(
                tr(
                    "warning: whoever reaches port {port} of this machine can watch this run: its names, addresses, "
                    "messages, and variables if they are sent; --ws-token auto asks watchers for a token",
                    port=serving.port,
                )
            )

    def gathering(self, count: int) -> None:
        """Says what the run waits for."""
        self._remark(tr("waiting for watchers; the run begins when {count} are there", count=count))

    def gave_up_gathering(self, count: int) -> None:
        """Says that the run does not wait any longer."""
        self._remark(tr("the run begins without {count} watchers: --ws-wait-timeout is over", count=count))

    def interrupted(self) -> None:
        """Says that Ctrl-C was heard."""
        self._remark(tr("interrupted; the run is being ended (once more: at once)"))

    def log_ended(self, reason: str) -> None:
        """Says what the event log lacks, while something can still be done about it."""
        self._remark(tr("warning: the event log is not complete; {reason}; the run goes on", reason=reason))

    def lingering(self, seconds: float, serving: Serving) -> None:
        """Says that there is still something to see."""
        time = took(seconds)
        self._remark(
            tr("the finished run can be watched at {url} for {time} (Ctrl-C ends that)", url=serving.url, time=time)
        )

    def draining(self, seconds: float) -> None:
        """Says why the process is not gone yet."""
        self._remark(tr("up to {time} for watchers who still read (Ctrl-C: at once)", time=took(seconds)))

    def _remark(self, line: str) -> None:
        # A terminal has one hand that writes, or the status line would be written over.
        if self._console is not None and self._out.isatty():
            self._console.announce(line)
        else:
            _tell(line)

    def close(self) -> None:
        """Leaves the terminal as it was found."""
        if self._console is not None:
            self._console.close()


def _tell(line: str) -> None:
    """Says what is not part of the result, and so must not stand in stdout."""
    stderr = StandardStream(sys.stderr, "stderr")
    stderr.write(f"{line}\n")
    stderr.flush()
