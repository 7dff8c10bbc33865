"""Clean-up that outlives a cancellation, for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from sisyphus.errors import StepTimeout
from sisyphus.results import ErrorInfo
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sisyphus.engine.context import Run

# The case format promises a teardown this long after the end was asked for.
TEARDOWN: Final = 10.0


async def see_through(work: Callable[[], Awaitable[object]], run: Run) -> None:
    """Does `work` to its end; from the moment of a cancellation on it has `TEARDOWN` seconds and is cancelled then.

    After an interruption of the whole run everything that cleans up has to be done by `run.gone_by`. The cancellation
    goes on when the work is done.
    """
    # Shielded: whoever set something up is owed the chance to take it down again.
    shelter = trio.CancelScope(shield=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_notice_cancellation, shelter, run)
        with shelter:
            await work()
        nursery.cancel_scope.cancel("the clean-up is done")


def cut_off() -> ErrorInfo:
    """Why a step of a teardown was cancelled."""
    error = StepTimeout(
        tr("cut off: a teardown has {limit:g} s once what it belongs to was ended, after Ctrl-C less", limit=TEARDOWN),
        suggestion=tr("Give the steps of the teardown a timeout of their own, so that those behind them run too."),
    )
    return ErrorInfo.of(error)


async def _notice_cancellation(shelter: trio.CancelScope, run: Run) -> None:
    try:
        await trio.sleep_forever()
    finally:
        shelter.deadline = min(trio.current_time() + TEARDOWN, run.gone_by)
