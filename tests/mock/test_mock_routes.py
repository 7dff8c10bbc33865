from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisyphus.canned.asked import Asked
from sisyphus.canned.reply import Reply
from sisyphus.case.model import Function, MockResponse, MockServer, Route
from sisyphus.http.headers import Headers
from sisyphus.mock.record import MOST_REQUESTS, MOST_TEXT
from sisyphus.mock.routes import Routes


def routes(*made: Route, **server: Any) -> Routes:
    return Routes(MockServer(routes=made, **server))


def answering(body: Any, path: str = "/", **route: Any) -> Route:
    return Route(path=path, responses=(MockResponse(body=body),), **route)


def get(path: str, **asked: Any) -> Asked:
    return Asked(**{"method": "GET", "path": path, **asked})


def header(reply: Reply, name: str) -> list[str]:
    return [value.decode() for found, value in reply.wire_headers() if found.decode().lower() == name.lower()]


def body(reply: Reply) -> Any:
    return json.loads(reply.content)


def test_a_body_is_json_and_says_so() -> None:
    reply = routes(answering({"name": "西西弗斯", "ok": True})).answer(get("/"))
    assert (reply.status_code, body(reply)) == (200, {"name": "西西弗斯", "ok": True})
    assert header(reply, "content-type") == ["application/json"]
    assert header(reply, "content-length") == [str(len(reply.content))]


def test_text_is_sent_as_it_is() -> None:
    reply = routes(answering("hello, 汉")).answer(get("/"))
    assert reply.content.decode() == "hello, 汉"
    assert header(reply, "content-type") == ["text/plain; charset=utf-8"]


def test_a_null_body_is_json_and_no_body_is_nothing() -> None:
    assert routes(answering(None)).answer(get("/")).content == b"null"
    nothing = routes(Route(path="/")).answer(get("/"))
    assert (nothing.content, header(nothing, "content-type"), header(nothing, "content-length")) == (b"", [], ["0"])


def test_status_headers_and_delay_are_as_given() -> None:
    response = MockResponse(
        status_code=201,
        headers={"X-N": 5, "Content-Type": "text/csv", "X-Many": ["a", "b"], "X-No": None},
        body="a,b",
        delay=2,
    )
    reply = routes(Route(path="/", responses=(response,))).answer(get("/"))
    assert (reply.status_code, reply.delay) == (201, 2)
    assert header(reply, "x-n") == ["5"]
    assert header(reply, "content-type") == ["text/csv"]
    assert header(reply, "x-many") == ["a", "b"]
    assert header(reply, "x-no") == []


def test_an_answer_that_cannot_have_a_body_has_no_length() -> None:
    reply = routes(Route(path="/", responses=(MockResponse(status_code=204),))).answer(get("/"))
    assert header(reply, "content-length") == []


def test_the_length_is_always_the_true_one() -> None:
    response = MockResponse(headers={"content-length": 99, "Transfer-Encoding": "chunked"}, body="abc")
    reply = routes(Route(path="/", responses=(response,))).answer(get("/"))
    assert (header(reply, "content-length"), header(reply, "transfer-encoding")) == (["3"], [])


@pytest.mark.parametrize(
    ("path", "asked", "found"),
    [
        ("/users", "/users", True),
        ("/users", "/users/", False),
        ("users", "/users", True),
        ("/users/{id}", "/users/5", True),
        ("/users/{id}", "/users/5/posts", False),
        ("/users/{id}", "/users/", False),
        ("/users/{id}/posts/{post}", "/users/5/posts/7", True),
        ("/files/{name}.json", "/files/a.json", True),
        ("/files/{name}.json", "/files/axjson", False),
        ("/a.b", "/axb", False),
        ("/用户", "/用户", True),
    ],
)
def test_paths_are_matched_whole_and_a_parameter_is_one_segment(path: str, asked: str, found: bool) -> None:
    assert (routes(answering("x", path)).answer(get(asked)).status_code == 200) is found


