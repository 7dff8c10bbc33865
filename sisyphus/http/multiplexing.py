"""HTTP/2 where the server speaks it: one connection for all requests to it at once; else HTTP/1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio
from attrs import define, field

from sisyphus.http.connections import Connections, key_of
from sisyphus.http.http2 import Http2

if TYPE_CHECKING:
    import httpcore

    from sisyphus.http.connections import Key
    from sisyphus.http.dialing import Dialer

HTTP2: Final = "h2"  # as ALPN names it


@define
class _Dialing:
    """A connection in the making, for all who want one to its server."""

    over: trio.Event = field(factory=trio.Event)
    failure: Exception | None = None


class Multiplexed:
    """Connections that are made alike, and shared.

    Args:
        dialer: offers both protocols in its handshakes.
        nursery: where each HTTP/2 connection has its tasks.
    """

    def __init__(self, dialer: Dialer, nursery: trio.Nursery) -> None:
        self._dialer: Final = dialer
        self._nursery: Final = nursery
        self._single: Final = Connections(dialer)
        self._shared: Final[dict[Key, Http2]] = {}
        self._leaving: Final[list[Http2]] = []  # replaced, but with requests under way
        self._dialing: Final[dict[Key, _Dialing]] = {}
        self._without: Final[set[Key]] = set()  # servers that do not speak HTTP/2

    def __len__(self) -> int:
        return len(self._single) + sum(connection.is_open() for connection in [*self._shared.values(), *self._leaving])

    async def send(self, request: httpcore.Request) -> httpcore.Response:
        """Sends a request, and returns when the head of the answer is there.

        Raises:
            Unprocessed: the server has done nothing for it, and ended the connection.

        Cancelled, it leaves the connection as it is for the others.
        """
        key = key_of(request.url.origin)
        while key not in self._without:
            connection = self._shared.get(key)
            if connection is not None and connection.is_usable():
                return await connection.send(request)
            if (dialing := self._dialing.get(key)) is None:
                return await self._dial_and_send(key, request)
            await dialing.over.wait()
            if dialing.failure is not None:
                raise dialing.failure  # whoever asks again tries again
        return await self._single.send(request)

    async def aclose(self) -> None:
        """Closes every connection; the tasks of those that are shared end soon after."""
        for connection in [*self._shared.values(), *self._leaving]:
            connection.close()
        self._shared.clear()
        self._leaving.clear()
        await self._single.aclose()

    async def _dial_and_send(self, key: Key, request: httpcore.Request) -> httpcore.Response:
        dialing = self._dialing[key] = _Dialing()
        try:
            stream = await self._dialer.dial(request)
        except Exception as exc:
            dialing.failure = exc
            raise
        finally:  # cancelled too: then one of those who wait dials
            del self._dialing[key]
            dialing.over.set()
        if stream.protocol != HTTP2:
            self._without.add(key)
            return await self._single.send_over(stream, request)
        connection = Http2(stream)
        self._replace(key, connection)
        return await connection.send(request)

    def _replace(self, key: Key, connection: Http2) -> None:
        self._leaving[:] = [old for old in [*self._leaving, self._shared.get(key)] if old is not None and old.is_open()]
        self._shared[key] = connection
        self._nursery.start_soon(connection.run)
