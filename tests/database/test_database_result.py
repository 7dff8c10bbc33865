"""Values of databases as JSON has them, and how many rows are kept."""

from __future__ import annotations

import datetime as dt
import ipaddress
import time
import uuid
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from sisyphus.database import result
from sisyphus.database.result import StoppedError, gather, to_json


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (Decimal("12.50"), 12.5),
        (Decimal("12.00"), 12),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (Decimal("NaN"), "NaN"),
        (Decimal("1E+1000000"), "1E+1000000"),
        (float("inf"), "inf"),
        (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "2026-01-02T03:04:05+00:00"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.time(3, 4), "03:04:00"),
        (dt.timedelta(days=1, hours=2, seconds=3.5), "26:00:03.5"),
        (-dt.timedelta(hours=1), "-01:00:00"),
        (b"\x00\xff", "AP8="),
        (memoryview(b"\x00\xff"), "AP8="),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([Decimal(1), {"a": dt.date(2026, 1, 2)}], [1, {"a": "2026-01-02"}]),
        (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
    ],
)
def test_a_value_is_what_json_can_say_of_it(value: Any, expected: Any) -> None:
    made = to_json(value)
    assert (made, type(made)) == (expected, type(expected))


def test_columns_of_one_name_are_told_apart() -> None:
    assert gather(["id", "id", "id"], [[(1, 2, 3)]], 10, lambda: False).rows == [{"id": 1, "id_2": 2, "id_3": 3}]


def test_rows_beyond_the_limit_are_not_asked_for() -> None:
    asked = count()
    kept = gather(["n"], ([(next(asked),)] for _ in range(100)), 3, lambda: False)
    assert ([row["n"] for row in kept.rows], kept.row_count, kept.cut) == ([0, 1, 2], 3, True)
    assert next(asked) == 4


def test_as_many_rows_as_the_limit_are_whole() -> None:
    assert not gather(["n"], [[(1,), (2,)]], 2, lambda: False).cut


def test_long_values_end_the_rows_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result, "MOST_CHARACTERS", 10)
    kept = gather(["t"], [[("x" * 8,), ("y" * 8,), ("z",)]], 10, lambda: False)
    assert (len(kept.rows), kept.cut) == (2, True)


def test_whoever_is_stopped_takes_no_further_rows() -> None:
    with pytest.raises(StoppedError):
        gather(["n"], [[(1,)]], 10, lambda: True)


def test_thousands_of_columns_of_one_name_are_told_apart_at_once() -> None:
    began = time.perf_counter()
    (row,) = gather(["n"] * 2000, [[range(2000)]], 10, lambda: False).rows
    assert (row["n"], row["n_2"], row["n_2000"]) == (0, 1, 1999)
    assert time.perf_counter() - began < 2  # cubic, it took 20 s


def test_long_values_in_json_end_the_rows_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result, "MOST_CHARACTERS", 10)
    rows = [({"k": ["x" * 4]},), ([{"k": "y" * 8}],), (None,)]
    kept = gather(["t"], [rows], 10, lambda: False)
    assert (len(kept.rows), kept.cut) == (2, True)
