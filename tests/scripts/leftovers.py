"""What a script may not leave behind."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path


def processes_of(folder: Path) -> list[int]:
    """The processes that were started with this folder in their environment, zombies left aside, and are still there.

    A process that was killed is gone a moment later, and who is no parent of it cannot wait for that: it has two seconds.
    """
    given_up = time.monotonic() + 2
    while (found := _running(folder)) and time.monotonic() < given_up:
        time.sleep(0.01)
    return found


def _running(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):  # it ended meanwhile
                if os.fsencode(folder) + b"/" in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
    return found


def entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def children() -> list[str]:
    """The children of this process, zombies too."""
    return [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]


def descriptors() -> int:
    """How many files, pipes and sockets are open."""
    return len(list(Path("/proc/self/fd").iterdir()))
