"""Case files against httpbin, a server that nobody here wrote: what it says came is what the file asks to be sent."""

from __future__ import annotations

import base64
import textwrap
from pathlib import Path
from typing import Any

import pytest
from programs import a_case

import sisyphus
from sisyphus.report.json_result import document


async def played(httpbin: str, folder: Path, steps: str, config: str = "") -> list[Any]:
    """The steps of a case as the JSON result has them, credentials and cookies too."""
    text = f"name: c\nconfig:\n  base_url: {httpbin}\n  masking_strategy: none\n{_indented(config)}\nsteps:\n{_indented(steps)}"
    result = await sisyphus.run(a_case(folder, text), live=None)
    done: list[Any] = document(result, engine_version="1")["cases"][0]["steps"]
    return done


async def answered(httpbin: str, folder: Path, step: str) -> Any:
    """The answer that the one step of a case gets."""
    (done,) = await played(httpbin, folder, "- name: s\n" + _indented(step))
    assert (done["error"], done["status"]) == (None, "success"), done["error"]
    return done["response"] | {"request": done["request"]}


def _indented(text: str) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), "  ")


def sent(response: Any, *keys: str) -> Any:
    """What httpbin says it got of these."""
    body = response["body"]
    return body[keys[0]] if len(keys) == 1 else tuple(body[key] for key in keys)


FORM = "application/x-www-form-urlencoded"

# Each row of the format's table: what the step gives, and what httpbin must have got as (form, json, data).
GIVEN: list[tuple[str, str, tuple[Any, Any, str]]] = [
    ("json: {a: [1, null, true], 名: 值}", "application/json", ({}, {"a": [1, None, True], "名": "值"}, ...)),
    ("json: null", "application/json", ({}, None, "null")),
    ("json: [1, 2]", "application/json", ({}, [1, 2], "[1,2]")),
    ("data: {a: [1, [2, 3]], b: true, c: null, d: 'x y'}", FORM, ({"a": ["1", "2", "3"], "b": "true", "d": "x y"}, None, "")),
    ("data: 'a=1&b=2'", FORM, ({"a": "1", "b": "2"}, None, "")),
    ("body: {a: 1}", "application/json", ({}, {"a": 1}, '{"a":1}')),
    ("body: [a, 1]", "application/json", ({}, ["a", 1], '["a",1]')),
    ("body: {a: 1}\nheaders: {content-TYPE: Application/JSON}", "Application/JSON", ({}, {"a": 1}, '{"a":1}')),
    ("body: {a: 1}\nheaders: {CONTENT-TYPE: application/vnd.api+json}", "application/vnd.api+json", ({}, {"a": 1}, '{"a":1}')),
    ("body: {a: [1, 2], b: x}\nheaders: {cOnTeNt-TyPe: application/x-www-form-urlencoded}", FORM, ({"a": ["1", "2"], "b": "x"}, None, "")),
    ("body: plain", None, ({}, None, "plain")),
    ("body: '{\"a\": 1}'\nheaders: {Content-Type: application/json}", "application/json", ({}, {"a": 1}, '{"a": 1}')),
]  # fmt: skip


@pytest.mark.parametrize(("given", "content_type", "got"), GIVEN, ids=[given for given, *_ in GIVEN])
async def test_what_is_given_is_sent_as_the_table_says(
    httpbin: str, tmp_path: Path, given: str, content_type: str | None, got: tuple[Any, Any, Any]
) -> None:
    response = await answered(httpbin, tmp_path, f"url: /post\nmethod: POST\n{given}")
    form, json, data = got
    assert sent(response, "form", "json") == (form, json)
    assert data in (..., sent(response, "data"))
    assert sent(response, "headers").get("Content-Type") == content_type


