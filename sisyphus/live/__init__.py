"""The watchers' server."""

from __future__ import annotations

from sisyphus.live.run_state import RunState
from sisyphus.live.server import LiveSettings, Serving, serve

__all__ = ["LiveSettings", "RunState", "Serving", "serve"]
