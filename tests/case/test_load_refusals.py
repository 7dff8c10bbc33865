"""Every field that can be wrong: what is said of it, and the exact place."""

from __future__ import annotations

import pytest
from loading import problems

from sisyphus.case._configuring import CONFIG as KEYS_OF_CONFIG

# What is written, and each problem with its line and column.
Wrong = tuple[str, list[str]]

ROOT: list[Wrong] = [
    (
        "{}\n",
        [
            "1:1: a case needs a name (write for example name: Log in)",
            "1:1: a case needs steps (write for example steps: [{name: Log in, url: /login}])",
        ],
    ),
    (
        "[]\n",
        ["1:1: a case file is a mapping, and this is a list (begin with 'name: …' and put the list under 'steps:')"],
    ),
    ("name:\nsteps: []\n", ["1:6: a case needs a name (write for example name: Log in)"]),
    ("name: ''\nsteps: []\n", ["1:7: a case needs a name (write for example name: Log in)"]),
    ("name: [c]\nsteps: []\n", ["1:7: name: expected text, got a list"]),
    ("name: c\n", ["1:1: a case needs steps (write for example steps: [{name: Log in, url: /login}])"]),
    ("name: c\nsteps:\n", ["2:7: a case needs steps (write for example steps: [{name: Log in, url: /login}])"]),
    ("name: c\nsteps: {a: 1}\n", ["2:8: steps must be a list, got a mapping"]),
    ("name: c\nstepz: []\n", ["2:1: unknown key 'stepz' in a case (did you mean 'steps'?)"]),
    ("name: c\nsteps: []\nteststeps: []\n", ["3:1: 'teststeps' says again what 'steps' says (keep one of them)"]),
    ("name: c\nbase_url: http://h\nsteps: []\n", ["2:1: unknown key 'base_url' in a case (it belongs under 'config')"]),
    ("name: c\nenabled: 'yes'\nsteps: []\n", ["2:10: enabled: expected true or false, got text 'yes'"]),
    (
        'name: c\nenabled: "true"\nsteps: []\n',
        ["2:10: enabled: expected true or false, got text 'true' (write it without quotes)"],
    ),
    ("name: c\ndescription: [d]\nsteps: []\n", ["2:14: description: expected text, got a list"]),
    ("name: c\ntags: {a: 1}\nsteps: []\n", ["2:7: tags must be text or a list of texts, got a mapping"]),
    (
        "name: c\ntags: [a, [b], null]\nsteps: []\n",
        [
            "2:11: tags must be text or a list of texts, got a list",
            "2:16: tags must be text or a list of texts, got null",
        ],
    ),
    ("name: c\nconfig: [a]\nsteps: []\n", ["2:9: config must be a mapping, got a list"]),
    ("name: c\nsetup: [{name: s}]\nsteps: []\n", ["2:9: a request needs a url (write for example url: /users)"]),
    (
        "name: c\nconfig: {setup: [{url: /a}]}\nsetup: {url: /b}\nsteps: []\n",
        ["2:17: 'config.setup' says again what 'setup' says (keep one of them)"],
    ),
    (
        "name: c\nconfig: {setup: {name: s, url: /}, teardown: [1], data_source: [1], connections: {a: 1}}\nsteps: []\n",
        [
            "2:47: a step must be a mapping, got a number (write for example {name: Log in, url: /login})",
            "2:64: row 1 is no mapping (write for example {user: ann})",
            "2:86: a database must be a mapping, got a number (write for example database: {type: sqlite, path: shop.db})",
        ],
    ),
]


@pytest.mark.parametrize(("text", "found"), ROOT)
def test_a_case_that_is_wrong(text: str, found: list[str]) -> None:
    assert problems(text) == found


