"""What leaves the engine holds no secret, in whatever form; what is no secret stays as it was."""

from __future__ import annotations

import base64
import datetime as dt
import json
import time
import tracemalloc
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisyphus.events import CaseStarted, ErrorOccurred, Logged, StepStarted, VariableSet
from sisyphus.redaction import redactor as redactor_module
from sisyphus.redaction.redactor import Redactor
from sisyphus.redaction.secrets import SHORTEST, of_environment
from sisyphus.results import StepResult
from sisyphus.values.validate import CheckResult

SECRET = 's3cr/t+ü "q"'


@pytest.fixture
def redactor() -> Redactor:
    redactor = Redactor(["id_card"])
    redactor.learn("password", SECRET)
    return redactor


FORMS = [
    SECRET, quote(SECRET), quote(SECRET, safe=""), quote_plus(SECRET), quote(SECRET, safe="").lower(),
    json.dumps(SECRET)[1:-1], json.dumps(SECRET, ensure_ascii=False)[1:-1], repr(SECRET)[1:-1],
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_value_is_found_in_every_form_it_takes(redactor: Redactor, form: str) -> None:
    assert redactor.text(f"before {form} after") == "before *** after"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_value_inside_base64_is_found_wherever_it_begins(redactor: Redactor, before: str, alphabet: Any) -> None:
    told = redactor.text(alphabet(f"{before}{SECRET}".encode()).decode())
    assert "***" in told
    left = told.replace("*", "")
    assert len(left) <= len(before) * 2 + 6  # nothing of it but what came before, and an edge that says nothing


def test_what_stands_beside_its_name_is_masked_without_having_been_learned(redactor: Redactor) -> None:
    assert redactor.text("GET /a?token=abc&page=2") == "GET /a?token=***&page=2"
    assert redactor.text('{"access_token": "abc", "n": 1}') == '{"access_token": "***", "n": 1}'
    assert redactor.text("got Bearer abc.def-ghi, sorry") == "got Bearer ***, sorry"
    assert redactor.text("postgresql://me:hidden@host/db") == "postgresql://me:***@host/db"
    assert redactor.text("<token>abc</token><a>b</a>") == "<token>***</token><a>b</a>"
    assert redactor.text("Cookie: a=b; c=d\nHost: x") == "Cookie: ***\nHost: x"


@pytest.mark.parametrize(
    "text",
    [
        "variable 'token': 'base' is not defined", "only_if does not hold: token == 'x'", "author=ann&keyboard=us",
        "the password is wrong", '{"token": null, "secret": true}', "expected 5, got 6", "",
    ],
)  # fmt: skip
def test_what_tells_no_secret_stays(redactor: Redactor, text: str) -> None:
    assert redactor.text(text) == text


def test_values_keep_their_shape_and_what_has_no_secret_is_not_copied(redactor: Redactor) -> None:
    value = {
        "user": {"name": "ann", "password": "x", "id_card": 123, "tokens": ["a", {"b": "c"}]},
        "n": [1, None, True],
    }
    assert redactor.value(value) == {
        "user": {"name": "ann", "password": "***", "id_card": "***", "tokens": ["***", {"b": "***"}]},
        "n": [1, None, True],
    }
    plain = {"a": [1, {"b": "c"}]}
    assert redactor.value(plain) is plain


def test_partial_leaves_the_edges_of_long_values_and_none_leaves_everything() -> None:
    partial, none = Redactor(strategy="partial"), Redactor(strategy="none")
    assert partial.value({"token": "abcdefghij", "pwd": "short"}) == {"token": "ab***ij", "pwd": "***"}
    assert none.value({"token": "abc"}) == {"token": "abc"}
    none.learn("token", "abcdef")
    assert none.text("abcdef") == "abcdef"


def test_values_too_short_to_be_looked_for_are_masked_under_their_name_only(redactor: Redactor) -> None:
    redactor.learn("pwd", "abc")
    assert len("abc") < SHORTEST
    assert redactor.text("abc") == "abc"
    assert redactor.value({"pwd": "abc"}) == {"pwd": "***"}


def test_events_are_clean_in_each_text_they_hold(redactor: Redactor) -> None:
    assert redactor.data(VariableSet(variable_name="token", variable_value="abc", source="step")) == VariableSet(
        variable_name="token", variable_value="***", source="step"
    )
    for data in (
        CaseStarted(test_name=SECRET, total_steps=1, description=SECRET),
        StepStarted(step_name=SECRET, step_type="request", step_index=0, total_steps=1),
        Logged(level="info", message=f"a {SECRET}", context={"at": [SECRET], SECRET: 1}),
        ErrorOccurred(error_type="E", error_category="system", message=SECRET, suggestion=SECRET, step_name=SECRET),
        VariableSet(variable_name="url", variable_value={"a": SECRET}, source="step"),
    ):
        assert SECRET not in str(redactor.data(data))


def _step(**fields: Any) -> StepResult:
    return StepResult(
        name="s", type="request", index=0, status="success", started_at=dt.datetime.now(dt.UTC), **fields
    )  # fmt: skip


def test_the_text_of_a_response_is_as_clean_as_its_body(redactor: Redactor) -> None:
    body = {"data": {"token": "t0k3n-1"}, "n": 1}
    view = {"status_code": 200, "body": body, "text": json.dumps(body), "headers": {"set-cookie": "a=b"}}
    clean = redactor.result(_step(response=view))
    assert isinstance(clean, StepResult)
    assert "t0k3n-1" not in str(clean)
    assert clean.response is not None
    assert clean.response["headers"] == {"set-cookie": "***"}
    assert clean.response["status_code"] == 200


def test_a_validation_of_a_secret_shows_neither_side(redactor: Redactor) -> None:
    check = CheckResult(
        op="eq", path="$.token", expect="aaa", actual="bbb", status="failed", message='expected "aaa", got "bbb"'
    )
    clean = redactor.result(_step(checks=(check,)))
    assert isinstance(clean, StepResult)
    assert clean.checks[0].message == "expected ***, got ***"
    assert (clean.checks[0].expect, clean.checks[0].actual) == ("***", "***")


def test_a_text_that_was_clean_is_not_once_it_holds_a_secret() -> None:
    redactor = Redactor()
    seen = {"kitten-4711": ["kitten-4711", 5], "plain": "words"}
    for _ in range(3):
        assert redactor.value(seen) is seen
    redactor.learn("password", "kitten-4711")
    assert redactor.text("kitten-4711") == "***"
    assert redactor.value(seen) == {"***": ["***", 5], "plain": "words"}


def test_what_stands_under_a_name_of_secrets_is_masked_however_often_the_name_was_seen() -> None:
    redactor = Redactor(["pin"])
    for _ in range(3):
        assert redactor.value({"pin": "1234", "api_key": 5, "pinned": True}) == {
            "pin": "***",
            "api_key": "***",
            "pinned": True,
        }


def test_what_is_remembered_is_bounded() -> None:
    redactor = Redactor()
    tracemalloc.start()
    try:
        for number in range(20_000):
            redactor.value({f"key-{number}": f"text-{number}" * 5, "long": "x" * 5000 + str(number)})
        assert tracemalloc.get_traced_memory()[0] < 1_500_000  # without a bound: 6 MB
    finally:
        tracemalloc.stop()


def test_without_details_responses_are_left_out() -> None:
    clean = Redactor(details=False).result(_step(response={"body": 1}, extracted={"a": 1}))
    assert isinstance(clean, StepResult)
    assert (clean.response, clean.extracted) == (None, {})


def test_the_environments_secrets_are_those_with_such_names() -> None:
    shared = of_environment({"API_TOKEN": "t0k3n-1", "PWD": "/home/ann", "LANG": "en_US"})
    redactor = Redactor(shared=shared)
    assert redactor.text("t0k3n-1 /home/ann en_US") == "*** /home/ann en_US"


@given(st.text(alphabet="Bearer tokn=:\"'<>/{}&\\ \n%_-", max_size=200))
def test_any_text_can_be_read_and_is_read_the_same_twice(text: str) -> None:
    redactor = Redactor()
    once = redactor.text(text)
    assert redactor.text(once) == once


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, "token=" * 100_000, '"' * 500_000, "<a>" * 300_000, "://:" * 200_000, "a.-" * 300_000]
)
def test_a_long_text_takes_no_long_time(text: str) -> None:
    began = time.process_time()
    Redactor().text(text)
    assert time.process_time() - began < 2


PIECES = st.sampled_from(
    ["token", "api.key", "x_Api_Key", "author", "a", "1", "=", "==", '"', "'", ":", ": ", " ", "\n", "<", ">", "</", "://", "@", "&",
     "\\", "Authorization", "bearer", "Basic", "abcdefgh", "Set-Cookie", "密码", "x" * 61, "{", "[", ","]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join))
def test_a_long_text_is_masked_as_a_short_one_is(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redactor_module, "_LONG", 10**9)
        patch.setattr(redactor_module, "_HEADER_WORDS", ("",))
        patch.setattr(redactor_module, "_CREDENTIAL_WORDS", ("",))
        thoroughly = Redactor().text(text)
        patch.undo()
        patch.setattr(redactor_module, "_LONG", 0)
        assert Redactor().text(text) == thoroughly


@given(st.text(min_size=SHORTEST, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_planted_secret_is_left_anywhere(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.learn("token", secret)
    told = redactor.text(f"{before}{secret}{after}")
    if (
        secret.lower()
        not in {"true", "false", "null", "none", "test", "bearer", "basic", "token", "password", "secret"}
        and "${" not in secret
    ):
        assert secret not in told.replace("***", "\0")
