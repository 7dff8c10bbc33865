"""What the engine is compared with: the same GETs by httpx on trio, and nothing else. ``bare_requests.py URL COUNT``."""

from __future__ import annotations

import sys

import httpx
import trio


async def main(base_url: str, count: int) -> None:
    async with httpx.AsyncClient(base_url=base_url) as client:
        for number in range(count):
            headers = {"Accept": "application/json", "X-Trace": f"trace-{number}"}
            response = await client.get(f"/things/{number}?page=1", headers=headers)
            assert response.status_code == 200


if __name__ == "__main__":
    trio.run(main, sys.argv[1], int(sys.argv[2]))
