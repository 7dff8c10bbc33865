from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import trio
from player import Service, answer, play
from trio.testing import MockClock

from sisyphus.case.load import load
from sisyphus.steps.protocol import Outcome

ONE = """
name: one
config: {base_url: "http://api"}
steps:
  - name: get
    url: /things
"""


async def test_a_step_without_validations_is_a_success_whatever_the_status(service: Service) -> None:
    service.will(answer(500))
    played = await play(ONE, service=service)
    assert played.step.status == "success"
    assert played.step.response is not None
    assert played.step.response["status_code"] == 500


async def test_the_request_says_what_the_step_says(service: Service) -> None:
    await play(
        """
        name: x
        config: {base_url: "http://api/v1/", headers: {X-Team: qa, Accept: text/plain}, variables: {id: 7}}
        steps:
          - name: put
            method: put
            url: things/${id}
            params: {q: "a b", flag: true, none: null, many: [1, 2]}
            headers: {accept: application/json}
            json: {id: "${id}", text: "${id}!"}
        """,
        service=service,
    )
    (request,) = service.asked
    assert request.method == "PUT"
    assert str(request.url) == "http://api/v1/things/7?q=a%20b&flag=true&many=1&many=2"
    assert (request.headers["x-team"], request.headers["accept"]) == ("qa", "application/json")
    assert request.content == b'{"id": 7, "text": "7!"}' or request.content == b'{"id":7,"text":"7!"}'


async def test_a_failed_validation_is_a_failure_with_an_error_event_of_category_assertion(service: Service) -> None:
    played = await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - name: get
            url: /a
            validations:
              - eq: ["$.path", /b]
              - status_code: 200
              - status_code: 404
        """,
        service=service,
    )
    assert played.step.status == "failure"
    assert [check.status for check in played.step.checks] == ["failed", "passed", "failed"]
    (error,) = played.data("error")
    assert (error.error_type, error.error_category, error.step_name) == ("AssertionError", "assertion", "get")
    assert '"/b"' in error.message
    assert "1 more" in error.message
    assert error.suggestion
    assert played.case.status == "failed"


async def test_an_undefined_name_is_the_steps_error_and_loses_no_other_steps_result(service: Service) -> None:
    played = await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - {name: first, url: "/${token}"}
          - {name: second, url: /b}
        """,
        service=service,
    )
    assert played.statuses == ["error", "success"]
    assert played.steps[0].error is not None
    assert "'token' is not defined" in played.steps[0].error.message
    assert played.case.status == "error"


async def test_a_relative_url_without_a_base_says_what_to_do(service: Service) -> None:
    played = await play("{name: x, steps: [{name: get, url: /a}]}", service=service)
    assert played.step.error is not None
    assert "base_url" in played.step.error.message
    assert service.asked == []


async def test_extracted_values_are_variables_of_later_steps(service: Service) -> None:
    service.will(answer(200, {"data": {"token": "t-1"}}, X_Id="9"))
    played = await play(
        """
        name: x
        config: {base_url: "http://api", websocket: {send_variables: true}}
        steps:
          - name: log in
            id: login
            url: /login
            extractors:
              - {name: token, type: jsonpath, path: $.data.token}
              - {name: id, type: header, key: x-id}
              - {name: mine, type: jsonpath, path: $.data.token, scope: step}
          - name: use ${token}
            url: /users/${id}?t=${token}&r=${response.body.data.token}&s=${steps.login.status}
        """,
        service=service,
    )
    assert str(service.asked[1].url) == "http://api/users/9?t=t-1&r=t-1&s=success"
    assert played.steps[1].name == "use t-1"
    assert [(data.variable_name, data.source) for data in played.data("variable_update")] == [
        ("token", "extracted"),
        ("id", "extracted"),
        ("mine", "extracted"),
    ]


async def test_what_is_not_found_is_a_warning_and_the_variable_stays_unset(service: Service) -> None:
    played = await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - {name: a, url: /a, extract: {token: $.data.token}}
          - {name: b, url: "/${token|default('none')}"}
        """,
        service=service,
    )
    assert played.statuses == ["success", "success"]
    assert service.asked[1].url.path == "/none"
    assert any("token" in message for message in played.logs("warning"))


async def test_a_failed_step_extracts_only_what_is_asked_for_always(service: Service) -> None:
    played = await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - name: a
            url: /a
            validations: [{status_code: 404}]
            extractors:
              - {name: p, path: $.path}
              - {name: q, path: $.path, always: true}
        """,
        service=service,
    )
    assert played.step.status == "failure"
    assert played.step.extracted == {"q": "/a"}


