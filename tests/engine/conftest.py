from __future__ import annotations

import sys
from pathlib import Path

import pytest

# With import-mode=importlib a folder's modules do not see each other; the runner of these tests is such a module.
sys.path.insert(0, str(Path(__file__).parent))

from player import Service


@pytest.fixture
def service() -> Service:
    return Service()