async def test_files_are_multipart_with_data_as_fields(httpbin: str, tmp_path: Path) -> None:
    (tmp_path / "图.txt").write_text("hello", encoding="utf-8")
    (tmp_path / "b.bin").write_bytes(b"\x00\xff")
    response = await answered(
        httpbin,
        tmp_path,
        """
        url: /post
        method: POST
        data: {who: me, tags: [a, b]}
        files:
          doc: ./图.txt
          raw: {path: b.bin, content_type: image/png, filename: x.png}
        """,
    )
    assert sent(response, "form") == {"who": "me", "tags": ["a", "b"]}
    raw = "data:image/png;base64," + base64.b64encode(b"\x00\xff").decode()
    assert sent(response, "files") == {"doc": "hello", "raw": raw}
    assert sent(response, "headers")["Content-Type"].startswith("multipart/form-data; boundary=")
    assert response["request"]["body"]["files"][1] == {"field": "raw", "filename": "x.png", "size": 2}


async def test_upload_is_a_file_with_form_fields(httpbin: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    response = await answered(
        httpbin, tmp_path, "url: /post\nmethod: POST\nupload: {file: a.txt, form_fields: {n: 5, ok: true}}"
    )
    assert sent(response, "form", "files") == ({"n": "5", "ok": "true"}, {"file": "hello"})


async def test_values_of_headers_and_params_are_written_as_json_writes_them(httpbin: str, tmp_path: Path) -> None:
    response = await answered(
        httpbin,
        tmp_path,
        """
        url: /anything?have=1
        params: {flag: true, n: 5, none: null, many: [1, [two, null]], map: {a: 1}}
        headers: {X-Flag: false, X-N: 1.5, X-None: null, X-Many: [a, 2]}
        """,
    )
    assert sent(response, "args") == {"have": "1", "flag": "true", "n": "5", "many": ["1", "two"], "map": '{"a":1}'}
    headers = sent(response, "headers")
    assert (headers["X-Flag"], headers["X-N"], headers["X-Many"]) == ("false", "1.5", "a,2")
    assert "X-None" not in headers


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
async def test_any_method_is_sent(httpbin: str, tmp_path: Path, method: str) -> None:
    response = await answered(httpbin, tmp_path, f"url: /anything\nmethod: {method.lower()}")
    assert sent(response, "method") == method


@pytest.mark.parametrize("status", [201, 204, 304, 400, 404, 418, 500, 503])
async def test_any_status_is_an_answer(httpbin: str, tmp_path: Path, status: int) -> None:
    first, again = await played(
        httpbin,
        tmp_path,
        f"""
        - {{name: a, url: /status/{status}, validations: [{{status_code: {status}}}]}}
        - {{name: b, url: /status/{status}, validations: [{{status_code: {status}}}]}}
        """,
    )
    assert (first["status"], again["status"]) == ("success", "success")
    assert again["response"]["timings"]["connect"] is None  # an answer without a body leaves its connection usable


async def test_head_has_no_body_but_its_length(httpbin: str, tmp_path: Path) -> None:
    response = await answered(httpbin, tmp_path, "url: /bytes/1000\nmethod: HEAD")
    assert (response["body"], response["size"], response["headers"]["Content-Length"]) == ("", 0, "1000")


@pytest.mark.parametrize(("encoding", "field"), [("gzip", "gzipped"), ("deflate", "deflated")])
async def test_a_compressed_answer_is_read(httpbin: str, tmp_path: Path, encoding: str, field: str) -> None:
    response = await answered(httpbin, tmp_path, f"url: /{encoding}")
    assert sent(response, field) is True


async def test_brotli_is_neither_asked_for_nor_undone(httpbin: str, tmp_path: Path) -> None:
    asked = await answered(httpbin, tmp_path, "url: /headers")
    assert sent(asked, "headers")["Accept-Encoding"] == "gzip, deflate"
    response = await answered(httpbin, tmp_path, "url: /brotli")
    assert "the body is encoded as br, which is not undone" in response["warnings"]


async def test_a_streamed_answer_is_read_to_its_end(httpbin: str, tmp_path: Path) -> None:
    response = await answered(httpbin, tmp_path, "url: /stream/20")
    assert response["headers"]["Transfer-Encoding"] == "chunked"
    assert response["text"].count("\n") == 20


async def test_a_body_beyond_stream_limit_is_kept_to_it_with_a_note(httpbin: str, tmp_path: Path) -> None:
    response = await answered(httpbin, tmp_path, "url: /range/5000\nstream_limit: 100")
    assert (len(response["text"]), response["size"], response["truncated"]) == (100, 5000, True)
    assert response["body_note"] == "the body is longer than stream_limit; this is its beginning"


async def test_bytes_come_as_base64_with_a_note(httpbin: str, tmp_path: Path) -> None:
    response = await answered(httpbin, tmp_path, "url: /image/png")
    assert base64.b64decode(response["body"]).startswith(b"\x89PNG")
    assert response["body_note"] == "these are bytes (image/png), given as base64"


async def test_a_late_answer_is_measured_as_waiting(httpbin: str, tmp_path: Path) -> None:
    response = await answered(httpbin, tmp_path, "url: /delay/0.3")
    timings = response["timings"]
    assert timings["wait"] >= 300
    assert timings["connect"] > 0
    assert timings["total"] >= sum(took for phase, took in timings.items() if took is not None and phase != "total")


async def test_an_answer_that_drips_is_measured_as_receiving(httpbin: str, tmp_path: Path) -> None:
    response = await answered(httpbin, tmp_path, "url: /drip?duration=0.4&numbytes=4&delay=0")
    assert response["size"] == 4
    assert response["timings"]["receive"] >= 250


async def test_a_timeout_cuts_a_late_answer_off(httpbin: str, tmp_path: Path) -> None:
    late, next_one = await played(
        httpbin,
        tmp_path,
        """
        - {name: late, url: /delay/5, timeout: 0.3}
        - {name: next, url: /get}
        """,
    )
    assert late["error"]["category"] == "timeout"
    assert next_one["status"] == "success"


# ---- redirects


async def test_redirects_leave_a_history_and_the_cookies_they_set(httpbin: str, tmp_path: Path) -> None:
    check = "validations: [{eq: ['$.history[0].headers.location', /cookies]}]"
    response = await answered(httpbin, tmp_path, f"url: /cookies/set?a=1\n{check}")
    assert sent(response, "cookies") == {"a": "1"}
    (hop,) = response["history"]
    assert (hop["status_code"], hop["url"]) == (302, f"{httpbin}/cookies/set?a=1")
    assert hop["headers"]["Location"] == "/cookies"
    assert response["url"] == f"{httpbin}/cookies"


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"), (301, "PUT", "PUT"), (302, "POST", "GET"), (302, "PUT", "GET"), (303, "POST", "GET"),
        (303, "PUT", "GET"), (303, "HEAD", "HEAD"), (307, "POST", "POST"), (308, "PUT", "PUT"),
    ],
)  # fmt: skip
async def test_what_a_redirect_makes_of_the_method(
    httpbin: str, tmp_path: Path, status: int, method: str, then: str
) -> None:
    url = f"/redirect-to?url=/anything&status_code={status}"
    body = "json: {a: 1}\n" if method != "HEAD" else ""
    response = await answered(httpbin, tmp_path, f"url: {url}\nmethod: {method}\n{body}")
    assert response["status_code"] == 200
    assert response["request"]["method"] == method
    if then == "HEAD":
        return
    assert sent(response, "method") == then
    assert sent(response, "json") == ({"a": 1} if then == method else None)
    assert ("Content-Type" in sent(response, "headers")) is (then == method)


