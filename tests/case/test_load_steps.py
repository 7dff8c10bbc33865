"""Each way to write a step, and what it means."""

from __future__ import annotations

from typing import Any

import pytest
from loading import case, request, step

from sisyphus.case.model import ABSENT, NOWHERE, Auth, Request, Step, Upload
from sisyphus.errors import Mark
from sisyphus.steps.poll import Poll
from sisyphus.steps.wait import Wait


def test_the_smallest_step_is_a_get_request() -> None:
    assert step("{name: s, url: /x}") == Step(
        name="s",
        type="request",
        spec=Request(url="/x", method="GET", where=Mark("c.yaml", 4, 5)),
        where=Mark("c.yaml", 4, 5),
    )


@pytest.mark.parametrize(
    "text",
    [
        "{name: Log in, type: request, url: /x}",
        "{name: Log in, type: api, url: /x}",
        "{name: Log in, type: Request, url: /x}",
        "{name: Log in, request: {url: /x}}",
        "{name: Log in, type: api, request: {url: /x}}",
        "Log in: {url: /x}",
        "Log in: {type: request, url: /x}",
        "Log in: {request: {url: /x}}",
        "request: {name: Log in, url: /x}",
    ],
)
def test_a_step_is_spelt_in_many_ways(text: str) -> None:
    loaded = step(text)
    assert (loaded.name, loaded.type) == ("Log in", "request")
    assert isinstance(loaded.spec, Request)
    assert loaded.spec.url == "/x"


def test_a_short_spelling_stands_where_its_name_stands() -> None:
    loaded = case("name: c\nsteps:\n  - Log in:\n      url: /x\n").steps[0]
    assert loaded.where == Mark("c.yaml", 3, 5)
    assert loaded.spec.where == Mark("c.yaml", 3, 5)


def test_steps_may_be_called_teststeps() -> None:
    loaded = case("name: c\nteststeps:\n  - {name: a, url: /a}\n  - {name: b, url: /b}\n")
    assert [s.name for s in loaded.steps] == ["a", "b"]


def test_fields_of_the_step_may_stand_under_request_too() -> None:
    loaded = step("{name: s, request: {url: /x, timeout: 2, validations: [{status_code: 200}]}}")
    assert loaded.timeout == 2
    assert [check.op for check in loaded.checks] == ["status_code"]


def test_what_a_poll_sends_may_stand_under_request() -> None:
    asks = "poll_config: {condition: {type: status_code, expect: 200}, max_attempts: 3}"
    loaded = step(f"{{name: s, type: poll, request: {{url: /x, method: POST}}, {asks}}}").spec
    assert isinstance(loaded, Poll)
    assert (loaded.request.url, loaded.request.method) == ("/x", "POST")
    under = step(f"{{name: s, type: poll, request: {{url: /x, method: POST, {asks}}}}}").spec
    assert isinstance(under, Poll)
    assert (under.request.url, under.max_attempts) == ("/x", 3)


COMMON: list[tuple[str, str, Any]] = [
    ("id: a", "id", "a"),
    ("id: 7", "id", "7"),
    ("description: words", "description", "words"),
    ("tags: smoke", "tags", ("smoke",)),
    ("tags: [smoke, 2]", "tags", ("smoke", "2")),
    ("tags:", "tags", ()),
    ("enabled: false", "enabled", False),
    ("enabled: '${on}'", "enabled", "${on}"),
    ("skip_if: '${n} > 3'", "skip_if", "${n} > 3"),
    ("skip_if: true", "skip_if", True),
    ("skip_if:", "skip_if", None),
    ("only_if: n > 3 and ok", "only_if", "n > 3 and ok"),
    ("only_if: {and: [a, {not: b}]}", "only_if", {"and": ["a", {"not": "b"}]}),
    ("only_if: {or: [a, b]}", "only_if", {"or": ["a", "b"]}),
    ("only_if: [a, b == 2]", "only_if", ["a", "b == 2"]),
    ("condition: a == 1", "only_if", "a == 1"),
    ("timeout: 2.5", "timeout", 2.5),
    ("timeout: 0", "timeout", 0),
    ("timeout:", "timeout", None),
    ("timeout: '${t}'", "timeout", "${t}"),
    ("variables: {a: '${b}'}", "variables", {"a": "${b}"}),
    ("variables:", "variables", {}),
    ("on_failure: stop", "on_failure", "stop"),
    ("on_failure: continue", "on_failure", "continue"),
    ("validations:", "checks", ()),
    ("validations: []", "checks", ()),
    ("validate: []", "checks", ()),
    ("extractors:", "extractors", ()),
    ("extract: {}", "extractors", ()),
    ("depends_on:", "depends_on", ()),
    ("setup: []", "name", "s"),
    ("teardown:", "name", "s"),
]


