from __future__ import annotations

import json
from typing import Any

import pytest

from sisyphus.case.model import MockResponse, MockServer, Route
from sisyphus.mock.routes import Asked, Reply, Routes


def routes(*given: Route, **server: Any) -> Routes:
    return Routes(MockServer(routes=given, **server))


def answering(body: Any, path: str = "/", **route: Any) -> Route:
    return Route(path=path, responses=(MockResponse(body=body),), **route)


def get(path: str, **asked: Any) -> Asked:
    return Asked(**{"method": "GET", "path": path, **asked})


def header(reply: Reply, name: str) -> list[str]:
    return [value.decode() for found, value in reply.headers if found.decode().lower() == name.lower()]


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
