"""All cases of a run, concurrently under a limit."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import trio

from sisyphus.engine.case import run_case
from sisyphus.engine.emitter import Emitter
from sisyphus.redaction.redactor import Redactor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sisyphus.case.model import Case, Config
    from sisyphus.engine.context import Run
    from sisyphus.events import Event


def case_id(index: int) -> str:
    """The `test_case_id` of the case that stands at `index` (from 0) in the input."""
    return f"case-{index + 1}"


async def run_cases(cases: Sequence[Case], run: Run, events: trio.MemorySendChannel[Event], *, jobs: int) -> None:
    """Runs the cases in the order given, at most `jobs` at a time, and closes `events`.

    A case that fails keeps no other from running, unless `run.max_failures` says so. A disabled case is not started: it has no
    events, and its result is made by whoever folds them.

    Cancelled, the cases that were begun end as `cancelled`; those that were not begun have no events.
    """
    limiter = trio.CapacityLimiter(jobs)
    with events, closing(run):
        async with trio.open_nursery() as nursery:
            for index, case in enumerate(cases):
                if not case.enabled:
                    continue
                # Taken before the task is made, so that cases begin in the order of the input.
                await limiter.acquire_on_behalf_of(index)
                if run.stopping is not None:
                    break
                emitter = Emitter(
                    events.clone(), run.clock, case_id(index), case.config.websocket, _redactor(case.config, run)
                )
                nursery.start_soon(_run_one, case, run, emitter, limiter, index, name=f"case {case.name}")


def _redactor(config: Config, run: Run) -> Redactor:
    redactor = Redactor(
        config.sensitive_fields, config.masking_strategy, details=run.details, shared=run.secrets, ledger=run.ledger
    )
    redactor.learn("config", config.raw)
    redactor.learn("profile", config.profile_values)
    return redactor


async def _run_one(case: Case, run: Run, emitter: Emitter, limiter: trio.CapacityLimiter, index: int) -> None:
    with emitter:
        try:
            await run_case(case, run, emitter)
        finally:
            limiter.release_on_behalf_of(index)
