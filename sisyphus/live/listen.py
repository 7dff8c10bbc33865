"""Sockets that listen where the user wants them to."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import ExitStack
from typing import Final

import trio
from attrs import frozen

from sisyphus.errors import StartError
from sisyphus.words import tr

# Hundreds of watchers may connect in the moment a run starts.
BACKLOG: Final = 1024

# What connections inherit. The system asks whether a silent peer is there, which takes 40 s to be known, as long as it
# takes to notice a watcher without pongs. And it keeps no more for a peer that does not read than a few batches: left to
# itself, it would keep some megabytes for each, outside of every bound that is promised.
_OF_CONNECTIONS: Final = (
    ((socket.SOL_SOCKET, socket.SO_KEEPALIVE), 1),
    *(
        ((socket.IPPROTO_TCP, getattr(socket, name)), value)
        for name, value in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4))
        if hasattr(socket, name)
    ),
    ((socket.SOL_SOCKET, socket.SO_SNDBUF), 256 * 1024),
)

# With port 0 the first address gets a free port, which may be taken at the second.
_TRIES_FOR_A_COMMON_PORT: Final = 8

# The machine lacks the address's family, or has it switched off.
_NOT_HERE: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})


@frozen
class Address:
    """An address to listen at, without the port."""

    family: socket.AddressFamily
    host: str

    def with_port(self, port: int) -> str:
        return f"[{self.host}]:{port}" if self.family == socket.AF_INET6 else f"{self.host}:{port}"


# Both, whatever the resolver says: which of them a client tries first, and whether it tries the other, is its own affair.
LOCALHOST: Final = (Address(socket.AF_INET, "127.0.0.1"), Address(socket.AF_INET6, "::1"))


async def open_listeners(host: str, port: int) -> list[trio.SocketListener]:
    """Listens at all addresses of `host`, with the same port at each.

    Args:
        host: a name or an address; of `localhost`, an address whose family the machine lacks is left out.
        port: 0 takes a free one.

    Raises:
        StartError: nothing can listen there; one line says why and what to do.
    """
    addresses = await _addresses_of(host, port)
    tries = _TRIES_FOR_A_COMMON_PORT if port == 0 else 1
    while True:
        try:
            return _listen_at_all(addresses, port)
        except _Unavailable as unavailable:
            tries -= 1
            if tries == 0 or unavailable.cause.errno != errno.EADDRINUSE:
                raise StartError(_advice(unavailable)) from unavailable.cause


class _Unavailable(Exception):
    """One address cannot be listened at."""

    def __init__(self, address: Address, port: int, cause: OSError) -> None:
        super().__init__(address, port, cause)
        self.address: Final = address
        self.port: Final = port
        self.cause: Final = cause


async def _addresses_of(host: str, port: int) -> tuple[Address, ...]:
    if host == "localhost":
        return LOCALHOST
    try:
        found = await trio.socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        message = tr("cannot listen at '{host}': no such host is known here; choose another with --ws-host", host=host)
        raise StartError(message) from error
    return tuple(dict.fromkeys(Address(family, str(where[0])) for family, _, _, _, where in found))


def _listen_at_all(addresses: tuple[Address, ...], port: int) -> list[trio.SocketListener]:
    listening: list[socket.socket] = []
    lacking: _Unavailable | None = None
    with ExitStack() as undo:
        for address in addresses:
            try:
                sock = _listen(address, port)
            except OSError as error:
                lacking = _Unavailable(address, port, error)
                if error.errno in _NOT_HERE:
                    continue
                raise lacking from error
            undo.callback(sock.close)
            listening.append(sock)
            port = sock.getsockname()[1]
        if lacking is not None and not listening:
            raise lacking
        undo.pop_all()
    return [trio.SocketListener(trio.socket.from_stdlib_socket(sock)) for sock in listening]


def _listen(address: Address, port: int) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        # On POSIX this permits to listen where old connections linger; on Windows it would permit two listeners.
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for option, value in _OF_CONNECTIONS:
            sock.setsockopt(*option, value)
        sock.bind((address.host, port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _advice(unavailable: _Unavailable) -> str:
    place = unavailable.address.with_port(unavailable.port)
    match unavailable.cause.errno:
        case errno.EADDRINUSE:
            return tr(
                "address already in use: {place}; choose another port with --ws-port (0 takes a free one), "
                "or end the program that holds it",
                place=place,
            )
        case errno.EACCES:
            return tr("not allowed to listen at {place}; choose a port from 1024 on with --ws-port", place=place)
        case errno.EADDRNOTAVAIL:
            return tr(
                "cannot listen at {place}: this machine does not have that address; choose another with --ws-host",
                place=place,
            )
        case _:
            return tr(
                "cannot listen at {place}: {reason}; choose another place with --ws-host and --ws-port",
                place=place,
                reason=unavailable.cause.strerror,
            )
