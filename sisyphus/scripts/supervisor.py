"""The first process of a script: it starts the second one, and lets nothing of it live on.

Runs in a bare interpreter (``-I -S``) that was sent this code; it imports only what is built in or cheap, since a script
waits for it.
"""

from __future__ import annotations

import _signal
import os
import select
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_LIFELINE = 0  # stdin: the engine holds its other end, and writes nothing after the job

# Seconds between two looks at what the script takes: soon at first, since a fork bomb doubles by the millisecond, then
# rarely, since looking costs a few milliseconds.
_FIRST_LOOK, _LAST_LOOK = 0.1, 0.5
_WITHOUT_PIDFD = 0.01
_SWEEPING = 2.0  # seconds for killing what the script left; what lasts longer may not be killed by us (setuid)


def main(job: dict[str, Any]) -> None:
    """Runs the job's script to its end, or to the end of the lifeline; does not return."""
    for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
        _signal.signal(number, _signal.SIG_IGN)  # the script may signal its parent, or its session
    prctl = _prctl()
    prctl(_PR_SET_CHILD_SUBREAPER, 1)  # a daemon of the script gets this process as its parent, not init
    verdict, folder = "broken", job["folder"]
    for name in job["forget"]:
        os.environ.pop(name, None)
    try:
        os.mkdir(folder, 0o700)
        os.chdir(folder)
        myself, worker = os.getpid(), os.fork()
        if worker == 0:
            _become_worker(job, prctl, myself)
        try:
            verdict = _watch(worker, job)
        finally:
            verdict += _swept(worker)
    except OSError as exc:
        verdict = f"unable {exc}"
    finally:
        try:
            os.chdir("/")
            remove(folder)
        except OSError:
            pass  # the engine tries again, and says what it cannot remove either
        try:
            # Nobody else is left who could write: what the engine reads last is ours.
            os.write(job["channel"], f"\nverdict {verdict}\n".encode())
        finally:
            os._exit(0)


def _become_worker(job: dict[str, Any], prctl: Callable[[int, int], None], supervisor: int) -> None:
    try:
        os.setpgid(0, 0)
        prctl(_PR_SET_PDEATHSIG, _signal.SIGKILL)
        if os.getppid() != supervisor:  # it died before the line above
            os._exit(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, _LIFELINE)
        os.close(nothing)
        for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
            _signal.signal(number, _signal.SIG_DFL)
        names: dict[str, Any] = {"__name__": "worker"}
        exec(job.pop("worker"), names)  # noqa: S102 - the engine's own code
        names["main"](job)
    finally:
        os._exit(70)


def _watch(worker: int, job: dict[str, Any]) -> str:
    """Waits for the worker's end, and says how it came: ``exit N``, ``signal N``, or ``stopped REASON``."""
    poll = select.poll()
    poll.register(_LIFELINE, select.POLLIN)
    pidfd = os.pidfd_open(worker) if hasattr(os, "pidfd_open") else None
    if pidfd is not None:
        poll.register(pidfd, select.POLLIN)
    pause = _FIRST_LOOK
    look = time.monotonic() + pause
    while True:
        seconds = max(look - time.monotonic(), 0) if pidfd is not None else _WITHOUT_PIDFD
        ready = [fd for fd, _ in poll.poll(seconds * 1000)]
        if pidfd in ready:
            _kill_group(worker)  # before it is reaped: until then its number is nobody else's
        pid, status = os.waitpid(worker, os.WNOHANG)
        if pid:
            return _told(status)
        if _LIFELINE in ready:
            return "stopped lifeline"
        if time.monotonic() >= look:
            excess = _excess(job)
            if excess:
                return f"stopped {excess}"
            pause = min(pause * 2, _LAST_LOOK)
            look = time.monotonic() + pause


def _told(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"exit {code}" if code >= 0 else f"signal {-code}"


def _excess(job: dict[str, Any]) -> str | None:
    if _size(job["folder"], job["disk"]) > job["disk"]:
        return "disk"
    return "processes" if len(_descendants()) > job["processes"] else None


def _size(folder: str, enough: int) -> int:
    """Bytes of the files below a folder; does not look further once there are more than `enough`."""
    total, folders = 0, [folder]
    while folders and total <= enough:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except OSError:
            continue  # it was removed meanwhile, or may not be read: nothing to count
    return total


def _descendants() -> list[int]:
    """The processes below this one; none where there is no /proc to ask."""
    children: dict[int, list[int]] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    for name in names:
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError):
                continue  # it ended meanwhile
            children.setdefault(parent, []).append(int(name))
    found, parents = [], [os.getpid()]
    while parents:
        below = children.get(parents.pop(), [])
        found += below
        parents += below
    return found


def _swept(worker: int) -> str:
    """Kills and reaps what is left of the script; says so if something cannot be killed."""
    end = time.monotonic() + _SWEEPING
    _kill_group(worker)
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return ""  # orphans of the script are our children: there are none left
        if time.monotonic() > end:
            return " leaving"
        for pid in _descendants():
            try:
                os.kill(pid, _signal.SIGKILL)
            except OSError:
                pass  # it ended meanwhile, or is not ours to kill: then the time runs out
        time.sleep(0.001)


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, _signal.SIGKILL)
    except OSError:
        pass  # nobody is left in it


def remove(top: str) -> None:
    """Removes a folder and all in it, however deep, also what the script made unreadable; follows no links.

    Raises:
        OSError: something of it cannot be removed.
    """
    pending, moved = [top], 0
    while pending:
        folder = pending.pop()
        os.chmod(folder, 0o700)
        with os.scandir(folder) as scan:
            entries = list(scan)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                # Inner folders come up to the top: neither paths nor calls get longer with the depth.
                moved += 1
                os.chmod(entry.path, 0o700)
                pending.append(f"{top}/{moved}-{os.urandom(8).hex()}")
                os.rename(entry.path, pending[-1])
            else:
                os.unlink(entry.path)
        if folder != top:
            os.rmdir(folder)
    os.rmdir(top)


def _prctl() -> Callable[[int, int], None]:
    """Linux' prctl(2), which Python does not have; elsewhere something that does nothing."""
    if sys.platform != "linux":
        return lambda option, value: None
    try:
        import _ctypes  # a third of the time that ctypes takes to import
    except ImportError:
        return lambda option, value: None
    program = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]  # the program itself, as ctypes does it
    address = _ctypes.dlsym(program, "prctl")
    return lambda option, value: _ctypes.call_cdeclfunction(address, (option, value, 0, 0, 0))
