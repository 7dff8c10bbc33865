"""Watchers over HTTP: Server-Sent Events as a browser reads them, lines as a program does, and how each ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, lockstep_stream_pair, wait_all_tasks_blocked

from sisyphus.event_log import EventLog
from sisyphus.journal import Journal
from sisyphus.live.watcher import MAX_MESSAGE_BYTES, PING_EVERY, PONG_WITHIN


@define
class Reader:
    """A reader of `/events` that does what a browser's `EventSource` does, and nothing of its own."""

    stream: trio.abc.Stream
    status: int = 0
    headers: dict[str, str] = field(factory=dict)
    events: list[dict[str, Any]] = field(factory=list)
    words: list[tuple[str, dict[str, Any]]] = field(factory=list)
    comments: int = 0
    last_event_id: str = ""
    retry: int | None = None
    whole: bool = False
    _rest: bytes = b""
    _chunked: bool = False

    async def ask(self, target: str = "/events", version: str = "1.1", **headers: str) -> None:
        lines = [f"GET {target} HTTP/{version}", "Host: localhost:8765"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.stream.send_all("\r\n".join([*lines, "", ""]).encode())
        head = (await self._until(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(head[0].split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        self._chunked = self.headers.get("transfer-encoding") == "chunked"

    async def block(self) -> bool:
        """Reads one event, word or comment; False at the end of the body."""
        text = await self._part()
        if text is None:
            return False
        for block in filter(None, text.decode().split("\n\n")):
            self._take(dict.fromkeys(()), block)
        return True

    async def all(self) -> list[int]:
        """The `seq` of all events up to the end."""
        while await self.block():
            pass
        return self.seqs

    async def until(self, seq: int) -> list[int]:
        while seq not in self.seqs:
            assert await self.block(), "the stream ended before"
        return self.seqs

    @property
    def seqs(self) -> list[int]:
        return [event["seq"] for event in self.events]

    def _take(self, fields: dict[str, str], block: str) -> None:
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            if not name:
                self.comments += 1
            fields[name] = value.removeprefix(" ")
        if "retry" in fields:
            self.retry = int(fields["retry"])
        if "event" in fields:
            assert "id" not in fields
            self.words.append((fields["event"], json.loads(fields["data"])))
        elif "data" in fields:
            self.events.append(json.loads(fields["data"]))
            assert fields["id"] == str(self.events[-1]["seq"])
            self.last_event_id = fields["id"]

    async def _part(self) -> bytes | None:
        if not self._chunked:
            data = await self._receive()
            self.whole = not data
            return data or None
        length = await self._until(b"\r\n")
        if not length:
            return None
        size = int(length, 16)
        while len(self._rest) < size + 2:
            if not (data := await self._receive()):
                return None
            self._rest += data
        part, self._rest = self._rest[:size], self._rest[size + 2 :]
        self.whole = not part
        return part or None

    async def _until(self, end: bytes) -> bytes:
        while end not in self._rest:
            if not (data := await self._receive()):
                return b""
            self._rest += data
        found, self._rest = self._rest.split(end, 1)
        return found

    async def _receive(self) -> bytes:
        with trio.fail_after(100):
            try:
                return bytes(await self.stream.receive_some())
            except trio.BrokenResourceError:
                return b""


@pytest.fixture
def small_house(house_of: Callable[..., Any]) -> Any:
    return house_of(Journal(max_events=8))


async def reader(house: Any, target: str = "/events", **headers: str) -> Reader:
    reader = Reader(house.visit())
    await reader.ask(target, **headers)
    return reader


async def lines(house: Any, query: str = "") -> list[int]:
    answer = await house.ask(f"GET /events?format=ndjson{query} HTTP/1.0\r\n\r\n".encode())
    body = answer.partition(b"\r\n\r\n")[2]
    return [json.loads(line)["seq"] for line in body.splitlines()]


async def test_a_reader_gets_the_run_from_its_start_then_live_and_is_told_the_end(
    autojump_clock: MockClock, house: Any
) -> None:
    house.emit(3)
    source = await reader(house)
    assert (source.status, source.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert await source.until(3) == [1, 2, 3]
    house.emit(1)
    assert await source.until(4) == [1, 2, 3, 4]
    house.journal.close()
    assert await source.all() == [1, 2, 3, 4]
    assert source.whole
    assert [kind for kind, _ in source.words] == ["hello", "close"]
    assert source.words[-1][1]["data"] == {"code": 1000, "reason": "the run is over"}
    assert source.retry == 1000


async def test_who_speaks_http_1_0_gets_the_same_without_chunks(autojump_clock: MockClock, house: Any) -> None:
    house.emit(3)
    source = await reader(house, version="1.0")
    assert "transfer-encoding" not in source.headers
    house.journal.close()
    assert await source.all() == [1, 2, 3]


async def test_the_bytes_of_an_event_are_those_of_the_websocket(autojump_clock: MockClock, house: Any) -> None:
    house.emit(1)
    house.journal.close()
    (payload,) = house.journal.read(0).payloads
    answer = await house.ask(b"GET /events HTTP/1.0\r\n\r\n")
    assert b"id: 1\ndata: " + payload + b"\n\n" in answer


@pytest.mark.parametrize(
    ("query", "headers", "seqs"),
    [
        ("?after=3", {}, [4, 5]),
        ("", {"Last_Event_ID": "3"}, [4, 5]),
        ("?after=1", {"Last_Event_ID": "3"}, [4, 5]),
        ("?from=live", {"Last_Event_ID": "3"}, [4, 5]),
        ("?types=error", {}, []),
        ("?from=live", {}, []),
    ],
)
async def test_a_reader_begins_where_it_wants(
    autojump_clock: MockClock, house: Any, query: str, headers: dict[str, str], seqs: list[int]
) -> None:
    house.emit(5)
    source = await reader(house, f"/events{query}", **headers)
    await wait_all_tasks_blocked()
    house.journal.close()
    assert await source.all() == seqs
    told = [data["data"] for kind, data in source.words if kind == "recovered"]
    assert told == ([{"recovered": True}] if "after" in query or headers else [])


async def test_a_browser_that_breaks_off_and_comes_back_misses_nothing(autojump_clock: MockClock, house: Any) -> None:
    house.emit(3)
    first = await reader(house)
    await first.until(2)
    await first.stream.aclose()
    house.emit(3)
    again = await reader(house, Last_Event_ID=first.last_event_id)
    house.journal.close()
    assert first.seqs + await again.all() == [1, 2, 3, 4, 5, 6]


async def test_a_browser_that_comes_back_too_late_is_told_what_is_lost(
    autojump_clock: MockClock, small_house: Any
) -> None:
    small_house.emit(20)
    source = await reader(small_house, Last_Event_ID="5")
    small_house.journal.close()
    assert await source.all() == list(range(13, 21))
    assert source.words[1][1]["data"] == {"recovered": False, "gap": [6, 12]}


async def test_a_browser_that_has_watched_another_run_gets_this_one_from_its_start(
    autojump_clock: MockClock, house: Any
) -> None:
    house.emit(3)
    source = await reader(house, "/events?from=live", Last_Event_ID="700")
    house.journal.close()
    assert await source.all() == [1, 2, 3]
    assert [kind for kind, _ in source.words] == ["hello", "close"]


async def test_a_browser_that_has_everything_of_a_finished_run_is_told_to_stop_asking(
    autojump_clock: MockClock, house: Any
) -> None:
    house.emit(3)
    house.journal.close()
    source = await reader(house, Last_Event_ID="3")
    assert source.status == 204
    assert await source.stream.receive_some() == b""


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("/events?after=21", 400, "not of this run"),
        ("/events?form=live", 400, "did you mean 'format'"),
        ("/events?format=xml", 400, "format is sse | ndjson"),
        ("/events?format=ndjson&after=3", 410, "from 4 to 12"),
    ],
)
async def test_what_a_reader_cannot_have_is_said_at_once(
    autojump_clock: MockClock, small_house: Any, target: str, status: int, said: str
) -> None:
    small_house.emit(20)
    answer = await small_house.ask(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert said in answer.decode()


async def test_who_asks_for_the_head_of_the_stream_gets_that_and_no_stream(
    autojump_clock: MockClock, house: Any
) -> None:
    answer = await house.ask(b"HEAD /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert house.show.pulse.watchers == 0


async def test_lines_are_the_events_and_end_with_the_run(autojump_clock: MockClock, house: Any) -> None:
    house.emit(3)
    house.journal.close()
    assert await lines(house) == [1, 2, 3]
    assert await lines(house, "&after=2") == [3]
    assert await lines(house, "&after=3") == []


async def test_a_reader_is_a_watcher_for_whom_a_run_may_wait(autojump_clock: MockClock, house: Any) -> None:
    source = await reader(house)
    with trio.fail_after(1):
        await house.show.pulse.wait_for(1)
    await source.stream.aclose()
    await trio.sleep(1)
    assert house.show.pulse.watchers == 0
    assert house.gone == 1


async def stuck_reader(house: Any, target: str) -> Reader:
    source = Reader(house.visit(lockstep_stream_pair))
    await source.ask(target)
    if "ndjson" not in target:
        await source.block()
        await source.block()
    await trio.sleep(1)
    house.emit(1)
    await trio.sleep(1)
    house.emit(50)
    return source


async def test_a_reader_that_is_too_slow_is_told_where_to_go_on_and_its_body_breaks_off(
    autojump_clock: MockClock, small_house: Any
) -> None:
    source = await stuck_reader(small_house, "/events")
    assert await source.all() == [1]
    assert [kind for kind, _ in source.words] == ["hello", "lag", "close"]
    assert source.words[-1][1]["data"] == {"code": 4408, "reason": "slow consumer; resume with after=1"}
    assert not source.whole


async def test_a_reader_of_lines_that_is_too_slow_sees_its_body_break_off(
    autojump_clock: MockClock, small_house: Any
) -> None:
    source = await stuck_reader(small_house, "/events?format=ndjson")
    while await source._part():
        pass
    assert not source.whole


async def test_what_memory_has_lost_comes_from_the_event_log(
    house_of: Callable[..., Any], tmp_path: Any, nursery: trio.Nursery
) -> None:
    with EventLog(tmp_path / "events.jsonl") as log, trio.fail_after(10):
        nursery.start_soon(log.write_behind)
        house = house_of(Journal(max_events=8), log=log)
        house.emit(100)
        source = await reader(house, Last_Event_ID="30")
        house.journal.close()
        log.close()
        assert await source.all() == list(range(31, 101))
        assert source.words[1][1]["data"] == {"recovered": True}


async def test_a_quiet_stream_shows_every_twenty_seconds_that_it_is_alive(
    autojump_clock: MockClock, house: Any, nursery: trio.Nursery
) -> None:
    source = await reader(house)
    nursery.start_soon(source.all)
    await trio.sleep(200)
    assert 9 <= source.comments <= 11
    assert source.events == []
    house.journal.close()


async def test_who_does_not_read_is_dropped(autojump_clock: MockClock, house: Any) -> None:
    source = Reader(house.visit(lockstep_stream_pair))
    await source.ask()
    await trio.sleep(PING_EVERY + PONG_WITHIN + 1)
    assert house.show.pulse.watchers == 0


async def test_a_reader_that_talks_and_talks_is_dropped(autojump_clock: MockClock, house: Any) -> None:
    source = await reader(house)
    await source.stream.send_all(b"x" * (MAX_MESSAGE_BYTES - 1))
    await wait_all_tasks_blocked()
    assert house.show.pulse.watchers == 1
    await source.stream.send_all(b"xx")
    await trio.sleep(2)
    assert house.show.pulse.watchers == 0


async def test_a_reader_who_leaves_in_the_middle_is_no_error(autojump_clock: MockClock, house: Any) -> None:
    for target in ("/events", "/events?format=ndjson"):
        source = await reader(house, target)
        house.emit(1)
        await source.stream.aclose()
        house.emit(1)
    await trio.sleep(2)
    assert house.gone == 2
