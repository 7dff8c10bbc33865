from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

# With import-mode=importlib a folder's modules do not see each other; what these tests share is such a module.
sys.path.insert(0, str(Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(Path(__file__).parent))

from chromium import Browser, browsing, chromium
from programs import bounded
from real_servers import installed

LIMIT = 60.0  # seconds for one test: a browser on a busy machine


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function) and Path(__file__).parent in item.path.parents:
        bounded(item, LIMIT)
        item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def browser_address() -> Iterator[str]:
    """One browser for all tests of a process; it starts in a second."""
    with chromium(installed("chromium", "chromium")) as address:
        yield address


@pytest.fixture
async def browser(browser_address: str) -> AsyncIterator[Browser]:
    """A context of the test's own: nothing is stored, nothing was visited."""
    async with browsing(browser_address) as browser:
        yield browser
