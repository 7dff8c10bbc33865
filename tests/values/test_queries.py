"""Where a path leads in a response."""

from __future__ import annotations

from typing import Any

import pytest

from sisyphus.errors import QueryError
from sisyphus.values.query import MAX_MATCHES, Found, compile_query

BODY: dict[str, Any] = {
    "data": {
        "id": 7,
        "dash-key": 1,
        "with space": 2,
        "items": [
            {"id": 1, "name": "bob", "tags": ["a", "b"]},
            {"id": 2, "name": "al", "tags": []},
        ],
    },
    "csv": "a,b",
    "nums": [3, 1, 2, 2],
    "empty": [],
    "url": "of the body",
    "nothing": None,
    "0": "zero",
    "it's": 1,
    "mixed": ["b", 2, True, {}, None, [], "a", 1, False],
    "repeated": [[1], {"a": 1}, [1.0], {"a": 1}, 1, True, 1.0],
    "\U0001f600": "smile",
}
VIEW: dict[str, Any] = {
    "status_code": 200,
    "reason": "OK",
    "headers": {"Content-Type": "text/plain", "X-Id": "1"},
    "cookies": {"sid": "s"},
    "elapsed": 0.5,
    "url": "http://host/",
    "body": BODY,
}


def found(path: str, view: Any = VIEW) -> Found:
    return compile_query(path).find(view)


def first(path: str, view: Any = VIEW) -> Any:
    return found(path, view).first


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.data.id", 7),
        ("data.id", 7),
        ("['data']['id']", 7),
        ('$["data"].id', 7),
        ("$.'data'.id", 7),
        ("$.data.dash-key", 1),
        ("$.data['with space']", 2),
        ("$['it\\'s']", 1),
        ("$ .data [ 'id' ]", 7),
        ("$.nums[0]", 3),
        ("$.nums[-1]", 2),
        ("$.nums[(@.length-1)]", 2),
        ("$.nums[(@.length - 4)]", 3),
        ("$.data.items.0.id", 1),
        ("$.data.items[1].id", 2),
        ("$.0", "zero"),
        ("$['\\ud83d\\ude00']", "smile"),
        ("$..[0].id", 1),
        ("$.nothing", None),
        ("$", BODY),
        ("$.data.items[0,1].id", 1),
        ("$..name", "bob"),
        ("$.data.*", 7),
        ("$.nums[1:]", 1),
    ],
)
def test_finds(path: str, expected: Any) -> None:
    assert first(path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.data.items[*].id", (1, 2)),
        ("$..id", (7, 1, 2)),
        ("$.data.items[?(@.id == 1 and @.name == 'bob')].id", (1,)),
        ("$.data.items[?(@.id == 1 or @.id == 2)].id", (1, 2)),
        ("$.data.items[?@.id > 1].name", ("al",)),
        ("$.data.items[?(not @.missing)].id", (1, 2)),
        ("$.data.items[?(@.name =~ /^b/)].id", (1,)),
        ("$.data.items[?(@.name =~ /\\w[l]/)].id", (2,)),
        ("$.data.items[?(@.name =~ 'o')].id", (1,)),
        ("$.data.items[?(@.tags == ['a', 'b'])].id", (1,)),
        ("$.data.items[?length(@.tags) > 1].id", (1,)),
        ("$.data.items[?(@.id == $.nums[1])].name", ("bob",)),
    ],
)
def test_finds_all(path: str, expected: tuple[Any, ...]) -> None:
    result = found(path)
    assert result.values == expected
    assert result.many


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.data.items.length()", 2),
        ("$.csv.size()", 3),
        ("$.data.items.length", 2),
        ("$.data.items.count()", 2),
        ("$.nums.first()", 3),
        ("$.nums.last()", 2),
        ("$.data.items[0].keys()", ["id", "name", "tags"]),
        ("$.data.items[0].values()", [1, "bob", ["a", "b"]]),
        ("$.nums.reverse()", [2, 2, 1, 3]),
        ("$.csv.reverse()", "b,a"),
        ("$.nums.sort()", [1, 2, 2, 3]),
        ("$.nums.unique()", [3, 1, 2]),
        ("$..tags.flatten()", ["a", "b"]),
        ("$.nums.sum()", 8),
        ("$.nums.avg()", 2.0),
        ("$.nums.min()", 1),
        ("$.nums.max()", 3),
        ("$..name.max()", "bob"),
        ("$.csv.upper()", "A,B"),
        ("$.csv.upper().lower()", "a,b"),
        ("$.url.trim()", "of the body"),
        ("$.empty.is_empty()", True),
        ("$.nothing.is_null()", True),
        ("$.nothing.exists()", True),
        ("$.csv.split(',')", ["a", "b"]),
        ("$.csv.split(,)", ["a", "b"]),
        ("$.csv.split('')", ["a", ",", "b"]),
        ("$.mixed.sort()", [None, False, True, 1, 2, "a", "b", {}, []]),
        ("$.mixed.unique().length()", 9),
        ("$.repeated.unique()", [[1], {"a": 1}, 1, True]),
        ("$.nums.values()", [3, 1, 2, 2]),
        ("$.status_code.first()", 200),
        ("$.data.contains('id')", True),
        ("$..['name'].join('+')", "bob+al"),
        ("$.nums.join('-')", "3-1-2-2"),
        ("$.csv.contains('a')", True),
        ("$.nums.contains(2)", True),
        ("$.csv.starts_with(a)", True),
        ("$.csv.ends_with('x')", False),
        ("$.csv.matches(^(a|x),)", True),
        ("$.csv.split(',').first().upper()", "A"),
        ("$.nums.sort().unique().join('-')", "1-2-3"),
        ("$.data.items[*].id.sum()", 3),
        ("$..id.max()", 7),
        ("$.headers.X-Id.length()", 1),
    ],
)
def test_functions_stand_at_the_end_and_may_be_chained(path: str, expected: Any) -> None:
    result = found(path)
    assert result.values == (expected,)
    assert result.is_function


