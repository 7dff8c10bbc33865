"""What a mock server's routes and answers may say, and what is refused before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from loading import config, problems

from sisyphus.case.load import load
from sisyphus.case.model import MockFailure, MockResponse, MockServer, Route
from sisyphus.errors import CaseFileError


def mock(text: str) -> MockServer:
    server = config(f"mock_server: {text}").mock_server
    assert server is not None
    return server


def route(text: str) -> Route:
    (only,) = mock(f"[{{path: /a, {text}}}]").routes
    return evolve(only, where=Route(path="").where)


def answer(text: str) -> MockResponse:
    (only,) = route(text).responses
    return only


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("priority: -3", "priority", -3),
        ("match_type: regex", "match_type", "regex"),
        ("match_type: Contains", "match_type", "contains"),
        ("match_type: equals", "match_type", "exact"),
        ("match_type: ", "match_type", "exact"),
        ("query_params: {page: 1, q: [a, b], none: null}", "query_params", {"page": 1, "q": ["a", "b"], "none": None}),
        ("query: {n: {gt: 1, lt: 5}}", "query_params", {"n": {"gt": 1, "lt": 5}}),
        ("params: {}", "query_params", {}),
        ("headers: {X-Key: k, Authorization: {starts_with: 'Bearer '}}", "headers",
         {"X-Key": "k", "Authorization": {"starts_with": "Bearer "}}),
        ("body_pattern: alice", "body_pattern", "alice"),
        ("body_pattern: {user: alice}", "body_pattern", {"user": "alice"}),
        ("body_pattern: '{\"a\": [1]}', body_match_type: json", "body_pattern", {"a": [1]}),
        ("body_pattern: {a: 1}, body_match_type: json", "body_pattern", {"a": 1}),
        ("body_pattern: '^a+$', body_match_type: regex", "body_match_type", "regex"),
        ("body_pattern: '${not a template', body_match_type: exact", "body_pattern", "${not a template"),
        ("body_pattern: $.a, body_match_type: json_path", "body_match_type", "jsonpath"),
        ("body_pattern: {$.a: 1, $.b: {gt: 5}}, body_match_type: jsonpath", "body_pattern", {"$.a": 1, "$.b": {"gt": 5}}),
        ("condition: request.json.a > 5", "condition", "request.json.a > 5"),
        ("condition: {not: \"'a' in request.query\"}", "condition", {"not": "'a' in request.query"}),
        ("condition: {or: ['request.json.a > 5', {and: [\"request.path == '/a'\"]}]}", "condition",
         {"or": ["request.json.a > 5", {"and": ["request.path == '/a'"]}]}),
        ("condition: true, else_response: {status: 401}", "else_response", MockResponse(status_code=401)),
        ("else_response: ", "else_response", None),
    ],
)  # fmt: skip
def test_what_a_route_asks_for(text: str, field: str, value: Any) -> None:
    assert getattr(route(text), field) == value


@pytest.mark.parametrize(
    ("text", "response"),
    [
        ("response: {delay: {min_delay: 0.1, max_delay: 0.3}}", MockResponse(delay=0.1, max_delay=0.3)),
        ("min_delay: 0.1, max_delay: 0.3", MockResponse(delay=0.1, max_delay=0.3)),
        ("max_delay: 0.3", MockResponse(max_delay=0.3)),
        ("delay: {fixed_delay: 2}, response: {delay: 1}", MockResponse(delay=1)),
        ("delay: 2, response: {max_delay: 1}", MockResponse(max_delay=1)),
        ("failure: timeout", MockResponse(failure=MockFailure(failure_type="timeout"))),
        ("failure: {type: http_error, status: 503, failure_rate: 0.3}",
         MockResponse(failure=MockFailure(failure_type="http_error", status_code=503, probability=0.3))),
        ("failure: {failure_type: large_delay, delay: 5}",
         MockResponse(failure=MockFailure(failure_type="large_delay", delay=5))),
        ("failure: {failure_type: timeout, enabled: false}", MockResponse()),
        ("failure: ", MockResponse()),
        ("failure: timeout, response: {failure: malformed_json}",
         MockResponse(failure=MockFailure(failure_type="malformed_json"))),
        ("response: {status: '${request.query.code}'}", MockResponse(status_code="${request.query.code}")),
        ("response: {file: pyproject.toml}", MockResponse(file="pyproject.toml")),
        ("response: {file: '${path_params.x}.txt'}", MockResponse(file="${path_params.x}.txt")),
        ("response: {body: '{% for i in range(3) %}${i}{% endfor %}${uuid()}${mock.count}'}",
         MockResponse(body="{% for i in range(3) %}${i}{% endfor %}${uuid()}${mock.count}")),
    ],
)  # fmt: skip
def test_what_an_answer_is(text: str, response: MockResponse) -> None:
    assert answer(text) == response


def test_a_route_says_once_for_all_its_answers_how_late_they_are_and_how_they_fail() -> None:
    failure = MockFailure(failure_type="timeout")
    made = route(
        "delay: 1, failure: timeout, condition: true, responses: [{}, {delay: 2}], else_response: {status: 401}"
    )
    assert [(each.delay, each.failure) for each in made.responses] == [(1, failure), (2, failure)]
    assert made.else_response == MockResponse(status_code=401, delay=1, failure=failure)


def test_a_route_that_is_switched_off_is_none() -> None:
    assert mock("[{path: /a, enabled: false}, {path: /b, enabled: true}]").routes[0].path == "/b"


def test_the_cases_seed_is_the_mocks() -> None:
    server = config("{seed: 5, mock_server: []}").mock_server
    assert server is not None
    assert server.seed == 5


WRONG = [
    (
        "[{path: '/[', match_type: regex}]",
        ["4:24: '/[' is no valid regular expression: unterminated character set at position 1"],
    ),
    (
        "[{path: /a, match_type: regx, body_match_type: 5}]",
        ["4:40: unknown match_type 'regx' (did you mean 'regex'?)", "4:63: body_match_type: expected text, got a number"],
    ),
    ("[{path: /a, body_match_type: xml}]",
     ["4:45: unknown body_match_type 'xml' (known: contains, exact, json, jsonpath, regex)"]),
    ("[{path: /a, body_match_type: json}]", ["4:45: body_match_type needs a body_pattern"]),
    ("[{path: /a, body_match_type: regex, body_pattern: '('}]",
     ["4:66: '(' is no valid regular expression: missing ), unterminated subpattern at position 0"]),
    ("[{path: /a, body_match_type: regex, body_pattern: {a: 1}}]",
     ["4:66: body_pattern: expected text, got a mapping"]),
    ("[{path: /a, body_match_type: json, body_pattern: '{a'}]",
     [("4:65: the pattern is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1) "
      "(write it as YAML, without quotes)")]),
    ("[{path: /a, body_match_type: jsonpath, body_pattern: 5}]",
     [("4:69: body_pattern: expected a path, or a mapping from paths to values, got a number "
      "(write for example body_pattern: \"$.user.id\")")]),
    ("[{path: /a, body_match_type: jsonpath, body_pattern: '$.a['}]",
     ["4:69: body_pattern: '$.a[' is no valid path: cannot read on at ["]),
    ("[{path: /a?b=1}]",
     ["4:24: the path of a route has no query in it (write what is behind the ? under query_params)"]),
    ("[{path: 'http://h/a'}]", ["4:24: the path of a route is no URL (write for example path: /users/{id})"]),
    ("[{path: /a, query_params: [a]}]",
     ["4:42: query_params must be a mapping, got a list (write for example query_params: {page: 1})"]),
    ("[{path: /a, query_params: {a: '${token}', b: {gt: 1, containz: 2}}}]",
     [("4:46: what a route asks for is compared as it stands, not as a template "
      "(use condition, which sees the request)"),
      "4:69: unknown comparator 'containz' (did you mean 'contains'?)"]),
    ("[{path: /a, headers: {'a b': 1, c: {regex: '('}}}]",
     ["4:38: 'a b' cannot be the name of a header",
      "4:59: '(' is no valid regular expression: missing ), unterminated subpattern at position 0"]),
    ("[{path: /a, headers: {c: {status_code: 200, strts_with: a}}}]",
     ["4:42: unknown comparator 'status_code' (known: approx, between, contains, ends_with, eq, exists, ge, gt, in, is_empty, is_not_null, is_null, le, length_eq, length_ge, length_gt, length_le, length_lt, lt, ne, not_contains, not_in, regex, schema, starts_with, type)", "4:60: unknown comparator 'strts_with' (did you mean 'starts_with'?)"]),
    ("[{path: /a, else_response: {}}]",
     ["4:43: 'else_response' is given where a condition does not hold, and there is none (add a condition)"]),
    ("[{path: /a, condition: 'request.query.a =='}]",
     ["4:39: condition: 'request.query.a ==' is not a valid expression: something is missing at its end"]),
    ("[{path: /a, condition: requst.method == 'GET'}]",
     ["4:39: the mock server does not know 'requst', it sees nothing of the case (did you mean 'request'?)"]),
    ("[{path: /a, response: {body: {token: '${token}'}, headers: {'${x}': 1}}}]",
     [("4:53: the mock server does not know 'token', it sees nothing of the case "
      "(it knows mock, path_params, request and functions)"),
      ("4:76: the mock server does not know 'x', it sees nothing of the case "
      "(it knows mock, path_params, request and functions)")]),
    ("[{path: /a, response: {body: \"${env('HOME')} ${file('/etc/passwd')} ${config.a}\"}}]",
     [("4:45: the mock server does not know 'config', it sees nothing of the case "
      "(it knows mock, path_params, request and functions)"),
      "4:45: the mock server does not know 'env', it sees nothing of the case (did you mean 'len'?)",
      ("4:45: the mock server does not know 'file', it sees nothing of the case "
      "(it knows mock, path_params, request and functions)")]),
    ("{default_response: {body: '${secret}'}}",
     [("4:42: the mock server does not know 'secret', it sees nothing of the case "
      "(it knows mock, path_params, request and functions)")]),
    ("[{path: /a, response: {body: a, file: b}}]",
     ["4:54: a response has one body, but both 'body' and 'file' are given (keep one of them)",
      f"4:54: the file b does not exist (Paths are relative to the case file: {Path.cwd()}.)"]),
    ("[{path: /a, response: {file: ../../x}}]",
     [(f"4:45: ../../x is outside the project's folder {Path.cwd()} (Put the file next to the case file, "
      "or make the folder above it the project (.sisyphus/).)")]),
    ("[{path: /a, failure: timeot}]",
     [("4:37: failure: expected one of timeout, connection_error, http_error, empty_response, malformed_json, "
      "large_delay, got text 'timeot' (did you mean 'timeout'?)")]),
    ("[{path: /a, failure: {probability: 1.5, type: http_error, status: 700000, enabled: 1}}]",
     ["4:51: probability: must be at most 1, got 1.5",
      "4:82: status: 700000 is no status that can end an answer (use 200 to 599)",
      "4:99: enabled: expected true or false, got a number"]),
    ("[{path: /a, failure: {probability: 1}}]",
     ["4:37: a failure needs a type (write for example failure_type: timeout)"]),
    ("[{path: /a, failure: 5}]",
     [("4:37: failure must be a mapping, got a number "
      "(write for example failure: {failure_type: timeout, probability: 0.5})")]),
    ("[{path: /a, delay: {min_delay: 3, max_delay: 2}}]", ["4:61: max_delay is less than min_delay"]),
    ("[{path: /a, min_delay: x, max_delay: -1}]",
     ["4:39: min_delay: expected a number, got text 'x'", "4:53: max_delay: must not be negative, got -1"]),
    ("[{path: /a, priority: high, enabled: 'no'}]",
     ["4:38: priority: expected a whole number, got text 'high'", "4:53: enabled: expected true or false, got text 'no'"]),
    ("[{path: /a, response: {status: true}}]", ["4:47: status: expected a whole number, got a boolean"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), WRONG)
def test_a_mock_server_that_is_wrong(text: str, found: list[str]) -> None:
    assert problems(f"name: c\nsteps: []\nconfig:\n  mock_server: {text}\n") == found


def test_files_of_answers_are_looked_for_beside_the_case_and_then_in_the_project(tmp_path: Path) -> None:
    (tmp_path / ".sisyphus").mkdir()
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "near.json").write_text("{}", encoding="utf-8")
    (tmp_path / "far.json").write_text("{}", encoding="utf-8")
    file = tmp_path / "cases" / "a.yaml"
    text = "name: a\nconfig: {{mock_server: [{{path: /, response: {{file: {}}}}}]}}\nsteps: []\n"
    for name in ("near.json", "far.json", "./far.json", "../far.json"):
        file.write_text(text.format(name), encoding="utf-8")
        server = load(file).config.mock_server
        assert server is not None
        assert (server.folder, server.root) == (str(tmp_path / "cases"), str(tmp_path))
    outside = ("../../outside.json", "/etc/hostname")
    for name in ("none.json", "../none.json", *outside):
        file.write_text(text.format(name), encoding="utf-8")
        with pytest.raises(CaseFileError, match=f"{name} (is outside|does not exist)") as caught:
            load(file)
        assert ("outside" in str(caught.value)) is (name in outside)
        assert "a.yaml:2:51: " in str(caught.value)
