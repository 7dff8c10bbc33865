"""Watchers of every kind, many at a time in one process. ``crowd.py PORT KIND COUNT SECONDS SEED``, prints what they saw.

- `good` ones read all there is, as fast as it comes;
- `deaf` ones never read;
- `vanishing` ones go away without a word some time within SECONDS, half of them with a reset;
- `restless` ones break off all the time, and come back with ``after=``.

What a crowd costs is taken from the same machine as the run: a good reader looks at no frame while the run goes on. It
keeps a checksum of all bytes, which are the same for all, and one of each process keeps the bytes too; at the end it is
these that are taken apart.
"""

from __future__ import annotations

import heapq
import json
import math
import random
import re
import selectors
import socket
import struct
import sys
import time
import zlib

LIMIT = 600  # seconds for everything
RECEIVE = 1 << 17

_SEQ = re.compile(rb'"seq":(\d+)\}')
_GAP = re.compile(rb'"gap":\[(\d+),(\d+)\]')
_CLOSE_NORMALLY = b"\x88\x02\x03\xe8"
_PING = b"}\x89\x04"


def _ask(port: int, target: str, subprotocol: str = "") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    offer = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    connection.sendall(
        f"GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{offer}"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    return connection


def _end_of_frame(data: bytes, at: int) -> tuple[int, int] | None:
    if len(data) < at + 2:
        return None
    length, begin = data[at + 1], at + 2
    if length == 126:
        length, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
    elif length == 127:
        length, begin = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
    return (begin, begin + length) if begin <= len(data) and begin + length <= len(data) else None


class Good:
    """Reads all. What it got is a checksum of the bytes, so that hundreds can be compared; one keeps them as well.

    On two cores, what a reader does while the run goes on is done to the run: frames are looked at when it is over.
    """

    def __init__(self, port: int, *, keeps: bool) -> None:
        self.connection = _ask(port, "/")
        self.checksum = self.length = 0
        self.kept = bytearray() if keeps else None
        self.whole = False
        # Events end with a brace; this one is there for a ping before the first of them, and is part of every checksum.
        self._rest = b"}" + _read_head(self.connection)

    def read(self) -> bool:
        """Returns whether there is more to come."""
        try:
            data = self.connection.recv(RECEIVE)
        except ConnectionError:
            return False
        if not data:
            return False
        data = self._rest + data
        # A ping can only stand between two events, and is the server's own: each watcher has others.
        while (at := data.find(_PING)) >= 0 and at + 7 <= len(data):
            self.connection.sendall(b"\x8a\x84\0\0\0\0" + data[at + 3 : at + 7])
            data = data[: at + 1] + data[at + 7 :]
        if data.endswith(_CLOSE_NORMALLY):
            self.whole = True
            self._take(data)
            self.connection.sendall(b"\x88\x80\0\0\0\0")
            return False
        self._rest = data[-8:]
        self._take(data[:-8])
        return True

    def _take(self, data: bytes) -> None:
        self.checksum = zlib.crc32(data, self.checksum)
        self.length += len(data)
        if self.kept is not None:
            self.kept += data


def _read_head(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(RECEIVE)
    head, _, rest = data.partition(b"\r\n\r\n")
    assert b" 101 " in head, head
    return rest


def _events_in(data: bytes) -> int:
    """How many events these frames are, which have to be in order and to end with a close frame."""
    at = count = 0
    while (place := _end_of_frame(data, at)) is not None:
        begin, end = place
        if data[at] & 15 == 8:
            return count if end == len(data) else -1
        count += 1
        if int(data[data.rindex(b":", begin, end) + 1 : end - 1]) != count:
            return -1
        at = end
    return -1


def good(port: int, count: int) -> dict[str, object]:
    readers = [Good(port, keeps=number == 0) for number in range(count)]
    with selectors.DefaultSelector() as selector:
        for reader in readers:
            selector.register(reader.connection, selectors.EVENT_READ, reader)
        while selector.get_map():
            for key, _ in selector.select(LIMIT):
                if not key.data.read():
                    selector.unregister(key.fileobj)
                    key.fileobj.close()  # type: ignore[union-attr]
    return {
        "whole": sum(reader.whole for reader in readers),
        "counts": [_events_in(bytes(readers[0].kept or b"")[1:])],
        "checksums": sorted({reader.checksum for reader in readers}),
    }


def deaf(port: int, count: int) -> dict[str, object]:
    held = []
    for _ in range(count):
        held.append(_ask(port, "/"))
        held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sys.stdin.read()  # until the run is over
    for connection in held:
        connection.close()
    return {"held": len(held)}


def vanishing(port: int, count: int, seconds: float, chance: random.Random) -> dict[str, object]:
    leaving: list[tuple[float, int, socket.socket]] = []
    with selectors.DefaultSelector() as selector:
        for number in range(count):
            connection = _ask(port, "/")
            selector.register(connection, selectors.EVENT_READ)
            leaving.append((time.monotonic() + chance.uniform(0, seconds), number, connection))
        heapq.heapify(leaving)
        while leaving:
            for key, _ in selector.select(max(0, leaving[0][0] - time.monotonic())):
                key.fileobj.recv(RECEIVE)  # type: ignore[union-attr]
            while leaving and leaving[0][0] <= time.monotonic():
                _, number, connection = heapq.heappop(leaving)
                if number % 2:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                selector.unregister(connection)
                connection.close()
    return {"vanished": count}


class Restless:
    """Breaks off and comes back, until it has seen the end."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self._port, self._chance = port, chance
        self.last = self.visits = 0
        self.in_order = True
        self.whole = False
        self.come()

    def come(self) -> None:
        self.connection = _ask(self._port, f"/?after={self.last}", "sisyphus.v1")
        self.visits += 1
        self.leaves = math.inf
        self._rest = b""

    def read(self) -> None:
        try:
            data = self.connection.recv(RECEIVE)
        except ConnectionError:
            data = b""
        if not data:
            self.leaves = 0.0
            return
        if self.leaves == math.inf:  # a server that keeps it waiting is waited for: it does not leave before it was in
            self.leaves = time.monotonic() + self._chance.uniform(0.2, 2)
        data = self._rest + data
        if told := _GAP.search(data):
            self.in_order = self.in_order and int(told[1]) == self.last + 1
            self.last = int(told[2])
            data = data[told.end() :]
        if seqs := [int(seq) for seq in _SEQ.findall(data)]:
            self.in_order = self.in_order and seqs == list(range(self.last + 1, self.last + 1 + len(seqs)))
            self.last = seqs[-1]
        self.whole = data.endswith(_CLOSE_NORMALLY)
        begun = data.rfind(b'"seq":')
        ended = data.find(b"}", begun) + 1 if begun >= 0 else 0
        self._rest = data[ended or max(begun, 0) :]


def restless(port: int, count: int, chance: random.Random) -> dict[str, object]:
    readers = [Restless(port, chance) for _ in range(count)]
    going = set(readers)
    with selectors.DefaultSelector() as selector:
        for reader in readers:
            selector.register(reader.connection, selectors.EVENT_READ, reader)
        while going:
            for key, _ in selector.select(0.02):
                key.data.read()
            for reader in [reader for reader in going if reader.whole or reader.leaves < time.monotonic()]:
                selector.unregister(reader.connection)
                reader.connection.close()
                if reader.whole:
                    going.discard(reader)
                    continue
                try:
                    reader.come()
                except ConnectionRefusedError:  # too late for the rest
                    going.discard(reader)
                    continue
                selector.register(reader.connection, selectors.EVENT_READ, reader)
    return {
        "whole": sum(reader.whole and reader.in_order for reader in readers),
        "counts": sorted({reader.last for reader in readers}),
        "visits": sum(reader.visits for reader in readers),
    }


def main() -> None:
    port, kind, count, seconds, seed = sys.argv[1:]
    chance = random.Random(int(seed))
    match kind:
        case "good":
            seen = good(int(port), int(count))
        case "deaf":
            seen = deaf(int(port), int(count))
        case "vanishing":
            seen = vanishing(int(port), int(count), float(seconds), chance)
        case _:
            seen = restless(int(port), int(count), chance)
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
