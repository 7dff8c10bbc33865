"""The one place that speaks HTTP: httpx over connections of our own, measured, its failures told in plain sentences."""

from __future__ import annotations

import sys

if "httpx" not in sys.modules:
    # httpx offers a command line when click, rich and pygments happen to be installed, and imports all three for it:
    # nearly half of its import time. None in sys.modules is how Python spells "cannot be imported", which httpx expects.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    import httpx  # noqa: F401

    del sys.modules["httpx._main"]

from sisyphus.http.pool import Pools
from sisyphus.http.request import Call, Part
from sisyphus.http.response import Response
from sisyphus.http.session import Session

__all__ = ["Call", "Part", "Pools", "Response", "Session"]
