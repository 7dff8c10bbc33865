"""API tests written in YAML, run with structured concurrency and watched live over WebSocket.

::

    result = trio.run(sisyphus.run, "case.yaml")

    async with sisyphus.open_run("cases/", jobs=4) as run:
        async for event in run.events:
            print(event.data)
    print(run.result.status)

    case = sisyphus.load("case.yaml")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sisyphus.version import __version__

__all__ = ["LiveSettings", "__version__", "load", "loads", "open_run", "run"]

if TYPE_CHECKING:
    from sisyphus.case.load import load, loads
    from sisyphus.embedding import open_run, run
    from sisyphus.live.serving import LiveSettings

_HOMES: Final = {
    "LiveSettings": "sisyphus.live.serving",
    "load": "sisyphus.case.load",
    "loads": "sisyphus.case.load",
    "open_run": "sisyphus.embedding",
    "run": "sisyphus.embedding",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first asked for: start-up time is a feature."""
    if name in _HOMES:
        import importlib

        value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
        return value
    raise AttributeError(f"module 'sisyphus' has no attribute {name!r}")
