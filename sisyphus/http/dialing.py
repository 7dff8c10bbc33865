"""New connections of one kind: through a proxy or not, with TLS or not, up to the first byte of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import trio

from sisyphus.http.failures import translated_for_proxy
from sisyphus.http.network import Stream, connect_tcp

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    import httpcore

    from sisyphus.http.proxies import Proxy

    Trace = Callable[[str, Any], Awaitable[None]]

# Closing a connection never waits (see `Stream.aclose`); a bound all the same, since it happens in a shielded scope.
CLOSING: Final = 1.0


async def untraced(event: str, info: Any) -> None:
    """For requests whose times nobody measures."""


class Dialer:
    """Makes connections that are alike in all but their server.

    Args:
        tls: for https; None where only http is spoken.
        proxy: whom to connect to instead. For https it is asked for a tunnel; for http it gets the requests themselves.
        proxy_tls: for a proxy that is talked to in TLS.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        proxy: Proxy | None = None,
        proxy_tls: ssl.SSLContext | None = None,
    ) -> None:
        self._tls: Final = tls
        self._proxy: Final = proxy
        self._proxy_tls: Final = proxy_tls

    async def dial(self, request: httpcore.Request) -> Stream:
        """Connects to the server of a request; its `trace` is told the events that httpcore's own connections tell.

        Raises:
            ProxyError: the proxy cannot be reached, or does not connect.
            socket.gaierror, OSError, httpcore.ConnectError, ssl.SSLError: as of `connect_tcp` and `Stream.start_tls`.

        On cancellation and on failure nothing is left open.
        """
        trace: Trace = request.extensions.get("trace") or untraced
        host, port = request.url.origin.host.decode("ascii"), request.url.origin.port
        await trace("connection.connect_tcp.started", {})
        stream = await self._connect(host, port)
        try:
            await trace("connection.connect_tcp.complete", {"return_value": stream})
            if self._tls is not None:
                await trace("connection.start_tls.started", {})
                stream = await stream.start_tls(self._tls, host)
                await trace("connection.start_tls.complete", {})
        except BaseException:
            with trio.move_on_after(CLOSING, shield=True):
                await stream.aclose()
            raise
        return stream

    async def _connect(self, host: str, port: int) -> Stream:
        if self._proxy is None:
            return await connect_tcp(host, port)
        from sisyphus.http.tunnel import open_tunnel

        began = trio.current_time()
        with translated_for_proxy(self._proxy):
            stream = await connect_tcp(self._proxy.host, self._proxy.port)
            dns = stream.dns
            try:
                if self._proxy_tls is not None:
                    stream = await stream.start_tls(self._proxy_tls, self._proxy.host)
                if self._tls is not None:
                    await open_tunnel(stream, self._proxy, host, port)
            except BaseException:
                with trio.move_on_after(CLOSING, shield=True):
                    await stream.aclose()
                raise
        # To be connected through a proxy is what all of this is for.
        return stream.measured(dns=dns, connect=trio.current_time() - began - (dns or 0.0))