async def test_a_redirect_need_not_be_followed(httpbin: str, tmp_path: Path) -> None:
    response = await answered(httpbin, tmp_path, "url: /redirect/2\nfollow_redirects: false")
    assert (response["status_code"], response["history"]) == (302, [])


async def test_an_endless_redirect_ends(httpbin: str, tmp_path: Path) -> None:
    (step,) = await played(httpbin, tmp_path, "- {name: s, url: /redirect/30}")
    assert step["error"]["message"].startswith("more than 20 redirects")


async def test_what_proves_who_asks_stays_with_its_origin(httpbin: str, tmp_path: Path) -> None:
    other = httpbin.replace("127.0.0.1", "localhost")
    away = f"/redirect-to?url={other}/anything"
    bearer, key, home = await played(
        httpbin,
        tmp_path,
        f"""
        - {{name: bearer, url: '{away}', auth: {{type: bearer, token: t}}, cookies: {{mine: '1'}}}}
        - {{name: key, url: '{away}', auth: {{type: api_key, key: X-Secret, value: k}}}}
        - {{name: home, url: '/redirect-to?url=/anything', auth: {{type: bearer, token: t}}, cookies: {{mine: '1'}}}}
        """,
    )
    assert sent(bearer["response"], "headers").keys().isdisjoint({"Authorization", "Cookie"})
    assert "X-Secret" not in sent(key["response"], "headers")
    assert sent(home["response"], "headers")["Authorization"] == "Bearer t"
    assert sent(home["response"], "headers")["Cookie"] == "mine=1"


