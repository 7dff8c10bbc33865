"""Watchers that cost nothing: they count frames. ``readers.py PORT COUNT``, prints the count of each at the end."""

from __future__ import annotations

import selectors
import socket
import sys
import time

LIMIT = 120  # seconds without anything to read

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def read(port: int, watchers: int) -> list[int]:
    """Connects, reads to the end, and counts the text frames that each watcher got."""
    counts: dict[socket.socket, int] = {}
    buffers: dict[socket.socket, bytearray] = {}
    selector = selectors.DefaultSelector()
    for _ in range(watchers):
        connection = _connected(port)
        connection.sendall(HANDSHAKE)
        selector.register(connection, selectors.EVENT_READ)
        counts[connection], buffers[connection] = -1, bytearray()
    while selector.get_map():
        for key, _ in selector.select(LIMIT):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            data = connection.recv(1 << 18)
            if not data or _count(connection, data, counts, buffers):
                selector.unregister(connection)
                connection.close()
    return list(counts.values())


def _connected(port: int) -> socket.socket:
    for _ in range(500):
        connection = socket.socket()
        if connection.connect_ex(("127.0.0.1", port)) == 0:
            return connection
        connection.close()
        time.sleep(0.01)
    raise RuntimeError("nobody serves")


def _count(
    connection: socket.socket,
    data: bytes,
    counts: dict[socket.socket, int],
    buffers: dict[socket.socket, bytearray],
) -> bool:
    """Takes what came; whether it was a close frame, after which the connection is answered and done."""
    buffer = buffers[connection]
    buffer += data
    if counts[connection] < 0:  # the handshake's answer
        head, found, rest = bytes(buffer).partition(b"\r\n\r\n")
        if not found:
            return False
        assert b" 101 " in head, head
        buffer[:] = rest
        counts[connection] = 0
    at = 0
    while len(buffer) - at >= 2:
        kind, length, begin = buffer[at] & 0x0F, buffer[at + 1], at + 2
        if length == 126:
            length, begin = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
        elif length == 127:
            length, begin = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
        if len(buffer) < begin + length:
            break
        at = begin + length
        if kind == 8:
            connection.sendall(b"\x88\x80\0\0\0\0")
            return True
        counts[connection] += kind == 1
    del buffer[:at]
    return False


if __name__ == "__main__":
    print(*read(int(sys.argv[1]), int(sys.argv[2])))
