"""What mutated case files may not reach: other machines, other folders, other programs.

An audit hook cannot be taken back, and sees what libraries do as well: it belongs in a process of its own.
"""

from __future__ import annotations

import ipaddress
import os
import resource
import socket
import sys
from pathlib import Path
from typing import Any, Final

# A run of an example needs some 80 MB; what wants more than this has found a way around the engine's own bounds.
MEMORY: Final = 2 << 30

_PROGRAMS: Final = frozenset({
    "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn",
})  # fmt: skip
_CHANGES: Final = frozenset({
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "shutil.rmtree",
    "shutil.move", "shutil.copyfile",
})  # fmt: skip
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def lock(folder: Path) -> None:
    """From now on this process talks to loopback only, writes only below `folder`, and starts no program."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    home = str(folder.resolve())

    def inside(path: Any) -> bool:
        if isinstance(path, int):
            return True
        name = os.path.realpath(os.fsdecode(path))
        return name == home or name.startswith(home + os.sep) or name == os.devnull

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _mode, flags = args
            if flags & _WRITING and not inside(path):
                raise PermissionError(13, "fuzzing writes nothing here", str(path))
        elif event in _PROGRAMS:
            raise PermissionError(1, "fuzzing starts no program", event)
        elif event in _CHANGES and not all(inside(path) for path in args if isinstance(path, str | bytes)):
            raise PermissionError(13, "fuzzing changes nothing here", event)
        elif event == "sqlite3.connect" and args[0] != ":memory:" and not inside(args[0]):
            raise PermissionError(13, "fuzzing opens no database here", str(args[0]))
        elif event in {"socket.connect", "socket.bind", "socket.sendto"}:
            if not _is_loopback(args[1]):
                raise ConnectionRefusedError(111, "fuzzing stays on this machine", str(args[1]))
        elif event == "socket.getaddrinfo" and not _is_loopback((args[0],)):
            raise socket.gaierror(socket.EAI_NONAME, "fuzzing asks nobody for names")

    sys.addaudithook(hook)


def _is_loopback(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a socket of this machine's own kind
    host = os.fsdecode(address[0] or "").split("%")[0]
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
