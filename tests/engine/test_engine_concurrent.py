"""Steps at the same time: how many, with which variables, and how they end each other."""

from __future__ import annotations

import pytest
import trio
from player import Played, Service, answer, play
from trio.testing import MockClock

HEAD = 'name: x\nconfig: {base_url: "http://api", variables: {n: 2, v: old}}\nsteps:\n'


async def together(fields: str, *steps: str, more: str = "", **options: object) -> Played:
    inner = "".join(f"      - {step}\n" for step in steps)
    text = f"{HEAD}  - name: c\n    type: concurrent\n    {fields}\n    concurrent_steps:\n{inner}{more}"
    return await play(text, **options)  # type: ignore[arg-type]


def rest(name: str, seconds: float, more: str = "") -> str:
    return f"{{name: {name}, type: wait, seconds: {seconds}{more}}}"


def unmet(name: str, more: str = "") -> str:
    return f"{{name: {name}, url: /{name}, validate: [{{status_code: 404}}]{more}}}"


@pytest.mark.parametrize(
    ("fields", "took"), [("", 4), ("max_concurrency: 1", 8), ('max_concurrency: "${n}"', 4), ("max_concurrency: 9", 2)]
)
async def test_at_most_so_many_at_the_same_time(fields: str, took: float, autojump_clock: MockClock) -> None:
    await together(fields, *(rest(name, 2) for name in "abcd"))
    assert trio.current_time() == pytest.approx(took)


