from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

import pytest

from sisyphus.case.model import Auth
from sisyphus.errors import FieldError
from sisyphus.http import Call, Part
from sisyphus.http.request import Outgoing, encode

URL = "http://api.test/users"


def sent(**fields: Any) -> Outgoing:
    return encode(Call(**{"url": URL, "method": "POST", **fields}))


def header(outgoing: Outgoing, name: str) -> list[str]:
    return [value.decode() for found, value in outgoing.headers if found.decode().lower() == name.lower()]


def test_a_bare_url_is_fetched_with_the_engine_as_user_agent() -> None:
    outgoing = encode(Call(url=URL))
    assert (outgoing.method, str(outgoing.url), outgoing.content) == ("GET", URL, b"")
    assert header(outgoing, "host") == ["api.test"]
    assert header(outgoing, "user-agent")[0].startswith("sisyphus-api-engine/")
    assert header(outgoing, "content-length") == []


def test_json_is_sent_as_utf8_without_escapes() -> None:
    outgoing = sent(json={"name": "西西弗斯", "n": 5.0})
    assert outgoing.content == '{"name":"西西弗斯","n":5.0}'.encode()
    assert header(outgoing, "content-type") == ["application/json"]
    assert header(outgoing, "content-length") == [str(len(outgoing.content))]


def test_json_null_is_sent_as_null_but_null_elsewhere_is_no_body() -> None:
    assert sent(json=None).content == b"null"
    assert sent(body=None).content == sent(data=None).content == b""


@pytest.mark.parametrize(
    "fields", [{"json": {"a": [float("nan")]}}, {"body": [float("inf")]}, {"params": {"a": -float("inf")}}]
)
def test_what_json_has_no_number_for_is_not_sent_as_if_it_had(fields: dict[str, Any]) -> None:
    with pytest.raises(FieldError, match="cannot be written as JSON"):
        sent(**fields)


def test_half_a_surrogate_pair_is_written_as_an_escape_in_json_and_refused_in_text() -> None:
    assert sent(json="\ud83d").content == b'"\\ud83d"'
    with pytest.raises(FieldError, match="half a surrogate pair"):
        sent(body="\ud83d")


def test_maps_that_are_no_dicts_are_sent_as_maps() -> None:
    assert sent(json={"a": MappingProxyType({"b": 1})}).content == b'{"a":{"b":1}}'


def test_what_json_does_not_know_is_named() -> None:
    with pytest.raises(FieldError, match="object is no JSON type"):
        sent(json={"a": object()})


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize("value", [endless(), nested(100_000)], ids=["endless", "deep"])
def test_nesting_beyond_what_can_be_written_is_an_error_of_the_field(value: Any) -> None:
    with pytest.raises(FieldError, match="cannot be written as JSON"):
        sent(json=value)


@pytest.mark.parametrize(
    "fields",
    [
        {"headers": {"X-A": "\ud83d"}},
        {"cookies": {"a": "\ud83d"}},
        {"cookies": "a=\ud83d"},
        {"headers": {"Cookie": "\ud83d=1"}},
        {"params": {"a": "\ud83d"}},
        {"data": {"a": "\ud83d"}},
        {"data": {"\ud83d": "a"}, "files": (Part(field="f", filename="f", content=b""),)},
        {"files": (Part(field="f", filename="\ud83d", content=b""),)},
        {"files": (Part(field="\ud83d", filename="f", content=b""),)},
        {"auth": Auth(type="basic", username="\ud83d", password="x")},
    ],
    ids=str,
)
def test_half_a_surrogate_pair_is_refused_wherever_text_is_encoded(fields: dict[str, Any]) -> None:
    with pytest.raises(FieldError, match="half a surrogate pair"):
        sent(**fields)


@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE"])
@pytest.mark.parametrize("kind", ["application/json", "application/problem+json; charset=utf-8", "Application/JSON"])
def test_a_body_map_with_any_spelling_of_json_is_sent_as_json_under_that_header(name: str, kind: str) -> None:
    outgoing = sent(body={"a": [1, True, None]}, headers={name: kind})
    assert json.loads(outgoing.content) == {"a": [1, True, None]}
    assert header(outgoing, "content-type") == [kind]


def test_a_body_list_without_a_content_type_is_json() -> None:
    outgoing = sent(body=[1, "a"])
    assert outgoing.content == b'[1,"a"]'
    assert header(outgoing, "content-type") == ["application/json"]


def test_a_body_map_with_a_form_content_type_is_urlencoded() -> None:
    outgoing = sent(body={"a": [1, 2], "b": "x y&z"}, headers={"content-type": "application/x-www-form-urlencoded"})
    assert outgoing.content == b"a=1&a=2&b=x+y%26z"
    assert header(outgoing, "content-type") == ["application/x-www-form-urlencoded"]


