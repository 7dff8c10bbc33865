"""Runs inside other Trio programs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import trio

from sisyphus.app import LiveRun
from sisyphus.case.model import Case
from sisyphus.errors import StartError
from sisyphus.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from sisyphus.case.project import Choices
    from sisyphus.results import RunResult
    from sisyphus.sinks import Sink

_FOR_LOADING: Final = ("profile", "overrides", "env_prefix")


@asynccontextmanager
async def open_run(
    cases: Case | str | Path | Iterable[Case | str | Path], *, sinks: Iterable[Sink] = (), **options: Any
) -> AsyncIterator[LiveRun]:
    """Starts a run; leaving the block waits for its end.

    Args:
        cases: cases, or paths of files, directories and globs.
        sinks: what else sees the events.
        **options: fields of `sisyphus.settings.Settings` (`jobs`, `fail_fast`, `live`, …), and `profile`, `overrides`,
            `env_prefix` for loading. Without `live` there is a server for watchers if a case has
            ``websocket: {enabled: true}``; `LiveSettings` asks for one, None for none.

    Yields:
        the run, which is going on by then; a live server, if asked for, listens.

    Raises:
        UsageError, CaseFileError: nothing was run.
        StartError: the live server's address cannot be used; nothing was run.

    Cancelling the block, or an exception in it, cancels the run; it ends as after Ctrl-C, then the exception goes on.
    """
    live_run = prepare_run(cases, sinks, options)
    failed: Exception | None = None
    ended_badly: Exception | None = None

    async def supervise(*, task_status: trio.TaskStatus[None]) -> None:  # noqa: ASYNC128 - passes it on
        nonlocal ended_badly
        try:
            await live_run.supervise(task_status=task_status)
        except StartError:
            raise
        except Exception as exc:  # noqa: BLE001 - raised below, as `run` raises it
            ended_badly = exc

    async with trio.open_nursery() as nursery:
        try:
            await nursery.start(supervise)
        except StartError as exc:
            failed = exc
        else:
            try:
                yield live_run
            except Exception as exc:  # noqa: BLE001 - raised below: the nursery is ours, and nobody expects its group
                failed = exc
                live_run.cancel("the block failed")
    if failed is not None:
        raise failed
    if ended_badly is not None:
        raise ended_badly


async def run(
    cases: Case | str | Path | Iterable[Case | str | Path], *, sinks: Iterable[Sink] = (), **options: Any
) -> RunResult:
    """Runs cases to their end; ``trio.run(sisyphus.run, "case.yaml")``.

    Takes and raises what `open_run` does. Cancelled, the run ends as after Ctrl-C, and the cancellation goes on.
    """
    live_run = prepare_run(cases, sinks, options)
    live_run.events.close()
    await live_run.supervise()
    return live_run.result


def prepare_run(
    cases: Case | str | Path | Iterable[Case | str | Path], sinks: Iterable[Sink], options: dict[str, Any]
) -> LiveRun:
    """Loads what is not loaded yet, and tells the loader's options from the run's."""
    from sisyphus.case.project import Choices

    for_loading: dict[str, Any] = {key: options.pop(key) for key in _FOR_LOADING if key in options}
    if "environ" in options:
        for_loading["environ"] = options["environ"]
    choices, settings = Choices(**for_loading), Settings(**options)
    given = [cases] if isinstance(cases, Case | str | Path) else list(cases)
    return LiveRun(list(_loaded(given, choices)), settings, sinks)


def _loaded(given: Iterable[Case | str | Path], choices: Choices) -> Iterator[Case]:
    from sisyphus.case.load import load_all

    paths: list[str | Path] = []
    for item in given:
        if isinstance(item, Case):
            yield from load_all(paths, choices)
            paths.clear()
            yield item
        else:
            paths.append(item)  # neighbours are loaded together: the problems of all of them are told at once
    yield from load_all(paths, choices)
