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

from sisyphus.case.model import Extractor
from sisyphus.events import CaseStarted, ErrorOccurred, Logged, StepStarted, VariableSet
from sisyphus.redaction import beside as beside_module
from sisyphus.redaction import secrets as secrets_module
from sisyphus.redaction.redactor import Redactor
from sisyphus.redaction.secrets import SHORTEST, Secrets, of_environment
from sisyphus.results import Attempt, StepResult
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


def test_why_an_attempt_was_not_enough_is_told_without_the_secret(redactor: Redactor) -> None:
    fine = Attempt(number=2, began=1.0, duration=0.1, status="success")
    told = Attempt(number=1, began=0.0, duration=0.1, status="failure", reason=f"got {SECRET}")
    clean = redactor.result(_step(attempts=(told, fine)))
    assert isinstance(clean, StepResult)
    assert [attempt.reason for attempt in clean.attempts] == ["got ***", None]
    assert clean.attempts[1] is fine


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


def test_secrets_in_lists_are_learned_too() -> None:
    redactor = Redactor()
    redactor.learn(
        "users", [{"name": "ann", "password": "listpw-778899"}, [{"tokens": ["first-token", "other-token"]}]]
    )
    assert redactor.text("ann listpw-778899 first-token other-token") == "ann *** *** ***"


def test_numbers_are_known_again_as_numbers() -> None:
    redactor = Redactor()
    seen = {"code": 123456, "sum": 99, "list": [123456, 0.5, True]}
    assert redactor.value(seen) is seen
    redactor.learn("otp", 123456)
    redactor.learn("pwd", 7)  # too short to be looked for
    assert redactor.value(seen) == {"code": "***", "sum": 99, "list": ["***", 0.5, True]}
    assert redactor.value(7) == 7


@pytest.mark.parametrize(
    "extractor",
    [
        {"path": "$.access_token"},
        {"path": "$.credentials[0].value"},
        {"path": "$['api_key']"},
        {"type": "header", "path": "X-Api-Key"},
        {"type": "cookie", "path": "sid"},
        {"type": "regex", "pattern": '"token": "([^"]+)"'},
        {"type": "xpath", "path": "//input[@name='csrf_token']/@value"},
    ],
)
def test_what_is_found_at_the_place_of_a_secret_is_one_whatever_it_is_called(extractor: dict[str, Any]) -> None:
    redactor = Redactor()
    redactor.learn_found(Extractor(name="tk", **extractor), "found-31415926")
    told = redactor.data(VariableSet(variable_name="tk", variable_value="found-31415926", source="extracted"))
    assert told == VariableSet(variable_name="tk", variable_value="***", source="extracted")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.data.id", "found-31415926"),
        ("$.token.expires_in", 3600),
        ("$.token_count", "found-31415926"),
        (None, "x" * 9),
    ],
)
def test_what_is_found_elsewhere_is_none(path: str | None, value: Any) -> None:
    redactor = Redactor()
    redactor.learn_found(Extractor(name="tk", path=path), value)
    assert redactor.value(value) == value


def test_what_is_found_is_searched_for_secrets_by_their_names() -> None:
    redactor = Redactor()
    redactor.learn_found(
        Extractor(name="all", path="$.data", scope="step"), [{"user": "ann-smith", "password": "hush-hush"}]
    )
    assert redactor.text("ann-smith hush-hush") == "ann-smith ***"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (r'{"inner": "{\"password\": \"innerpw-6161\", \"n\": 1}"}', r'{"inner": "{\"password\": \"***\", \"n\": 1}"}'),
        (r'"{\\\"pin_code\\\":4711,\\\"a\\\":2}"', r'"{\\\"pin_code\\\":***,\\\"a\\\":2}"'),
        (r'"{\"token\": \"a \\\"quoted\\\" one\"}"', r'"{\"token\": \"***\"}"'),
        (r'"{\"author\": \"ann\", \"token\": null}"', r'"{\"author\": \"ann\", \"token\": null}"'),
        ("<input type=hidden name='csrf_token' value='abc-123'>", "<input type=hidden name='csrf_token' value='***'>"),
        ('<INPUT value="abc-123" id="csrf_token"/>', '<INPUT value="***" id="csrf_token"/>'),
        ('<meta name="csrf-token" content="abc-123">', '<meta name="csrf-token" content="***">'),
        ('<input name="author" value="ann"><meta name="theme" content="dark">',) * 2,
    ],
)
def test_what_stands_beside_its_name_is_masked_in_json_in_json_and_in_forms(text: str, clean: str) -> None:
    assert Redactor().text(text) == clean
    assert Redactor().text(text + " " * 3000) == clean + " " * 3000


