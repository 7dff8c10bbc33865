"""What each comparator means."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sisyphus.case.model import ABSENT
from sisyphus.errors import FieldError, QueryError
from sisyphus.values.compare import ALIASES, OPERATORS, compare

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)

HOLD: list[tuple[str, Any, Any]] = [
    ("eq", 5, 5.0),
    ("eq", 10**400, 10**400),
    ("eq", {"a": [1, {"b": 2}], "c": 1}, {"c": 1.0, "a": [1.0, {"b": 2}]}),
    ("eq", Decimal("1.5"), 1.5),
    ("==", "a", "a"),
    ("equals", None, None),
    ("ne", True, 1),
    ("ne", "5", 5),
    ("!=", [1], [True]),
    ("neq", {"a": 1}, {"a": 1, "b": 2}),
    ("gt", 2, 1),
    ("gt", "10", 9),
    ("gt", 10, "9.5"),
    ("lt", -1, 0),
    ("ge", 2, 2),
    ("gte", 2, 2),
    ("lte", 2, 2),
    ("le", 10**400, 10**401),
    ("between", 2, [2, 3]),
    ("between", "2.5", ["2", 3]),
    ("contains", "abc", "b"),
    ("contains", [1, {"a": 2}], {"a": 2.0}),
    ("contains", {"a": 1}, "a"),
    ("contains", {"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"c": 2}}),
    ("not_contains", "abc", "x"),
    ("not_contains", [1], True),
    ("not_contains", {"a": 1}, {"a": 2}),
    ("in", 5, [4, 5.0]),
    ("in_list", "a", ["a"]),
    ("not_in", 1, [True]),
    ("not_in_list", "a", []),
    ("starts_with", "abc", "ab"),
    ("endswith", "abc", "bc"),
    ("regex", "abc123", r"\d+"),
    ("matches", 200, r"^2\d\d$"),
    ("type", "a", "str"),
    ("type", "a", "string"),
    ("type", 5, "int"),
    ("type", 5, "integer"),
    ("type", 5, "number"),
    ("type", 5.0, "float"),
    ("type", 5.0, "number"),
    ("type", True, "bool"),
    ("type", True, "boolean"),
    ("type", [], "array"),
    ("type", {}, "object"),
    ("type_match", None, "null"),
    ("type", None, ["str", "null"]),
    ("length_eq", [1, 2], 2),
    ("length_gt", "abc", 2),
    ("len_lt", {}, 1),
    ("len_ge", "a", "1"),
    ("length_le", [], 0),
    ("is_empty", "", ABSENT),
    ("is_empty", {}, True),
    ("is_empty", None, True),
    ("is_empty", [1], False),
    ("is_null", None, ABSENT),
    ("is_null", 0, False),
    ("is_not_null", 0, ABSENT),
    ("is_not_null", None, "false"),
    ("exists", None, ABSENT),
    ("status_code", 200, 200),
    ("status_code", 200, "200"),
    ("status_code", 204, "2xx"),
    ("status_code", 404, [200, "4XX"]),
    ("approx", 1.05, {"value": 1, "tolerance": 0.1}),
    ("approx", 0.1 + 0.2, 0.3),
    ("schema", {"a": 1}, {"type": "object", "required": ["a"]}),
]

DO_NOT_HOLD: list[tuple[str, Any, Any]] = [
    ("eq", True, 1),
    ("eq", 0, False),
    ("eq", "5", 5),
    ("eq", None, False),
    ("eq", [1, 2], [2, 1]),
    ("eq", {"a": None}, {}),
    ("eq", float("nan"), float("nan")),
    ("ne", 5, 5.0),
    ("gt", None, 1),
    ("ge", 1, 2),
    ("le", 2, 1),
    ("gt", "abc", 1),
    ("gt", "b", "a"),
    ("lt", True, 5),
    ("gt", [2], 1),
    ("lt", "1_0", 100),
    ("between", None, [1, 2]),
    ("contains", "abc", "B"),
    ("contains", "a5", 5),
    ("contains", [1], True),
    ("contains", 5, 5),
    ("contains", {"a": 1}, "1"),
    ("not_contains", "abc", "b"),
    ("in", True, [1]),
    ("not_in", 5, [5.0]),
    ("starts_with", 5, "5"),
    ("ends_with", "a", "b"),
    ("regex", None, ".*"),
    ("regex", ["a"], "a"),
    ("type", True, "int"),
    ("type", True, "number"),
    ("type", 5, "float"),
    ("type", 5.0, "int"),
    ("type", None, "str"),
    ("length_eq", 5, 1),
    ("length_gt", None, 0),
    ("length_lt", "ab", 2),
    ("length_ge", "ab", 3),
    ("length_le", "ab", 1),
    ("is_empty", 0, True),
    ("is_empty", False, True),
    ("is_null", "", True),
    ("is_not_null", None, True),
    ("status_code", 200, [201, "4xx"]),
    ("status_code", None, "2xx"),
    ("approx", 1.2, {"value": 1, "tolerance": 0.1}),
    ("approx", None, 1),
    ("approx", 10**400, 1),
    ("schema", 5, {"type": "string"}),
]


@pytest.mark.parametrize(("op", "actual", "expected"), HOLD)
def test_holds(op: str, actual: Any, expected: Any) -> None:
    verdict = compare(op, actual, expected)
    assert verdict.holds, verdict.message
    assert verdict.message is None


@pytest.mark.parametrize(("op", "actual", "expected"), DO_NOT_HOLD)
def test_does_not_hold_and_says_why(op: str, actual: Any, expected: Any) -> None:
    verdict = compare(op, actual, expected)
    assert not verdict.holds
    assert verdict.message


def test_every_comparator_is_covered_above() -> None:
    tried = {ALIASES.get(op, op) for op, _, _ in HOLD} & (
        {ALIASES.get(op, op) for op, _, _ in DO_NOT_HOLD} | {"exists"}
    )
    assert tried == set(OPERATORS)


SEE_ABSENT = {"is_null", "is_empty", "ne", "not_contains", "not_in"}


@pytest.mark.parametrize("op", sorted(OPERATORS))
def test_a_missing_path_holds_for_those_that_ask_for_absence_only(op: str) -> None:
    expected: Any = {"not_in": [1], "in": [1], "between": [1, 2], "schema": {}, "type": "null", "regex": ".*"}.get(
        op, 1
    )
    if OPERATORS[op].default is not ABSENT:
        expected = ABSENT
    verdict = compare(op, ABSENT, expected, absent=True)
    assert verdict.holds is (op in SEE_ABSENT)
    assert verdict.holds or "got nothing" in (verdict.message or "")


def test_expecting_false_inverts_what_is_asked_of_a_missing_path() -> None:
    assert compare("exists", ABSENT, False, absent=True).holds
    assert not compare("is_null", ABSENT, False, absent=True).holds
    assert not compare("is_not_null", ABSENT, False, absent=True).holds


@pytest.mark.parametrize(
    ("op", "actual", "expected", "message"),
    [
        ("eq", 5, "5", 'expected "5" (text), got 5 (number)'),
        ("eq", True, 1, "expected 1 (number), got true (true or false)"),
        ("eq", 6, 5, "expected 5, got 6"),
        ("eq", None, "a", 'expected "a" (text), got null'),
        ("gt", "abc", 3, 'expected > 3, got "abc" (text)'),
        ("gt", 2, 3, "expected > 3, got 2"),
        ("type", "a", "int", 'expected the type "int", got "a" (text)'),
        ("length_eq", [1], 2, "expected a length = 2, got 1: [1]"),
        ("status_code", 404, 200, "expected the status 200, got 404"),
        ("exists", 1, False, "expected nothing at this path, got 1 (number)"),
    ],
)
def test_messages(op: str, actual: Any, expected: Any, message: str) -> None:
    assert compare(op, actual, expected).message == message


def test_long_values_are_shortened_in_messages() -> None:
    message = compare("eq", "x" * 100_000, ["y"] * 100_000).message
    assert message is not None
    assert len(message) < 600
    assert "characters" in message


@pytest.mark.parametrize(
    ("op", "expected", "error"),
    [
        ("regex", "(", QueryError),
        ("regex", 5, FieldError),
        ("schema", {"type": "strin"}, QueryError),
        ("schema", 5, QueryError),
        ("between", [1], FieldError),
        ("between", [1, "x"], FieldError),
        ("in", "abc", FieldError),
        ("type", "strin", FieldError),
        ("length_eq", "x", FieldError),
        ("is_null", "maybe", FieldError),
        ("status_code", "2x", FieldError),
        ("status_code", [200, "ok"], FieldError),
        ("approx", {"tolerance": 1}, FieldError),
        ("approx", {"value": 1, "tolerance": -1}, FieldError),
        ("eq", ABSENT, FieldError),
        ("equls", 1, FieldError),
    ],
)
def test_what_cannot_be_checked_is_an_error(op: str, expected: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        compare(op, 200, expected)


def test_an_unknown_comparator_is_named_with_the_nearest_one() -> None:
    with pytest.raises(FieldError, match="did you mean 'contains'"):
        compare("contain", 1, 1)


def test_a_schema_is_never_fetched() -> None:
    with pytest.raises(QueryError, match=r"'http://127\.0\.0\.1:9/s\.json', which is not in it"):
        compare("schema", 1, {"$ref": "http://127.0.0.1:9/s.json"})


@pytest.mark.parametrize("value", [10**400, float("inf")])
def test_a_number_beyond_what_a_schema_can_divide_is_an_error(value: float) -> None:
    with pytest.raises(QueryError, match="cannot be applied"):
        compare("schema", value, {"multipleOf": 1e-300})


def test_an_infinite_status_is_of_no_class() -> None:
    assert not compare("status_code", float("inf"), "2xx").holds


def test_a_schema_may_refer_to_itself() -> None:
    schema = {"$defs": {"id": {"type": "integer"}}, "properties": {"id": {"$ref": "#/$defs/id"}}}
    assert compare("schema", {"id": 1}, schema).holds
    assert "$.id" in (compare("schema", {"id": "x"}, schema).message or "")


def test_deep_parts_of_maps_are_refused_not_crashed_into() -> None:
    deep: Any = {}
    for _ in range(20_000):
        deep = {"a": deep}
    with pytest.raises(FieldError, match="nested too deeply"):
        compare("contains", deep, deep)


def test_deep_values_are_compared_without_recursion() -> None:
    one: Any = 1
    other: Any = 1.0
    for _ in range(20_000):
        one, other = [one], [other]
    assert compare("eq", one, other).holds
    assert not compare("eq", one, [other]).holds


@settings(deadline=None)
@given(JSON)
def test_every_value_equals_itself_and_nothing_it_is_wrapped_in(value: Any) -> None:
    assert compare("eq", value, value).holds
    assert not compare("ne", value, value).holds
    assert not compare("eq", value, [value]).holds
    assert compare("contains", [value], value).holds
    assert compare("in", value, [value]).holds


@settings(deadline=None)
@given(JSON, JSON)
def test_equality_has_two_sides_and_one_opposite(one: Any, other: Any) -> None:
    assert compare("eq", one, other).holds is compare("eq", other, one).holds
    assert compare("eq", one, other).holds is not compare("ne", one, other).holds


@settings(deadline=None)
@given(JSON)
def test_truth_values_are_no_numbers_however_deep(value: Any) -> None:
    assert not compare("eq", {"a": [value, True]}, {"a": [value, 1]}).holds
    assert not compare("eq", {"a": [value, 0]}, {"a": [value, False]}).holds


@settings(deadline=None)
@given(st.sampled_from(sorted(OPERATORS)), JSON, JSON, st.booleans())
def test_any_comparator_on_any_values_gives_a_verdict_or_a_step_error(
    op: str, one: Any, other: Any, absent: bool
) -> None:
    try:
        verdict = compare(op, one, other, absent=absent)
    except (QueryError, FieldError):
        return
    assert verdict.holds or verdict.message
