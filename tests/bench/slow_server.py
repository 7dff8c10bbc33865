"""A bare HTTP server that answers after a time: ``slow_server.py PORT SECONDS``."""

from __future__ import annotations

import asyncio
import sys

BODY = b'{"code": 0, "data": {"id": 7, "name": "li lei", "tags": ["a", "b"], "token": "t-1"}}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            _, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            asyncio.get_running_loop().call_later(SECONDS, self.transport.write, ANSWER)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    PORT, SECONDS = int(sys.argv[1]), float(sys.argv[2])
    asyncio.run(main(PORT))