def test_a_literal_path_wins_over_a_parameter_whichever_stands_first() -> None:
    both = routes(answering("any", "/users/{id}"), answering("me", "/users/me"))
    assert both.answer(get("/users/me")).content == b"me"
    assert both.answer(get("/users/7")).content == b"any"


def test_among_alike_routes_the_first_one_answers() -> None:
    assert routes(answering("first"), answering("second")).answer(get("/")).content == b"first"


def test_responses_come_in_turn_and_the_last_one_for_ever_after() -> None:
    sequence = routes(Route(path="/", responses=tuple(MockResponse(body=text) for text in "abc")))
    assert [sequence.answer(get("/")).content for _ in range(5)] == [b"a", b"b", b"c", b"c", b"c"]


def test_each_route_has_a_turn_of_its_own() -> None:
    responses = (MockResponse(body="first"), MockResponse(body="then"))
    two = routes(Route(path="/a", responses=responses), Route(path="/b", responses=responses))
    assert [two.answer(get(path)).content for path in ("/a", "/b", "/a")] == [b"first", b"first", b"then"]


def test_a_body_may_use_the_request_and_the_parameters_of_the_path() -> None:
    template = {
        "id": "${path_params.id}",
        "${request.method}": "${request.path}",
        "q": "${request.query.a}",
        "agent": "${request.headers['User-Agent']}",
        "name": "${request.json.user.name}",
        "n": "${request.json.n}",
        "raw": "got ${request.body}",
    }
    asked = Asked(
        method="POST",
        path="/users/5",
        query={"a": ["1", "2"]},
        headers={"User-Agent": "me"},
        body='{"user": {"name": "x"}, "n": 3}',
    )
    reply = routes(answering(template, "/users/{id}", method="POST")).answer(asked)
    assert body(reply) == {
        "id": "5",
        "POST": "/users/5",
        "q": ["1", "2"],
        "agent": "me",
        "name": "x",
        "n": 3,
        "raw": f"got {asked.body}",
    }


def test_headers_are_templates_too() -> None:
    response = MockResponse(headers={"Location": "/users/${path_params.id}"})
    reply = routes(Route(path="/go/{id}", responses=(response,))).answer(get("/go/7"))
    assert header(reply, "location") == ["/users/7"]


def test_what_the_request_says_is_never_a_template() -> None:
    reply = routes(answering("${request.body}", method="POST")).answer(Asked(method="POST", path="/", body="${1 + 1}"))
    assert reply.content == b"${1 + 1}"


def test_a_request_cannot_add_headers_to_the_answer() -> None:
    response = MockResponse(headers={"X-Echo": "${request.query.a}"})
    reply = routes(Route(path="/", responses=(response,))).answer(get("/", query={"a": "1\r\nX-Evil: 2"}))
    assert header(reply, "x-echo") == ["1 X-Evil: 2"]


@pytest.mark.parametrize("sent", ["", "not json", "[" * 100_000])
def test_a_body_that_is_not_json_is_null_as_json(sent: str) -> None:
    reply = routes(answering({"json": "${request.json}"}, method="POST")).answer(
        Asked(method="POST", path="/", body=sent)
    )
    assert body(reply) == {"json": None}


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (MockResponse(body="${no_such_name}"), "no_such_name"),
        (MockResponse(headers={"X Y": "1"}), "'X Y' cannot be the name of a header"),
        (MockResponse(status_code=101), "101 is no status that can end an answer"),
    ],
)
def test_a_response_that_cannot_be_made_is_a_500_that_says_why(response: MockResponse, reason: str) -> None:
    reply = routes(Route(path="/", name="broken", responses=(response,))).answer(get("/"))
    assert reply.status_code == 500
    assert body(reply)["error"].startswith("the mock route 'broken' cannot answer: ")
    assert reason in body(reply)["error"]


def test_the_answer_names_its_route() -> None:
    named = routes(answering("x", "/a", name="甲"), answering("x", "/b/{id}"), default_response=MockResponse())
    assert header(named.answer(get("/a")), "x-mock-route") == ["甲"]
    assert header(named.answer(get("/b/1")), "x-mock-route") == ["GET /b/{id}"]
    assert header(named.answer(get("/c")), "x-mock-route") == ["default_response"]


