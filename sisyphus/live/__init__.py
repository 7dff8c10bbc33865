"""The watchers' server."""

from __future__ import annotations

from sisyphus.live.server import LiveSettings, Serving, serve

__all__ = ["LiveSettings", "Serving", "serve"]
