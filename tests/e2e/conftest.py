from __future__ import annotations

import sys
from pathlib import Path

import pytest

# With import-mode=importlib a folder's modules do not see each other; what these tests share is such a module.
sys.path.insert(0, str(Path(__file__).parent))

from programs import bounded


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function) and Path(__file__).parent in item.path.parents:
        bounded(item)