def test_no_route_is_a_404_that_lists_those_there_are() -> None:
    reply = routes(answering("x", "/a"), answering("x", "/b", method="post")).answer(get("/c"))
    assert reply.status_code == 404
    assert body(reply) == {
        "error": "the mock server has no route for GET /c",
        "method": "GET",
        "path": "/c",
        "routes": ["GET /a", "POST /b"],
    }


def test_no_route_is_the_default_response_if_there_is_one() -> None:
    reply = routes(default_response=MockResponse(status_code=503, body={"path": "${request.path}"})).answer(get("/x"))
    assert (reply.status_code, body(reply)) == (503, {"path": "/x"})


def test_another_method_is_a_405_that_allows_those_there_are() -> None:
    both = routes(answering("x", "/a"), answering("x", "/a", method="PUT"), default_response=MockResponse())
    reply = both.answer(Asked(method="DELETE", path="/a"))
    assert reply.status_code == 405
    assert header(reply, "allow") == ["GET, HEAD, PUT"]
    assert body(reply)["error"] == "the mock server has no DELETE for /a"


def test_head_is_answered_as_get_would_be() -> None:
    reply = routes(answering("abc")).answer(Asked(method="HEAD", path="/"))
    assert (reply.status_code, header(reply, "content-length")) == (200, ["3"])


@pytest.mark.parametrize("method", ["ANY", "any", "*"])
def test_a_route_for_any_method_takes_every_one(method: str) -> None:
    assert routes(answering("x", method=method)).answer(Asked(method="PURGE", path="/")).status_code == 200


def test_a_body_may_use_the_functions_of_templates() -> None:
    route = Route(path="/a", responses=(MockResponse(body={"id": "${uuid()}", "up": "${upper(request.path)}"}),))
    reply = Routes(MockServer(routes=(route,))).answer(Asked(method="GET", path="/a"))
    body = json.loads(reply.content)
    assert len(body["id"]) == 32
    assert body["up"] == "/A"


def test_the_highest_priority_is_asked_first_whatever_its_path_is_like() -> None:
    three = routes(
        answering("literal", "/users/me"),
        answering("any", "/users/{id}", priority=1),
        answering("late", "/users/me", priority=-1),
    )
    assert three.answer(get("/users/me")).content == b"any"
    assert routes(answering("a", priority=2), answering("b", priority=2)).answer(get("/")).content == b"a"


@pytest.mark.parametrize(
    ("kind", "path", "asked", "params"),
    [
        ("contains", "users", "/api/users/5", {}),
        ("contains", "users", "/api/orders", None),
        ("contains", "a.b", "/axb", None),
        ("regex", r"^/users/(?P<id>\d+)$", "/users/5", {"id": "5"}),
        ("regex", r"^/users/(?P<id>\d+)$", "/users/x", None),
        ("regex", r"/users", "/api/users/5", {}),
        ("regex", r"/a(?P<more>/b)?$", "/a", {"more": ""}),
    ],
)
def test_a_path_may_be_a_pattern_or_a_part(kind: Any, path: str, asked: str, params: dict[str, str] | None) -> None:
    reply = routes(answering("${path_params}", path, match_type=kind)).answer(get(asked))
    assert (body(reply) if reply.status_code == 200 else None) == params


def test_exact_paths_come_before_patterns_whichever_stands_first() -> None:
    three = routes(
        answering("pattern", "/users/.*", match_type="regex"),
        answering("parameter", "/users/{id}"),
        answering("literal", "/users/me"),
    )
    replies = [three.answer(get(path)).content for path in ("/users/me", "/users/7", "/users/7/posts")]
    assert replies == [b"literal", b"parameter", b"pattern"]


HEADERS = Headers([(b"X-Key", b"secret"), (b"Accept", b"a"), (b"Accept", b"b")])


