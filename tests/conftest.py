from __future__ import annotations

import compileall
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import sisyphus

# A machine that has other work to do is no finding: what is to be fast says so in a test of its own.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell gives this to what it runs in the background; the programs of these tests, which are sent Ctrl-C, inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    # An installed package is compiled; a clone is not, and with PYTHONDONTWRITEBYTECODE each of the thousand processes
    # that these tests start would compile it again.
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(Path(sisyphus.__file__).parent, quiet=2)


@pytest.fixture(autouse=True, scope="session")
def _a_cache_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the runs of these tests remember for --last-failed is no business of whoever runs them."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before
