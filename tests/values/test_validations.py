"""Validations as data."""

from __future__ import annotations

from typing import Any

import pytest

from sisyphus.case.model import ABSENT, Check
from sisyphus.errors import Mark
from sisyphus.values.validate import CheckResult, validate

VIEW: dict[str, Any] = {
    "status_code": 200,
    "headers": {"Content-Type": "text/plain"},
    "body": {"id": 7, "name": "Bob", "tags": ["a"], "users": [{"n": "bob"}, {"n": "al"}], "nothing": None},
}
NAMES = {"want": 7, "key": "id", "fields": {"a": 1}}


def check(op: str, path: str | None = None, expect: Any = ABSENT, **more: Any) -> CheckResult:
    (result,) = validate([Check(op=op, path=path, expect=expect, **more)], VIEW, NAMES)
    return result


def test_what_holds_has_passed_and_shows_what_was_compared() -> None:
    where = Mark("case.yaml", 3, 5)
    result = check("eq", "$.id", 7, description="the id", where=where)
    assert result == CheckResult(
        op="eq", path="$.id", expect=7, actual=7, status="passed", description="the id", where=where
    )


def test_every_check_is_made_whatever_the_first_says() -> None:
    results = validate([Check(op="eq", path="$.id", expect=e) for e in (8, 7, "${no}", 9)], VIEW, NAMES)
    assert [result.status for result in results] == ["failed", "passed", "error", "failed"]


def test_path_and_expect_are_rendered_at_any_depth() -> None:
    result = check("eq", "$.${key}", "${want}")
    assert (result.path, result.expect, result.status) == ("$.id", 7, "passed")
    assert check("contains", "$", {"id": "${want}"}).status == "passed"
    assert check("in", "$.id", ["${want}"]).status == "passed"


def test_a_missing_path_says_which_keys_were_there() -> None:
    result = check("eq", "$.idd", 7)
    assert result.actual is ABSENT
    assert result.message == "expected 7, got nothing: nothing at $.idd; keys there: id, name, tags, users, nothing"


def test_found_null_is_not_missing() -> None:
    assert check("exists", "$.nothing").status == "passed"
    assert check("eq", "$.nothing", None).status == "passed"


@pytest.mark.parametrize(
    ("op", "path", "expect", "status"),
    [
        ("eq", "$..n", "bob", "passed"),  # the first
        ("eq", "$..n", "al", "failed"),
        ("contains", "$..n", "al", "passed"),
        ("contains", "$..n", "bo", "failed"),
        ("not_contains", "$..n", "al", "failed"),
        ("in", "$..n", ["al", "bob", "eve"], "passed"),
        ("in", "$..n", ["bob"], "failed"),
        ("not_in", "$..n", ["eve"], "passed"),
        ("not_in", "$..n", ["al"], "failed"),
        ("contains", "$.users[?(@.n == 'bob')].n", "bo", "passed"),
        ("contains", "$.tags[*]", "a", "passed"),
        ("not_contains", "$.tags[*]", "a", "failed"),
        ("not_contains", "$.tags[*]", "x", "passed"),
        ("eq", "$.users.length()", 2, "passed"),
    ],
)
def test_several_matches(op: str, path: str, expect: Any, status: str) -> None:
    assert check(op, path, expect).status == status


def test_a_comparator_that_sees_all_matches_shows_all() -> None:
    assert check("contains", "$..n", "x").actual == ["bob", "al"]


def test_the_status_needs_no_path() -> None:
    result = check("status_code", expect="2xx")
    assert (result.path, result.actual, result.status) == ("$.status_code", 200, "passed")


@pytest.mark.parametrize("path", [None, "$.status_code", "status_code"])
def test_the_status_is_that_of_the_response_even_if_the_body_has_a_key_of_that_name(path: str | None) -> None:
    view = VIEW | {"body": {"status_code": 0}}
    own, body = validate(
        [Check(op="status_code", path=path, expect=200), Check(op="eq", path="$.status_code", expect=0)], view, NAMES
    )
    assert (own.actual, own.status) == (200, "passed")
    assert body.status == "passed"


def test_the_comparator_of_status_looks_where_it_is_told() -> None:
    assert check("status_code", "$.id", 7).status == "passed"
    (result,) = validate([Check(op="status_code", expect=200)], {"rows": []}, NAMES)
    assert result.message == "expected the status 200, got nothing: nothing at $.status_code; keys there: rows"