@pytest.mark.parametrize(
    ("asks", "holds"),
    [
        ({"query_params": {"page": 1}}, True),
        ({"query_params": {"page": "1", "flag": True, "half": 0.5}}, True),
        ({"query_params": {"page": 2}}, False),
        ({"query_params": {"none": None}}, True),
        ({"query_params": {"page": None}}, False),
        ({"query_params": {"tag": "b"}}, True),
        ({"query_params": {"tag": ["a", "b"]}}, True),
        ({"query_params": {"tag": ["b", "a"]}}, False),
        ({"query_params": {"tag": {"length_eq": 2}}}, True),
        ({"query_params": {"page": {"gt": 0, "lt": 2}}}, True),
        ({"query_params": {"page": {"gt": 0, "lt": 1}}}, False),
        ({"query_params": {"zzz": {"exists": False}}}, True),
        ({"query_params": {"zzz": {"eq": 1}}}, False),
        ({"headers": {"x-KEY": "secret"}}, True),
        ({"headers": {"X-Key": "Secret"}}, False),
        ({"headers": {"X-Key": {"starts_with": "sec"}}}, True),
        ({"headers": {"Accept": "a, b"}}, True),
        ({"headers": {"X-Nothing": None}}, True),
        ({"body_pattern": "alice"}, True),
        ({"body_pattern": "bob"}, False),
        ({"body_pattern": {"user": {"name": "alice"}}}, True),
        ({"body_pattern": {"user": {"name": "bob"}}}, False),
        ({"body_pattern": ["alice"]}, False),
        ({"body_pattern": 7}, True),
        ({"body_pattern": r'"n":\s*7', "body_match_type": "regex"}, True),
        ({"body_pattern": r"^7", "body_match_type": "regex"}, False),
        ({"body_pattern": '{"user": {"name": "alice", "n": 7}}', "body_match_type": "exact"}, True),
        ({"body_pattern": "alice", "body_match_type": "exact"}, False),
        ({"body_pattern": {"user": {"n": 7.0, "name": "alice"}}, "body_match_type": "exact"}, True),
        ({"body_pattern": {"user": {"n": 7, "name": "alice"}}, "body_match_type": "json"}, True),
        ({"body_pattern": {"user": {"n": 7}}, "body_match_type": "json"}, False),
        ({"body_pattern": "$.user.name", "body_match_type": "jsonpath"}, True),
        ({"body_pattern": "$.user.age", "body_match_type": "jsonpath"}, False),
        ({"body_pattern": "$.user.name.starts_with('al')", "body_match_type": "jsonpath"}, True),
        ({"body_pattern": "$.user.name.starts_with('x')", "body_match_type": "jsonpath"}, False),
        ({"body_pattern": "$.user.name.sum()", "body_match_type": "jsonpath"}, False),
        ({"body_pattern": {"$.user.name": "alice", "$.user.n": {"between": [5, 9]}}, "body_match_type": "jsonpath"}, True),
        ({"body_pattern": {"$.user.name": "bob"}, "body_match_type": "jsonpath"}, False),
        ({"body_pattern": {"$.user": {"name": "alice", "n": 7}}, "body_match_type": "jsonpath"}, True),
        ({"condition": "request.json.user.n > 5 and request.headers['X-Key'] == 'secret'"}, True),
        ({"condition": "request.json.user.n > 7"}, False),
        ({"condition": "request.headers.Authorization == 'x'"}, False),
        ({"condition": {"not": "'page' in request.query"}}, False),
    ],
)  # fmt: skip
def test_a_route_may_ask_for_parameters_headers_a_body_and_a_condition(asks: dict[str, Any], holds: bool) -> None:
    asked = Asked(
        method="POST",
        path="/",
        query={"page": "1", "flag": "true", "half": "0.5", "tag": ["a", "b"]},
        headers=HEADERS,
        body='{"user": {"name": "alice", "n": 7}}',
    )
    reply = routes(answering("x", method="POST", **asks)).answer(asked)
    assert (reply.status_code == 200) is holds


def test_a_route_that_asks_for_more_leaves_the_rest_to_the_next_one() -> None:
    both = routes(answering("mine", headers={"X-Key": "k"}), answering("others"))
    assert both.answer(get("/", headers=Headers([(b"x-key", b"k")]))).content == b"mine"
    assert both.answer(get("/")).content == b"others"