CONFIG: list[Wrong] = [
    ("name: [a]", ["4:9: name: expected text, got a list"]),
    ("version: {a: 1}", ["4:12: version: expected text, got a mapping"]),
    ("author: [a]", ["4:11: author: expected text, got a list"]),
    ("description: [a]", ["4:16: description: expected text, got a list"]),
    ("base_url: [a]", ["4:13: base_url: expected text, got a list"]),
    ("timeout: fast", ["4:12: timeout: expected a number, got text 'fast'"]),
    ("timeout: '5'", ["4:12: timeout: expected a number, got text '5' (write it without quotes)"]),
    ("timeout: -1", ["4:12: timeout: must not be negative, got -1"]),
    ("timeout: true", ["4:12: timeout: expected a number, got a boolean"]),
    ("timeout: [1]", ["4:12: timeout: expected a number, got a list"]),
    ("timeout: 1000000000000000000000000000000", ["4:12: timeout: is too large"]),
    ("case_timeout: '${t}'", ["4:17: case_timeout: expected a number, got text '${t}'"]),
    ("case_timeout: -2", ["4:17: case_timeout: must not be negative, got -2"]),
    ("retry_times: many", ["4:16: retry_times: expected a whole number, got text 'many'"]),
    ("retry_times: 1.5", ["4:16: retry_times: expected a whole number, got 1.5"]),
    ("retry_times: '2'", ["4:16: retry_times: expected a whole number, got text '2' (write it without quotes)"]),
    ("retry_times: -1", ["4:16: retry_times: must be at least 0, got -1"]),
    ("retry_times: true", ["4:16: retry_times: expected a whole number, got a boolean"]),
    ("retries: x", ["4:12: retries: expected a whole number, got text 'x'"]),
    ("retry_delay: soon", ["4:16: retry_delay: expected a number, got text 'soon'"]),
    ("retry_delay: -5", ["4:16: retry_delay: must not be negative, got -5"]),
    ("retry_delay: true", ["4:16: retry_delay: expected a number, got a boolean"]),
    ("retry_policy: 3", ["4:17: retry_policy must be a mapping, got a number"]),
    (
        "retry_policy: {max_attempts: -1, base_delay: -1, max_delay: x, backoff_multiplier: [], jitter: 1, strategy: exponental, retry_on: [conection, 600], stop_on: {a: 1}, max_atempts: 2}",
        [
            "4:32: max_attempts: must be at least 0, got -1",
            "4:48: base_delay: must not be negative, got -1",
            "4:63: max_delay: expected a number, got text 'x'",
            "4:86: backoff_multiplier: expected a number, got a list",
            "4:98: jitter: expected true or false, got a number",
            "4:111: strategy: expected one of exponential, fixed, linear, got text 'exponental' (did you mean 'exponential'?)",
            "4:134: unknown word 'conection' in retry_on (did you mean 'connection'?)",
            "4:145: unknown word '600' in retry_on (known: network, timeout, connection, dns, tls, assertion, validation, server_error, client_error, rate_limit)",
            "4:160: stop_on must be text or a list of texts, got a mapping",
            "4:168: unknown key 'max_atempts' in retry_policy (did you mean 'max_attempts'?)",
        ],
    ),
    (
        "retry_times: 5\n  retry_policy: {max_attempts: x}",
        ["5:32: max_attempts: expected a whole number, got text 'x'"],
    ),
    ("retry_policy: {enabled: 1}", ["4:27: enabled: expected true or false, got a number"]),
    ("retry_policy: {strategy: 5}", ["4:28: strategy: expected one of exponential, fixed, linear, got a number"]),
    ("{retries: 1, retry_times: 2}", ["4:16: 'retry_times' says again what 'retries' says (keep one of them)"]),
    ("variables: [a]", ["4:14: variables must be a mapping, got a list (write for example variables: {user: alice})"]),
    (
        "variables: {a: '${b', b: '${nope()}', c: '${upper(}'}",
        [
            "4:18: '${' is not closed by '}': ${b",
            "4:28: there is no function 'nope'",
            "4:44: '${' is not closed by '}': ${upper(}",
        ],
    ),
    (
        "profiles: [a]",
        [
            "4:13: profiles must be a mapping, got a list (write for example profiles: {dev: {base_url: http://localhost}})"
        ],
    ),
    ("active_profile: [a]", ["4:19: active_profile: expected text, got a list (the case has no profiles)"]),
    ("active_profile: true", ["4:19: active_profile: expected text, got a boolean (the case has no profiles)"]),
    (
        "headers: x",
        ["4:12: headers must be a mapping, got text (write for example headers: {Accept: application/json})"],
    ),
    ("headers: {'a b': 1}", ["4:13: 'a b' cannot be the name of a header"]),
    ("verify_ssl: 1", ["4:15: verify_ssl: expected true or false, got a number"]),
    ("verify_ssl: 'false'", ["4:15: verify_ssl: expected true or false, got text 'false' (write it without quotes)"]),
    ("follow_redirects: maybe", ["4:21: follow_redirects: expected true or false, got text 'maybe'"]),
    ("env_vars: APP_", ["4:13: env_vars must be a mapping, got text (write for example env_vars: {prefix: APP_})"]),
    (
        "env_vars: {prefix: [a], load_from_os: 1, overrides: [a], prefx: b}",
        [
            "4:22: prefix: expected text, got a list",
            "4:41: load_from_os: expected true or false, got a number",
            "4:55: overrides: expected a mapping, got a list",
            "4:60: unknown key 'prefx' in env_vars (did you mean 'prefix'?)",
        ],
    ),
    (
        "websocket: true",
        ["4:14: websocket must be a mapping, got a boolean (write for example websocket: {enabled: true})"],
    ),
    (
        "websocket: {enabled: 1, host: [a], port: -1, send_progress: x, send_logs: 1, send_variables: [], prot: 1}",
        [
            "4:24: enabled: expected true or false, got a number",
            "4:33: host: expected text, got a list",
            "4:44: port: must be at least 0, got -1",
            "4:63: send_progress: expected true or false, got text 'x'",
            "4:77: send_logs: expected true or false, got a number",
            "4:96: send_variables: expected true or false, got a list",
            "4:100: unknown key 'prot' in websocket (did you mean 'port'?)",
        ],
    ),
    ("websocket: {port: 65536}", ["4:21: port: must be at most 65535, got 65536"]),
    ("websocket: {port: '8765'}", ["4:21: port: expected a whole number, got text '8765' (write it without quotes)"]),
    ("websocket: {port: 80.5}", ["4:21: port: expected a whole number, got 80.5"]),
    ("compat: old", ["4:11: compat: expected one of legacy, got text 'old'"]),
    ("seed: x", ["4:9: seed: expected a whole number, got text 'x'"]),
    ("seed: 1.5", ["4:9: seed: expected a whole number, got 1.5"]),
    (
        "mock_server: 5",
        [
            "4:16: mock_server must be a mapping, got a number (write for example mock_server: {routes: [{path: /users}]})"
        ],
    ),
    (
        "mock_server: {port: 65536, host: [a], hots: b}",
        [
            "4:23: port: must be at most 65535, got 65536",
            "4:36: host: expected text, got a list",
            "4:41: unknown key 'hots' in mock_server (did you mean 'host'?)",
        ],
    ),
    (
        "mock_server: {port: x, enabled: 1, routes: {a: 1}}",
        [
            "4:23: port: expected a whole number, got text 'x'",
            "4:35: enabled: expected true or false, got a number",
            "4:46: routes must be a list, got a mapping",
        ],
    ),
    (
        "mock_server: [5]",
        ["4:17: a route must be a mapping, got a number (write for example {path: /users, response: {body: []}})"],
    ),
    ("mock_server: [{}]", ["4:17: a route needs a path (write for example path: /users/{id})"]),
    ("mock_server: [{path: }]", ["4:24: a route needs a path (write for example path: /users/{id})"]),
    (
        "mock_server: [{path: [a], name: [b], method: 'P T'}]",
        [
            "4:24: path: expected text, got a list",
            "4:35: name: expected text, got a list",
            "4:48: 'P T' is no HTTP method",
        ],
    ),
    ("mock_server: [{path: '/{a}/{a}'}]", ["4:24: the path has two parameters of the name {a} (rename one of them)"]),
    (
        "mock_server: [{path: /, response: 5, responses: [{}]}]",
        ["4:51: 'responses' says again what 'response' says (keep one of them)"],
    ),
    (
        "mock_server: [{path: /, response: {status_code: 99, headers: [a], delay: -1, bdy: 1}}]",
        [
            "4:51: status_code: 99 is no status that can end an answer (use 200 to 599)",
            "4:64: headers: expected a mapping, got a list",
            "4:76: delay: must not be negative, got -1",
            "4:80: unknown key 'bdy' in a response (did you mean 'body'?)",
        ],
    ),
    (
        "mock_server: [{path: /, response: {status: '200', headers: {'a:': 1}, body: '${request.}', fixed_delay: x}}]",
        [
            "4:46: status: expected a whole number, got text '200' (write it without quotes)",
            "4:63: 'a:' cannot be the name of a header",
            "4:79: 'request.' is not a valid expression: expected name or number",
            "4:107: fixed_delay: expected a number, got text 'x'",
        ],
    ),
    (
        "mock_server: [{path: /, delay: {fixed: 1}}]",
        ["4:35: unknown key 'fixed' in a delay (did you mean 'fixed_delay'?)"],
    ),
    ("mock_server: [{path: /, responses: 5}]", ["4:38: responses must be a list, got a number"]),
    (
        "mock_server: [{path: /, responses: [{status: 200}, 5]}]",
        ["4:54: a response must be a mapping, got a number (write for example {status_code: 200, body: {id: 1}})"],
    ),
    (
        "mock_server: {default_response: 5}",
        ["4:35: a response must be a mapping, got a number (write for example {status_code: 200, body: {id: 1}})"],
    ),
    ("data_iterations: often", ["4:20: data_iterations: expected true or false, got text 'often'"]),
    ("variable_prefix: [p_]", ["4:20: variable_prefix: expected text, got a list"]),
    ("sensitive_fields: [[a]]", ["4:22: sensitive_fields must be text or a list of texts, got a list"]),
    ("masking_strategy: half", ["4:21: masking_strategy: expected one of full, partial, none, got text 'half'"]),
    ("wbsocket: {enabled: true}", ["4:3: unknown key 'wbsocket' in config (did you mean 'websocket'?)"]),
]


