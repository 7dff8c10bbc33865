"""The one place that speaks HTTP: httpx over connections of our own, measured, its failures told in plain sentences."""

from __future__ import annotations

import sys

if "httpx" not in sys.modules and "httpcore" not in sys.modules:
    # httpx offers a command line when click, rich and pygments happen to be installed, and imports all three for it:
    # nearly half of its import time. httpcore imports h2 where it is installed, only to have its names; HTTP/2 itself
    # imports it again when it is spoken. None in sys.modules is how Python spells "cannot be imported", which both expect.
    hidden = [name for name in ("httpx._main", "h2") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    import httpcore  # noqa: F401
    import httpx  # noqa: F401

    for name in hidden:
        del sys.modules[name]

from sisyphus.http.pool import Pools
from sisyphus.http.request import Call, Part
from sisyphus.http.response import Response
from sisyphus.http.session import Session

__all__ = ["Call", "Part", "Pools", "Response", "Session"]
