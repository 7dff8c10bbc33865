"""Runs cases through the engine alone: no sockets, no dispatcher, time as the test wants it."""

from __future__ import annotations

import textwrap
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import httpx
import trio

from sisyphus.case.load import loads
from sisyphus.case.model import Case, MockServer
from sisyphus.case.project import Choices
from sisyphus.engine.context import Run
from sisyphus.engine.emitter import Clock
from sisyphus.engine.run import run_cases
from sisyphus.events import Event
from sisyphus.results import CaseResult, StepResult

Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Service:
    """The other side of all requests: answers what it was told to, in turn, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[httpx.Response | Exception] = []
        self.asked: list[httpx.Request] = []
        self.delay = 0.0

    def will(self, *answers: httpx.Response | Exception) -> Service:
        self.answers.extend(answers)
        return self

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.asked.append(request)
        await trio.sleep(self.delay)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0] if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            return httpx.Response(200, json={"path": request.url.path})
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def answer(status: int = 200, body: Any = None, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


class Played:
    """What a run came to, as its events tell it."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = list(events)

    @property
    def types(self) -> list[str]:
        return [event.data.type for event in self.events]

    def data(self, type_: str) -> list[Any]:
        return [event.data for event in self.events if event.data.type == type_]

    @property
    def steps(self) -> list[StepResult]:
        return [event.result for event in self.events if isinstance(event.result, StepResult)]

    @property
    def step(self) -> StepResult:
        (only,) = self.steps
        return only

    def step_named(self, name: str) -> StepResult:
        (only,) = (step for step in self.steps if step.name == name)
        return only

    def step_at(self, path: str) -> StepResult:
        (only,) = (step for step in self.steps if step.path == path)
        return only

    @property
    def cases(self) -> list[CaseResult]:
        return [event.result for event in self.events if isinstance(event.result, CaseResult)]

    @property
    def case(self) -> CaseResult:
        (only,) = self.cases
        return only

    @property
    def statuses(self) -> list[str]:
        return [step.status for step in self.steps]

    def logs(self, level: str) -> list[str]:
        return [data.message for data in self.data("log") if data.level == level]


def case_of(text: str, **choices: Any) -> Case:
    return loads(textwrap.dedent(text), choices=Choices(environ=choices.pop("environ", {}), **choices))


async def no_mock(server: MockServer, *, task_status: trio.TaskStatus[str]) -> None:
    raise AssertionError("this test brings no mock server")


async def play(
    *cases: str | Case,
    service: Answer | None = None,
    jobs: int = 8,
    max_failures: int | None = None,
    environ: Mapping[str, str] | None = None,
    scope: trio.CancelScope | None = None,
    serve_mock: Any = no_mock,
    on_event: Callable[[Event], None] | None = None,
    buffer: int = 1000,
) -> Played:
    """Runs cases to their end, or to the cancelling of `scope`, and returns what they said."""
    loaded = [case if isinstance(case, Case) else case_of(case) for case in cases]
    send, receive = trio.open_memory_channel[Event](buffer)
    run = Run(
        clock=Clock(),
        pools=httpx.MockTransport(service or Service()),  # type: ignore[arg-type]  # any httpx transport will do
        serve_mock=serve_mock,
        cases_total=len(loaded),
        environ=environ or {},
        max_failures=max_failures,
    )
    events: list[Event] = []

    async def collect() -> None:
        async with receive:
            async for event in receive:
                events.append(event)
                if on_event is not None:
                    on_event(event)

    crash: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(collect)
        try:
            with scope or trio.CancelScope():
                await run_cases(loaded, run, send, jobs=jobs)
        except Exception as exc:  # the events are read to their end first, as the dispatcher does
            crash = exc
    if crash is not None:
        raise crash
    return Played(events)