@pytest.mark.parametrize(("text", "field", "value"), COMMON)
def test_every_step_has_these_fields(text: str, field: str, value: Any) -> None:
    assert getattr(step(f"name: s\nurl: /x\n{text}\n"), field) == value


def test_what_a_step_does_not_say_is_left_to_the_case() -> None:
    loaded = step("{name: s, url: /x}")
    assert (loaded.timeout, loaded.retry) == (ABSENT, None)
    assert isinstance(loaded.spec, Request)
    assert (loaded.spec.verify_ssl, loaded.spec.follow_redirects) == (None, None)


@pytest.mark.parametrize("written", ["first", "[first]", "one", "[one]"])
def test_a_step_depends_on_names_or_ids(written: str) -> None:
    loaded = case(
        f"name: c\nsteps:\n  - {{name: first, id: one, url: /}}\n  - {{name: b, url: /, depends_on: {written}}}\n"
    )
    assert loaded.steps[1].depends_on == (written.strip("[]"),)


@pytest.mark.parametrize("key", ["priority", "log_level", "save_response", "severity", "owner", "author", "notes"])
def test_keys_that_earlier_engines_ignored_are_warned_of(key: str) -> None:
    loaded = case(f"name: c\nsteps:\n  - {{name: s, url: /x, {key}: high}}\n")
    (warning,) = loaded.warnings
    assert warning.startswith("c.yaml:3:")
    assert warning.endswith(f"'{key}' has no effect")


REQUESTS: list[tuple[str, str, Any]] = [
    ("method: POST", "method", "POST"),
    ("method: purge", "method", "purge"),
    ("method: '${m}'", "method", "${m}"),
    ("params: {a: 1, b: [x, null]}", "params", {"a": 1, "b": ["x", None]}),
    ("query: {a: 1}", "params", {"a": 1}),
    ("params: a=1&b=2", "params", "a=1&b=2"),
    ("params: [[a, 1], [a, 2]]", "params", [["a", 1], ["a", 2]]),
    ("params:", "params", None),
    ("headers: {X-A: 1, X-B: null}", "headers", {"X-A": 1, "X-B": None}),
    ("headers: '${h}'", "headers", "${h}"),
    ("headers: {'X-${a}': b}", "headers", {"X-${a}": "b"}),
    ("cookies: {sid: 1}", "cookies", {"sid": 1}),
    ("cookies: sid=1; lang=en", "cookies", "sid=1; lang=en"),
    ("body: text", "body", "text"),
    ("body: {a: [1, null]}", "body", {"a": [1, None]}),
    ("body: 5", "body", 5),
    ("body:", "body", None),
    ("json: {a: '5'}", "json", {"a": "5"}),
    ("json: []", "json", []),
    ("json: null", "json", None),
    ("data: {a: 1}", "data", {"a": 1}),
    ("data: a=1", "data", "a=1"),
    ("verify_ssl: false", "verify_ssl", False),
    ("verify: false", "verify_ssl", False),
    ("verify_ssl: '${v}'", "verify_ssl", "${v}"),
    ("follow_redirects: false", "follow_redirects", False),
    ("allow_redirects: false", "follow_redirects", False),
    ("stream_limit: 100", "stream_limit", 100),
    ("stream_limit: '${n}'", "stream_limit", "${n}"),
    ("files:", "files", ()),
    ("files: {a: x.png}", "files", (Upload(field="a", path="x.png"),)),
    (
        "files: {a: [x.png, {path: y.png, filename: z.png, content_type: image/png}]}",
        "files",
        (
            Upload(field="a", path="x.png"),
            Upload(field="a", path="y.png", filename="z.png", content_type="image/png"),
        ),
    ),
    (
        "files: {a: {file: x, name: y, mime_type: text/plain}}",
        "files",
        (Upload(field="a", path="x", filename="y", content_type="text/plain"),),
    ),
    ("auth:", "auth", None),
    ("http2: false", "url", "/x"),
]


