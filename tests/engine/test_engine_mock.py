"""What the mock server of a case was asked, as its steps see it."""

from __future__ import annotations

from typing import Any

import trio
from player import play

from sisyphus.canned.asked import Asked
from sisyphus.case.model import MockServer
from sisyphus.http.headers import Headers
from sisyphus.mock.routes import Routes

CASE = """
    name: c
    config: {mock_server: [{path: /orders, method: POST}, {path: /a}]}
    steps:
      - name: what was asked
        url: /a
        validations:
          - {eq: ['$.mock.requests[0].json.name', Ann]}
          - {eq: ['$.mock.requests[0].headers.x-key', k]}
          - {eq: ["$.mock.requests[?(@.method=='POST')].path", /orders]}
          - {length_eq: [$.mock.requests, 1]}
          - {eq: [$.mock.count, 1]}
          - {eq: [$.mock.url, 'http://mock']}
          - {eq: [$.path, /a]}
        extractors:
          - {name: names, path: '$.mock.requests[*].json.name', extract_all: true}
          - {name: whole, path: '$.mock.requests'}
      - name: in templates
        url: /a
        variables: {asked: '${mock.requests[0].json.name}', seen: '${mock.requests|length}'}
        validations:
          - {eq: [$.status_code, 200]}
          - {eq: [$.path, '/${asked[0]|lower}']}
          - {eq: [$.mock.requests, '${whole}']}
"""


async def serve(server: MockServer, *, task_status: trio.TaskStatus[Any]) -> None:
    routes = Routes(server)
    routes.record.url = "http://mock"
    routes.answer(Asked(method="POST", path="/orders", headers=Headers([(b"X-Key", b"k")]), body='{"name": "Ann"}'))
    task_status.started(routes.record)
    await trio.sleep_forever()


async def test_validations_extractors_and_templates_see_what_was_asked() -> None:
    played = await play(CASE, serve_mock=serve)
    assert [step.error and step.error.message for step in played.steps] == [None, None]
    assert played.steps[0].extracted["names"] == ["Ann"]


async def test_the_response_in_the_result_does_not_repeat_it() -> None:
    played = await play(CASE, serve_mock=serve)
    assert all("mock" not in (step.response or {}) for step in played.steps)


async def test_without_a_mock_server_there_is_no_mock() -> None:
    played = await play("{name: c, steps: [{name: s, url: 'http://h/${mock.count}'}]}")
    assert played.step.error is not None
    assert played.step.error.message.startswith("'mock' is not defined")
