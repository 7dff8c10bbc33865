from __future__ import annotations

import datetime as dt
from email.utils import format_datetime

import pytest

from sisyphus.case.model import Retry
from sisyphus.engine.retry import (
    rest_before,
    setback_of_checks,
    setback_of_error,
    setback_of_status,
    worth_another,
)
from sisyphus.errors import ConnectError, FieldError, StepTimeout, TlsError, UndefinedName


@pytest.mark.parametrize(
    ("strategy", "rests"),
    [("fixed", [1.5, 1.5, 1.5, 1.5]), ("linear", [1.5, 3, 4.5, 5]), ("exponential", [1.5, 3, 5, 5])],
)
def test_rests_grow_by_the_strategy_up_to_the_cap(strategy: str, rests: list[float]) -> None:
    policy = Retry(strategy=strategy, base_delay=1.5, max_delay=5)
    assert [rest_before(policy, k) for k in (1, 2, 3, 4)] == rests


def test_the_multiplier_is_the_base_of_the_exponent() -> None:
    policy = Retry(base_delay=1, backoff_multiplier=3, max_delay=1000)
    assert [rest_before(policy, k) for k in (1, 2, 3)] == [1, 3, 9]


def test_a_huge_exponent_is_the_cap_and_no_overflow() -> None:
    assert rest_before(Retry(backoff_multiplier=1e300, max_delay=60), 5) == 60


def test_jitter_stays_within_a_tenth_and_is_not_always_the_same() -> None:
    policy = Retry(strategy="fixed", base_delay=10, jitter=True)
    rests = {rest_before(policy, 1) for _ in range(200)}
    assert len(rests) > 1
    assert all(9 <= rest <= 11 for rest in rests)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_up_to_the_cap(status: int) -> None:
    policy = Retry(strategy="fixed", base_delay=1, max_delay=20)
    assert rest_before(policy, 1, {"status_code": status, "headers": {"retry-after": "7"}}) == 7
    assert rest_before(policy, 1, {"status_code": status, "headers": {"retry-after": "900"}}) == 20
    assert rest_before(policy, 1, {"status_code": status, "headers": {"retry-after": "soon"}}) == 1


def test_retry_after_may_be_a_date() -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)
    answer = {"status_code": 429, "headers": {"retry-after": format_datetime(soon, usegmt=True)}}
    assert rest_before(Retry(strategy="fixed"), 1, answer) == pytest.approx(29.5, abs=0.6)


@pytest.mark.parametrize(
    "written",
    [
        "soon", "", "-5", "Wed, 99 Oct 2099 07:28:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT",
        "1 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2020 00:00:00 +99999999999999",
    ],
)  # fmt: skip
def test_retry_after_that_says_nothing_useful_changes_nothing(written: str) -> None:
    assert rest_before(Retry(strategy="fixed"), 1, {"status_code": 429, "headers": {"retry-after": written}}) == 1.0


def test_retry_after_of_a_good_answer_means_nothing() -> None:
    assert rest_before(Retry(base_delay=1), 1, {"status_code": 200, "headers": {"retry-after": "7"}}) == 1


def test_by_default_everything_is_retried_but_errors_of_the_case_itself() -> None:
    policy = Retry()
    assert worth_another(policy, setback_of_error(ConnectError("x"), None))
    assert worth_another(policy, setback_of_error(StepTimeout("x"), None))
    assert worth_another(policy, setback_of_checks("x", {"status_code": 200}))
    assert not worth_another(policy, setback_of_error(UndefinedName("x"), None))
    assert not worth_another(policy, setback_of_error(FieldError("x"), None))


@pytest.mark.parametrize(
    ("word", "yes"),
    [
        ("network", [True, True, False, False]),
        ("connection", [True, False, False, False]),
        ("tls", [False, True, False, False]),
        ("timeout", [False, False, True, False]),
        ("assertion", [False, False, False, True]),
        ("validation", [False, False, False, True]),
        ("ConnectError", [True, False, False, False]),
        ("networkerror", [True, True, False, False]),
        ("503", [False, False, False, True]),
        ("5xx", [False, False, False, True]),
        ("server_error", [False, False, False, True]),
        ("client_error", [False, False, False, False]),
        ("ConnectionError", [True, False, False, False]),
        ("TimeoutError", [False, False, True, False]),
        ("AssertionError", [False, False, False, True]),
    ],
)
def test_retry_on_names_what_is_retried(word: str, yes: list[bool]) -> None:
    setbacks = [
        setback_of_error(ConnectError("x"), None),
        setback_of_error(TlsError("x"), None),
        setback_of_error(StepTimeout("x"), None),
        setback_of_checks("x", {"status_code": 503}),
    ]
    assert [worth_another(Retry(retry_on=(word,)), setback) for setback in setbacks] == yes


def test_stop_on_wins_over_retry_on() -> None:
    setback = setback_of_error(ConnectError("x"), None)
    assert not worth_another(Retry(retry_on=("network",), stop_on=("connection",)), setback)


def test_a_status_alone_is_retried_only_if_it_is_named() -> None:
    setback = setback_of_status({"status_code": 429}, "status 429")
    assert setback is not None
    assert not worth_another(Retry(), setback)
    assert worth_another(Retry(retry_on=("rate_limit",)), setback)


def test_what_has_no_status_says_nothing() -> None:
    assert setback_of_status({"waited": 1}, "") is None
