"""The connections to database servers, in SQLAlchemy's pools."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Any, Final

import trio

from sisyphus.database.threads import in_thread
from sisyphus.errors import DriverMissing, StepError

if TYPE_CHECKING:
    from types import ModuleType

    from sqlalchemy.pool import PoolProxiedConnection

    from sisyphus.database.connection import Connection
    from sisyphus.database.target import Target

# Kept for cases to come; how many there are at once is bounded by who asks (`--jobs`, `max_concurrency`).
_KEPT: Final = 8

# Seconds in which a connection becomes as new for the next case, or is closed.
_RESET: Final = 2.0

_DRIVERS: Final = {"postgresql": ("PostgreSQL", "psycopg"), "mysql": ("MySQL", "pymysql")}


class Lease:
    """A connection that is out of its pool."""

    def __init__(self, connection: Connection, pooled: PoolProxiedConnection) -> None:
        self.connection: Final = connection
        self._pooled: Final = pooled

    def give_back(self) -> None:
        self._pooled.close()

    def drop(self) -> None:
        """Closes the connection; the pool forgets it."""
        self._pooled.invalidate()


class Servers:
    """A pool for each database of a run."""

    def __init__(self) -> None:
        self._pools: Final[dict[Target, _Pool]] = {}

    async def connect(self, target: Target) -> Lease:
        """Gives an idle connection, or makes one.

        Raises:
            DriverMissing: its package is not installed.
            StepError: the server cannot be reached, or does not let anybody in.

        Cancelled while it connects, it closes what it began.
        """
        driver = await _driver(target)
        pool = self._pools.get(target)
        if pool is None:
            pool = self._pools[target] = _Pool()
        while (pooled := pool.take()) is None:
            pool.fresh.append(await driver.connect(target))
        return Lease(driver.wrap(pooled.dbapi_connection, target), pooled)

    async def take_back(self, lease: Lease) -> None:
        """Keeps a connection for the next case; closes it if it does not soon become as new, or if cancelled."""
        clean = False
        try:
            with trio.move_on_after(_RESET):
                await in_thread(lease.connection.reset, lease.connection.interrupt)
                clean = True
        except StepError:
            pass  # nobody asked for anything: it is of no use any longer, and closed below
        finally:
            if clean:
                lease.give_back()
            else:
                lease.drop()

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


class _Pool:
    """SQLAlchemy's pool, filled from outside: it connects without waiting, which Trio's way of connecting is not."""

    def __init__(self) -> None:
        from sqlalchemy.pool import QueuePool

        self.fresh: Final[list[Any]] = []
        self._pool: Final = QueuePool(self._next, pool_size=_KEPT, max_overflow=-1, reset_on_return=None, use_lifo=True)

    def _next(self) -> Any:
        if not self.fresh:
            raise _EmptyError
        return self.fresh.pop()

    def take(self) -> PoolProxiedConnection | None:
        """A connection; None if a fresh one has to be made."""
        try:
            return self._pool.connect()
        except _EmptyError:
            return None

    def close(self) -> None:
        self._pool.dispose()
        for connection in self.fresh:  # made, and then another one came back
            connection.close()


class _EmptyError(Exception):
    pass


async def _driver(target: Target) -> Any:
    """The module of this package that speaks to the target.

    Raises:
        DriverMissing: what it is made of is not installed.
    """
    name, package = _DRIVERS[target.type]
    module = f"sisyphus.database.{target.type}"
    if module in sys.modules:
        return sys.modules[module]
    if any(importlib.util.find_spec(needed) is None for needed in (package, "sqlalchemy")):
        raise DriverMissing(name, extra=target.type)

    def load(_: object) -> ModuleType:
        importlib.import_module("sqlalchemy.pool")
        return importlib.import_module(module)

    # Half a second of imports, in which the other cases go on.
    return await in_thread(load)