@pytest.mark.parametrize(
    ("field", "status", "reason"),
    [
        ("enabled: false", "skipped", "enabled"),
        ("skip_if: \"${env_name} == 'prod'\"", "skipped", "skip_if"),
        ("skip_if: \"${env_name} == 'test'\"", "success", ""),
        ("only_if: n > 3 and n < 5", "skipped", "only_if"),
        ("only_if: {and: [true, {not: true}]}", "skipped", '{"and":[true,{"not":true}]}'),
        ('only_if: "${n > 2}"', "success", ""),
        ("condition: {or: [n == 1, {not: n == 2}]}", "success", ""),
        ('skip_if: "${nowhere}"', "error", ""),
    ],
)
async def test_conditions_decide_whether_a_step_runs(service: Service, field: str, status: str, reason: str) -> None:
    played = await play(
        f"""
        name: x
        config: {{base_url: "http://api", variables: {{env_name: prod, n: 3}}}}
        steps:
          - name: a
            url: /a
            {field}
        """,
        service=service,
    )
    assert played.step.status == status
    assert reason in (played.step.reason or "")
    assert len(service.asked) == (1 if status == "success" else 0)


async def test_a_dependency_that_did_not_succeed_skips_and_so_on_down_the_chain(service: Service) -> None:
    played = await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - {name: a, id: first, url: /a, validations: [{status_code: 404}]}
          - {name: b, url: /b, depends_on: first}
          - {name: c, url: /c, depends_on: [b]}
          - {name: d, url: /d}
        """,
        service=service,
    )
    assert played.statuses == ["failure", "skipped", "skipped", "success"]
    assert "failure" in (played.steps[1].reason or "")


async def test_on_failure_stop_skips_the_rest_of_the_case(service: Service) -> None:
    played = await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - {name: a, url: /a, validations: [{status_code: 404}], on_failure: stop}
          - {name: b, url: /b}
        """,
        service=service,
    )
    assert played.statuses == ["failure", "skipped"]
    assert (played.case.failed_steps, played.case.skipped_steps) == (1, 1)


async def test_retries_rest_between_attempts_and_keep_each_of_them(service: Service, autojump_clock: MockClock) -> None:
    service.will(answer(503), httpx.ConnectError("refused"), answer(200))
    began = trio.current_time()
    played = await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - name: a
            url: /a
            retry_policy: {max_attempts: 3, strategy: linear, base_delay: 10}
            validations: [{status_code: 200}]
        """,
        service=service,
    )
    assert trio.current_time() - began == 30
    assert played.step.status == "success"
    assert played.step.retry_count == 2
    assert [attempt.status for attempt in played.step.attempts] == ["failure", "error", "success"]
    assert [attempt.delay for attempt in played.step.attempts] == [10, 20, None]
    assert [attempt.began for attempt in played.step.attempts] == [0, 10, 30]
    assert len(played.logs("warning")) == 2
    assert played.data("error") == []
    assert played.data("step_complete")[0].retry_count == 2


async def test_retry_times_are_tries_after_the_first(service: Service, autojump_clock: MockClock) -> None:
    service.will(answer(500))
    played = await play(
        """
        name: x
        config: {base_url: "http://api", retries: 2}
        steps:
          - {name: a, url: /a, validations: [{status_code: 200}]}
          - {name: b, url: /b, retry_times: 0, validations: [{status_code: 200}]}
        """,
        service=service,
    )
    assert [len(step.attempts) for step in played.steps] == [3, 1]
    assert trio.current_time() - 0 >= 3  # 1 s, then 2 s of rest


async def test_an_error_of_the_case_itself_is_not_retried(service: Service, autojump_clock: MockClock) -> None:
    played = await play(
        """
        name: x
        config: {base_url: "http://api", retries: 5}
        steps: [{name: a, url: "/${nowhere}"}]
        """,
        service=service,
    )
    assert played.step.status == "error"
    assert len(played.step.attempts) == 1


async def test_a_named_status_is_retried_also_without_validations(service: Service, autojump_clock: MockClock) -> None:
    service.will(answer(429, Retry_After="4"), answer(200))
    began = trio.current_time()
    played = await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - {name: a, url: /a, retry_policy: {max_attempts: 1, retry_on: [rate_limit]}}
        """,
        service=service,
    )
    assert trio.current_time() - began == 4
    assert played.step.status == "success"
    assert len(service.asked) == 2