@pytest.mark.parametrize(("text", "field", "value"), REQUESTS)
def test_a_request_has_these_fields(text: str, field: str, value: Any) -> None:
    assert getattr(request(text), field) == value


@pytest.mark.parametrize(
    "text",
    [
        "upload: {file: a.png, form_fields: {n: 1}}",
        "upload: {files: {file: a.png}, fields: {n: 1}}",
        "upload: {file: a.png}\ndata: {n: 1}",
        "upload: {file: {path: a.png}, data: {n: 1}}",
    ],
)
def test_an_upload_is_files_with_data(text: str) -> None:
    loaded = request(text)
    assert (loaded.files, loaded.data) == ((Upload(field="file", path="a.png"),), {"n": 1})


BASIC = Auth(type="basic", username="u", password="p")
BEARER = Auth(type="bearer", token="t")
API_KEY = Auth(type="api_key", key="X-Key", value="v")


@pytest.mark.parametrize(
    ("text", "auth"),
    [
        ("{type: basic, username: u, password: p}", BASIC),
        ("{type: Basic, user: u, password: p}", BASIC),
        ("{basic: {username: u, password: p}}", BASIC),
        ("{type: bearer, token: t}", BEARER),
        ("{type: bearer_token, token: t}", BEARER),
        ("{type: token, token: t}", BEARER),
        ("{bearer: {token: t}}", BEARER),
        ("{bearer: t}", BEARER),
        ("{type: bearer, token: '${t}'}", Auth(type="bearer", token="${t}")),
        ("{type: api_key, key: X-Key, value: v}", API_KEY),
        ("{type: apikey, name: X-Key, value: v}", API_KEY),
        ("{type: api_key, header_name: X-Key, api_key: v}", API_KEY),
        ("{api_key: {header: X-Key, value: v}}", API_KEY),
        ("{type: api_key, key: k, value: v, in: query}", Auth(type="api_key", key="k", value="v", location="query")),
        ("{type: api_key, key: k, value: v, location: header}", Auth(type="api_key", key="k", value="v")),
        ("{type: basic, username: 1, password: 2}", Auth(type="basic", username="1", password="2")),
    ],
)
def test_auth_is_spelt_in_many_ways(text: str, auth: Auth) -> None:
    loaded = request(f"auth: {text}").auth
    assert loaded.where != NOWHERE
    assert (loaded.type, loaded.username, loaded.password, loaded.token, loaded.key, loaded.value, loaded.location) == ((
        auth.type,
        auth.username,
        auth.password,
        auth.token,
        auth.key,
        auth.value,
        auth.location,
    ))


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("seconds: 2", {"seconds": 2}),
        ("seconds: 0", {"seconds": 0}),
        ("seconds: '${n}'", {"seconds": "${n}"}),
        ("duration: 0.5", {"seconds": 0.5}),
        ("duration_ms: 1500", {"seconds": 1.5}),
        ("delay: 2", {"seconds": 2}),
        ("wait: {seconds: 2}", {"seconds": 2}),
        ("condition: '${ready}'", {"condition": "${ready}"}),
        ("{condition: a == 1, interval: 0.1, max_wait: 5}", {"condition": "a == 1", "interval": 0.1, "max_wait": 5}),
        ("{condition: a, interval: '${i}'}", {"condition": "a", "interval": "${i}"}),
        ("{seconds: 2, condition: }", {"seconds": 2}),
    ],
)
def test_a_wait_is_for_a_time_or_a_condition(text: str, fields: dict[str, Any]) -> None:
    body = text.strip("{}").replace(", ", "\n") if text.startswith("{") else text
    loaded = step(f"name: s\ntype: wait\n{body}\n")
    assert loaded.type == "wait"
    assert loaded.spec == Wait(**fields, where=loaded.where)
    assert loaded.only_if is None


def test_the_condition_of_a_wait_may_be_a_combination() -> None:
    loaded = step("name: s\ntype: wait\ncondition: {and: [a, {not: b}]}\n")
    assert loaded.spec == Wait(condition={"and": ["a", {"not": "b"}]}, where=loaded.where)
