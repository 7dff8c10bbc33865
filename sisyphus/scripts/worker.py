"""The second process of a script: limits itself, runs the script, and tells the engine what came of it.

Runs where `supervisor` does, and like it imports only what is built in or cheap. What it has to say goes over the channel,
one line each: the job's token, a word, and JSON. The token keeps what the script writes there by mistake from being taken
for it.
"""

from __future__ import annotations

import _thread
import builtins
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType
    from typing import Any

_LONGEST_MESSAGE = 10_000  # characters of a log message, or of an exception's text
_FRAMES = 20  # of the script's own, at either end of a traceback
_ESCAPES = {number: f"\\u{number:04x}" for number in range(32)} | {ord('"'): '\\"', ord("\\"): "\\\\"}
_LEVELS = ("debug", "info", "warning", "error", "critical")


def main(job: dict[str, Any]) -> None:
    """Runs the job's script and tells how it ended; does not return."""
    _limit(job["limits"])
    os.set_inheritable(job["channel"], False)
    streams = (sys.stdout, sys.stderr)  # the script may put others in their place
    for stream in streams:
        assert isinstance(stream, io.TextIOWrapper)  # noqa: S101 - for the type checker
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
    tell = _teller(job["channel"], job["token"])
    tell("begun", os.getpid())
    module = type(sys)("__main__")
    sys.modules["__main__"] = module
    sys.argv = [job["file"], *job["argv"]]
    given = _given(job, tell, module)
    module.__dict__.update(given)
    process = os.getpid()
    try:
        word, content = _carried_out(job, module, given)
    finally:
        for stream in streams:
            try:
                stream.flush()
            except (OSError, ValueError):
                pass  # the script closed it
    if os.getpid() == process:  # else it is a fork of the script's, whose end is not the script's
        tell(word, content)
    os._exit(0)


def _carried_out(job: dict[str, Any], module: ModuleType, given: dict[str, Any]) -> tuple[str, Any]:
    """Runs the script; returns the word and the content of the last message."""
    code: CodeType = job["code"]
    try:
        exec(code, module.__dict__)  # noqa: S102 - what this process is there for
        _join_threads()
        return "ended", _result(module, given, job["returned"])
    except SystemExit as exc:
        status = exc.code
        if status is None or status == 0:
            return "ended", _result(module, given, job["returned"])
        return "exited", {"status": status if type(status) is int else _text_of(status), "lines": _lines(exc, code)}
    except BaseException as exc:  # noqa: BLE001, ASYNC103 - no trio here; whatever the script raises is what the engine is told
        return "raised", _described(exc, code)  # noqa: ASYNC104


def _result(module: ModuleType, given: dict[str, Any], returned: str) -> dict[str, Any]:
    """The variables that the script made, and its value."""
    exported: dict[str, Any] = {}
    value = None
    for name, found in list(module.__dict__.items()):
        if name != returned and (name.startswith("_") or (name in given and found is given[name])):
            continue
        try:
            text = Json(to_json(found))
        except (TypeError, ValueError, RecursionError):
            continue  # a function, a module, a set, … stays the script's own
        if name == returned:
            value = text
        else:
            exported[name] = text
    for name in ("return_value", "result"):
        if name in exported:
            value = exported[name]
            break
    return {"exported": exported, "value": value}


def _described(exc: BaseException, code: CodeType) -> dict[str, Any]:
    names = [cls.__name__ for cls in type(exc).__mro__ if cls not in (Exception, BaseException, object)]
    return {
        "type": type(exc).__name__,
        "names": names or [type(exc).__name__],
        "message": _text_of(exc),
        "lines": _lines(exc, code),
    }


def _lines(exc: BaseException, code: CodeType) -> list[list[Any]]:
    """Where it came through the script, outermost first: line and name of the function."""
    lines: list[list[Any]] = []
    traceback = exc.__traceback__
    while traceback is not None:
        running = traceback.tb_frame.f_code
        if running.co_filename == code.co_filename:
            lines.append([traceback.tb_lineno, running.co_name])
        traceback = traceback.tb_next
    return lines if len(lines) <= 2 * _FRAMES else lines[:_FRAMES] + lines[-_FRAMES:]


def _text_of(value: Any) -> str:
    try:
        text = str(value)
    except BaseException:  # noqa: BLE001, ASYNC103 - the script's class; that its text fails must not hide what it says
        text = f"<{type(value).__name__}>"
    return text[:_LONGEST_MESSAGE].encode("utf-8", "backslashreplace").decode()


def _join_threads() -> None:
    """Waits for the threads that the script left running, as Python itself does at its end."""
    threading = sys.modules.get("threading")
    if threading is None:
        return
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()


def _limit(limits: dict[str, int]) -> None:
    import resource

    for name, value in limits.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        hardest = resource.getrlimit(number)[1]
        # The hard limit is higher by one, so that too much CPU time ends in a signal that says so, not in a SIGKILL.
        wanted = [at if hardest == resource.RLIM_INFINITY else min(at, hardest) for at in (value, value + 1)]
        try:
            resource.setrlimit(number, (wanted[0], wanted[1]))
        except (OSError, ValueError, OverflowError):
            pass  # macOS knows RLIMIT_AS, and refuses it; nobody has 10 ** 30 seconds of CPU time


