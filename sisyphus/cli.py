"""Arguments in, exit code out."""

from __future__ import annotations

import gc
import os
import sys
import threading
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Final

# Next to nothing: until `_guarded` has its handler, Ctrl-C shows a traceback.
from sisyphus import signals
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


RUN: Final = "sisyphus-api-engine"
VALIDATE: Final = "sisyphus-api-validate"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs case files; the console script `sisyphus-api-engine`.

    Returns:
        The exit code: 0 all passed or skipped, 1 something failed, 2 wrong arguments or case files (nothing ran), 3 the
        run could not start or finish its outputs, 130 interrupted.
    """
    return _guarded(RUN, argv)


def validate_main(argv: Sequence[str] | None = None) -> int:
    """Checks case files without running them; the console script `sisyphus-api-validate`."""
    return _guarded(VALIDATE, argv)


def _guarded(program: str, argv: Sequence[str] | None) -> int:
    if argv is None:
        # What is made from here to the first step (modules, models, templates) lives as long as the process: looking
        # through it for garbage, again and again, would be a tenth of the start-up.
        gc.disable()
    in_main_thread = threading.current_thread() is threading.main_thread()
    with signals.handled_by(_end_before_the_run) if in_main_thread else nullcontext():
        from sisyphus.commands import outcome

        code = outcome(program, list(sys.argv[1:] if argv is None else argv))
    if argv is None:
        # Python looks for garbage once more when it ends: all that a long run left behind, for nothing.
        gc.freeze()
    if argv is None and in_main_thread:
        # All is said and written; Python's way out is no place for a KeyboardInterrupt.
        signals.hand_over_to(signals.end_process)
    return code


def _end_before_the_run(_number: int, _frame: FrameType | None) -> None:
    """There is nothing to clean up yet, and an exception could come out anywhere in the loading of modules."""
    with suppress(OSError):
        os.write(2, f"{tr('interrupted')}\n".encode())
    os._exit(signals.INTERRUPTED)
