"""Connections: names resolved and sockets opened by us, so that each can be timed for itself."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any, Final

import httpcore
import trio

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Sequence

    Address = tuple[int, int, int, str, Any]  # as getaddrinfo gives it

# How long one address may try before the next one does too; RFC 8305 section 5 recommends it.
HEAD_START: Final = 0.25


class Unanswered(httpcore.ReadError):
    """The connection ended before one byte of an answer had come.

    Attributes:
        reused: it had carried an answer before, so it may simply have been idle for too long.
    """

    def __init__(self, *, reused: bool) -> None:
        super().__init__("the connection ended before an answer began")
        self.reused: Final = reused


class Unprocessed(httpcore.ProtocolError):
    """The server of an HTTP/2 connection says that it did nothing for a request: it may be sent again, whatever it is."""


class GivenUp(httpcore.RemoteProtocolError):
    """The server of an HTTP/2 connection ended one request; the text is the protocol's word for why."""


class Stream(httpcore.AsyncNetworkStream):
    """One connection, which knows whether the answer to what was written last has begun.

    Limits of time are the caller's cancel scopes, so the `timeout` of httpcore's interface is always None. Closing never
    waits for the other side: httpcore closes in shielded scopes, where waiting would be for ever.

    Attributes:
        dns: seconds spent to resolve the name; None if there was none to resolve.
        connect: seconds spent to connect to the first address that answered.
    """

    def __init__(
        self, stream: trio.abc.Stream, raw: trio.socket.SocketType, *, dns: float | None, connect: float
    ) -> None:
        self._stream: Final = stream
        self._raw: Final = raw
        self._silent = True
        self._used = False
        self.dns: Final = dns
        self.connect: Final = connect

    @property
    def protocol(self) -> str | None:
        """What the TLS handshake agreed on, as ALPN names it; None if it did not, or there is no TLS."""
        return self._stream.selected_alpn_protocol() if isinstance(self._stream, trio.SSLStream) else None

    def measured(self, *, dns: float | None, connect: float) -> Stream:
        """The same connection, with other times: those of all that it took to make it."""
        return Stream(self._stream, self._raw, dns=dns, connect=connect)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        try:
            data = await self._stream.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            if self._silent:
                raise Unanswered(reused=self._used) from exc
            raise httpcore.ReadError(str(exc)) from exc
        if data:
            self._silent = False
            self._used = True
        elif self._silent:
            raise Unanswered(reused=self._used)
        return data  # type: ignore[return-value]  # a bytearray from some streams, which h11 takes as well

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if not buffer:
            return
        self._silent = True
        try:
            await self._stream.send_all(buffer)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise httpcore.WriteError(str(exc)) from exc

    async def aclose(self) -> None:
        await trio.aclose_forcefully(self._stream)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Stream:
        secured = trio.SSLStream(self._stream, ssl_context, server_hostname=server_hostname, https_compatible=True)
        try:
            await secured.do_handshake()
        except trio.BrokenResourceError as exc:
            self._raw.close()
            raise httpcore.ConnectError("TLS handshake") from exc
        except BaseException:
            self._raw.close()
            raise
        return Stream(secured, self._raw, dns=self.dns, connect=self.connect)

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "is_readable":
                return self._raw.fileno() < 0 or self._raw.is_readable()  # what is closed has its end to be read
            case "socket":
                return self._raw
            case _:
                return None


async def connect_tcp(host: str, port: int) -> Stream:
    """Connects to the first address of `host` that answers.

    Raises:
        socket.gaierror: the name has no address.
        OSError: no address answers.

    On cancellation every socket is closed.
    """
    began = trio.current_time()
    addresses = await _resolve(host, port)
    resolved = trio.current_time()
    stream = await _connect(addresses)
    connected = trio.current_time()
    dns = None if _is_literal(host) else resolved - began
    return Stream(stream, stream.socket, dns=dns, connect=connected - resolved)


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _resolve(host: str, port: int) -> Sequence[Address]:
    try:
        found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as exc:  # the name cannot be written for DNS: a label is empty or too long
        raise socket.gaierror(socket.EAI_NONAME, str(exc)) from exc
    # RFC 8305 section 4: the second attempt shall use the other address family, whose network may be the one that works.
    for index, address in enumerate(found):
        if address[0] != found[0][0]:
            found.insert(1, found.pop(index))
            break
    return found


async def _connect(addresses: Sequence[Address]) -> trio.SocketStream:
    """Connects to the first address that answers; each gets a head start over the next (RFC 8305, happy eyeballs)."""
    if len(addresses) == 1:
        return await _open(addresses[0])
    winners: list[trio.SocketStream] = []
    failures: list[OSError] = []

    async def attempt(address: Address, failed: trio.Event) -> None:
        try:
            winners.append(await _open(address))
        except OSError as exc:
            failures.append(exc)
            failed.set()
        else:
            nursery.cancel_scope.cancel()

    try:
        async with trio.open_nursery() as nursery:
            for address in addresses:
                failed = trio.Event()
                nursery.start_soon(attempt, address, failed)
                with trio.move_on_after(HEAD_START):
                    await failed.wait()
    except BaseException:
        _close(winners)
        raise
    if not winners:
        raise failures[0] from ExceptionGroup("no address answers", failures)
    _close(winners[1:])
    return winners[0]


async def _open(address: Address) -> trio.SocketStream:
    family, kind, proto, _, where = address
    sock = trio.socket.socket(family, kind, proto)
    try:
        await sock.connect(where)
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


def _close(streams: Iterable[trio.SocketStream]) -> None:
    for stream in streams:
        stream.socket.close()
