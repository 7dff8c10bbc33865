"""The watchers' server, and a watcher for programs."""

from __future__ import annotations

from sisyphus.live.client import Watching, watch
from sisyphus.live.run_state import RunState
from sisyphus.live.server import LiveSettings, Serving, serve

__all__ = ["LiveSettings", "RunState", "Serving", "Watching", "serve", "watch"]
