"""What a script may not leave behind."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def processes_of(folder: Path) -> list[int]:
    """The processes that were started with this folder in their environment, zombies left aside."""
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
