"""`compat: legacy`, sentence by sentence: text only; what is undefined is empty in what is sent, and an error elsewhere."""

from __future__ import annotations

import json

import pytest
from player import Played, Service, answer, play
from trio.testing import MockClock

NAMES = 'n: 5, f: 1.5, ok: true, none: null, l: [1, 2], u: {name: Ann}, s: "7"'


async def played(step: str, *, service: Service | None = None, variables: str = NAMES) -> Played:
    return await play(
        f"""
        name: x
        config: {{base_url: "http://api", compat: legacy, variables: {{{variables}}}}}
        steps: [{{name: s, {step}}}]
        """,
        service=service or Service(),
    )


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("${n}", "5"),
        ("${f}", "1.5"),
        ("${ok}", "true"),
        ("${none}", "null"),
        ("${l}", "[1, 2]"),
        ("${u}", '{"name": "Ann"}'),
        ("${u.name}", "Ann"),
        ("${n + 1}", "6"),
        ("{{ n }}", "5"),
        ("a${n}b", "a5b"),
        ("{% if ok %}yes{% endif %}", "yes"),
        ("$${n}", "${n}"),
        ("plain", "plain"),
    ],
)
async def test_a_template_gives_text_only(template: str, text: str) -> None:
    service = Service()
    await played(f"url: /, method: POST, json: {{v: '{template}', list: ['{template}']}}", service=service)
    assert json.loads(service.asked[0].content) == {"v": text, "list": [text]}


async def test_what_is_written_without_a_template_keeps_its_type() -> None:
    service = Service()
    await played("url: /, method: POST, json: {n: 5, ok: true, none: null}", service=service)
    assert json.loads(service.asked[0].content) == {"n": 5, "ok": True, "none": None}


async def test_a_variable_that_is_a_template_is_text_and_one_that_was_extracted_is_what_came() -> None:
    result = await played(
        "url: /, variables: {own: '${n}'}, extract: {id: $.id, t: $.t}, "
        "validations: [{eq: [$.t, '${own}']}, {eq: [$.t, '${again}']}]",
        service=Service().will(answer(body={"id": 7, "t": "5"})),
        variables='n: 5, again: "${n}"',
    )
    assert (result.statuses, result.step.extracted) == (["success"], {"id": 7, "t": "5"})


@pytest.mark.parametrize(
    ("check", "status"),
    [
        ("{eq: [$.text, '${n}']}", "success"),
        ("{eq: [$.number, '${n}']}", "failure"),
        ("{eq: [$.number, 5]}", "success"),
        ("{gt: [$.number, '${f}']}", "success"),
        ("{length_eq: [$.text, '${1}']}", "success"),
        ("{status_code: '${200}'}", "success"),
        ("{eq: [$.text, '${missing}']}", "error"),
        ("{or: [{eq: [$.number, '${n}']}, {eq: [$.text, '${n}']}]}", "success"),
    ],
)
async def test_in_a_validation_a_template_is_text_too(check: str, status: str) -> None:
    service = Service().will(answer(body={"text": "5", "number": 5}))
    result = await played(f"url: /, validations: [{check}]", service=service)
    assert result.statuses == [status]


@pytest.mark.parametrize(
    "step",
    [
        "url: /, method: POST, json: {a: 'x${missing}'}",
        "url: /, method: POST, data: {a: '${missing}'}",
        "url: /, method: POST, body: 'x${missing}'",
        "url: /, headers: {X-A: '${missing}'}",
        "url: /, params: {a: '${missing}'}",
        "url: /, cookies: {a: '${missing}'}",
        "url: /, variables: {a: '${missing}'}",
        "url: /, method: POST, json: {a: '${upper(missing)}'}",
        "url: /, method: POST, json: {a: '${u.missing}'}",
        "type: print, message: '${missing}'",
    ],
)
async def test_what_is_undefined_is_empty_in_what_is_sent_and_told(step: str) -> None:
    result = await played(step)
    assert result.statuses == ["success"]
    [warning] = result.step.warnings
    assert "missing' is not defined" in warning
    assert warning in result.logs("warning")


async def test_an_undefined_variable_in_the_settings_is_empty_and_told() -> None:
    service = Service()
    result = await played("url: /, method: POST, json: {v: '${v}'}", service=service, variables="v: '${missing}'")
    assert json.loads(service.asked[0].content) == {"v": ""}
    assert "'missing' is not defined" in result.logs("warning")


@pytest.mark.parametrize(
    "step",
    [
        "url: '/${missing}'",
        "url: /, method: '${missing}'",
        "url: /, only_if: '${missing}'",
        "url: /, skip_if: missing == 5",
        "url: /, enabled: '${missing}'",
        "url: /, timeout: '${missing}'",
        "url: /, verify_ssl: '${missing}'",
        "url: /, auth: {type: bearer, token: '${missing}'}",
        "url: /, validations: [{eq: ['$.${missing}', 1]}]",
        "type: wait, seconds: '${missing}'",
        "type: loop, loop_count: '${missing}', steps: [{name: i, type: print, message: x}]",
        "type: loop, items: '${missing}', steps: [{name: i, type: print, message: x}]",
    ],
)
async def test_what_is_undefined_elsewhere_is_an_error_that_names_it(step: str, autojump_clock: MockClock) -> None:
    result = await played(step)
    assert result.steps[-1].status == "error"
    assert result.steps[-1].error is not None
    assert "'missing' is not defined" in result.steps[-1].error.message


@pytest.mark.parametrize(
    ("step", "count"),
    [
        ("type: loop, items: '${l}', steps: [{name: i, type: print, message: '${item}'}]", 2),
        ("type: loop, loop_count: '${n}', steps: [{name: i, type: print, message: x}]", 5),
        ("type: loop, loop_count: '${s}', steps: [{name: i, type: print, message: x}]", 7),
        ("type: wait, seconds: '${n}'", 0),
        ("type: wait, seconds: '${f}', timeout: '${n}', enabled: '${ok}'", 0),
    ],
)
async def test_what_the_engine_goes_by_is_taken_as_it_is(step: str, count: int, autojump_clock: MockClock) -> None:
    result = await played(step)
    assert set(result.statuses) == {"success"}
    assert len(result.steps) == count + 1


async def test_a_case_without_it_is_not_lenient(autojump_clock: MockClock) -> None:
    result = await play("{name: x, steps: [{name: s, type: print, message: '${missing}'}]}")
    assert result.statuses == ["error"]
