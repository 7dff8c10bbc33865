"""A server that says exactly the bytes it is told to, and a session that asks it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
from attrs import define, field, frozen

from sisyphus.http import Pools, Session

if TYPE_CHECKING:
    import ssl

# With import-mode=importlib a folder's modules do not see each other; the server of HTTP/2 is such a module.
sys.path.insert(0, str(Path(__file__).parent))

TIME_LIMIT = 10.0


def pytest_itemcollected(item: pytest.Function) -> None:
    """Sockets can wait for ever; tests may not."""
    test = item.obj
    if inspect.iscoroutinefunction(test):

        @functools.wraps(test)
        async def in_time(**fixtures: Any) -> None:
            with trio.fail_after(TIME_LIMIT):
                await test(**fixtures)

        item.obj = in_time


@frozen
class Says:
    """What a server says to one request, and whether it hangs up then."""

    raw: bytes
    hangs_up: bool = False


Reaction = Says | Callable[[trio.abc.Stream], Awaitable[None]]


@define
class ToldServer:
    """Answers requests in turn with what it was told, the last one for ever; keeps what it was asked."""

    reactions: list[Reaction]
    url: str = ""
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(factory=list)
    connections: int = 0
    open: int = 0
    _left: trio.Event = field(factory=trio.Event)

    async def handle(self, stream: trio.abc.Stream) -> None:
        self.connections += 1
        self.open += 1
        try:
            async with stream if self.tls is None else trio.SSLStream(stream, self.tls, server_side=True) as secured:
                while (request := await read_request(secured)) is not None:
                    self.requests.append(request)
                    if not await self._react(secured):
                        return
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client hung up or did not like our certificate; or a reaction hung up
        finally:
            self.open -= 1
            self._left.set()
            self._left = trio.Event()

    async def _react(self, stream: trio.abc.Stream) -> bool:
        reaction = self.reactions.pop(0) if len(self.reactions) > 1 else self.reactions[0]
        if isinstance(reaction, Says):
            await stream.send_all(reaction.raw)
            return not reaction.hangs_up
        await reaction(stream)
        return True

    async def down_to(self, connections: int) -> None:
        """Waits until no more than so many connections are open."""
        while self.open > connections:
            await self._left.wait()


async def read_request(stream: trio.abc.Stream) -> bytes | None:
    """One request as it came, or None if the client hung up before it was whole."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = await stream.receive_some(65536)
        if not more:
            return None
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0].partition(b":")[2]) if lengths else 0
    while len(body) < length:
        more = await stream.receive_some(65536)
        if not more:
            return None
        body += more
    return head + b"\r\n\r\n" + body


def an_answer(
    body: bytes = b"{}", *headers: str, status: str = "200 OK", content_type: str = "application/json"
) -> bytes:
    """A proper answer with a length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture
def answer() -> Callable[..., Says]:
    return lambda *args, **kwargs: Says(an_answer(*args, **kwargs))


@pytest.fixture
def says() -> type[Says]:
    return Says


Serve = Callable[..., Awaitable[ToldServer]]


@pytest.fixture
async def serve(nursery: trio.Nursery) -> Serve:
    """Starts a server on a free port of this machine."""

    async def start(*reactions: Reaction, tls: ssl.SSLContext | None = None) -> ToldServer:
        server = ToldServer(list(reactions) or [Says(an_answer())], tls=tls)
        listeners = await nursery.start(functools.partial(trio.serve_tcp, server.handle, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        return server

    return start


@pytest.fixture
async def listen(nursery: trio.Nursery) -> Callable[..., Awaitable[int]]:
    """Leaves each connection to a handler; gives the port."""

    async def start(handler: Callable[[trio.SocketStream], Awaitable[None]]) -> int:
        listeners = await nursery.start(functools.partial(trio.serve_tcp, handler, 0, host="127.0.0.1"))
        port: int = listeners[0].socket.getsockname()[1]
        return port

    return start


@pytest.fixture
async def pools() -> AsyncIterator[Pools]:
    async with Pools() as pools:
        yield pools


@pytest.fixture
def session(pools: Pools) -> Session:
    return Session(pools)
