"""Fifty requests at once, cancelled: the run is gone soon, every step has its end, and no connection is left."""

from __future__ import annotations

from functools import partial

import pytest
import trio
from attrs import define

import sisyphus
from sisyphus.events import StepFinished, StepStarted

REQUESTS = 50


@define
class Deaf:
    """A server that takes any number of connections and never answers."""

    open: int = 0
    taken: int = 0

    async def handle(self, stream: trio.SocketStream) -> None:
        self.open += 1
        self.taken += 1
        try:
            async with stream:
                while await stream.receive_some(65536):
                    pass
        except trio.BrokenResourceError:  # hung up on hard
            pass
        finally:
            self.open -= 1

    async def until(self, number: int) -> None:
        while self.open != number:  # noqa: ASYNC110 - the sockets of the other side tell nobody
            await trio.sleep(0.005)


CONCURRENT = "{name: c, type: concurrent, max_concurrency: %d, fail_fast: true, %s steps: [%s]}"
GET = "{name: get, url: /, teardown: {type: print, message: down}}"
STEPS = {
    "concurrent, from outside": (CONCURRENT % (REQUESTS, "", ", ".join([GET] * REQUESTS)), False),
    "concurrent, by its timeout": (CONCURRENT % (REQUESTS, "timeout: 1.5,", ", ".join([GET] * REQUESTS)), True),
    "concurrent, by fail_fast": (
        CONCURRENT % (REQUESTS + 1, "", ", ".join([GET] * REQUESTS + ["{name: w, type: wait, condition: false, max_wait: 1.5}"])),
        True,
    ),
    "load, from outside": (f"{{name: l, url: /, parallel: {{threads: {REQUESTS}, iterations: 9}}}}", False),
}  # fmt: skip


@pytest.mark.parametrize(("step", "by_itself"), STEPS.values(), ids=STEPS.keys())
async def test_fifty_requests_are_ended_and_leave_nothing(step: str, by_itself: bool) -> None:
    server = Deaf()
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, server.handle, 0, host="127.0.0.1"))
            port = listeners[0].socket.getsockname()[1]
            case = sisyphus.loads(
                f"name: x\nconfig: {{base_url: 'http://127.0.0.1:{port}', timeout: 0}}\nsteps: [{step}]\n"
            )
            events = []
            async with sisyphus.open_run(case, live=None) as run:
                async for event in run.events:
                    events.append(event)
                    if isinstance(event.data, StepStarted) and not by_itself and event.data.parent is None:
                        await server.until(REQUESTS)
                        run.cancel()
            await server.until(0)
            assert server.taken == REQUESTS
            nursery.cancel_scope.cancel()
    starts = [event.data for event in events if isinstance(event.data, StepStarted)]
    ends = [event.data for event in events if isinstance(event.data, StepFinished)]
    assert sorted(str(one.path) for one in starts) == sorted(str(one.path) for one in ends)
    requests = [end for end in ends if end.step_name == "get"]
    assert {end.status for end in requests} <= {"error"}
    if "concurrent" in step:
        assert len(requests) == REQUESTS
        assert sum(end.role == "teardown" for end in ends) == REQUESTS
