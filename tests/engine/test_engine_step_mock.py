"""A step with a `mock` of its own is answered without any network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from player import Played, Service, case_of, play
from trio.testing import MockClock

from sisyphus.case.load import load
from sisyphus.case.project import Choices


async def played(steps: str, config: str = "{}") -> Played:
    """Plays steps against a service that may not be asked anything."""
    service = Service()
    result = await play(f"name: c\nconfig: {config}\nsteps:\n{steps}", service=service)
    assert service.asked == []
    return result


async def test_the_answer_is_the_mocks_and_looks_like_a_servers() -> None:
    result = await played("""
    - name: s
      method: POST
      url: https://nowhere.invalid/users/7?q=a&q=b
      headers: {X-Key: k}
      json: {n: 5}
      mock:
        response:
          status_code: 201
          headers: {X-Many: [a, b], Location: "/x/${request.json.n}"}
          body: {path: "${request.path}", q: "${request.query.q}", key: "${request.headers['x-key']}", own: "${own}"}
      variables: {own: mine}
    """)
    view = result.step.response
    assert view is not None
    assert (view["status_code"], view["reason"], view["mocked"]) == (201, "Created", True)
    assert view["body"] == {"path": "/users/7", "q": ["a", "b"], "key": "k", "own": "mine"}
    assert (view["headers"]["Location"], view["headers"]["X-Many"]) == ("/x/5", "a, b")
    assert view["request"]["method"] == "POST"
    assert view["request"]["url"] == "https://nowhere.invalid/users/7?q=a&q=b"
    assert view["history"] == []
    assert {phase for phase, value in view["timings"].items() if value is not None} == {"total"}


async def test_a_mock_that_is_switched_off_lets_the_request_go() -> None:
    service = Service()
    mocks = (
        "{enabled: false, response: {body: x}}",
        "{enabled: '${off}', response: {body: x}}",
        "{}",
        "{enabled: false}",
    )
    steps = "".join(f"- {{name: s, url: 'http://h/', mock: {mock}}}\n" for mock in mocks)
    result = await play(f"name: c\nconfig: {{variables: {{off: false}}}}\nsteps:\n{steps}", service=service)
    assert result.statuses == ["success"] * len(mocks)
    assert len(service.asked) == len(mocks)
    assert all("mocked" not in (step.response or {}) for step in result.steps)


CHOOSING = """
    - name: {name}
      method: POST
      url: http://h/
      json: {{n: {n}}}
      variables: {{user: {user}}}
      mock:
        conditions:
          - {{condition: request.json.n > 9, response: {{body: big}}}}
          - {{condition: "${{user}} == 'ann'", response: {{body: hers}}}}
        response: {{body: other}}
