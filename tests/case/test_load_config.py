"""The settings of a case, its mock server, and how often it tries again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from loading import case, config, problems, request, step

from sisyphus.case.model import ABSENT, Config, MockResponse, MockServer, Retry, Route, WebSocket
from sisyphus.errors import Mark


def test_the_root_has_these_fields() -> None:
    loaded = case("{name: c, description: d, tags: [a, b], enabled: false, steps: []}")
    assert (loaded.name, loaded.description, loaded.tags, loaded.enabled) == ("c", "d", ("a", "b"), False)
    assert (loaded.file, loaded.where, loaded.steps) == ("c.yaml", Mark("c.yaml", 1, 1), ())


def test_a_case_that_says_nothing_has_the_formats_defaults() -> None:
    loaded = case("{name: c, steps: []}")
    assert loaded.config == Config()
    assert (loaded.config.timeout, loaded.config.verify_ssl, loaded.config.follow_redirects) == (30, True, True)
    assert (loaded.enabled, loaded.tags, loaded.warnings) == (True, (), ())


def test_tags_under_config_are_tags_of_the_case() -> None:
    assert case("{name: c, config: {tags: [a]}, steps: []}").tags == ("a",)
    assert case("{name: c, tags: [b], config: {tags: [a]}, steps: []}").tags == ("b",)


CONFIG: list[tuple[str, str, Any]] = [
    ("name: n", "name", "n"),
    ("description: d", "description", "d"),
    ("version: 1.5", "version", "1.5"),
    ("version: '1.10'", "version", "1.10"),
    ("name: true", "name", "true"),
    ("name: 2024", "name", "2024"),
    ("author: a", "author", "a"),
    ("base_url: http://h/v1", "base_url", "http://h/v1"),
    ("base_url: 'http://${env.HOST}'", "base_url", "http://${env.HOST}"),
    ("timeout: 2.5", "timeout", 2.5),
    ("timeout: 0", "timeout", 0),
    ("timeout:", "timeout", None),
    ("timeout: '${t}'", "timeout", "${t}"),
    ("case_timeout: 60", "case_timeout", 60),
    ("case_timeout:", "case_timeout", None),
    ("headers: {A: 1}", "headers", {"A": 1}),
    ("headers:", "headers", {}),
    ("verify_ssl: false", "verify_ssl", False),
    ("verify: '${v}'", "verify_ssl", "${v}"),
    ("follow_redirects: false", "follow_redirects", False),
    ("allow_redirects: false", "follow_redirects", False),
    ("variables: {a: 1, b: '${a}', c: {d: [1]}}", "variables", {"a": 1, "b": "${a}", "c": {"d": [1]}}),
    ("variables:", "variables", {}),
    ("compat: legacy", "compat", "legacy"),
    ("compat:", "compat", None),
    ("seed: 42", "seed", 42),
    ("websocket:", "websocket", WebSocket()),
    ("websocket: {}", "websocket", WebSocket()),
    (
        "websocket: {enabled: true, host: h, port: 1, send_progress: false, send_logs: false, send_variables: true}",
        "websocket",
        WebSocket(enabled=True, host="h", port=1, send_progress=False, send_logs=False, send_variables=True),
    ),
    ("websocket: {port: 0}", "websocket", WebSocket(port=0)),
    ("mock_server:", "mock_server", None),
    ("http2: false", "verify_ssl", True),
    ("setup: []", "verify_ssl", True),
    ("proxy:", "verify_ssl", True),
]


@pytest.mark.parametrize(("text", "field", "value"), CONFIG)
def test_config_has_these_fields(text: str, field: str, value: Any) -> None:
    assert getattr(config(text), field) == value


def test_templates_read_the_settings_as_they_were_written() -> None:
    assert config("{base_url: http://h, variables: {a: 1}, retries: 2}").raw == {
        "base_url": "http://h", "variables": {"a": 1}, "retries": 2,
    }  # fmt: skip


def test_keys_that_earlier_engines_ignored_are_warned_of() -> None:
    loaded = case("name: c\npriority: P0\nconfig: {log_level: debug}\nsteps: []\n")
    assert loaded.warnings == ("c.yaml:2:1: 'priority' has no effect", "c.yaml:3:10: 'log_level' has no effect")


ROUTE = Route(path="/a")


def _mock(text: str) -> MockServer:
    from attrs import evolve

    server = config(f"mock_server: {text}").mock_server
    assert server is not None
    routes = tuple(evolve(route, where=ROUTE.where) for route in server.routes)
    assert server.root == str(Path.cwd())
    return evolve(server, where=MockServer().where, routes=routes, root=".")


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("{}", MockServer()),
        ("{host: 0.0.0.0, port: 8080}", MockServer(host="0.0.0.0", port=8080)),
        ("[{path: /a}]", MockServer(routes=(ROUTE,))),
        ("{routes: [{path: /a}]}", MockServer(routes=(ROUTE,))),
        ("{rules: [{url: /a}]}", MockServer(routes=(ROUTE,))),
        ("{routes: }", MockServer()),
        ("{enabled: true}", MockServer()),
        ("{default_response: {status: 404}}", MockServer(default_response=MockResponse(status_code=404))),
        ("{default_response: }", MockServer()),
    ],
)
def test_a_mock_server_is_a_mapping_or_a_list_of_routes(text: str, server: MockServer) -> None:
    assert _mock(text) == server


def test_a_mock_server_may_be_switched_off() -> None:
    assert config("mock_server: {enabled: false, routes: [{path: /a}]}").mock_server is None


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("{name: n, method: POST, path: '/a/{id}'}", Route(name="n", method="POST", path="/a/{id}")),
        ("{path: /a, method: ANY}", Route(path="/a", method="ANY")),
        ("{path: /a, response: }", ROUTE),
        ("{path: /a, responses: []}", ROUTE),
        (
            "{path: /a, response: {status_code: 201, headers: {X: 1}, body: {a: '${request.body}'}, delay: 0.5}}",
            Route(
                path="/a",
                responses=(MockResponse(status_code=201, headers={"X": 1}, body={"a": "${request.body}"}, delay=0.5),),
            ),
        ),
        ("{path: /a, response: {json: [1]}}", Route(path="/a", responses=(MockResponse(body=[1]),))),
        ("{path: /a, response: {body: null}}", Route(path="/a", responses=(MockResponse(body=None),))),
        ("{path: /a, response: {fixed_delay: 1}}", Route(path="/a", responses=(MockResponse(delay=1),))),
        ("{path: /a, fixed_delay: 1}", Route(path="/a", responses=(MockResponse(delay=1),))),
        ("{path: /a, delay: }", ROUTE),
        ("{path: /a, delay: 1}", Route(path="/a", responses=(MockResponse(delay=1),))),
        ("{path: /a, delay: {fixed_delay: 1}}", Route(path="/a", responses=(MockResponse(delay=1),))),
        (
            "{path: /a, delay: 1, responses: [{status: 503}, {delay: 0}]}",
            Route(path="/a", responses=(MockResponse(status_code=503, delay=1), MockResponse(delay=0))),
        ),
    ],
)
def test_a_route_answers_once_or_in_turn(text: str, route: Route) -> None:
    assert _mock(f"[{text}]").routes == (route,)


LOOSE = Retry(max_attempts=2, max_delay=10)


@pytest.mark.parametrize(
    ("text", "retry"),
    [
        ("retry_times: 2", LOOSE),
        ("retries: 2", LOOSE),
        ("retry_times: 0", Retry(max_attempts=0, max_delay=10)),
        ("retry_times:", None),
        ("retry_policy:", None),
        ("retry_policy: {}", Retry()),
        ("retry_policy: {max_attempts: 5}", Retry(max_attempts=5)),
        ("retry_policy: {retries: 5}", Retry(max_attempts=5)),
        ("retry_policy: {enabled: false, max_attempts: 5}", Retry(max_attempts=0)),
        ("retry_policy: {enabled: true, max_attempts: 5}", Retry(max_attempts=5)),
        (
            "retry_policy: {strategy: linear, base_delay: 2, max_delay: 9, backoff_multiplier: 3, jitter: true}",
            Retry(strategy="linear", base_delay=2, max_delay=9, backoff_multiplier=3, jitter=True),
        ),
        (
            "retry_policy: {type: fixed, delay: 2, multiplier: 3}",
            Retry(strategy="fixed", base_delay=2, backoff_multiplier=3),
        ),
        (
            "retry_policy: {retry_on: [timeout, 503, 5xx, ConnectTimeout], stop_on: tls}",
            Retry(retry_on=("timeout", "503", "5xx", "ConnectTimeout"), stop_on=("tls",)),
        ),
        ("retry_policy: {retry_on: }", Retry()),
        ("{retry_times: 2, retry_delay: 500}", Retry(max_attempts=2, strategy="fixed", base_delay=0.5, max_delay=10)),
        ("{retry_times: 1, retry_delay: 20000}", Retry(max_attempts=1, strategy="fixed", base_delay=20, max_delay=20)),
        ("{retry_times: 2, retry_policy: {strategy: fixed}}", Retry(max_attempts=2, strategy="fixed")),
        (
            "{retry_delay: 500, retry_policy: {strategy: linear, max_delay: 0.2}}",
            Retry(strategy="linear", base_delay=0.5, max_delay=0.2),
        ),
        ("{retry_delay: 500, retry_policy: {base_delay: 2}}", Retry(base_delay=2)),
    ],
)
def test_retries_have_many_spellings(text: str, retry: Retry | None) -> None:
    lines = text.strip("{}").replace(", retry_policy", "\nretry_policy").replace(", retry_delay", "\nretry_delay")
    lines = lines if text.startswith("{") else text
    if lines.count("{") > lines.count("}"):
        lines += "}"
    assert config(lines).retry == retry
    assert step(f"name: s\nurl: /\n{lines}\n").retry == retry


def test_max_attempts_counts_and_retry_times_beside_it_does_not() -> None:
    loaded = case("name: c\nsteps:\n  - {name: s, url: /, retry_times: 9, retry_policy: {max_attempts: 1}}\n")
    assert loaded.steps[0].retry == Retry(max_attempts=1)
    assert loaded.warnings == ("c.yaml:3:36: 'retry_times' has no effect beside max_attempts",)


@pytest.mark.parametrize(
    ("of_case", "of_step", "retry"),
    [
        ("retry_times: 5", "", None),  # the step says nothing, so that the engine takes the case's
        ("retry_times: 5", "retry_times: 0", Retry(max_attempts=0, max_delay=10)),
        ("retry_times: 5", "retry_policy: {strategy: fixed}", Retry(strategy="fixed")),
        ("retry_delay: 500", "retry_times: 2", Retry(max_attempts=2, strategy="fixed", base_delay=0.5, max_delay=10)),
        ("retry_policy: {strategy: fixed, max_attempts: 5}", "retry_times: 1", Retry(max_attempts=1, strategy="fixed")),
        (
            "retry_policy: {strategy: linear, base_delay: 3}",
            "retry_delay: 500",
            Retry(strategy="linear", base_delay=0.5),
        ),
        ("retry_policy: {retry_on: [timeout], jitter: true}", "retry_policy: {max_attempts: 1}", Retry(max_attempts=1)),
    ],
)
def test_a_policy_of_the_step_replaces_the_cases_and_loose_keys_adjust_it(
    of_case: str, of_step: str, retry: Retry | None
) -> None:
    loaded = case(f"name: c\nconfig:\n  {of_case}\nsteps:\n  - name: s\n    url: /\n    {of_step}\n")
    assert loaded.steps[0].retry == retry


def test_null_is_a_value_where_a_body_is_meant() -> None:
    assert request("json: null").json is None
    assert request("method: GET").json is ABSENT


@pytest.mark.parametrize(
    ("text", "version", "author"),
    [
        ("version: 1.5\nauthor: Ann\n", "1.5", "Ann"),
        ("version: 1.5\nconfig: {version: 2.0, author: Bob}\n", "2.0", "Bob"),
        ("version:\nauthor: Ann\nconfig:\n", None, "Ann"),
    ],
)
def test_version_and_author_may_stand_in_the_case_itself(text: str, version: str | None, author: str | None) -> None:
    loaded = case(f"name: c\nsteps: []\n{text}")
    assert (loaded.config.version, loaded.config.author, loaded.warnings) == (version, author, ())


def test_a_wrong_version_of_the_case_is_told_where_it_stands() -> None:
    assert problems("name: c\nversion: [1]\nsteps: []\n") == ["2:10: version: expected text, got a list"]


@pytest.mark.parametrize("key", ["priority", "id", "created_at", "updated_at"])
def test_what_has_no_meaning_in_a_case_is_a_warning(key: str) -> None:
    assert case(f"name: c\n{key}: x\nsteps: []\n").warnings == (f"c.yaml:2:1: '{key}' has no effect",)


@pytest.mark.parametrize(
    "key", ["priority", "log_level", "save_response", "parallel", "debug", "verbose", "report", "environment"]
)
def test_what_has_no_meaning_in_the_settings_is_a_warning(key: str) -> None:
    loaded = case(f"name: c\nconfig: {{{key}: x}}\nsteps: []\n")
    assert loaded.warnings == (f"c.yaml:2:10: '{key}' has no effect",)
