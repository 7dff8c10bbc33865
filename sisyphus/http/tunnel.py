"""The way through a proxy: CONNECT, after which the connection is the server's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import h11
import httpcore

from sisyphus.errors import ProxyError
from sisyphus.version import __version__
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.http.network import Stream
    from sisyphus.http.proxies import Proxy

_READ: Final = 16 * 1024
_LONGEST_HEAD: Final = 64 * 1024
_UNAUTHORIZED: Final = frozenset({401, 407})  # Tinyproxy says 401 to wrong credentials


async def open_tunnel(stream: Stream, proxy: Proxy, host: str, port: int) -> None:
    """Asks the proxy at the other end of `stream` to connect it with a server (RFC 9110 section 9.3.6).

    Raises:
        ProxyError: it does not.
        httpcore.NetworkError: the connection broke.
        h11.RemoteProtocolError: what it answers is not HTTP.

    Whoever made the stream closes it, on cancellation too.
    """
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    headers = [("Host", target), ("User-Agent", f"sisyphus-api-engine/{__version__}")]
    if proxy.authorization is not None:
        headers.append(("Proxy-Authorization", proxy.authorization.decode("ascii")))
    protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
    await stream.write(protocol.send(h11.Request(method="CONNECT", target=target, headers=headers)) or b"")
    answer = await _answer(stream, protocol)
    if not 200 <= answer.status_code < 300:
        raise _refused(proxy, target, answer)
    if protocol.trailing_data[0]:
        # Nothing that a server may say comes before what we say in TLS.
        raise httpcore.RemoteProtocolError(tr("it says more than that it is connected"))


async def _answer(stream: Stream, protocol: h11.Connection) -> h11.Response:
    while True:
        event = protocol.next_event()
        if isinstance(event, h11.Response):
            return event
        if event is h11.NEED_DATA:
            protocol.receive_data(await stream.read(_READ))


def _refused(proxy: Proxy, target: str, answer: h11.Response) -> ProxyError:
    status = f"{answer.status_code} {answer.reason.decode('latin-1')}".strip()
    if answer.status_code in _UNAUTHORIZED:
        wanted = tr("Write the proxy as http://user:password@host:port, special characters percent-encoded.")
        return ProxyError(
            tr("the proxy {proxy} wants to know who asks: {status}", proxy=proxy, status=status), suggestion=wanted
        )
    return ProxyError(
        tr("the proxy {proxy} does not connect to {target}: {status}", proxy=proxy, target=target, status=status)
    )