@pytest.mark.parametrize(
    ("body", "content"), [('{"a": 1}', b'{"a": 1}'), ("嗨", "嗨".encode()), (b"\x00\xff", b"\x00\xff")]
)
def test_a_body_of_text_or_bytes_goes_as_it_is_and_claims_no_type(body: Any, content: bytes) -> None:
    outgoing = sent(body=body)
    assert outgoing.content == content
    assert header(outgoing, "content-type") == []


@pytest.mark.parametrize(("body", "content"), [(5, b"5"), (True, b"true"), (1.5, b"1.5")])
def test_a_body_that_is_a_number_or_truth_is_written_as_json_writes_it(body: Any, content: bytes) -> None:
    assert sent(body=body).content == content


def test_data_is_a_form_in_which_lists_repeat_null_is_left_out_and_truth_is_lower_case() -> None:
    outgoing = sent(data={"a": ["x", None, True], "b": None, "c": "汉", "d": 5})
    assert parse_qsl(outgoing.content.decode()) == [("a", "x"), ("a", "true"), ("c", "汉"), ("d", "5")]
    assert header(outgoing, "content-type") == ["application/x-www-form-urlencoded"]


def test_a_form_that_is_neither_map_nor_pairs_is_refused() -> None:
    with pytest.raises(FieldError, match="'data' must be a map, but it is 5"):
        sent(data=5)


def test_files_are_multipart_with_data_as_fields_and_the_boundary_is_ours() -> None:
    outgoing = sent(
        data={"who": "me", "tags": ["a", "b"]},
        files=(Part(field="doc", filename="a.txt", content=b"hello"),),
        headers={"Content-Type": "multipart/form-data"},
    )
    (kind,) = header(outgoing, "content-type")
    boundary = kind.removeprefix("multipart/form-data; boundary=").encode()
    assert outgoing.content.count(b"--" + boundary) == 5
    assert b'name="tags"\r\n\r\nb\r\n' in outgoing.content
    assert b'name="doc"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n' in outgoing.content
    assert outgoing.shown_body["files"] == [{"field": "doc", "filename": "a.txt", "size": 5}]


def test_a_body_map_with_a_multipart_content_type_is_multipart_without_files() -> None:
    outgoing = sent(body={"a": 1}, headers={"Content-Type": "multipart/form-data"})
    assert b'Content-Disposition: form-data; name="a"\r\n\r\n1\r\n' in outgoing.content


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"json": {}, "data": {}}, "'json' and 'data'"),
        ({"body": "x", "json": None}, "'body' and 'json'"),
        ({"json": {}, "files": (Part(field="f", filename="f", content=b""),)}, "not with 'json'"),
    ],
)
def test_a_request_has_one_body(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError, match=message):
        sent(**fields)


def test_values_of_headers_are_written_as_json_writes_them_null_is_left_out_and_lists_repeat() -> None:
    outgoing = sent(headers={"X-Flag": True, "X-Count": 5, "X-None": None, "X-Many": ["a", None, 2]})
    assert header(outgoing, "x-flag") == ["true"]
    assert header(outgoing, "x-count") == ["5"]
    assert header(outgoing, "x-none") == []
    assert header(outgoing, "x-many") == ["a", "2"]


def test_a_header_of_the_step_replaces_a_default_and_null_removes_it() -> None:
    outgoing = sent(headers={"USER-AGENT": "me", "accept": None, "Host": "other.test"})
    assert header(outgoing, "user-agent") == ["me"]
    assert header(outgoing, "accept") == []
    assert header(outgoing, "host") == ["other.test"]


def test_a_header_may_hold_any_text_in_utf8() -> None:
    assert (b"X-Name", "西西弗斯".encode()) in sent(headers={"X-Name": " 西西弗斯 "}).headers


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b"])
def test_a_line_break_in_a_header_is_refused(value: str) -> None:
    with pytest.raises(FieldError, match="'X-A' holds a line break"):
        sent(headers={"X-A": value})


@pytest.mark.parametrize("name", ["", "a b", "a:b", "näme", "a\n", 5])
def test_what_is_no_header_name_is_refused(name: Any) -> None:
    with pytest.raises(FieldError, match="cannot be the name of a header"):
        sent(headers={name: "x"})


@pytest.mark.parametrize("headers", ["x", [1], [["A", "b"], "cd e"]])
def test_headers_that_are_no_map_are_refused(headers: Any) -> None:
    with pytest.raises(FieldError, match="'headers' must be a map, but it is "):
        sent(headers=headers)