async def test_a_timeout_limits_each_attempt_by_itself(service: Service, autojump_clock: MockClock) -> None:
    service.delay = 100
    began = trio.current_time()
    played = await play(
        """
        name: x
        config: {base_url: "http://api", timeout: 7}
        steps:
          - {name: a, url: /a, retry_policy: {max_attempts: 1, strategy: fixed, base_delay: 1}}
          - {name: b, url: /b, timeout: 3}
          - {name: c, url: /c, timeout: 0}
          - {name: d, url: /d, timeout: null}
          - {name: e, type: wait, seconds: 50}
        """,
        service=service,
    )
    assert played.statuses == ["error", "error", "success", "success", "success"]
    assert [step.duration for step in played.steps] == [15, 3, 100, 100, 50]
    assert trio.current_time() - began == 268
    (first, _) = played.data("error")
    assert (first.error_type, first.error_category) == ("StepTimeout", "timeout")
    assert "7 s" in first.message


async def test_a_timeout_may_be_a_template_and_must_be_a_number(service: Service, autojump_clock: MockClock) -> None:
    service.delay = 10
    played = await play(
        """
        name: x
        config: {base_url: "http://api", variables: {short: 2, bad: [1]}}
        steps:
          - {name: a, url: /a, timeout: "${short}"}
          - {name: b, url: /b, timeout: "${bad}"}
          - {name: c, url: /c, timeout: "${10 ** 400}"}
        """,
        service=service,
    )
    assert played.steps[0].duration == 2
    for step in played.steps[1:]:
        assert step.error is not None
        assert "timeout must be a number" in step.error.message


async def test_a_number_beyond_every_float_is_no_time_to_wait() -> None:
    played = await play(
        '{name: x, steps: [{name: a, type: wait, seconds: "${10 ** 400}"}, {name: b, type: wait, seconds: 0}]}'
    )
    assert played.statuses == ["error", "success"]
    assert played.steps[0].error is not None
    assert "seconds must be a number" in played.steps[0].error.message


async def test_wait_lets_time_pass(autojump_clock: MockClock) -> None:
    played = await play(
        """
        name: x
        config: {variables: {pause: 1.5}}
        steps:
          - {name: a, type: wait, seconds: 3}
          - {name: b, type: wait, duration_ms: 500}
          - {name: c, type: wait, seconds: "${pause}"}
          - {name: d, type: wait, seconds: "${'soon'}"}
        """
    )
    assert [step.duration for step in played.steps[:3]] == [3, 0.5, 1.5]
    assert played.statuses[3] == "error"


async def test_wait_for_a_condition_asks_again_and_fails_with_what_it_saw(autojump_clock: MockClock) -> None:
    played = await play(
        """
        name: x
        config: {variables: {state: busy, begin: "${timestamp()}"}}
        steps:
          - {name: a, type: wait, condition: "${state} == 'done'", interval: 2, max_wait: 9}
          - {name: b, type: wait, condition: state == 'busy'}
        """
    )
    assert played.statuses == ["failure", "success"]
    assert played.steps[0].duration == 9
    assert played.steps[0].error is not None
    assert 'state = "busy"' in played.steps[0].error.message
    assert played.steps[1].duration == 0


async def test_a_wait_shows_the_values_in_a_condition_of_several_parts(autojump_clock: MockClock) -> None:
    played = await play(
        """
        name: x
        config: {variables: {n: 3, ok: true}}
        steps:
          - {name: a, type: wait, condition: {and: [ok, {or: ["n > 3", {not: "${n} == 3"}]}]}, max_wait: 1}
          - {name: b, type: wait, condition: ["n > 3", ok], max_wait: 1}
        """
    )
    seen = [step.error.message.rpartition("; ")[2] for step in played.steps if step.error is not None]
    assert seen == ["last seen: n = 3, ok = true"] * 2


