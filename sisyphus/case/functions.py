"""The functions that a project, or an installed package, brings with it for templates to call."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import sys
import types
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sisyphus.case.model import Function
from sisyphus.errors import Mark
from sisyphus.values.functions import build_functions
from sisyphus.words import tr

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from pathlib import Path

    from sisyphus.case.draft import Findings, Place

GROUP: Final = "sisyphus.functions"

# Names that templates have for other things.
_TAKEN: Final = frozenset({"config", "env", "profile", "response", "steps", "mock", "mock_url", "range", "dict"})


class Callables(Collection[str]):
    """The names that the templates of a project may call: built-in ones, its own, those of installed packages.

    Looking through the installed packages costs as much as loading some cases, so it is done only for a name that
    nobody else has; theirs come last therefore.

    Args:
        own: the project's own functions; None if they could not be read, and so might be any.
    """

    def __init__(self, own: Mapping[str, Function] | None = types.MappingProxyType({})) -> None:
        self._own = own
        self._called: dict[str, Function] = {}

    @property
    def functions(self) -> Mapping[str, Function]:
        """Those that are not built-in: the project's own, and of others what was asked for."""
        return {**self._called, **(self._own or {})}

    def __contains__(self, name: object) -> bool:
        return self._own is None or name in self._own or name in _built_in() or name in _installed()

    def __iter__(self) -> Iterator[str]:
        return iter({*_built_in(), *(self._own or ()), *_installed()})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def trouble_with(self, name: str) -> str | None:
        """Why a function of an installed package cannot be called; asking makes it one of `functions`."""
        if self._own is None or name in self._own or name in _built_in() or name not in _installed():
            return None
        loaded = _loaded(name)
        if isinstance(loaded, str):
            return loaded
        self._called[name] = loaded
        return None


@cache
def _built_in() -> frozenset[str]:
    return frozenset({*build_functions(), "range", "dict"})


@cache
def _installed() -> Mapping[str, EntryPoint]:
    from importlib.metadata import entry_points

    # Two packages may have a function of the same name: the one whose name comes first, wherever they are installed.
    points = sorted(entry_points(group=GROUP), key=lambda point: point.dist.name if point.dist else "", reverse=True)
    return {point.name: point for point in points if _is_public(point.name)}


@cache
def _loaded(name: str) -> Function | str:
    point = _installed()[name]
    package = point.dist.name if point.dist is not None else point.value
    try:
        with contextlib.redirect_stdout(sys.stderr):
            function = point.load()
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - it is somebody else's, and may fail in any way
        reason = f"{type(exc).__name__}: {exc}"
        return tr("the function '{name}' of the package {package} cannot be loaded: {reason}", name=name,
                  package=package, reason=reason)  # fmt: skip
    if not callable(function) or _is_async(function):
        return tr(
            "'{name}' of the package {package} is no function that can be called here", name=name, package=package
        )
    return Function(name=name, call=function, where=_where(function, package))


def project_functions(path: Path, shown: str, found: Findings) -> Mapping[str, Function] | None:
    """The functions of the project's ``.sisyphus/functions.py``: every public one that is defined there.

    The file is run, as Python runs a module that is imported; modules that stand beside it may be imported in it.

    Args:
        path: the file.
        shown: what messages call it.
        found: where what is wrong with it goes.

    Returns:
        The functions, or None if the file is wrong.
    """
    module = _run(path, shown, found)
    if module is None:
        return None
    functions: dict[str, Function] = {}
    problems = len(found.problems)
    for name, value in vars(module).items():
        if _is_public(name) and _is_defined_in(module, value):
            where = _where(value, shown)
            _check(name, value, (shown, where.line, 1), found)
            functions[name] = Function(name=name, call=value, where=where)
    return functions if len(found.problems) == problems else None


def _check(name: str, function: Any, place: Place, found: Findings) -> None:
    if _is_async(function):
        found.wrong(place, tr("'{name}' is async, and templates cannot wait", name=name), tr("write it without async"))
    elif name in _TAKEN:
        message = tr("'{name}' means something else in templates", name=name)
        found.wrong(place, message, tr("call the function something else"))
    elif name in _built_in():
        found.warn(place, tr("'{name}' replaces the built-in function of that name", name=name))


def _run(path: Path, shown: str, found: Findings) -> types.ModuleType | None:
    name = f"_sisyphus_functions_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    module = types.ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # where classes that are defined in it look for it
    try:
        source = path.read_bytes()
    except OSError as exc:
        found.wrong((shown, 1, 1), tr("cannot be read: {reason}", reason=exc.strerror or exc))
        return None
    try:
        with contextlib.redirect_stdout(sys.stderr), _importable(path.parent):
            # Compiled from the text, and by us: no __pycache__ in the user's project.
            exec(compile(source, str(path), "exec", dont_inherit=True), vars(module))  # noqa: S102 - as an import does
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - it is the user's, and may fail in any way
        found.wrong((shown, *_place_of(exc, path)), *_told(exc))
        return None
    return module


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.append(str(folder))  # behind all else: no file here hides an installed module
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _place_of(exc: BaseException, path: Path) -> tuple[int, int]:
    if isinstance(exc, SyntaxError) and exc.filename == str(path):
        return exc.lineno or 1, exc.offset or 1
    line, trace = 1, exc.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line, 1


def _told(exc: BaseException) -> tuple[str, str | None]:
    if isinstance(exc, SystemExit):
        return tr("it ends the process (sys.exit)"), tr("functions.py only defines functions")
    message = f"{type(exc).__name__}: {exc.msg if isinstance(exc, SyntaxError) else exc}"
    if isinstance(exc, ModuleNotFoundError):
        return message, tr("install it for the Python that runs sisyphus-api-engine: {python}", python=sys.executable)
    return message, None


def _is_public(name: str) -> bool:
    return not name.startswith("_") and name.isidentifier()


def _is_defined_in(module: types.ModuleType, value: Any) -> bool:
    """Whether it is a function of this file, and not one that it imported."""
    return callable(value) and not isinstance(value, type) and getattr(value, "__module__", None) == module.__name__


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _where(function: Any, shown: str) -> Mark:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return Mark(shown, code.co_firstlineno if code is not None else 1, 1)
