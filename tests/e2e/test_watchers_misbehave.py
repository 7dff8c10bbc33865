"""A small crowd of good, deaf, vanishing and restless watchers: `just soak` measures a thousand."""

from __future__ import annotations

from functools import partial

import trio

from tests.bench.bench_faults import watched


async def test_good_watchers_get_all_whatever_others_do_and_nothing_is_left() -> None:
    run = await trio.to_thread.run_sync(partial(watched, steps=400, seconds=3.0, good=14, each=4, linger=1.0))
    assert run.events > 1600
    assert (run.good, run.restless) == (14, 4)
    assert run.visits > 4
    assert run.left == (0, 0)
