"""One run of a script: its processes started, fed, heard and ended."""

from __future__ import annotations

import functools
import importlib.util
import json
import marshal
import math
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import trio
from attrs import define, field, frozen

from sisyphus.scripts.listening import Heard
from sisyphus.scripts.program import VALUE, Program
from sisyphus.wire import dumps
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from sisyphus.scripts.listening import Hear

AT_ONCE: Final = 32  # scripts of a run that have processes at the same time; the others wait for their turn
MEMORY: Final = 2 * 2**30  # bytes of address space; libraries like NumPy reserve half of that before they begin
DISK: Final = 256 * 2**20  # bytes in the script's folder, looked at twice a second
FILE: Final = 64 * 2**20
OPEN_FILES: Final = 256
PROCESSES: Final = 64  # looked at twice a second
_USERS_PROCESSES: Final = 4096  # of the user's own altogether, which is how the kernel counts; it does not bind root

# A supervisor needs milliseconds to kill what is left and at most two seconds to give up; one that does not answer was
# stopped or is being swapped out, and is killed too.
GRACE: Final = 3.0
_LINGERING: Final = 5.0  # for reading what is left in the pipes where a daemon may hold them open (macOS)

_BOOT: Final = (
    "import sys,marshal;names={'__name__':'supervisor'};"
    "exec(marshal.load(sys.stdin.buffer),names);names['main'](marshal.load(sys.stdin.buffer))"
)
# What an interpreter may need to find its own library; the script does not get it.
_LOADING: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH")


class CannotStart(Exception):
    """There is no process for the script; the text says why."""


@frozen(kw_only=True)
class Job:
    """What a script is run with.

    Attributes:
        program: the script.
        variables: what `get_var` finds.
        args: the script's `args`.
        response: what the step before came to.
        imports: True for any module, None for those of the standard library, else the names of those it may import.
        folders: where modules are found besides the standard library.
        seconds: of CPU time; may be infinite.
    """

    program: Program
    variables: Mapping[str, Any] = field(factory=dict)
    args: Any = None
    response: Mapping[str, Any] | None = None
    imports: bool | tuple[str, ...] | None = None
    folders: Sequence[str] = ()
    seconds: float = math.inf


_LIMITER: Final = trio.lowlevel.RunVar[trio.CapacityLimiter]("sisyphus.scripts")


async def run_script(job: Job, hear: Hear) -> Heard:
    """Runs a script to its end.

    Args:
        job: what to run.
        hear: is told what the script says while it runs, in order.

    Returns:
        All that was heard of it. Its folder and every process of it are gone by then.

    Raises:
        CannotStart: no process could be made for it.

    Cancelled, it kills the script and all that it started, waits for their end and removes the folder, which takes
    milliseconds (shielded, at most `GRACE` seconds twice).
    """
    if sys.platform == "win32":
        raise CannotStart(tr("scripts need fork(2), which Windows does not have; run them on Linux or macOS"))
    async with _limiter():
        run = await _started(job, hear)
        stdout, stderr = run.process.stdout, run.process.stderr
        assert stdout is not None  # noqa: S101 - for the type checker
        assert stderr is not None  # noqa: S101
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run.feed)
                nursery.start_soon(run.heard.output.fill, stdout)
                nursery.start_soon(run.heard.errors.fill, stderr)
                nursery.start_soon(run.listen, nursery.cancel_scope)
                await run.process.wait()
                nursery.cancel_scope.deadline = trio.current_time() + _LINGERING
        finally:
            await run.end()  # noqa: ASYNC102 - it shields, with a deadline
    return run.heard


def _limiter() -> trio.CapacityLimiter:
    try:
        return _LIMITER.get()
    except LookupError:
        _LIMITER.set(limiter := trio.CapacityLimiter(AT_ONCE))
        return limiter


