"""How a request reaches its server, as a case may spell it: proxy, client certificate, HTTP/2; and what it posts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import asdict
from loading import NAME, config, problems, request

from sisyphus.case.load import load
from sisyphus.case.model import ABSENT, ClientCert
from sisyphus.case.project import Choices
from sisyphus.errors import UsageError

PROXY = "(write for example proxy: http://user:password@localhost:3128)"
CERT = "(write for example cert: {cert: client.pem, key: client.key})"
CERT_KINDS = "cert: expected a path, [certificate, key], or a mapping, got"
GRAPHQL = "(write for example graphql: {query: '{ users { id } }'})"

REACHING = [
    ("proxy: 5", [f"proxy: expected text, got a number {PROXY}"]),
    ("proxy: [http://p]", [f"proxy: expected text, got a list {PROXY}"]),
    ("proxy: {http: p}", [f"proxy: expected text, got a mapping {PROXY}"]),
    ("proxy: true", [f"proxy: expected text, got a boolean {PROXY}"]),
    ("proxy: socks5://localhost:1080", [f"'socks5://localhost:1080' is no HTTP proxy {PROXY}"]),
    ("proxy: http://", [f"'http://' is no HTTP proxy {PROXY}"]),
    ("proxy: http://p:port", [f"'http://p:port' is no HTTP proxy {PROXY}"]),
    ("proxy: http://p:1/path", [f"'http://p:1/path' is no HTTP proxy {PROXY}"]),
    ("proxy: ftp://me:secret@p", [f"'…@p' is no HTTP proxy {PROXY}"]),
    ("cert: 5", [f"{CERT_KINDS} a number {CERT}"]),
    ("cert: true", [f"{CERT_KINDS} a boolean {CERT}"]),
    ("cert: []", [f"{CERT_KINDS} a list {CERT}"]),
    ("cert: [a, b, c]", [f"{CERT_KINDS} a list {CERT}"]),
    ("http2: 1", ["http2: expected true or false, got a number"]),
    ("http2: 'true'", ["http2: expected true or false, got text 'true' (write it without quotes)"]),
]

INSIDE = [
    ("cert: {}", "8", f"a client certificate needs a file {CERT}"),
    ("cert: {key: a}", "8", f"a client certificate needs a file {CERT}"),
    ("cert: {cert: }", "15", f"a client certificate needs a file {CERT}"),
    ("cert: {cert: [a]}", "15", "cert: expected text, got a list"),
    ("cert: {certificate: {a: 1}}", "22", "certificate: expected text, got a mapping"),
    ("cert: {cert: a, key: [b]}", "23", "key: expected text, got a list"),
    ("cert: {cert: a, passphrase: {}}", "30", "passphrase: expected text, got a mapping"),
    ("cert: {cert: a, pasword: b}", "18", "unknown key 'pasword' in cert (did you mean 'password'?)"),
    ("cert: {cert: a, file: b}", "18", "'file' says again what 'cert' says (keep one of them)"),
    ("cert: [[a]]", "9", "cert: expected text, got a list"),
    ("cert: [a, {b: 1}]", "12", "key: expected text, got a mapping"),
]


@pytest.mark.parametrize(("text", "found"), REACHING, ids=[text for text, _ in REACHING])
def test_what_is_no_way_to_a_server_is_refused_in_a_step_and_in_config(text: str, found: list[str]) -> None:
    key, _, _ = text.partition(":")
    column = len(key) + 3
    in_step = problems(f"name: c\nsteps:\n  - name: s\n    url: /\n    {text}\n")
    assert in_step == [f"5:{column + 4}: {message}" for message in found]
    in_config = problems(f"name: c\nsteps: []\nconfig:\n  {text}\n")
    assert in_config == [f"4:{column + 2}: {message}" for message in found]
    in_profile = problems(f"name: c\nsteps: []\nconfig:\n  profiles:\n    p:\n      base_url: http://h\n      {text}\n")
    assert in_profile == [f"7:{column + 6}: {message}" for message in found]


@pytest.mark.parametrize(("text", "column", "message"), INSIDE, ids=[text for text, *_ in INSIDE])
def test_what_is_wrong_in_a_certificate_is_told_where_it_stands(text: str, column: str, message: str) -> None:
    assert problems(f"name: c\nsteps: []\nconfig:\n  {text}\n") == [f"4:{int(column) + 1}: {message}"]


NO_BODY_TWICE = "a request has one body, but both 'graphql' and"
POSTED = [
    ("graphql: q", [f"5:14: graphql must be a mapping, got text {GRAPHQL}"]),
    ("graphql: {}", [f"5:14: graphql needs a query {GRAPHQL}"]),
    ("graphql: {query: }", [f"5:22: graphql needs a query {GRAPHQL}"]),
    ("graphql: {query: 5}", ["5:22: query: expected text, got a number"]),
    ("graphql: {query: q, variables: [a]}", ["5:36: variables: expected a mapping, got a list"]),
    ("graphql: {query: q, variables: x}", ["5:36: variables: expected a mapping, got text 'x'"]),
    ("graphql: {query: q, operationName: 5}", ["5:40: operationName: expected text, got a number"]),
    ("graphql: {query: q, operation_name: [a]}", ["5:41: operation_name: expected text, got a list"]),
    ("graphql: {qery: q}", ["5:15: unknown key 'qery' in graphql (did you mean 'query'?)"]),
    ("graphql: {query: '${q'}", ["5:22: '${' is not closed by '}': ${q"]),
    ("graphql: {query: q}\n    method: GET", ["6:13: graphql is sent with POST, not with GET (leave 'method' out)"]),
    ("graphql: {query: q}\n    json: {a: 1}", [f"6:11: {NO_BODY_TWICE} 'json' are given (keep one of them)"]),
    ("graphql: {query: q}\n    body: text", [f"6:11: {NO_BODY_TWICE} 'body' are given (keep one of them)"]),
    ("graphql: {query: q}\n    data: {a: 1}", [f"6:11: {NO_BODY_TWICE} 'data' are given (keep one of them)"]),
    ("graphql: {query: q}\n    upload: {file: a}", [f"6:20: {NO_BODY_TWICE} 'files' are given (keep one of them)"]),
    ("auth: {type: digest}", ["5:11: auth of type digest needs username, password"]),
    ("auth: {digest: {username: u}}", ["5:20: auth of type digest needs password"]),
    (
        "auth: {type: digest, username: u, password: p, token: t}",
        ["5:59: 'token' has no meaning for auth of type digest (it takes username, password)"],
    ),
    ("auth: {type: digest, username: [u], password: p}", ["5:36: username: expected text, got a list"]),
]


@pytest.mark.parametrize(("text", "found"), POSTED, ids=[text for text, _ in POSTED])
def test_what_is_wrong_in_a_request_is_told_where_it_stands(text: str, found: list[str]) -> None:
    assert problems(f"name: c\nsteps:\n  - name: s\n    url: /\n    {text}\n") == found


def of_cert(cert: ClientCert | None) -> dict[str, Any]:
    assert cert is not None
    return {key: value for key, value in asdict(cert).items() if key != "where" and value is not None}


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("cert: client.pem", {"cert": "client.pem"}),
        ("client_cert: client.pem", {"cert": "client.pem"}),
        ("cert: [client.pem]", {"cert": "client.pem"}),
        ("cert: [client.pem, client.key]", {"cert": "client.pem", "key": "client.key"}),
        ("cert: {cert: a, key: b, password: c}", {"cert": "a", "key": "b", "password": "c"}),
        ("cert: {file: a, key_file: b, passphrase: 5}", {"cert": "a", "key": "b", "password": "5"}),
        ("cert: {cert: '${dir}/a.pem', password: '${env.PASS}'}", {"cert": "${dir}/a.pem", "password": "${env.PASS}"}),
        ("cert: null", {"cert": ""}),
        ("cert: false", {"cert": ""}),
    ],
)
def test_a_certificate_has_many_spellings(text: str, means: dict[str, Any]) -> None:
    assert of_cert(request(text).cert) == means
    assert of_cert(config(text).cert) == means


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("proxy: http://p:3128", "http://p:3128"),
        ("proxy: https://p", "https://p"),
        ("proxy: p.corp:3128", "p.corp:3128"),
        ("proxy: 'http://me:p%40ss@[::1]:3128/'", "http://me:p%40ss@[::1]:3128/"),
        ("proxy: '${env.PROXY}'", "${env.PROXY}"),
        ("proxy: env", "env"),
        ("proxy: null", ""),
        ("proxy: false", ""),
        ("proxy: ''", ""),
    ],
)
def test_a_proxy_is_text_and_what_says_none_is_not_the_same_as_nothing_said(text: str, means: str) -> None:
    assert request(text).proxy == config(text).proxy == means
    assert request("method: GET").proxy is None
    assert config("timeout: 1").proxy is None


def test_http2_may_be_a_template() -> None:
    assert request("http2: '${modern}'").http2 == "${modern}"
    assert config("http2: true").http2 is True


def test_a_graphql_request_is_a_json_body_that_is_posted() -> None:
    spec = request("graphql: {query: 'query U($id: ID!) { user(id: $id) { name }}', variables: {id: '${n}'}}")
    assert spec.method == "POST"
    assert spec.json == {"query": "query U($id: ID!) { user(id: $id) { name }}", "variables": {"id": "${n}"}}
    assert spec.body is spec.data is ABSENT


@pytest.mark.parametrize("key", ["operationName", "operation_name", "operation"])
def test_the_name_of_the_operation_is_sent_as_graphql_calls_it(key: str) -> None:
    spec = request(f"method: post\ngraphql: {{query: q, variables: null, {key}: Users}}")
    assert (spec.method, spec.json) == ("POST", {"query": "q", "operationName": "Users"})


def test_nothing_written_for_graphql_is_nothing() -> None:
    spec = request("graphql: null")
    assert (spec.method, spec.json) == ("GET", ABSENT)


def test_a_layer_replaces_the_whole_certificate_of_the_one_below(tmp_path: Path) -> None:
    (tmp_path / ".sisyphus").mkdir()
    (tmp_path / ".sisyphus" / "config.yaml").write_text(
        "cert: {cert: p.pem, key: p.key}\nproxy: http://p\nhttp2: true\n"
    )
    case_file = tmp_path / NAME
    case_file.write_text("name: c\nsteps: []\nconfig: {cert: c.pem, proxy: null}\n")
    found = load(case_file, Choices(environ={})).config
    assert (of_cert(found.cert), found.proxy, found.http2) == ({"cert": "c.pem"}, "", True)


def test_a_profile_has_ways_of_its_own_and_can_be_told_by_them() -> None:
    text = """
        proxy: http://c
        profiles:
          direct: {proxy: null}
          modern: {http2: true, cert: [a.pem, a.key]}
          group: {http2: {base_url: http://two}}
    """
    assert config(text).proxy == "http://c"
    assert config(text, profile="direct").proxy == ""
    modern = config(text, profile="modern")
    assert (modern.http2, of_cert(modern.cert), modern.proxy) == (True, {"cert": "a.pem", "key": "a.key"}, "http://c")
    assert config(text, profile="group.http2").base_url == "http://two"


def test_the_command_line_wins_over_steps_too() -> None:
    overrides = {"proxy": "http://o", "http2": True, "cert": {"cert": "o.pem"}}
    spec = request("proxy: http://s\nhttp2: false\ncert: s.pem", overrides=overrides)
    assert (spec.proxy, spec.http2, spec.cert) == (None, None, None)
    settings = config("proxy: http://c", overrides=overrides)
    assert (settings.proxy, settings.http2, of_cert(settings.cert)) == ("http://o", True, {"cert": "o.pem"})
    assert config("proxy: http://c", overrides={"proxy": None}).proxy == ""


def test_what_the_command_line_says_wrong_is_its_own_mistake() -> None:
    with pytest.raises(UsageError, match=r"^--override: 'socks5://p' is no HTTP proxy \(write for example"):
        config("timeout: 1", overrides={"proxy": "socks5://p"})