@pytest.mark.parametrize(
    "text",
    ["Basic authentication", "the basic profile", "Bearer authentication", "digest sha512", "Digest mismatches", "a bearer token",
     "Bearer scheme, Basic scheme"],
)  # fmt: skip
def test_words_of_english_are_no_credentials(text: str) -> None:
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    "said",
    ["Basic YWxh", "Basic YWxhZGRpbg==", "Bearer abcdefgh", "bearer abc.def-1", "Basic abcdef12", "Digest a1b2c3d4"],
)
def test_credentials_are_masked_wherever_they_are_said(said: str) -> None:
    word = said.split(maxsplit=1)[0]
    text = f"sent {said} to it"
    assert Redactor().text(text) == (f"sent {word} *** to it" if len(said.split()[1]) >= 6 else text)


@pytest.mark.parametrize(
    ("op", "expect", "message", "clean"),
    [
        ("eq", "e", "expected 'e', got 'value'", "expected '***', got '***'"),
        ("in", ["a", "bc"], 'expected one of ["a", "bc"], got "value"', "expected one of [***, ***], got ***"),
        ("type", "int", 'expected the type "int", got "value" (text)', 'expected the type "int", got *** (text)'),
        ("length_eq", 5, 'expected a length = 5, got 3: "value"', "expected a length = 5, got 3: ***"),
    ],
)
def test_the_sentence_about_a_secret_can_still_be_read(op: str, expect: Any, message: str, clean: str) -> None:
    check = CheckResult(op=op, path="$.token", expect=expect, actual="value", status="failed", message=message)
    clean_step = Redactor().result(_step(checks=(check,)))
    assert isinstance(clean_step, StepResult)
    assert clean_step.checks[0].message == clean
    assert "value" not in str((clean_step.checks[0].actual, clean_step.checks[0].message))


def test_however_deep_it_is_nothing_breaks() -> None:
    deep: Any = "deep-secret"
    for _ in range(5000):
        deep = [deep]
    redactor = Redactor()
    redactor.learn("password", deep)
    redactor.learn("users", deep)
    redactor.value(deep)


def test_two_thousand_secrets_cost_hardly_more_than_a_few() -> None:
    redactor = Redactor()
    text = "nothing of theirs is in here, n = 5. " * 30
    began = time.process_time()
    for number in range(2500):
        redactor.learn("token", f"{number:05}-secret-{number * 7919:09}")
        assert redactor.text(text) == text
    assert time.process_time() - began < 5  # it took minutes when there was one pattern of all of them
    last = f"02499-secret-{2499 * 7919:09}"
    assert redactor.text(f"a{last}b{quote(last)}{base64.b64encode(last.encode()).decode()[:-4]}") != text
    assert redactor.text(f"a{last}b") == "a***b"
    assert redactor.text("x" * 65_530 + last + "y" * 65_530) == "x" * 65_530 + "***" + "y" * 65_530


@given(st.lists(st.text('abcé/"', min_size=4, max_size=9), min_size=1, max_size=40), st.text('abcé/"', max_size=60))
def test_many_secrets_are_found_as_few_are(values: list[str], text: str) -> None:
    told = []
    for few in (0, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(secrets_module, "_FEW", few)
            patch.setattr(secrets_module, "_SLICE", 16)
            secrets = Secrets()
            secrets.add(values)
            told.append(secrets.scrubbed(text, lambda found: "*" * len(found)))
    assert told[0] == told[1]


def test_a_very_long_secret_is_masked_and_takes_no_long_time() -> None:
    redactor = Redactor()
    secret = "".join(chr(0x4E00 + number % 5000) for number in range(200_000))
    began = time.process_time()
    redactor.learn("token", secret)
    assert redactor.text(f"<{secret}> {json.dumps(secret)} short") == '<***> "***" short'
    assert redactor.text(secret[:-1]) == secret[:-1]
    assert time.process_time() - began < 2  # in a pattern it took 20 s


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
    "text",
    [
        "a" * 1_000_000, "token=" * 100_000, '"' * 500_000, "<a>" * 300_000, "://:" * 200_000, "a.-" * 300_000,
        "=" * 1_000_000, "\\" * 1_000_000 + '"', '\\"token\\":\\"' * 80_000, '\\"a\\' * 200_000, '\\"a\\"' + " " * 1_000_000,
        "<input " * 150_000, "<input " + "a " * 500_000, "bearer " * 150_000,
    ],
)  # fmt: skip
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
        patch.setattr(beside_module, "_LONG", 10**9)
        patch.setattr(beside_module, "_HEADER_WORDS", ("",))
        patch.setattr(beside_module, "_CREDENTIAL_WORDS", ("",))
        thoroughly = Redactor().text(text)
        patch.undo()
        patch.setattr(beside_module, "_LONG", 0)
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
