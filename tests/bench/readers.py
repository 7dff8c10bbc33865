"""Watchers that cost nothing: they count frames. ``readers.py PORT COUNT``, prints the count of each at the end."""

from __future__ import annotations

import selectors
import socket
import sys
import time

CLOSE_NORMALLY = b"\x03\xe8"  # 1000
LIMIT = 120  # seconds without anything to read

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def read(port: int, watchers: int) -> list[int]:
    """Connects, reads to the end, and counts the text frames that each watcher got."""
    received: dict[socket.socket, bytearray] = {}
    with selectors.DefaultSelector() as selector:
        for _ in range(watchers):
            connection = _connected(port)
            connection.sendall(HANDSHAKE)
            selector.register(connection, selectors.EVENT_READ)
            received[connection] = bytearray()
        while selector.get_map():
            for key, _ in selector.select(LIMIT):
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                data = connection.recv(1 << 18)
                received[connection] += data
                # Frames are counted at the end: on two cores, what a reader does while the run goes on is done to the run.
                if not data or CLOSE_NORMALLY in data[-64:]:
                    connection.sendall(b"\x88\x80\0\0\0\0")
                    selector.unregister(connection)
                    connection.close()
    return [_count(bytes(buffer)) for buffer in received.values()]


def _connected(port: int) -> socket.socket:
    for _ in range(500):
        connection = socket.socket()
        if connection.connect_ex(("127.0.0.1", port)) == 0:
            return connection
        connection.close()
        time.sleep(0.01)
    raise RuntimeError("nobody serves")


def _count(received: bytes) -> int:
    """The text frames up to the close frame, which must be there."""
    head, _, frames = received.partition(b"\r\n\r\n")
    assert b" 101 " in head, head
    at = count = 0
    while True:
        kind, length, begin = frames[at] & 0x0F, frames[at + 1], at + 2
        if length == 126:
            length, begin = int.from_bytes(frames[at + 2 : at + 4], "big"), at + 4
        elif length == 127:
            length, begin = int.from_bytes(frames[at + 2 : at + 10], "big"), at + 10
        at = begin + length
        if kind == 8:
            return count
        count += kind == 1


if __name__ == "__main__":
    print(*read(int(sys.argv[1]), int(sys.argv[2])))
