"""Watches a run from another program: typed events, each exactly once, also through lost connections.

Here both ends are in one program; usually the run is a process of its own: sisyphus-api-engine --cases … --ws-server
"""

from __future__ import annotations

import trio

import sisyphus
from sisyphus.events import StepFinished
from sisyphus.live import LiveSettings, watch

CASE = """
name: 被观看的用例
steps:
  - {name: first, type: wait, seconds: 0.2}
  - {name: second, type: wait, seconds: 0.2}
"""


async def main() -> None:
    live = LiveSettings(port=0, wait_clients=1)
    async with sisyphus.open_run(sisyphus.loads(CASE), live=live) as run:
        if run.serving is None:
            raise RuntimeError("there is no server")
        async with watch(run.serving.url) as watching:
            async for received in watching:
                if isinstance(received.event.data, StepFinished):
                    print(received.seq, received.event.data.step_name, received.event.data.status)
    print(run.result.status)


trio.run(main)