@pytest.mark.parametrize(
    ("url", "params", "whole"),
    [
        (URL, {"q": "a b&c", "n": 5, "ok": True, "none": None}, f"{URL}?q=a%20b%26c&n=5&ok=true"),
        (f"{URL}?x=1", {"y": [1, 2]}, f"{URL}?x=1&y=1&y=2"),
        (f"{URL}?x=1#part", [["y", "ü"]], f"{URL}?x=1&y=%C3%BC#part"),
        (f"{URL}?", "?already=en%20coded", f"{URL}?already=en%20coded"),
        (URL, {"filter": {"a": 1}}, f"{URL}?filter=%7B%22a%22%3A1%7D"),
        (URL, {}, URL),
        (URL, None, URL),
    ],
)
def test_params_are_added_to_the_query_of_the_url(url: str, params: Any, whole: str) -> None:
    assert str(sent(url=url, params=params).url) == whole


def test_params_of_another_type_are_refused() -> None:
    with pytest.raises(FieldError, match="'params' must be a map, but it is 5"):
        sent(params=5)


@pytest.mark.parametrize("url", ["/users", "", "api.test/users", "ftp://api.test", "http://", "mailto:a@b"])
def test_a_url_that_is_not_absolute_http_says_so(url: str) -> None:
    with pytest.raises(FieldError, match="does not begin with http:// or https:// and a host"):
        sent(url=url)


def test_a_port_that_cannot_be_says_so() -> None:
    with pytest.raises(FieldError, match="has a port beyond 65535"):
        sent(url="http://127.0.0.1:65616/")


@pytest.mark.parametrize(
    "url", ["http://a:port/", "http://[::1/", "http://a\x00b/", "http://xn--a.test/", "http://" + "a" * 70_000]
)
def test_a_broken_url_says_what_is_wrong_with_it(url: str) -> None:
    with pytest.raises(FieldError, match="is not a URL"):
        sent(url=url)


def test_a_url_of_another_type_is_refused() -> None:
    with pytest.raises(FieldError, match="the URL must be text, but it is 5"):
        sent(url=5)


def test_any_token_is_a_method() -> None:
    assert encode(Call(url=URL, method="purge")).method == "PURGE"


@pytest.mark.parametrize("method", ["", "GET /", "GE\nT", 5])
def test_what_is_no_token_is_no_method(method: Any) -> None:
    with pytest.raises(FieldError, match="is no HTTP method"):
        encode(Call(url=URL, method=method))


def test_methods_that_bring_a_body_say_when_it_is_empty() -> None:
    assert header(sent(method="PUT"), "content-length") == ["0"]
    assert header(sent(method="DELETE"), "content-length") == []


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        (Auth(type="basic", username="me", password="pä:ss"), "Authorization", "Basic bWU6cMOkOnNz"),
        (Auth(type="bearer", token="abc"), "Authorization", "Bearer abc"),
        (Auth(type="api_key", key="X-Key", value="k1"), "X-Key", "k1"),
    ],
)
def test_auth_becomes_a_header(auth: Auth, name: str, value: str) -> None:
    assert header(sent(auth=auth), name) == [value]


def test_an_api_key_may_go_into_the_query() -> None:
    outgoing = sent(url=f"{URL}?a=1", auth=Auth(type="api_key", key="key", value="k 1", location="query"))
    assert str(outgoing.url) == f"{URL}?a=1&key=k%201"


def test_a_header_of_the_step_wins_over_auth() -> None:
    outgoing = sent(headers={"authorization": "Custom x"}, auth=Auth(type="bearer", token="abc"))
    assert header(outgoing, "authorization") == ["Custom x"]


def test_a_line_break_in_a_token_is_refused() -> None:
    with pytest.raises(FieldError, match="line break"):
        sent(auth=Auth(type="bearer", token="a\r\nX-Evil: 1"))


def test_cookies_of_the_step_and_of_a_cookie_header_are_kept_apart_from_the_headers() -> None:
    outgoing = sent(cookies={"a": 1, "b": None}, headers={"Cookie": "c=3; a=0"})
    assert outgoing.cookies == {"c": "3", "a": "1"}
    assert header(outgoing, "cookie") == []


def test_a_cookie_that_would_end_early_is_refused() -> None:
    with pytest.raises(FieldError, match="the cookie 'a'"):
        sent(cookies={"a": "1; b=2"})


def test_what_the_step_gave_is_kept_for_whoever_wants_to_see_it() -> None:
    assert sent(json={"password": "x"}).shown_body == {"password": "x"}
    assert sent(data={"a": 1}).shown_body == {"a": 1}
    assert sent(body="text").shown_body == "text"
    assert sent().shown_body is None