def test_a_key_named_length_comes_before_the_function() -> None:
    assert first("$.length", {"body": {"length": 9}}) == 9


def test_functions_of_lists_see_all_matches_however_many_there_are() -> None:
    assert first("$.data.items[?(@.id > 0)].length()") == 2
    assert first("$.data.items[?(@.id == 1)].length()") == 1
    assert first("$.data.items[?(@.id == 9)].length()") == 0
    assert first("$.data.items[?(@.id == 9)].is_empty()") is True


def test_functions_of_text_see_the_one_match_itself() -> None:
    assert first("$.data.items[?(@.id == 1)].name.upper()") == "BOB"
    assert first("$.data.items[*].name.upper()") == ["BOB", "AL"]


def test_a_function_after_one_match_further_down_works_on_that_match() -> None:
    assert first("$.data.items[?(@.id == 1)].tags.length()") == 2


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.status_code", 200),
        ("status_code", 200),
        ("$.headers.Content-Type", "text/plain"),
        ("$.headers['content-type']", "text/plain"),
        ("headers.x-id", "1"),
        ("$.cookies.sid", "s"),
        ("$.elapsed", 0.5),
        ("$.body.data.id", 7),
        ("$.body", BODY),
        ("$.body.data.items[*].id", 1),
        ("$.headers.*", "text/plain"),
    ],
)
def test_names_of_the_response_lead_into_the_response(path: str, expected: Any) -> None:
    assert first(path) == expected


def test_a_key_of_the_body_comes_before_a_name_of_the_response() -> None:
    assert first("$.url") == "of the body"
    assert first("$.url", {"url": "u", "body": "text"}) == "u"
    assert first("$.body.x", {"body": {"body": {"x": 1}, "x": 2}}) == 1


def test_a_number_in_brackets_is_an_index_only_and_after_a_dot_also_a_key() -> None:
    assert first("$.0", {"body": {"0": "key"}}) == "key"
    assert first("$.0", {"body": ["item"]}) == "item"
    assert first("$[0]", {"body": ["item"]}) == "item"
    assert compile_query("$[0]").find({"body": {"0": "key"}}).values == ()


