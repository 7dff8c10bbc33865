from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import trio

from sisyphus.errors import StartError
from sisyphus.live import listen
from sisyphus.live.listen import LOCALHOST, Address, open_listeners

NOT_OURS = Address(socket.AF_INET6, "2001:db8::1")  # reserved for documentation


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")


@asynccontextmanager
async def listening(host: str, port: int = 0) -> AsyncIterator[list[tuple[str, int]]]:
    listeners = await open_listeners(host, port)
    try:
        yield [listener.socket.getsockname()[:2] for listener in listeners]
    finally:
        for listener in listeners:
            await listener.aclose()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@needs_ipv6
async def test_localhost_is_both_loopback_addresses_at_one_port() -> None:
    async with listening("localhost") as addresses:
        assert [host for host, _ in addresses] == ["127.0.0.1", "::1"]
        assert len({port for _, port in addresses}) == 1


async def test_an_address_is_that_address_alone() -> None:
    async with listening("127.0.0.1") as addresses:
        assert [host for host, _ in addresses] == ["127.0.0.1"]


async def test_what_this_machine_does_not_have_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "LOCALHOST", (LOCALHOST[0], NOT_OURS))
    async with listening("localhost") as addresses:
        assert [host for host, _ in addresses] == ["127.0.0.1"]


@needs_ipv6
async def test_a_port_that_is_free_at_one_address_only_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[tuple[str, int]] = []
    really_listen = listen._listen

    def listen_second_time(address: Address, port: int) -> socket.socket:
        attempts.append((address.host, port))
        if len(attempts) == 2:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        return really_listen(address, port)

    monkeypatch.setattr(listen, "_listen", listen_second_time)
    async with listening("localhost") as addresses:
        assert len({port for _, port in addresses}) == 1
    assert [port for _, port in attempts] == [0, attempts[1][1], 0, addresses[0][1]]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_taken_port_is_one_line_that_says_what_to_do(taken: int, host: str) -> None:
    with pytest.raises(StartError) as refused:
        await open_listeners(host, taken)
    assert f"address already in use: 127.0.0.1:{taken}" in str(refused.value)
    assert "--ws-port" in str(refused.value)
    assert "\n" not in str(refused.value)


@needs_ipv6
async def test_a_port_taken_at_the_second_address_is_refused_and_the_first_given_back() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=rf"already in use: \[::1\]:{port}"):
            await open_listeners("localhost", port)
    async with listening("localhost", port):
        pass


async def test_where_connections_of_the_last_run_linger_the_next_can_listen() -> None:
    first = (await open_listeners("127.0.0.1", 0))[0]
    port = first.socket.getsockname()[1]
    async with first, await trio.open_tcp_stream("127.0.0.1", port):
        await (await first.accept()).aclose()  # who closes first is the one whose port lingers
    async with listening("127.0.0.1", port):
        pass


@needs_ipv6
async def test_all_ipv6_addresses_are_no_ipv4_addresses() -> None:
    async with listening("::") as [(_, port)], listening("0.0.0.0", port):
        pass


@needs_ipv6
async def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(StartError, match=r"\[2001:db8::1\]:0: this machine does not have that address.*--ws-host"):
        await open_listeners(NOT_OURS.host, 0)


@pytest.mark.parametrize(
    ("code", "said"), [(errno.EACCES, "not allowed to listen at 127.0.0.1:80"), (errno.ENOBUFS, "No buffer space")]
)
async def test_whatever_else_forbids_to_listen_is_one_line(
    monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    def refuse(_address: Address, _port: int) -> socket.socket:
        raise OSError(code, "No buffer space")

    monkeypatch.setattr(listen, "_listen", refuse)
    with pytest.raises(StartError, match=rf"{said}.*--ws-port"):
        await open_listeners("127.0.0.1", 80)


class NoSuchHost(trio.abc.HostnameResolver):
    """Knows no name at all."""

    async def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):  # noqa: A002
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def getnameinfo(self, sockaddr, flags):
        raise NotImplementedError


async def test_an_unknown_host_is_one_line_that_names_it() -> None:
    trio.socket.set_custom_hostname_resolver(NoSuchHost())
    with pytest.raises(StartError, match=r"'nowhere\.example': no such host.*--ws-host"):
        await open_listeners("nowhere.example", 8765)


async def test_a_host_that_cannot_be_a_name_is_an_unknown_host() -> None:
    with pytest.raises(StartError, match="no such host"):
        await open_listeners("x" * 64 + ".ü", 8765)


async def test_the_system_asks_whether_a_silent_peer_is_there_and_keeps_little_for_one_that_does_not_read() -> None:
    (listener,) = await open_listeners("127.0.0.1", 0)
    async with listener:
        peer = await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1])
        async with peer, await listener.accept() as accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 20
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 1024 * 1024