def test_nothing_that_fits_says_what_each_route_of_this_path_asked_for() -> None:
    several = routes(
        answering("x", "/a", name="with key", headers={"X-Key": "k"}),
        answering("x", "/a", query_params={"page": 1}),
        answering("x", "/a", condition="request.query.page == '2'"),
        answering("x", "/a", body_pattern="z"),
        answering("x", "/b"),
        answering("x", "/a", name="secret", headers={"X-Api-Key": "hunter2"}),
    )
    reply = several.answer(get("/a"))
    assert reply.status_code == 404
    assert body(reply)["nearly"] == [
        'with key: header X-Key: expected "k", got nothing',
        'GET /a: query parameter page: expected "1", got nothing',
        "GET /a: its condition does not hold",
        'GET /a: body: expected something that contains "z" (text), got ""',
        "secret: header X-Api-Key: it is not what is asked for",
    ]


def test_where_the_condition_does_not_hold_the_else_response_is_given() -> None:
    guarded = Route(
        path="/",
        condition="request.headers.Authorization == 'Bearer t'",
        responses=(MockResponse(body="a"), MockResponse(body="b")),
        else_response=MockResponse(status_code=401, headers={"WWW-Authenticate": "Bearer"}),
    )
    server = routes(guarded)
    allowed = get("/", headers=Headers([(b"Authorization", b"Bearer t")]))
    refused = server.answer(get("/"))
    assert (refused.status_code, header(refused, "www-authenticate")) == (401, ["Bearer"])
    assert [server.answer(one).content for one in (allowed, get("/"), allowed)] == [b"a", b"", b"b"]


def test_a_condition_that_cannot_be_evaluated_is_a_500_that_says_why() -> None:
    reply = routes(answering("x", condition="request.body > 5")).answer(get("/"))
    assert reply.status_code == 500
    assert "'>' cannot be applied to text and number" in body(reply)["error"]


def test_cookies_and_forms_are_read() -> None:
    raw = [(b"Content-Type", b"application/x-www-form-urlencoded; charset=utf-8"), (b"Cookie", b'a=1; b="x y"; odd')]
    template = {"cookies": "${request.cookies}", "form": "${request.form}", "url": "${request.url}"}
    asked = Asked(method="POST", path="/", url="http://h/", headers=Headers(raw), body="n=1&m=a&m=b&empty=")
    assert body(routes(answering(template, method="POST")).answer(asked)) == {
        "cookies": {"a": "1", "b": "x y"},
        "form": {"n": "1", "m": ["a", "b"], "empty": ""},
        "url": "http://h/",
    }


def test_a_status_may_be_a_template() -> None:
    server = routes(Route(path="/status/{code}", responses=(MockResponse(status_code="${path_params.code}"),)))
    assert server.answer(get("/status/418")).status_code == 418
    assert "'abc'" in body(server.answer(get("/status/abc")))["error"]
    assert server.answer(get("/status/99")).status_code == 500


def test_what_was_asked_is_remembered_with_what_was_made_of_it() -> None:
    server = routes(answering("x", "/users/{id}", name="one"), answering("${mock.requests|length}", "/seen"))
    server.answer(get("/users/5", query={"a": "1"}))
    assert server.answer(get("/seen")).content == b"1"
    server.answer(get("/nowhere"))
    assert (server.record["count"], len(server.record)) == (3, 3)
    first, _, last = server.record["requests"]
    assert (first["method"], first["path"], first["query"], first["route"]) == ("GET", "/users/5", {"a": "1"}, "one")
    assert (first["status_code"], first["path_params"]) == (200, {"id": "5"})
    assert (last["route"], last["status_code"]) == (None, 404)


def test_what_was_taken_out_of_the_record_does_not_change() -> None:
    server = routes(answering("x"))
    server.answer(get("/"))
    taken = server.record["requests"]
    server.answer(get("/"))
    assert (len(taken), len(server.record["requests"])) == (1, 2)