async def test_the_response_of_the_step_before_is_that_of_the_last_step_that_asked_something(
    service: Service, autojump_clock: MockClock
) -> None:
    played = await play(
        """
        name: x
        config: {base_url: "http://api"}
        steps:
          - {name: a, url: /a}
          - {name: b, type: wait, seconds: 1}
          - {name: c, url: /c, enabled: false}
          - {name: d, url: "/d${response.body.path}"}
        """,
        service=service,
    )
    assert played.statuses == ["success", "success", "skipped", "success"]
    assert service.asked[-1].url.path == "/d/a"


async def test_a_wrong_pattern_is_an_error_and_not_a_failure(service: Service) -> None:
    played = await play(
        """
        name: x
        config: {base_url: "http://api", retries: 3, variables: {pattern: "("}}
        steps:
          - {name: a, url: /a, validations: [{regex: [$.path, "${pattern}"]}]}
        """,
        service=service,
    )
    assert played.step.status == "error"
    assert len(service.asked) == 1


async def test_cookies_carry_over_within_a_case_and_not_between_cases(service: Service) -> None:
    service.will(
        httpx.Response(200, headers={"Set-Cookie": "sid=1; Path=/"}),
        httpx.Response(200),
    )
    case = """
    name: x
    config: {base_url: "http://api"}
    steps: [{name: a, url: /a}, {name: b, url: /b}]
    """
    await play(case, case, service=service, jobs=1)
    assert [request.headers.get("cookie") for request in service.asked] == [None, "sid=1", None, None]


@pytest.mark.parametrize(
    "path", ["a" * 5000, '"\\0"', """'${"\\ud800"}'""", "loop"], ids=["too long", "NUL", "half a character", "a loop"]
)
async def test_what_cannot_be_a_path_is_the_fault_of_its_step_alone(
    service: Service, tmp_path: Path, path: str
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "case.yaml").write_text(
        f"""
        name: x
        config: {{base_url: "http://api", variables: {{path: {path}}}}}
        steps:
          - {{name: a, url: /a, method: POST, files: {{f: "${{path}}"}}}}
          - {{name: b, url: /b, method: POST, body: "${{file(path)}}"}}
          - {{name: c, url: /c}}
        """
    )
    played = await play(load(tmp_path / "case.yaml"), service=service)
    assert played.statuses == ["error", "error", "success"]
    assert [step.error.type for step in played.steps if step.error] == ["FieldError", "FieldError"]


@pytest.mark.parametrize(("written", "statuses"), [('"${5}"', ["success"]), ('"a/b\\r\\nX: y"', ["error"])])
async def test_the_type_of_a_file_is_text_without_line_breaks(
    service: Service, tmp_path: Path, written: str, statuses: list[str]
) -> None:
    (tmp_path / "case.yaml").write_text(
        f"""
        name: x
        config: {{base_url: "http://api"}}
        steps: [{{name: a, url: /a, method: POST, files: {{f: {{path: case.yaml, content_type: {written}}}}}}}]
        """
    )
    played = await play(load(tmp_path / "case.yaml"), service=service)
    assert played.statuses == statuses
    assert [step.error.type for step in played.steps if step.error] == ["FieldError"] * statuses.count("error")


@pytest.mark.parametrize(
    ("value", "shown"),
    [("true", "true"), ("null", "null"), ("{a: [1, null]}", '{"a":[1,null]}'), ("2.50", "2.5"), ("'é'", "é")],
)
async def test_a_name_that_is_one_value_is_shown_as_json_writes_it(value: str, shown: str) -> None:
    played = await play(
        f'{{name: x, config: {{variables: {{v: {value}}}}}, steps: [{{name: "${{v}}", type: wait, seconds: 0}}]}}'
    )
    assert played.step.name == shown


async def test_a_process_that_may_open_no_further_file_is_told_so_and_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    tries = iter([OSError(24, "Too many open files"), None])

    async def execute(spec: object, context: object) -> Outcome:
        if (error := next(tries)) is not None:
            raise error
        return Outcome(view={})

    monkeypatch.setattr("sisyphus.steps.wait.execute", execute)
    played = await play(
        "{name: x, steps: [{name: a, type: wait, seconds: 0, retry_times: 1}, {name: b, type: print, message: x}]}"
    )
    assert played.statuses == ["success", "success"]
    reason = played.steps[0].attempts[0].reason
    assert reason == "this process has as many files and connections open as it may"
