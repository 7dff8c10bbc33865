"""Placeholders and parameters, brought to what each driver takes."""

from __future__ import annotations

from typing import Any

import pytest

from sisyphus.database.statement import Bound, Statement, bind
from sisyphus.errors import FieldError


def bound(sql: str, params: Any, style: Any = "format", *, operation: Any = "query", mysql: bool = False) -> Bound:
    return bind(Statement(sql=sql, params=params, operation=operation), style, mysql=mysql)


@pytest.mark.parametrize(
    ("sql", "params", "format_", "qmark"),
    [
        ("a = ? and b = ?", [1, 2], "a = %s and b = %s", "a = ? and b = ?"),
        ("a = %s", [1], "a = %s", "a = ?"),
        ("a = :x", {"x": 1}, "a = %(x)s", "a = :x"),
        ("a = %(x)s", {"x": 1}, "a = %(x)s", "a = :x"),
        ("a = :x::int", {"x": 1}, "a = %(x)s::int", "a = :x::int"),
        ("b like '%?%' and a = ?", [1], "b like '%%?%%' and a = %s", "b like '%?%' and a = ?"),
        ("b = '12:30' and a = :x", {"x": 1}, "b = '12:30' and a = %(x)s", "b = '12:30' and a = :x"),
        ('select "?" -- why?\n, ?', [1], 'select "?" -- why?\n, %s', 'select "?" -- why?\n, ?'),
        ("select /* ? */ ?", [1], "select /* ? */ %s", "select /* ? */ ?"),
        ("j ? 'key' and a = %s", [1], "j ? 'key' and a = %s", "j ? 'key' and a = ?"),
        ("a % 2 = ?", [1], "a %% 2 = %s", "a % 2 = ?"),
        ("$$ ? $$ || ?", ["x"], "$$ ? $$ || %s", "$$ ? $$ || ?"),
        ("a[1:2] = :x", {"x": 1}, "a[1:2] = %(x)s", "a[1:2] = :x"),
        ("'it''s ?' || ?", ["x"], "'it''s ?' || %s", "'it''s ?' || ?"),
    ],
)
def test_placeholders_are_found_where_they_are_meant(sql: str, params: Any, format_: str, qmark: str) -> None:
    assert bound(sql, params).sql == format_
    assert bound(sql, params, "qmark").sql == qmark


def test_a_backslash_escapes_a_quote_in_mysql_only() -> None:
    assert bound(r"'\'?' || ?", ["x"], mysql=True).sql == r"'\'?' || %s"
    assert bound(r"'\' || ?", ["x"]).sql == r"'\' || %s"


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_without_parameters_nothing_is_a_placeholder(nothing: Any) -> None:
    assert bound("select '100%' where j ? 'a'", nothing) == Bound(sql="select '100%' where j ? 'a'", params=None)


def test_lists_and_mappings_among_the_parameters_are_written_as_json() -> None:
    assert bound("values (?, ?)", [{"a": [1]}, "x"]).params == ['{"a": [1]}', "x"]


def test_a_name_may_be_used_twice_and_a_parameter_not_at_all() -> None:
    assert bound("a = :x or b = :x", {"x": 1, "y": 2}).params == {"x": 1}


def test_executemany_takes_sets_of_either_kind() -> None:
    assert bound("values (?)", [[1], [2]], operation="executemany").params == [[1], [2]]
    assert bound("values (:x)", [{"x": 1}], operation="executemany").params == [{"x": 1}]


@pytest.mark.parametrize(
    ("sql", "params", "operation", "message"),
    [
        ("a = ?", [1, 2], "query", "the sql has 1 placeholders, but there are 2 params"),
        ("a = ? and b = ?", [1], "query", "the sql has 2 placeholders, but there are 1 params"),
        ("a = :user", {"usr": 1}, "query", "the sql has :user, but params have no 'user' (did you mean 'usr'?)"),
        ("a = ?", "x", "query", "params must be a list for ? and %s or a mapping for :name, got \"x\""),
        ("a = ?", None, "executemany", "executemany needs params: a list of lists or of mappings, one for each row"),
        ("a = ?", [[1], {"x": 1}], "executemany", "params must be a list for ? and %s or a mapping for :name, got {\"x\": 1}"),
        ("a = :x", [{"x": 1}, [1]], "executemany",
         "executemany needs sets of parameters of one kind, all lists or all mappings"),
        ("select 1", [1], "script", "a script takes no params"),
    ],
)  # fmt: skip
def test_parameters_that_do_not_fit_are_said(sql: str, params: Any, operation: Any, message: str) -> None:
    with pytest.raises(FieldError) as caught:
        bound(sql, params, operation=operation)
    assert str(caught.value) == message


def test_a_statement_without_an_end_of_its_quotes_does_not_take_for_ever() -> None:
    assert bound("'" * 20_001 + " ?" * 10, {"x": 1}).params == {}
