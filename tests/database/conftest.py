from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# With import-mode=importlib a folder's modules do not see each other; the helpers of these tests are such modules.
sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import databases
from databases import Server, Servers

_PATIENCE = 120.0  # seconds in which the other worker has to be done with the servers


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "databases.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A PostgreSQL and a MariaDB, one pair for all workers: the first that needs them starts them, and ends them last."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    state, user = shared / "databases.json", shared / f"databases.user.{os.getpid()}"
    with _alone(shared):
        if state.exists():
            user.touch()
            written = json.loads(state.read_text())
            running = None
            found = Servers(**{name: Server(**one) for name, one in written.items()})
        else:
            running = databases.running()
            try:
                found = running.__enter__()
            except databases.MissingError as exc:
                if os.environ.get("SISYPHUS_NO_SKIP") == "1":
                    raise
                pytest.skip(str(exc))
            state.write_text(databases.dumps(found))
    try:
        yield found
    finally:
        user.unlink(missing_ok=True)
        if running is not None:
            began = time.monotonic()
            while any(shared.glob("databases.user.*")) and time.monotonic() - began < _PATIENCE:
                time.sleep(0.1)
            with _alone(shared):
                state.unlink()
            running.__exit__(None, None, None)


@pytest.fixture
def postgresql(servers: Servers) -> Server:
    return servers.postgresql


@pytest.fixture
def mariadb(servers: Servers) -> Server:
    return servers.mariadb


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    found: Server = getattr(servers, request.param)
    return found