"""


async def test_the_first_condition_that_holds_answers_and_else_the_response() -> None:
    asked = [("a", 10, "ann"), ("b", 1, "ann"), ("c", 1, "bob")]
    result = await played("".join(CHOOSING.format(name=name, n=n, user=user) for name, n, user in asked))
    assert [step.response and step.response["body"] for step in result.steps] == ["big", "hers", "other"]


async def test_where_no_condition_holds_nothing_is_sent_and_the_step_says_so() -> None:
    result = await played("- {name: s, url: http://h/, mock: {conditions: [{condition: false, response: {}}]}}")
    assert result.step.error is not None
    assert result.step.error.message == "no condition of the step's mock holds"


async def test_responses_come_in_turn_over_retries_and_polls(autojump_clock: MockClock) -> None:
    result = await played("""
    - name: retried
      url: http://h/
      retry_policy: {max_attempts: 2}
      mock: {responses: [{status_code: 503}, {failure: connection_error}, {body: ok}]}
      validations: [{status_code: 200}]
    - name: polled
      type: poll
      url: http://h/
      mock: {responses: [{body: {s: 1}}, {body: {s: 2}}, {body: {s: 3}}]}
      poll_config: {condition: {path: $.s, expect: 3}}
    """)
    assert [step.status for step in result.steps if step.parent is None] == ["success", "success"]
    retried = result.step_named("retried")
    assert retried.retry_count == 2
    assert "closed without an answer, as the step's mock says" in str(retried.attempts[1].reason)


async def test_each_use_of_a_mock_in_a_loop_takes_its_turn() -> None:
    result = await played("""
    - name: l
      type: loop
      loop_count: 3
      loop_steps: [{name: s, url: http://h/, mock: {responses: [{body: a}, {body: b}]}}]
    """)
    assert [step.response and step.response["body"] for step in result.steps if step.parent] == ["a", "b", "b"]


async def test_a_case_that_runs_twice_begins_with_the_first_response_again() -> None:
    case = case_of("{name: c, steps: [{name: s, url: 'http://h/', mock: {responses: [{body: a}, {body: b}]}}]}")
    for _ in range(2):
        result = await play(case)
        assert result.step.response is not None
        assert result.step.response["body"] == "a"


async def test_a_timeout_waits_for_the_steps_and_a_delay_takes_its_time(autojump_clock: MockClock) -> None:
    began = trio.current_time()
    result = await played("""
    - {name: never, url: http://h/, timeout: 7, mock: {response: {failure: timeout}}}
    - {name: late, url: http://h/, mock: {response: {delay: 3}}}
    - {name: later, url: http://h/, timeout: 100, mock: {response: {failure: large_delay}}}
    """)
    assert trio.current_time() - began == pytest.approx(70)
    assert [step.status for step in result.steps] == ["error", "success", "success"]
    assert result.steps[0].error is not None
    assert result.steps[0].error.category == "timeout"
    assert result.steps[1].response is not None
    assert result.steps[1].response["elapsed"] == pytest.approx(3)


async def test_failures_are_the_same_in_every_run_with_a_seed() -> None:
    loop = """
    - name: l
      type: loop
      loop_count: 30
      ignore_failures: true
      loop_steps: [{name: s, url: http://h/, mock: {response: {failure: {type: http_error, probability: 0.5}}}}]
    """
    runs = [await played(loop, "{seed: 5}") for _ in range(2)]
    codes = [[step.response and step.response["status_code"] for step in run.steps if step.parent] for run in runs]
    assert codes[0] == codes[1]
    assert set(codes[0]) == {200, 500}


async def test_cookies_of_a_mocked_answer_stay_in_the_case() -> None:
    result = await played(
        """
    - {name: log in, url: http://h.test/, mock: {response: {headers: {Set-Cookie: ["a=1; Path=/", "b=2; Path=/"]}}}}
    - {name: s, url: http://h.test/x, mock: {response: {body: "${request.cookies}"}}}
    """,
        "{masking_strategy: none}",
    )
    assert result.steps[0].response is not None
    assert result.steps[0].response["cookies"] == {"a": "1", "b": "2"}
    assert result.steps[1].response is not None
    assert result.steps[1].response["body"] == {"a": "1", "b": "2"}


async def test_a_redirect_is_the_answer() -> None:
    result = await played("- {name: s, url: http://h/, mock: {response: {status_code: 302, headers: {Location: /b}}}}")
    assert result.step.response is not None
    assert result.step.response["status_code"] == 302


@pytest.mark.parametrize(
    ("mock", "reason"),
    [
        ("{response: {body: '${nope}'}}", "'nope' is not defined"),
        ("{response: {status_code: '${request.path}'}}", "a status is a whole number, got '/'"),
        ("{response: {file: '${request.path}/../../x'}}", "outside the project's folder"),
        ("{response: {headers: {Content-Encoding: gzip}, body: plain}}", "gzip"),
        ("{conditions: [{condition: request.nope, response: {}}]}", "'request.nope' is not defined"),
    ],
)
async def test_what_cannot_be_answered_is_the_steps_error(mock: str, reason: str) -> None:
    result = await played(f'- {{name: s, url: "http://h/", mock: {mock}}}')
    assert result.step.status == "error"
    assert result.step.error is not None
    assert reason in result.step.error.message


async def test_a_request_that_could_not_be_sent_is_an_error_all_the_same() -> None:
    result = await played("- {name: s, url: /relative, mock: {response: {}}}")
    assert result.step.error is not None
    assert result.step.error.message == "the URL '/relative' is relative, and there is no base_url"


async def test_a_file_is_sent_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"n": 1}')
    file = tmp_path / "c.yaml"
    file.write_text(
        "{name: c, steps: [{name: s, url: 'http://h/', mock: {response: {file: a.json}}}]}", encoding="utf-8"
    )
    result = await play(load(file, Choices(environ={})))
    view: Any = result.step.response
    assert (view["body"], view["headers"]["Content-Type"]) == ({"n": 1}, "application/json")


async def test_a_cancelled_mock_ends_at_once() -> None:
    scope = trio.CancelScope()
    text = "{name: c, steps: [{name: s, url: 'http://h/', timeout: 0, mock: {response: {failure: timeout}}}]}"
    with trio.fail_after(5):
        result = await play(
            text, scope=scope, on_event=lambda event: scope.cancel() if event.data.type == "log" else None
        )
    assert result.statuses == ["error"]
    assert result.case.status == "cancelled"