def test_a_result_without_a_body_is_looked_into_itself() -> None:
    assert first("$.rows[0].id", {"rows": [{"id": 3}], "row_count": 1}) == 3


def test_a_body_of_text_is_never_read_as_json() -> None:
    assert not found("$.*", {"body": '{"a": 1}'}).found
    assert first("$", {"body": '{"a": 1}'}) == '{"a": 1}'


@pytest.mark.parametrize(
    ("path", "explanation"),
    [
        ("$.data.idd", "nothing at $.data.idd; keys there: id, dash-key, with space, items"),
        ("$.data.items[5]", "nothing at $.data.items[5]: $.data.items is a list of 2"),
        ("$.data.items.id", "nothing at $.data.items.id: $.data.items is a list of 2"),
        ("$.data.id.x", "nothing at $.data.id.x: $.data.id is number"),
        ("$.nothing.x.y", "nothing at $.nothing.x: $.nothing is null"),
        ("$.nope[*].x", "nothing at $.nope; keys there: data, csv"),
        ("$.headers.no", "nothing at $.headers.no; keys there: Content-Type, X-Id"),
        ("$.data.items[?(@.id == 9)].x", "nothing matches $.data.items[?(@.id == 9)].x"),
        ("$.empty[0].id", "nothing at $.empty[0]: $.empty is an empty list"),
        ("$.empty.first()", "nothing to choose from"),
        ("$.nope.upper()", "nothing at $.nope"),
    ],
)
def test_a_missing_path_says_where_it_broke_off_and_what_was_there(path: str, explanation: str) -> None:
    result = found(path)
    assert not result.found
    assert explanation in (result.broke_at or "")


def test_functions_that_ask_whether_something_is_there_answer_for_what_is_not() -> None:
    assert first("$.nope.exists()") is False
    assert first("$.nope.is_null()") is True
    assert first("$.nope.is_empty()") is True


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty"),
        ("$.data.lenth()", "did you mean 'length'"),
        ("$.data.", "cannot read on at the end"),
        ("$..!", "cannot read on at !"),
        ("$.a b", "cannot read on at b"),
        ("$.a[?(@.b]", "no valid path"),
        ("$.a[", "no valid path"),
        ("$.a['b]", "no valid path"),
        ("$.a.length().b", "at the end of a path"),
        ("$.a.contains()", "number of arguments"),
        ("$.a.matches(", "no valid path"),
        ("$.a[?@.b == 1e999]", "no valid path"),
        ("$" + ".a" * 3000, "longer than"),
    ],
)
def test_what_is_no_path_is_an_error_that_says_where(path: str, reason: str) -> None:
    with pytest.raises(QueryError) as caught:
        compile_query(path)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "$.data.id.keys()",
        "$.data.id.upper()",
        "$.data.id.split(',')",
        "$.data.id.length()",
        "$.csv.sum()",
        "$.data.sort()",
        "$.data.items.sum()",
        "$.csv.matches(()",
    ],
)
def test_a_function_that_cannot_be_applied_is_an_error(path: str) -> None:
    with pytest.raises(QueryError):
        found(path)


def test_deep_data_does_not_crash_the_search() -> None:
    deep: Any = 1
    for _ in range(20_000):
        deep = [deep]
    with pytest.raises(QueryError):
        found("$..x", {"body": deep})
    assert first("$.flatten()", {"body": deep}) == [1]


def test_a_runaway_path_is_stopped() -> None:
    with pytest.raises(QueryError, match="more than"):
        found("$..*", {"body": [1] * (MAX_MATCHES + 1)})


def test_a_pattern_is_not_let_loose_on_endless_text() -> None:
    with pytest.raises(QueryError, match="at most"):
        found("$.matches(a+b)", {"body": "a" * 1_000_001})


def test_compiling_the_same_path_again_costs_nothing() -> None:
    assert compile_query("$.once") is compile_query("$.once")
