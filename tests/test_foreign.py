"""Code of the user's that does not end by itself is ended by a signal or by its limit; the program goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sisyphus import foreign
from sisyphus.foreign import StoppedError


def call(function: Any, *args: Any, limit: float = 5.0, **options: Any) -> Any:
    return foreign.call(function, args, options, limit=limit)


def with_ctrl_c_after(seconds: float, function: Any) -> Any:
    """Calls it, and has SIGINT handled as a run does."""
    before = signal.signal(signal.SIGINT, lambda *_: foreign.stop())
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        return call(function)
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _leaves_the_alarm_as_it_was() -> Iterator[None]:
    yield
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_it_gives_what_the_function_gives() -> None:
    assert call(lambda a, *, b: [a, b], 1, b=2) == [1, 2]


def test_what_the_function_raises_comes_out() -> None:
    with pytest.raises(ZeroDivisionError):
        call(lambda: 1 / 0)


def test_what_it_prints_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    call(print, "told")
    assert capsys.readouterr() == ("", "told\n")


def test_a_function_that_sleeps_is_ended_at_its_limit() -> None:
    began = time.monotonic()
    with pytest.raises(StoppedError) as caught:
        call(time.sleep, 30, limit=0.05)
    assert caught.value.out_of_time
    assert time.monotonic() - began < 5


def test_a_function_that_computes_is_ended_at_its_limit() -> None:
    def compute() -> None:
        while True:
            pass

    with pytest.raises(StoppedError):
        call(compute, limit=0.05)


def test_a_limit_that_is_over_already_is_one_all_the_same() -> None:
    with pytest.raises(StoppedError):
        call(time.sleep, 30, limit=-1.0)


def test_ctrl_c_ends_a_function_that_blocks() -> None:
    with pytest.raises(StoppedError) as caught:
        with_ctrl_c_after(0.05, lambda: time.sleep(30))
    assert not caught.value.out_of_time


def test_a_function_that_catches_all_exceptions_is_ended_nevertheless() -> None:
    def stubborn() -> str:
        while True:
            try:
                time.sleep(30)
            except Exception:
                continue

    with pytest.raises(StoppedError):
        call(stubborn, limit=0.05)


def test_a_signal_is_told_once_so_that_cleaning_up_can_end() -> None:
    def cleans_up() -> str:
        with contextlib.suppress(BaseException):
            time.sleep(30)
        foreign.stop()
        return "cleaned up"

    assert with_ctrl_c_after(0.05, cleans_up) == "cleaned up"


def test_nothing_is_stopped_where_nothing_runs() -> None:
    foreign.stop()


def test_an_alarm_that_somebody_else_uses_is_left_alone() -> None:
    rung: list[int] = []
    signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        assert call(lambda: time.sleep(0.02) or "done", limit=0.001) == "done"
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    assert rung == []


def test_in_another_thread_it_is_only_called() -> None:
    given: list[Any] = []
    thread = threading.Thread(target=lambda: given.append(call(lambda: sys.stdout is sys.stderr, limit=0.001)))
    thread.start()
    thread.join(5)
    assert given == [True]


def test_stopping_at_any_moment_ends_in_the_value_or_in_the_error() -> None:
    """The window around the call is hit again and again: nothing but `StoppedError` ever comes out."""
    for microseconds in range(0, 400, 2):
        before = signal.signal(signal.SIGALRM, lambda *_: foreign.stop())
        signal.setitimer(signal.ITIMER_REAL, 0.0005 + microseconds / 1e6)
        try:
            deadline = time.monotonic() + 0.0012
            while time.monotonic() < deadline:
                try:
                    assert call(str, 5) == "5"
                except StoppedError:
                    break
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert not foreign._underway
