"""Mutated case files, loaded and run: ``python -m tests.fuzz --count 20000 --seed 1``.

Each file gives a run or an error of ours, within the bound, or it is printed with what happened instead.
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import itertools
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Final, NoReturn

import trio
import trio.testing

EXAMPLES: Final = Path(__file__).parents[2] / "examples"

# Seconds: a run that goes on for longer was asked to (a thousand retries), and is cancelled as by Ctrl-C; a file that
# is not done by then hangs.
RUN_FOR: Final = 2.0
HANGS_AFTER: Final = 60.0


class _Ender(trio.abc.Instrument):
    """Ends a run after real seconds; the run's own clock is virtual, so that waits cost nothing."""

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self._until = time.monotonic() + RUN_FOR

    def before_task_step(self, _task: trio.lowlevel.Task) -> None:
        if time.monotonic() > self._until and not self.scope.cancel_called:
            self.scope.cancel()


def play(path: Path) -> str:
    """Loads and runs one file.

    Returns:
        what came of it, in a word.

    Raises:
        BaseException: whatever should never come out; that is the finding.
    """
    import sisyphus
    from sisyphus.errors import CaseFileError, SisyphusError

    try:
        case = sisyphus.load(path)
    except CaseFileError as exc:
        said = str(exc)  # as it is shown: it has to be possible, too
        return "refused" if said else "refused without a word"
    ender = _Ender()

    async def run() -> str:
        with ender.scope:
            result = await sisyphus.run(case, live=None, environ={}, handle_signals=False)
            return str(result.status)
        return "endless"

    try:
        return trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0.02), instruments=[ender])
    except SisyphusError as exc:
        return type(exc).__name__


async def _no_script(*_: object) -> NoReturn:
    from sisyphus.scripts.process import CannotStart

    raise CannotStart("fuzzing runs no script")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--skip", type=int, default=0, help="begin at this one, to see one finding again")
    given = parser.parse_args()

    from sisyphus.scripts import process
    from tests.fuzz import cage
    from tests.fuzz.mutating import mutants

    process._started = _no_script
    examples = [path.read_bytes() for path in sorted(EXAMPLES.glob("*.y*ml"))]
    came: collections.Counter[str] = collections.Counter()
    findings = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        cage.lock(folder)
        path = folder / "case.yaml"
        for number, source in enumerate(itertools.islice(mutants(examples, given.seed), given.count)):
            if number < given.skip:
                continue
            path.write_bytes(source)
            # What hangs is told with its traceback; number and seed make the file again.
            sys.stderr.write(f"\r{number} ")
            faulthandler.dump_traceback_later(HANGS_AFTER, exit=True)
            try:
                came[play(path)] += 1
            except Exception:
                findings += 1
                print(f"\n--- seed {given.seed}, number {number}", traceback.format_exc(), sep="\n", flush=True)
                if findings >= 20:
                    break
            faulthandler.cancel_dump_traceback_later()
    print(", ".join(f"{count} {what}" for what, count in came.most_common()), f"; {findings} findings", flush=True)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