@pytest.mark.parametrize(
    ("op", "path", "expect", "reason"),
    [
        ("regex", "$.name", "(", "no valid regular expression"),
        ("eq", "$.name", "${missing}", "'missing' is not defined"),
        ("eq", "$.${missing}", 1, "'missing' is not defined"),
        ("eq", "$.[", 1, "no valid path"),
        ("eq", "$.id.length()", 1, "cannot be applied"),
        ("eq", None, 1, "needs a path"),
        ("eq", "$.id", ABSENT, "needs an expected value"),
        ("equls", "$.id", 1, "no comparator"),
    ],
)
def test_what_could_not_be_checked_is_an_error_and_never_an_exception(
    op: str, path: str | None, expect: Any, reason: str
) -> None:
    result = check(op, path, expect)
    assert result.status == "error"
    assert reason in (result.message or "")


def test_a_message_of_ones_own_knows_the_values() -> None:
    own = "got ${actual}, wanted ${expected} at ${path} (${want})"
    assert check("eq", "$.id", 8, error_message=own).message == "got 7, wanted 8 at $.id (7)"
    assert check("eq", "$.no", 8, error_message=own).message == "got nothing, wanted 8 at $.no (7)"
    assert check("eq", "$.id", 7, error_message=own).message is None


def test_a_message_that_cannot_be_rendered_does_not_hide_the_failure() -> None:
    result = check("eq", "$.id", 8, error_message="${oops}")
    assert result.status == "failed"
    assert (result.message or "").startswith("expected 8, got 7 (error_message could not be rendered: 'oops'")


def combined(op: str, *expects: Any) -> CheckResult:
    return check(op, checks=tuple(Check(op="eq", path="$.id", expect=e) for e in expects))


@pytest.mark.parametrize(
    ("op", "expects", "status"),
    [
        ("and", (7, 7), "passed"),
        ("and", (7, 8), "failed"),
        ("and", (8, "${no}"), "failed"),
        ("and", (7, "${no}"), "error"),
        ("or", (8, 7), "passed"),
        ("or", ("${no}", 7), "passed"),
        ("or", (8, 9), "failed"),
        ("or", (8, "${no}"), "error"),
        ("not", (8,), "passed"),
        ("not", (7,), "failed"),
        ("not", ("${no}",), "error"),
    ],
)
def test_combinations(op: str, expects: tuple[Any, ...], status: str) -> None:
    result = combined(op, *expects)
    assert result.status == status
    assert len(result.checks) == len(expects)
    assert (result.message is None) is (status == "passed")


def test_a_combination_says_what_its_parts_said() -> None:
    assert combined("or", 8, 9).message == "none of 2 holds: $.id: expected 8, got 7; $.id: expected 9, got 7"


def test_combinations_nest() -> None:
    inner = Check(op="not", checks=(Check(op="eq", path="$.id", expect=8),))
    assert check("and", checks=(inner, Check(op="exists", path="$.name"))).status == "passed"


def test_a_schema_may_stand_in_a_file() -> None:
    schema = Check(op="schema", path="$", expect="user.json")
    (result,) = validate([schema], VIEW, NAMES, resolve_file=lambda path: '{"required": ["email"]}')
    assert (result.status, result.expect) == ("failed", "user.json")
    assert "'email' is a required property" in (result.message or "")


def test_a_schema_file_that_cannot_be_read_is_an_error() -> None:
    def missing(path: str) -> str:
        raise FileNotFoundError(path)

    schema = Check(op="schema", path="$", expect="user.json")
    for resolve in (missing, lambda _path: "{", None):
        (result,) = validate([schema], VIEW, NAMES, resolve_file=resolve)
        assert result.status == "error"


RESPONSE: dict[str, Any] = {
    "status_code": 200,
    "headers": {"X-Id": "req-42", "Via": ["a", "b"]},
    "cookies": {"sid": "abc"},
    "body": {"headers": {"X-Id": "of the body"}},
}


@pytest.mark.parametrize(
    ("source", "name", "op", "expect", "status", "message"),
    [
        ("header", "X-Id", "eq", "req-42", "passed", None),
        ("header", "x-id", "starts_with", "req", "passed", None),
        ("header", "${name}", "exists", ABSENT, "passed", None),
        ("header", "Via", "contains", "b", "passed", None),
        ("header", "X-Ip", "ne", "x", "passed", None),
        ("header", "X-Ip", "eq", "x", "failed",
         'expected "x", got nothing: there is no header \'X-Ip\' (did you mean \'X-Id\'?)'),
        ("cookie", "sid", "eq", "abc", "passed", None),
        ("cookie", "SID", "exists", ABSENT, "failed", None),
    ],
)  # fmt: skip
def test_a_header_or_cookie_is_found_by_its_name_whatever_the_body_has(
    source: Any, name: str, op: str, expect: Any, status: str, message: str | None
) -> None:
    check = Check(op=op, source=source, path=name, expect=expect)
    (result,) = validate([check], RESPONSE, {"name": "X-ID"})
    assert result.status == status
    if message is not None:
        assert result.message == message
    assert result.path == f"$.{source}s.{name.replace('${name}', 'X-ID')}"
