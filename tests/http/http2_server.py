"""A server of HTTP/2 that answers each request as it is told, over h2 as the other side of what is tested."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Awaitable, Callable

import h2.connection
import h2.events
import h2.exceptions
import trio
from attrs import define, field
from h2.config import H2Configuration
from h2.settings import SettingCodes, Settings

Headers = dict[bytes, bytes]


@define
class Asked:
    """One request, and the way to its answer."""

    connection: Served
    number: int
    headers: Headers
    body: bytearray = field(factory=bytearray)
    whole: trio.Event = field(factory=trio.Event)
    reset: trio.Event = field(factory=trio.Event)

    @property
    def path(self) -> str:
        return self.headers[b":path"].decode()

    async def begin(self, status: int = 200, **headers: str) -> None:
        fields = [(":status", str(status)), *((name.replace("_", "-"), value) for name, value in headers.items())]
        self.connection.h2.send_headers(self.number, fields)
        await self.connection.flush()

    async def say(self, data: bytes, *, last: bool = False) -> None:
        """Sends as the windows of the other side allow."""
        rest = memoryview(data)
        while rest or last:
            room = min(
                self.connection.h2.local_flow_control_window(self.number), self.connection.h2.max_outbound_frame_size
            )
            if rest and not room:
                await self.connection.news.wait()
                continue
            piece, rest = bytes(rest[:room]), rest[room:]
            self.connection.h2.send_data(self.number, piece, end_stream=last and not rest)
            await self.connection.flush()
            last = last and bool(rest)

    async def answer(self, body: bytes = b"{}", status: int = 200, **headers: str) -> None:
        await self.begin(status, **{"content_type": "application/json", **headers})
        await self.say(body, last=True)


Answering = Callable[[Asked], Awaitable[None]]


@define
class Served:
    """One connection."""

    stream: trio.SSLStream[trio.SocketStream]
    answering: Answering
    settings: dict[SettingCodes, int]
    h2: h2.connection.H2Connection = field(
        factory=lambda: h2.connection.H2Connection(H2Configuration(client_side=False))
    )
    asked: dict[int, Asked] = field(factory=dict)
    news: trio.Event = field(factory=trio.Event)
    _writing: trio.Lock = field(factory=trio.Lock)

    async def flush(self) -> None:
        async with self._writing:
            await self.stream.send_all(self.h2.data_to_send())

    async def send_raw(self, data: bytes) -> None:
        async with self._writing:
            await self.stream.send_all(data)

    async def close(self) -> None:
        await trio.aclose_forcefully(self.stream)

    async def run(self) -> None:
        self.h2.local_settings = Settings(client=False, initial_values=self.settings)
        self.h2.initiate_connection()
        await self.flush()
        async with trio.open_nursery() as nursery:
            while data := await self.stream.receive_some(65536):
                for event in self.h2.receive_data(bytes(data)):
                    await self._handle(event, nursery)
                await self.flush()
                self.news.set()
                self.news = trio.Event()
            nursery.cancel_scope.cancel()

    async def _handle(self, event: h2.events.Event, nursery: trio.Nursery) -> None:
        if isinstance(event, h2.events.RequestReceived):
            asked = self.asked[event.stream_id] = Asked(self, event.stream_id, dict(event.headers))
            nursery.start_soon(self._answer, asked)
        elif isinstance(event, h2.events.DataReceived):
            self.asked[event.stream_id].body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.asked[event.stream_id].whole.set()
        elif isinstance(event, h2.events.StreamReset):
            self.asked[event.stream_id].reset.set()

    async def _answer(self, asked: Asked) -> None:
        try:
            await self.answering(asked)
        except h2.exceptions.StreamClosedError:
            pass  # nobody wants it any more
        except h2.exceptions.ProtocolError:
            if not asked.reset.is_set():
                raise


@define
class Http2Server:
    """Listens, agrees on HTTP/2, and leaves each request to `answering`."""

    tls: ssl.SSLContext
    answering: Answering
    settings: dict[SettingCodes, int] = field(factory=dict)
    protocols: tuple[str, ...] = ("h2",)
    url: str = ""
    connections: list[Served] = field(factory=list)
    open: int = 0
    _left: trio.Event = field(factory=trio.Event)

    @property
    def asked(self) -> list[Asked]:
        return [asked for connection in self.connections for asked in connection.asked.values()]

    async def start(self, nursery: trio.Nursery) -> Http2Server:
        self.tls.set_alpn_protocols(list(self.protocols))
        listeners = await nursery.start(functools.partial(trio.serve_tcp, self._handle, 0, host="127.0.0.1"))
        self.url = f"https://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        return self

    async def down_to(self, connections: int) -> None:
        while self.open > connections:
            await self._left.wait()

    async def _handle(self, raw: trio.SocketStream) -> None:
        self.open += 1
        try:
            async with trio.SSLStream(raw, self.tls, server_side=True) as stream:
                await stream.do_handshake()
                served = Served(stream, self.answering, self.settings)
                self.connections.append(served)
                await served.run()
        except* (trio.BrokenResourceError, trio.ClosedResourceError, h2.exceptions.ProtocolError):
            pass  # the client hung up, or speaks something else
        finally:
            self.open -= 1
            self._left.set()
            self._left = trio.Event()
