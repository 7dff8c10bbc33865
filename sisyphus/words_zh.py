"""The Chinese texts: English text to translation, in the order of the modules that use them."""

from __future__ import annotations

from typing import Final

CATALOGUE: Final[dict[str, str]] = {}
