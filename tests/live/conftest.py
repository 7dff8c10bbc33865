"""Both ends of a watched run, small enough to be trusted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import trio
import wsproto
from trio.testing import memory_stream_pair
from wsproto.events import AcceptConnection, CloseConnection, Event, Ping, Pong, Request, TextMessage

from sisyphus.journal import Journal
from sisyphus.live.access import Access
from sisyphus.live.door import Door
from sisyphus.live.run_state import RunState
from sisyphus.live.show import Show

if TYPE_CHECKING:
    from sisyphus.event_log import EventLog

RUN_ID = "0b7f3c52-5d3e-4f0f-9d0a-0f5c4f6f9a11"


class Client:
    """A WebSocket client that does what the test says, one thing at a time, over any stream."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.closed: tuple[int, str | None] | None = None
        self.words: list[tuple[str, dict[str, Any]]] = []
        self.subprotocol: str | None = None
        self.answers_pings = True
        self.pings = 0
        self.pongs: list[bytes] = []
        self._protocol = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self._text = ""

    async def shake_hands(self, target: str = "/", *subprotocols: str, host: str = "localhost", **headers: str) -> None:
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self.send(Request(host=host, target=target, subprotocols=list(subprotocols), extra_headers=given))
        accepted = await self._event()
        assert isinstance(accepted, AcceptConnection), accepted
        self.subprotocol = accepted.subprotocol

    async def send(self, event: Event) -> None:
        await self.stream.send_all(self._protocol.send(event))

    async def ping(self, payload: bytes) -> None:
        await self.send(Ping(payload=payload))

    async def next(self) -> int | None:
        """The `seq` of the next event, None after the server's close, which is answered; `words` are the server's own."""
        while True:
            match await self._event():
                case TextMessage(data=text, message_finished=finished):
                    self._text += text
                    if finished:
                        message, self._text = json.loads(self._text), ""
                        if "seq" in message:
                            return message["seq"]
                        self.words.append((message["type"], message["data"]))
                case Ping() as ping:
                    self.pings += 1
                    if self.answers_pings:
                        await self.send(ping.response())
                case Pong(payload=payload):
                    self.pongs.append(bytes(payload))
                case CloseConnection(code=code, reason=reason) as close:
                    self.closed = (int(code), reason)
                    await self.send(close.response())
                    return None
                case None:
                    raise EOFError("the server closed the stream without a close frame")

    async def all(self) -> list[int]:
        """The `seq` of all events up to the close."""
        events = []
        while (seq := await self.next()) is not None:
            events.append(seq)
        return events

    async def _event(self) -> Event | None:
        while True:
            for event in self._protocol.events():
                return event
            with trio.fail_after(100):
                data = await self.stream.receive_some()
            if not data:
                return None
            self._protocol.receive_data(bytes(data))


class House:
    """A server without sockets: each visit is one end of a pair of streams, whose other end is received at the door."""

    def __init__(
        self, journal: Journal, nursery: trio.Nursery, access: Access | None = None, log: EventLog | None = None
    ) -> None:
        self.journal = journal
        self.show = Show(journal, log=log, run=RunState(run_id=RUN_ID, state="running", cases_total=3))
        self.door = Door(self.show, Access(host="localhost") if access is None else access)
        self.log = log
        self.gone = 0
        self._nursery = nursery
        nursery.start_soon(self.show.pulse.run)

    def visit(
        self, pair: Callable[[], tuple[trio.abc.Stream, trio.abc.Stream]] = memory_stream_pair
    ) -> trio.abc.Stream:
        near, far = pair()
        self._nursery.start_soon(self._receive, far)
        return near

    async def watcher(self, target: str = "/", *subprotocols: str, **headers: str) -> Client:
        client = Client(self.visit())
        await client.shake_hands(target, *subprotocols, **headers)
        return client

    async def ask(self, request: bytes) -> bytes:
        """What a connection gets that sends this, up to its end."""
        stream = self.visit()
        await stream.send_all(request)
        answer = bytearray()
        while data := await stream.receive_some():
            answer += data
        return bytes(answer)

    def emit(self, count: int, *, kind: str = "log", case: str = "case-1") -> None:
        emit(self.journal, count, log=self.log, kind=kind, case=case)

    async def _receive(self, stream: trio.abc.Stream) -> None:
        await self.door.receive(stream)
        self.gone += 1


def payload_of(seq: int, kind: str = "log", case: str = "case-1") -> bytes:
    fields = {
        "type": kind,
        "timestamp": "2026-01-01T00:00:00.000+00:00",
        "data": {"level": "info", "message": f"第 {seq} 条 " + "x" * (seq % 200), "context": {}},
        "test_case_id": case,
        "step_name": None,
        "run_id": RUN_ID,
        "seq": seq,
    }
    return json.dumps(fields, ensure_ascii=False).encode()


def emit(
    journal: Journal, count: int = 1, *, log: EventLog | None = None, kind: str = "log", case: str = "case-1"
) -> None:
    for _ in range(count):
        seq = journal.last_seq + 1
        payload = payload_of(seq, kind, case)
        if log is not None:
            log.append(seq, payload)
        journal.append(seq, payload, kind=kind, case=case)


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def house(journal: Journal, nursery: trio.Nursery) -> House:
    return House(journal, nursery)


@pytest.fixture
def client_of() -> type[Client]:
    return Client


@pytest.fixture
def emit_to() -> Callable[..., None]:
    return emit


@pytest.fixture
def house_of(nursery: trio.Nursery) -> Callable[..., House]:
    return lambda journal, **more: House(journal, nursery, **more)
