from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# With import-mode=importlib a folder's modules do not see each other; what these tests share is such a module.
sys.path.insert(0, str(Path(__file__).parent.parent / "engine"))
sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))
sys.path.insert(0, str(Path(__file__).parent))

import real_servers
from programs import bounded


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function) and Path(__file__).parent in item.path.parents:
        bounded(item)


@pytest.fixture(scope="session")
def httpbin() -> Iterator[str]:
    """The address of the httpbin package, served over HTTP/1.1."""
    with real_servers.httpbin() as port:
        yield f"http://127.0.0.1:{port}"