@pytest.mark.parametrize(("text", "found"), CONFIG)
def test_config_that_is_wrong(text: str, found: list[str]) -> None:
    assert problems(f"name: c\nsteps: []\nconfig:\n  {text}\n") == found


def test_a_key_that_is_near_none_shows_all_that_are_known() -> None:
    (only,) = problems("name: c\nsteps: []\nconfig:\n  zzz: 1\n")
    listed = only.removeprefix("4:3: unknown key 'zzz' in config (known keys: ").removesuffix(")").split(", ")
    assert listed == sorted(set(listed))
    assert {"active_profile", "retry_times", "websocket"} <= set(listed) <= set(KEYS_OF_CONFIG)
    assert {"retries", "log_level"}.isdisjoint(listed)  # other spellings, and what has no effect


STEPS: list[Wrong] = [
    ("5", ["3:5: a step must be a mapping, got a number (write for example {name: Log in, url: /login})"]),
    ("", ["3:4: a step must be a mapping, got null (write for example {name: Log in, url: /login})"]),
    ("{}", ["3:5: an empty step (write for example {name: Log in, url: /login})"]),
    ("[]", ["3:5: a step must be a mapping, got a list (write for example {name: Log in, url: /login})"]),
    ("just text", ["3:5: a step must be a mapping, got text (write for example {name: Log in, url: /login})"]),
    ("{url: /}", ["3:5: a step needs a name (write for example name: Log in)"]),
    ("{name: , url: /}", ["3:12: a step needs a name (write for example name: Log in)"]),
    ("{name: '', url: /}", ["3:12: a step needs a name (write for example name: Log in)"]),
    ("{name: [a], url: /}", ["3:12: name: expected text, got a list"]),
    ("{name: s}", ["3:5: a request needs a url (write for example url: /users)"]),
    ("{name: s, url: }", ["3:20: a request needs a url (write for example url: /users)"]),
    ("{name: s, url: [a]}", ["3:20: url: expected text, got a list"]),
    ("{name: s, uri: /x}", ["3:15: unknown key 'uri' in a step (did you mean 'url'?)"]),
    (
        "{name: s, link: /x}",
        [
            "3:15: unknown key 'link' in a step (known keys: auth, body, cert, condition, cookies, data, data_provider, depends_on, description, enabled, extractors, files, follow_redirects, graphql, headers, http2, id, json, loop, method, mock, name, on_failure, only_if, parallel, params, proxy, request, retry_delay, retry_policy, retry_times, setup, skip_if, stream_limit, tags, teardown, timeout, type, upload, url, validations, variables, verify_ssl)"
        ],
    ),
    ("{Log in: }", ["3:6: the step 'Log in' must be a mapping, got null (indent what belongs to it)"]),
    ("{Log in: 5}", ["3:6: the step 'Log in' must be a mapping, got a number (indent what belongs to it)"]),
    ("{Log in: {name: b, url: /}}", ["3:21: 'name' says again what 'Log in' says (keep one of them)"]),
    (
        "{name: s, type: poll, url: /}",
        [
            "3:5: a poll needs a poll_config (write for example poll_config: {condition: {type: jsonpath, path: $.state, expect: done}})"
        ],
    ),
    (
        "{name: s, type: database}",
        [
            "3:5: a database step needs sql (write for example sql: select 1)",
            "3:5: a database step needs a database (write for example database: {type: sqlite})",
        ],
    ),
    (
        "{name: s, type: database, database: {type: sqlit}, sql: 5, operation: quer}",
        [
            "3:48: unknown database type 'sqlit' (did you mean 'sqlite'?)",
            "3:61: sql: expected text, got a number",
            "3:75: unknown operation 'quer' (did you mean 'query'?)",
        ],
    ),
    (
        "{name: s, type: database, database: {pth: a.db}, sql: select 1}",
        [
            "3:41: a database needs a type (write for example database: {type: sqlite, path: shop.db})",
            "3:42: unknown key 'pth' in a database (did you mean 'path'?)",
        ],
    ),
    (
        "{name: s, type: database, database: 'oracle://x', sql: [1]}",
        [
            "3:41: unknown database type 'oracle' (known: mysql, postgresql, sqlite)",
            "3:60: sql: expected text, got a list",
        ],
    ),
    (
        "{name: s, type: Poll, poll_config: {condition: true}}",
        ["3:5: a request needs a url (write for example url: /users)"],
    ),
    ("{name: s, type: reqest, url: /}", ["3:21: unknown step type 'reqest' (did you mean 'request'?)"]),
    ("{name: s, type: [a], url: /}", ["3:21: type: expected text, got a list (write for example type: request)"]),
    ("{name: s, type: , url: /}", ["3:21: type: expected text, got null (write for example type: request)"]),
    ("{name: s, seconds: 2}", ["3:15: 'seconds' belongs to steps of type wait (write 'type: wait' too)"]),
    ("{name: s, url: /, seconds: 2}", ["3:23: unknown key 'seconds' in a step (steps of type wait have it)"]),
    ("{name: s, typ: wait, seconds: 2}", ["3:15: unknown key 'typ' in a step of type wait (did you mean 'type'?)"]),
    ("{name: s, url: /, metod: GET}", ["3:23: unknown key 'metod' in a step (did you mean 'method'?)"]),
    ("{name: s, url: /, id: [a]}", ["3:27: id: expected text, got a list"]),
    ("{name: s, url: /, description: [a]}", ["3:36: description: expected text, got a list"]),
    ("{name: s, url: /, tags: {a: 1}}", ["3:29: tags must be text or a list of texts, got a mapping"]),
    ("{name: s, url: /, enabled: 1}", ["3:32: enabled: expected true or false, got a number"]),
    ("{name: s, url: /, enabled: 'no'}", ["3:32: enabled: expected true or false, got text 'no'"]),
    (
        "{name: s, url: /, skip_if: {a: 1}}",
        ["3:33: skip_if: a condition is an expression, true or false, a list, or one of and, or, not"],
    ),
    (
        "{name: s, url: /, skip_if: {and: a}}",
        ["3:33: skip_if: a condition is an expression, true or false, a list, or one of and, or, not"],
    ),
    (
        "{name: s, url: /, only_if: [a, {or: [b, null]}]}",
        ["3:45: only_if: a condition is an expression, true or false, a list, or one of and, or, not"],
    ),
    (
        "{name: s, url: /, only_if: 'a =='}",
        ["3:32: only_if: 'a ==' is not a valid expression: something is missing at its end"],
    ),
    (
        "{name: s, url: /, only_if: '(a'}",
        ["3:32: only_if: '(a' is not a valid expression: ')' is missing at its end"],
    ),
    ("{name: s, url: /, only_if: {not: '${x'}}", ["3:38: only_if: '${' is not closed by '}': ${x"]),
    ("{name: s, url: /, condition: 'nope(1)'}", ["3:34: condition: there is no function 'nope'"]),
    (
        "{name: s, url: /, condition: a, only_if: b}",
        ["3:34: 'condition' says again what 'only_if' says (keep one of them)"],
    ),
    ("{name: s, url: /, skip_if: ''}", ["3:32: skip_if: a condition is empty"]),
    ("{name: s, url: /, depends_on: {a: 1}}", ["3:35: depends_on must be text or a list of texts, got a mapping"]),
    (
        "{name: s, url: /, depends_on: [a, b]}",
        [
            "3:36: 's' depends on 'a', which is no step",
            "3:39: 's' depends on 'b', which is no step",
        ],
    ),
    ("{name: s, url: /, depends_on: s}", ["3:35: 's' depends on itself (name a step that comes before it)"]),
    ("{name: s, url: /, timeout: fast}", ["3:32: timeout: expected a number, got text 'fast'"]),
    ("{name: s, url: /, timeout: -1}", ["3:32: timeout: must not be negative, got -1"]),
    ("{name: s, url: /, variables: [a]}", ["3:34: variables: expected a mapping, got a list"]),
    ("{name: s, url: /, on_failure: abort}", ["3:35: on_failure: expected one of continue, stop, got text 'abort'"]),
    (
        "{name: s, url: /, on_failure: stopp}",
        ["3:35: on_failure: expected one of continue, stop, got text 'stopp' (did you mean 'stop'?)"],
    ),
    (
        "{name: s, url: /, setup: [{name: x, url: /}], teardown: a, data_provider: 5, mock: {enabled: true}}",
        [
            "3:61: teardown must be a list, got text",
            "3:79: the rows must be a list of mappings (write for example data_provider: [{user: ann}, {user: bob}])",
            "3:88: a mock needs a response (write for example mock: {response: {status_code: 200, body: {id: 1}}})",
        ],
    ),
    ("{name: s, url: /, method: 'GET /'}", ["3:31: 'GET /' is no HTTP method"]),
    ("{name: s, url: /, method: [a]}", ["3:31: method: expected text, got a list"]),
    ("{name: s, url: /, method: }", ["3:31: method: expected text, got null"]),
    ("{name: s, url: /, params: 5}", ["3:31: params: expected a mapping, got a number"]),
    ("{name: s, url: /, headers: [a]}", ["3:32: headers: expected a mapping, got a list"]),
    ("{name: s, url: /, headers: text}", ["3:32: headers: expected a mapping, got text 'text'"]),
    (
        "{name: s, url: /, headers: {'bad name': 1, 'é': 2}}",
        [
            "3:33: 'bad name' cannot be the name of a header",
            "3:48: 'é' cannot be the name of a header",
        ],
    ),
    ("{name: s, url: /, cookies: 5}", ["3:32: cookies: expected a mapping, got a number"]),
    ("{name: s, url: /, data: 5}", ["3:29: data: expected a mapping, got a number"]),
    (
        "{name: s, url: /, json: 1, data: {a: 1}}",
        ["3:38: a request has one body, but both 'json' and 'data' are given (keep one of them)"],
    ),
    (
        "{name: s, url: /, body: a, json: null}",
        ["3:38: a request has one body, but both 'body' and 'json' are given (keep one of them)"],
    ),
    ("{name: s, url: /, json: {a: '${'}}", ["3:33: '${' is not closed by '}': ${"]),
    (
        "{name: s, url: '${a', json: {'${b': 1}}",
        [
            "3:20: '${' is not closed by '}': ${a",
            "3:34: '${' is not closed by '}': ${b",
        ],
    ),
    ("{name: s, url: '${uuuid()}'}", ["3:20: there is no function 'uuuid' (did you mean 'uuid'?)"]),
    (
        "{name: s, url: /, json: 1, files: {a: b}}",
        ["3:29: files go along with 'data', not with 'json' (move the form's fields to 'data')"],
    ),
    (
        "{name: s, url: /, files: [a]}",
        ["3:30: files must be a mapping, got a list (write for example files: {avatar: ./me.png})"],
    ),
    (
        "{name: s, url: /, files: {a: 5, b: [c, 5], c: {}, d: {path: , nme: x}}}",
        [
            "3:34: a file must be a path or a mapping, got a number",
            "3:44: a file must be a path or a mapping, got a number",
            "3:51: a file needs a path (write for example {path: ./me.png})",
            "3:65: a file needs a path (write for example {path: ./me.png})",
            "3:67: unknown key 'nme' in a file (did you mean 'name'?)",
        ],
    ),
    (
        "{name: s, url: /, upload: 5}",
        ["3:31: upload must be a mapping, got a number (write for example upload: {file: ./a.png})"],
    ),
    ("{name: s, url: /, upload: {}}", ["3:31: upload needs a file (write for example upload: {file: ./a.png})"]),
    (
        "{name: s, url: /, upload: {file: a, files: {b: c}, form_fields: {a: 1}}, data: {b: 1}}",
        [
            "3:38: 'file' says again what 'files' says (keep one of them)",
            "3:69: 'form_fields' says again what 'data' says (keep one of them)",
        ],
    ),
    ("{name: s, url: /, verify_ssl: 5}", ["3:35: verify_ssl: expected true or false, got a number"]),
    (
        "{name: s, url: /, allow_redirects: 'false'}",
        ["3:40: allow_redirects: expected true or false, got text 'false' (write it without quotes)"],
    ),
    ("{name: s, url: /, stream_limit: -1}", ["3:37: stream_limit: must not be negative, got -1"]),
    ("{name: s, url: /, stream_limit: big}", ["3:37: stream_limit: expected a number, got text 'big'"]),
    (
        "{name: s, url: /, request: 5}",
        ["3:32: request must be a mapping, got a number (write for example request: {…})"],
    ),
    ("{name: s, request: 5}", ["3:24: request must be a mapping, got a number (write for example request: {…})"]),
    ("{name: s, request: }", ["3:24: request must be a mapping, got null (write for example request: {…})"]),
    (
        "{name: s, request: {url: /, method: GET}, method: PUT}",
        ["3:41: 'method' stands in the step and under 'request' (keep one of them)"],
    ),
    ("{name: s, requst: {url: /}}", ["3:15: unknown key 'requst' in a step (did you mean 'request'?)"]),
    (
        "{name: s, url: /, variables: {a: ['${', [{b: '${'}]]}}",
        [
            "3:39: '${' is not closed by '}': ${",
            "3:50: '${' is not closed by '}': ${",
        ],
    ),
    ("{name: s, request: {uri: /}}", ["3:25: unknown key 'uri' in a step (did you mean 'url'?)"]),
    (
        "{name: s, url: /, follow_redirects: true, allow_redirects: true}",
        ["3:47: 'allow_redirects' says again what 'follow_redirects' says (keep one of them)"],
    ),
    (
        "{name: s, url: /, auth: 5}",
        ["3:29: auth must be a mapping, got a number (write for example auth: {type: bearer, token: …})"],
    ),
    ("{name: s, url: /, auth: {}}", ["3:29: auth needs a type (write for example auth: {type: bearer, token: …})"]),
    ("{name: s, url: /, auth: {type: basic}}", ["3:29: auth of type basic needs username, password"]),
    (
        "{name: s, url: /, auth: {type: basic, username: u, pasword: p}}",
        ["3:56: unknown key 'pasword' in auth (did you mean 'password'?)"],
    ),
    ("{name: s, url: /, auth: {type: basic, username: u, password: }}", ["3:66: 'password' has no value"]),
    ("{name: s, url: /, auth: {type: bearer, token: [a]}}", ["3:51: token: expected text, got a list"]),
    (
        "{name: s, url: /, auth: {type: bearer, token: t, username: u}}",
        ["3:64: 'username' has no meaning for auth of type bearer (it takes token)"],
    ),
    (
        "{name: s, url: /, auth: {type: oauth}}",
        ["3:36: unknown auth type 'oauth' (known: api_key, basic, bearer, digest)"],
    ),
    ("{name: s, url: /, auth: {type: basc, username: u}}", ["3:36: unknown auth type 'basc' (did you mean 'basic'?)"]),
    (
        "{name: s, url: /, auth: {type: [a]}}",
        ["3:36: type: expected text, got a list (write for example type: bearer)"],
    ),
    (
        "{name: s, url: /, auth: {type: api_key, key: k, value: v, in: cookie}}",
        ["3:67: in: expected one of header, query, got text 'cookie'"],
    ),
    ("{name: s, url: /, auth: {basic: u}}", ["3:37: basic must be a mapping, got text"]),
    (
        "{name: s, url: /, auth: {basic: {type: basic, username: u, password: p}}}",
        ["3:44: 'type' says again what 'basic' says (keep one of them)"],
    ),
    ("{name: s, type: wait}", ["3:5: a wait step needs either seconds or a condition (write for example seconds: 2)"]),
    (
        "{name: s, type: wait, seconds: }",
        ["3:5: a wait step needs either seconds or a condition (write for example seconds: 2)"],
    ),
    (
        "{name: s, type: wait, seconds: 1, condition: a}",
        ["3:50: a wait step waits for one thing, but both 'seconds' and 'condition' are given (keep one of them)"],
    ),
    (
        "{name: s, type: wait, seconds: 1, duration: 2}",
        ["3:49: a wait step waits for one thing, but both 'seconds' and 'duration' are given (keep one of them)"],
    ),
    ("{name: s, type: wait, seconds: fast}", ["3:36: seconds: expected a number, got text 'fast'"]),
    ("{name: s, type: wait, seconds: -1}", ["3:36: seconds: must not be negative, got -1"]),
    ("{name: s, type: wait, duration_ms: x}", ["3:40: duration_ms: expected a number, got text 'x'"]),
    ("{name: s, type: wait, duration_ms: -5}", ["3:40: duration_ms: must not be negative, got -5"]),
    (
        "{name: s, type: wait, secnds: 1}",
        ["3:27: unknown key 'secnds' in a step of type wait (did you mean 'seconds'?)"],
    ),
    (
        "{name: s, type: wait, wait_condition: {type: api}}",
        ["3:43: a wait_condition of type api needs a request (write for example request: {url: /state})"],
    ),
    (
        "{name: s, type: wait, condition: 'a ='}",
        ["3:38: condition: 'a =' is not a valid expression: unexpected '=' (to compare, write ==)"],
    ),
    (
        "{name: s, type: wait, condition: a, interval: -1, max_wait: [1]}",
        [
            "3:51: interval: must not be negative, got -1",
            "3:65: max_wait: expected a number, got a list",
        ],
    ),
    (
        "{name: s, type: wait, seconds: 1, url: /}",
        ["3:39: unknown key 'url' in a step of type wait (steps of type request have it)"],
    ),
    ("{name: s, type: wait, wait: 5}", ["3:33: wait must be a mapping, got a number (write for example wait: {…})"]),
    (
        "Log in:\n      url: /x\n    type: request\n    method: GET",
        ["5:5: 'type' stands beside the step 'Log in', not in it (indent it)"],
    ),
    ("{Log in: , url: /, method: GET}", ["3:16: 'url' stands beside the step 'Log in', not in it (indent it)"]),
]


@pytest.mark.parametrize(("text", "found"), STEPS)
def test_a_step_that_is_wrong(text: str, found: list[str]) -> None:
    assert problems(f"name: c\nsteps:\n  - {text}\n") == found