# ---- cookies and auth


async def test_cookies_carry_over_within_a_case(httpbin: str, tmp_path: Path) -> None:
    *_, last, own = await played(
        httpbin,
        tmp_path,
        """
        - {name: set, url: "/cookies/set?a=1&b=2"}
        - {name: delete, url: "/cookies/delete?b="}
        - {name: look, url: /cookies}
        - {name: own, url: /cookies, cookies: {a: mine, c: 3}}
        """,
    )
    assert sent(last["response"], "cookies") == {"a": "1"}
    assert sent(own["response"], "cookies") == {"a": "mine", "c": "3"}


@pytest.mark.parametrize(("password", "status"), [("secret", 200), ("wrong", 401)])
async def test_basic_auth(httpbin: str, tmp_path: Path, password: str, status: int) -> None:
    auth = f"auth: {{type: basic, username: me, password: {password}}}"
    response = await answered(httpbin, tmp_path, f"url: /basic-auth/me/secret\n{auth}")
    assert response["status_code"] == status


async def test_bearer_auth(httpbin: str, tmp_path: Path) -> None:
    response = await answered(httpbin, tmp_path, "url: /bearer\nauth: {bearer: abc}")
    assert sent(response, "authenticated", "token") == (True, "abc")


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512"])
async def test_digest_auth(httpbin: str, tmp_path: Path, algorithm: str) -> None:
    right, again, wrong, none = await played(
        httpbin,
        tmp_path,
        f"""
        - {{name: right, url: /digest-auth/auth/me/secret/{algorithm}, auth: {{type: digest, username: me, password: secret}}}}
        - {{name: again, url: /digest-auth/auth/me/secret/{algorithm}, auth: {{digest: {{username: me, password: secret}}}}}}
        - {{name: wrong, url: /digest-auth/auth/me/secret/{algorithm}, auth: {{type: digest, username: me, password: no}}}}
        - {{name: none, url: /digest-auth/auth/me/secret/{algorithm}}}
        """,
    )
    assert [step["response"]["status_code"] for step in (right, again, wrong, none)] == [200, 200, 401, 401]
    assert f"algorithm={algorithm}" in right["request"]["headers"]["Authorization"]
    assert "nc=00000001" in right["request"]["headers"]["Authorization"]
    assert "nc=00000002" in again["request"]["headers"]["Authorization"]


async def test_digest_auth_with_nonces_that_grow_stale(httpbin: str, tmp_path: Path) -> None:
    url = "/digest-auth/auth/me/secret/MD5/1"  # after one use
    steps = "\n".join(
        f"- {{name: s{number}, url: {url}, auth: {{type: digest, username: me, password: secret}}}}"
        for number in range(4)
    )
    done = await played(httpbin, tmp_path, steps)
    assert [step["response"]["status_code"] for step in done] == [200] * 4


async def test_digest_auth_that_signs_bodies_is_not_there(httpbin: str, tmp_path: Path) -> None:
    (step,) = await played(
        httpbin,
        tmp_path,
        "- {name: s, url: /digest-auth/auth-int/me/secret, auth: {type: digest, username: me, password: secret}}",
    )
    assert step["response"]["status_code"] == 401
    assert "asks for a digest that is not supported" in step["warnings"][0]