@define(kw_only=True)
class _Run:
    process: trio.Process
    channel: trio.abc.ReceiveStream
    folder: str
    data: bytes
    heard: Heard

    async def feed(self) -> None:
        # A process that ended before it has read its job is told of by the verdict that is missing.
        with suppress(trio.BrokenResourceError):
            assert self.process.stdin is not None  # noqa: S101 - for the type checker
            await self.process.stdin.send_all(self.data)

    async def listen(self, scope: trio.CancelScope) -> None:
        await self.heard.listen(self.channel)
        if self.heard.too_much:
            scope.cancel("it says too much")

    async def end(self) -> None:
        """Sees to it that nothing is left, however it came to this."""
        process = self.process
        with trio.move_on_after(GRACE, shield=True):
            # The end of the lifeline is what tells the supervisor to end everything; it must not hang on a full pipe.
            for stream in (process.stdin, self.channel, process.stdout, process.stderr):
                if stream is not None:
                    await stream.aclose()
            await process.wait()
        if process.returncode is None:
            process.kill()
        if self.heard.worker is not None and self.heard.verdict.word == "broken":
            with suppress(OSError):  # it is gone
                os.killpg(self.heard.worker, signal.SIGKILL)
        with trio.move_on_after(GRACE, shield=True):
            await process.wait()
            if os.path.lexists(self.folder):  # noqa: ASYNC240 - one look at a local folder
                from sisyphus.scripts.supervisor import remove

                try:
                    await trio.to_thread.run_sync(remove, self.folder, abandon_on_cancel=True)
                except OSError as exc:
                    self.heard.left_behind = str(exc)


async def _started(job: Job, hear: Hear) -> _Run:
    token = secrets.token_hex(8)
    folder = os.path.join(_temporary_folder(), f"sisyphus-script-{token}")  # noqa: PTH118 - asks the disk nothing
    environ = {"PATH": os.defpath, "HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8"}
    environ |= {name: os.environ[name] for name in _LOADING if name in os.environ}
    command = [sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", _BOOT]
    with ExitStack() as stack:
        try:
            ours, theirs = os.pipe()
            stack.callback(os.close, theirs)
            failed = stack.enter_context(ExitStack())
            failed.callback(os.close, ours)
            data = marshal.dumps(_code_of("supervisor")) + marshal.dumps(_told(job, token, folder, theirs))
            process = await trio.lowlevel.open_process(
                command,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                pass_fds=(theirs,), start_new_session=True, env=environ, cwd="/",
            )  # fmt: skip
        except OSError as exc:
            raise CannotStart(tr("no process can be started for it: {reason}", reason=exc)) from exc
        failed.pop_all()
        channel = trio.lowlevel.FdStream(ours)  # not before: it would close again what has been closed
    return _Run(process=process, channel=channel, folder=folder, data=data, heard=Heard(token=token, hear=hear))


@functools.cache
def _temporary_folder() -> str:
    return str(Path(tempfile.gettempdir()).resolve())


def _told(job: Job, token: str, folder: str, channel: int) -> dict[str, Any]:
    """The job as the supervisor and the worker read it."""
    program = job.program
    argv = job.args if isinstance(job.args, list) else []
    limits = {
        "RLIMIT_AS": MEMORY, "RLIMIT_FSIZE": FILE, "RLIMIT_NOFILE": OPEN_FILES, "RLIMIT_NPROC": _USERS_PROCESSES,
        "RLIMIT_CORE": 0,
    }  # fmt: skip
    if math.isfinite(job.seconds):
        limits["RLIMIT_CPU"] = max(math.ceil(job.seconds), 1)
    return {
        "worker": _code_of("worker"),
        "code": marshal.loads(program.code),  # noqa: S302 - made by `compiled`
        "file": program.text.file,
        "returned": VALUE,
        "token": token,
        "folder": folder,
        "channel": channel,
        "limits": limits,
        "disk": DISK,
        "processes": PROCESSES,
        "forget": _LOADING,
        "imports": job.imports,
        "path": list(job.folders),
        # Only what the script can want is written out: a response may be large.
        "variables": _plain(job.variables),
        "args": _plain(job.args),
        "argv": [item if isinstance(item, str) else dumps(item) for item in argv],
        "response": _plain(job.response) if "response" in program.names else None,
        "words": _words(),
    }


def _plain(value: Any) -> Any:
    return None if value is None else json.loads(dumps(value))


def _words() -> dict[str, str]:
    return {
        "import": tr("the script may not import '{name}': allow_imports does not have it"),
        "name": tr("'{name}' cannot be the name of a variable"),
        "value": tr("the variable '{name}' cannot have this value: {reason}"),
        "level": tr("there is no level '{level}', only {levels}"),
    }


@functools.cache
def _code_of(module: str) -> CodeType:
    """The code of a module that runs elsewhere, without running it here."""
    spec = importlib.util.find_spec(f"sisyphus.scripts.{module}")
    get_code: Callable[[str], CodeType] = spec.loader.get_code  # type: ignore[union-attr]  # a module of this package
    return get_code(f"sisyphus.scripts.{module}")