def _teller(channel: int, token: str) -> Callable[[str, Any], None]:
    lock, process = _thread.allocate_lock(), os.getpid()

    def tell(word: str, content: Any) -> None:
        if os.getpid() != process:
            raise RuntimeError("a process that the script forked cannot talk to the engine")
        # A line of its own, whatever the script wrote there before.
        line = f"\n{token} {word} {to_json(content)}\n".encode()
        with lock:
            while line:
                line = line[os.write(channel, line) :]

    return tell


def _given(job: dict[str, Any], tell: Callable[[str, Any], None], module: ModuleType) -> dict[str, Any]:
    """The names that a script finds."""
    variables: dict[str, Any] = job["variables"]
    words: dict[str, str] = job["words"]

    def get_var(name: str, default: Any = None) -> Any:
        return variables.get(name, default)

    def set_var(name: Any, value: Any) -> None:
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(words["name"].format(name=_text_of(name)))
        try:
            text = Json(to_json(value))
        except (TypeError, ValueError, RecursionError) as exc:
            raise TypeError(words["value"].format(name=name, reason=exc)) from None
        variables[name] = value
        tell("set", {"name": name, "value": text})

    def get_all_vars() -> dict[str, Any]:
        return dict(variables)

    def log(*values: Any, level: str = "info") -> None:
        if level not in _LEVELS:
            raise ValueError(words["level"].format(level=_text_of(level), levels=", ".join(_LEVELS)))
        tell("log", {"level": level, "message": " ".join(map(_text_of, values))[:_LONGEST_MESSAGE]})

    given = {
        "__name__": "__main__",
        "__file__": job["file"],
        "__builtins__": {**vars(builtins), "__import__": _guarded(job["imports"], job["path"], words)},
        "get_var": get_var,
        "set_var": set_var,
        "get_all_vars": get_all_vars,
        "log": log,
        "args": job["args"],
        "response": Response.of(job["response"]),
    }
    return vars(module) | given


def _guarded(allowed: Any, path: list[str], words: dict[str, str]) -> Callable[..., Any]:
    """An ``__import__`` for the script's own lines; what modules import themselves is not concerned."""
    original = builtins.__import__

    def may(name: str, names: tuple[str, ...] | None) -> bool:
        if allowed is True:
            return True
        if allowed is None:
            return name.partition(".")[0] in sys.stdlib_module_names
        if any(name == one or name.startswith(f"{one}.") for one in allowed):
            return True
        return bool(names) and all(f"{name}.{inner}" in allowed for inner in names or ())

    def guarded(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:  # noqa: A002
        if level == 0:
            if not may(name, fromlist):
                raise ImportError(words["import"].format(name=name), name=name)
            if name.partition(".")[0] not in sys.stdlib_module_names and path:
                sys.path += [folder for folder in path if folder not in sys.path]
                path.clear()
        return original(name, globals, locals, fromlist, level)

    return guarded


class Json(str):
    """Text that is JSON already."""

    __slots__ = ()


def to_json(value: Any) -> str:
    """The value as JSON text, without the module `json`, which takes longer to import than most scripts to run.

    Raises:
        TypeError: JSON has no such value.
        ValueError: nor such a number, or it holds half a character.
        RecursionError: it is too deep, or holds itself.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Json():
            return str.__str__(value)
        case str():
            value.encode()  # half a surrogate pair is no text
            return f'"{str.translate(value, _ESCAPES)}"'
        case int():
            return int.__repr__(value)
        case float():
            if value - value != 0:
                raise ValueError(f"{value!r} is no number of JSON")
            return float.__repr__(value)
        case list() | tuple():
            return f"[{','.join([to_json(item) for item in value])}]"
        case dict():
            for key in value:
                if not isinstance(key, str):
                    raise TypeError(f"the key {key!r} is no text")
            return f"{{{','.join([f'{to_json(key)}:{to_json(item)}' for key, item in value.items()])}}}"
        case _:
            raise TypeError(f"JSON has no {type(value).__name__}")


class Response(dict):  # type: ignore[type-arg]  # a plain mapping to the script
    """What the step before came to: a mapping whose keys are attributes too."""

    @classmethod
    def of(cls, view: Any) -> Response | None:
        """The step's result; its headers, if it has any, are found in any case."""
        if view is None:
            return None
        response = cls(view)
        if isinstance(response.get("headers"), dict):
            response["headers"] = Headers(response["headers"])
        return response

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            known = ", ".join(sorted(map(str, self)))
            raise AttributeError(f"the response has no {name!r}, only {known}", name=name, obj=self) from None

    def json(self) -> Any:
        """The body, if it is JSON.

        Raises:
            ValueError: it is none.
        """
        body = self["body"]
        if not isinstance(body, str):
            return body
        import json

        return json.loads(self.get("text", body))


class Headers(dict):  # type: ignore[type-arg]  # a plain mapping to the script
    """Headers by name, whatever its case."""

    def __missing__(self, name: str) -> str:
        for key, value in self.items():
            if key.lower() == name.lower():
                return str(value)
        raise KeyError(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The header's value, or the default."""
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None
