"""Takes a secret out of what `ps` shows of this process."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

# Of /proc/self/stat, counted behind the name in parentheses: where the arguments begin and end in memory.
_ARG_START: Final = 45
_ARG_END: Final = 46

# As in --token=T, --ws-token=T, and ws://HOST:PORT/?token=T.
_BEFORE: Final = b"token="


def conceal_argument(secret: str) -> None:
    """Writes asterisks over an argument of this process, where the system keeps arguments in reach (Linux).

    Everyone on a machine may read the arguments of every process. Between the start of the process and this call the
    secret can be seen all the same: the environment is the better place.
    """
    if sys.platform != "linux" or not secret:
        return
    # Nothing that is promised depends on it, and no system is as the next.
    with suppress(OSError, ValueError, IndexError):
        _overwrite(secret.encode(errors="surrogateescape"))


def _overwrite(secret: bytes) -> None:
    import ctypes

    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    begin, end = int(fields[_ARG_START]), int(fields[_ARG_END])
    seen = Path("/proc/self/cmdline").read_bytes()
    if not begin or len(seen) != end - begin:
        return
    at = 0
    for argument in seen.split(b"\0"):
        for before in (b"", _BEFORE):
            place = argument.find(before + secret)
            if place >= 0 and (before or argument == secret):
                ctypes.memset(begin + at + place + len(before), ord("*"), len(secret))
        at += len(argument) + 1