async def test_steps_begin_in_the_order_of_the_file_and_are_shown_in_it(autojump_clock: MockClock) -> None:
    names = "stuvwxyz"
    played = await together("max_concurrency: 2", *(rest(name, 9 - at) for at, name in enumerate(names)))
    begun = [(data.step_name, data.path, data.step_index) for data in played.data("step_start")[1:]]
    assert sorted(begun, key=lambda one: int(one[1][2:])) == [(n, f"0/{at}", at) for at, n in enumerate(names)]
    view = played.step_named("c").response or {}
    assert [step["name"] for step in view["steps"]] == [*names]
    # Never one before another of an earlier pair.
    assert [at // 2 for at in (int(path[2:]) for _, path, _ in begun)] == sorted(at // 2 for at in range(8))


async def test_each_sees_a_copy_and_what_they_extract_is_merged_in_the_order_of_the_file(
    autojump_clock: MockClock,
) -> None:
    async def slow(request: object) -> object:
        path = request.url.path  # type: ignore[attr-defined]
        await trio.sleep({"/a": 5, "/b": 1, "/c": 3}[path[:2]])
        return answer(body={"path": path})

    played = await together(
        "", "{name: a, url: '/a/${v}', extract: {v: path, a: path}}", "{name: b, url: '/b/${v}', extract: {v: path}}",
        "{name: c1, url: '/c/${v}'}", more="  - {name: p, type: print, message: '${v} ${a}'}\n", service=slow,
    )  # fmt: skip
    assert [(s.response or {})["body"]["path"] for s in played.steps[:3]] == ["/b/old", "/c/old", "/a/old"]
    assert played.logs("info") == ["/b/old /a/old"]


async def test_outcomes_by_id_are_those_of_the_last_round(autojump_clock: MockClock) -> None:
    played = await play(
        """
        name: x
        steps:
          - name: l
            type: loop
            loop_count: 2
            steps:
              - name: c
                type: concurrent
                steps:
                  - {name: a, id: a, type: wait, seconds: "${index + 1}"}
                  - {name: b, type: wait, seconds: 3}
          - {name: p, type: print, message: "${steps.a.response.waited}"}
        """
    )
    assert played.logs("info") == ["2.0"]


async def test_a_step_waits_for_the_one_it_depends_on_and_sees_what_that_set(
    service: Service, autojump_clock: MockClock
) -> None:
    service.delay = 2
    played = await together(
        "max_concurrency: 1", "{name: a, id: first, url: /a, extract: {v: path}}", "{name: b, url: '/b${v}', depends_on: first}",
        "{name: c1, url: '/c${v}'}", "{name: d, url: '/d${v}', depends_on: [b]}", service=service,
    )  # fmt: skip
    assert [request.url.path for request in service.asked] == ["/a", "/cold", "/b/a", "/d/a"]
    assert played.step_named("c").status == "success"


async def test_what_a_step_only_saw_is_not_merged_again_in_its_name(
    service: Service, autojump_clock: MockClock
) -> None:
    played = await together(
        "", "{name: a, url: /a, extract: {v: path}}", "{name: b, url: /b, extract: {v: path}}",
        "{name: c1, url: /c, depends_on: a}", "{name: d, url: '/d${v}', depends_on: c1}",
        more="  - {name: p, type: print, message: '${v}'}\n", service=service,
    )  # fmt: skip
    assert "/d/a" in [request.url.path for request in service.asked]  # it sees what the one before the one before set
    assert played.logs("info") == ["/b"]


async def test_a_step_whose_sibling_failed_is_skipped_if_it_depends_on_it(service: Service) -> None:
    played = await together("", unmet("a"), "{name: b, url: /b, depends_on: a}", service=service)
    assert played.step_named("b").reason == "'a', on which it depends, ended as failure"
    view = played.step_named("c").response or {}
    assert (view["total"], view["passed"], view["failed"], view["skipped"]) == (2, 0, 1, 1)


async def test_failures_fail_the_step_and_the_others_go_on(service: Service, autojump_clock: MockClock) -> None:
    played = await together("", rest("w", 5), unmet("a"), unmet("b"), rest("z", 5), service=service)
    step = played.step_named("c")
    assert step.status == "failure"
    assert step.error is not None
    assert step.error.message == "2 of 4 steps failed; 'a': expected the status 404, got 200"
    assert trio.current_time() == pytest.approx(5)


async def test_an_error_inside_makes_it_an_error(service: Service) -> None:
    played = await together("", unmet("a"), "{name: b, url: '${nowhere}'}", service=service)
    step = played.step_named("c")
    assert step.status == "error"
    assert step.error is not None
    assert step.error.message.startswith("2 of 2 steps failed; 'b': ")


async def test_fail_fast_ends_those_under_way_with_their_teardowns_and_skips_the_rest(
    service: Service, autojump_clock: MockClock
) -> None:
    down = ", teardown: [{name: down, type: wait, seconds: 4}, {type: print, message: down}]"
    late = unmet("a", ", setup: {name: up, type: wait, seconds: 3}")
    played = await together(
        "fail_fast: true", rest("w", 60, down), late, rest("x", 1), rest("y", 60), rest("z", 60), service=service
    )
    why = "'a' failed, and fail_fast ends the others"
    statuses = {s.name: (s.status, s.reason or (s.error and s.error.message)) for s in played.steps}
    assert statuses["w"] == statuses["y"] == ("error", why)
    assert statuses["z"] == ("skipped", why)
    assert statuses["x"] == ("success", None)
    assert "down" in played.logs("info")
    assert trio.current_time() == pytest.approx(7)
    step = played.step_named("c")
    assert (step.status, step.error and step.error.message) == (
        "failure", "1 of 5 steps failed; 'a': expected the status 404, got 200",
    )  # fmt: skip
    view = step.response or {}
    assert {key: view[key] for key in ("passed", "failed", "skipped", "cancelled")} == {
        "passed": 1, "failed": 1, "skipped": 1, "cancelled": 2,
    }  # fmt: skip
    assert played.types.count("step_start") == played.types.count("step_complete")


async def test_what_was_set_before_a_timeout_is_kept_for_the_teardown(
    service: Service, autojump_clock: MockClock
) -> None:
    played = await together(
        "{timeout: 5, teardown: {type: print, message: '${v}'}}".strip("{}").replace(", teardown", "\n    teardown") + "}",
        "{name: a, url: /made, extract: {v: path}}", rest("w", 60), service=service,
    )  # fmt: skip
    assert played.logs("info") == ["/made"]
    waited = played.step_named("w")
    assert waited.error is not None
    assert waited.error.message == "the step 'c' around this one reached its time limit"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ('max_concurrency: "${n - 2}"', "max_concurrency must be a whole number from 1 on, got 0"),
        ('max_concurrency: "${v}"', "max_concurrency must be a whole number from 1 on, got 'old'"),
        ('fail_fast: "${v}"', "fail_fast must be true or false, got 'old'"),
    ],
)
async def test_what_cannot_be_evaluated_is_the_steps_error(fields: str, message: str) -> None:
    played = await together(fields, rest("a", 0))
    assert played.step.error is not None
    assert played.step.error.message == message