def test_old_requests_are_forgotten_so_that_memory_is_bounded() -> None:
    server = routes(answering("x", method="ANY"))
    for number in range(MOST_REQUESTS + 5):
        server.answer(get(f"/{number}"))
    kept = server.record["requests"]
    assert (len(kept), kept[0]["path"], server.record["count"]) == (MOST_REQUESTS, "/5", MOST_REQUESTS + 5)
    for _ in range(3):
        server.answer(Asked(method="POST", path="/", body="x" * (MOST_TEXT // 2)))
    assert [len(one["body"]) for one in server.record["requests"]] == [MOST_TEXT // 2] * 2
    server.answer(Asked(method="POST", path="/", body="x" * (2 * MOST_TEXT)))
    assert len(server.record["requests"]) == 1


METHODS = st.sampled_from(["GET", "POST", "ANY"])
PATHS = st.sampled_from(["/a", "/a/{x}", "/a/b", "/{x}/b"])
MANY = st.lists(st.tuples(METHODS, PATHS, st.integers(-2, 2), st.booleans()), max_size=8)


@given(MANY, st.sampled_from(["/a", "/a/b", "/c/b", "/d"]), st.sampled_from(["GET", "POST"]))
def test_of_the_routes_that_fit_the_first_by_priority_and_then_by_kind_and_order_answers(
    made: list[tuple[str, str, int, bool]], path: str, method: str
) -> None:
    given_routes = [
        Route(path=one, method=verb, priority=priority, condition=holds, responses=(MockResponse(body=index),))
        for index, (verb, one, priority, holds) in enumerate(made)
    ]
    fitting = [
        (-priority, one.count("{"), index)
        for index, (verb, one, priority, holds) in enumerate(made)
        if holds and verb in {method, "ANY"} and re.fullmatch(one.replace("{x}", "[^/]+"), path)
    ]
    replies = [Routes(MockServer(routes=tuple(given_routes))).answer(Asked(method=method, path=path)) for _ in range(2)]
    assert replies[0] == replies[1]
    if fitting:
        assert body(replies[0]) == min(fitting)[2]
    else:
        assert replies[0].status_code in {404, 405}


@pytest.mark.parametrize("name", ["env", "file", "config", "variables", "steps", "secret"])
def test_templates_see_nothing_of_the_case_and_the_machine(name: str) -> None:
    reply = routes(answering(f"${{{name}}}")).answer(get("/"))
    assert reply.status_code == 500
    assert body(reply)["error"].startswith(f"the mock route 'GET /' cannot answer: '{name}' is not defined")


@given(st.text(max_size=60))
def test_nothing_a_client_can_say_makes_the_routes_fail(said: str) -> None:
    server = routes(
        answering({"echo": "${request}", "json": "${request.json}"}, "/{x}", method="ANY", body_pattern="a"),
        answering("${request.query.a}", "/", method="ANY", headers={"A": {"regex": "a"}}),
        answering("x", ".", method="ANY", match_type="regex", query_params={"q": {"gt": 5}}),
    )
    asked = Asked(method="POST", path=f"/{said}", query={"a": said, "q": said}, headers=Headers([(b"A", said.encode("utf-8", "replace"))]), body=said)  # fmt: skip
    reply = server.answer(asked)
    assert reply.status_code in {200, 404}
    assert all(b"\n" not in value and b"\r" not in value for _, value in reply.wire_headers())


def test_a_pattern_that_would_take_for_ever_is_a_500_that_says_so() -> None:
    endless = routes(answering("x", r"^/(a|a)*$", match_type="regex"))
    reply = endless.answer(get("/" + "a" * 60 + "b"))
    assert reply.status_code == 500
    assert "takes too long on a text of 62 characters" in body(reply)["error"]


def test_answers_may_call_the_functions_of_the_project_and_make_values_up() -> None:
    own = Function(name="twice", call=lambda text: text * 2)
    server = routes(
        answering({"own": "${twice(request.path)}", "name": "${faker.name()}"}, "/a"),
        functions={"twice": own}, seed=1, faker_locale="zh_CN",
    )  # fmt: skip
    told = body(server.answer(get("/a")))
    assert told["own"] == "/a/a"
    assert not told["name"].isascii()
