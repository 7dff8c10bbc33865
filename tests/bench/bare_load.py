"""What a load is compared with: tasks that make GETs by one httpx client on trio. ``bare_load.py URL TASKS EACH`` prints a rate."""

from __future__ import annotations

import sys
import time

import httpx
import trio


async def main(base_url: str, tasks: int, each: int) -> None:
    limits = httpx.Limits(max_connections=tasks, max_keepalive_connections=tasks)
    async with httpx.AsyncClient(base_url=base_url, limits=limits) as client:

        async def task(number: int) -> None:
            for turn in range(each):
                response = await client.get(f"/things/{turn}?page=1", headers={"X-Trace": f"trace-{number}"})
                assert response.status_code == 200
                assert response.json()["data"]["id"] == 7

        began = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for number in range(tasks):
                nursery.start_soon(task, number)
        print(tasks * each / (time.perf_counter() - began))


if __name__ == "__main__":
    trio.run(main, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
