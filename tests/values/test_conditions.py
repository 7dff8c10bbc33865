"""When a step's condition holds."""

from __future__ import annotations

from typing import Any

import pytest

from sisyphus.errors import TemplateError, UndefinedName
from sisyphus.values.template import compile_expression, condition_holds

NAMES: dict[str, Any] = {
    "env": "prod",
    "n": 5,
    "ok": True,
    "off": False,
    "nothing": None,
    "quote": "' or 'a' == 'a",
    "code": "ok",
    "items": [1],
    "says_no": "false",
    "says_zero": "0",
    "token": "abc",
    "OR": 1,
}


@pytest.mark.parametrize(
    "condition",
    [
        True,
        1,
        "true",
        "ok",
        "${ok}",
        "{{ ok }}",
        "${env} == 'prod'",
        "'${env}' == 'prod'",
        '"${env}" == "prod"',
        "{{ env }} == 'prod'",
        "env == 'prod'",
        "${env == 'prod'}",
        "${n > 3 and ok}",
        "${n} > 3 && ${ok}",
        "n > 9 || ok",
        "n > 9 OR ok",
        "n > 3 AND NOT off",
        "!off",
        "!(off) and n != 4",
        "not off",
        "(n > 3) and (ok or off)",
        "${nothing} == null",
        "${missing|default('x')} == 'x'",
        "${missing}|default('x') == 'x'",
        "missing is undefined",
        "'x${missing|default('a')}' == 'xa'",
        "${n} in [4, 5]",
        "'$${n}' == '$' ~ '{n}'",
        "'it\\'s${n}' == \"it's5\"",
        "OR",
        "${token}",
        ["ok", "n == 5"],
        {"and": ["ok", {"or": ["off", "ok"]}]},
        {"NOT": "off"},
        {"not": {"and": ["ok", "off"]}},
        [],
    ],
)
def test_holds(condition: Any) -> None:
    assert condition_holds(condition, NAMES)


@pytest.mark.parametrize(
    "condition",
    [
        False,
        0,
        "false",
        "off",
        "${off}",
        "null",
        "none",
        "${env} == 'test'",
        "n > 9",
        "!ok",
        "${nothing}",
        "${says_no}",
        "${says_zero}",
        "''",
        ["ok", "off"],
        {"and": ["ok", "off"]},
        {"or": []},
        {"not": "ok"},
    ],
)
def test_does_not_hold(condition: Any) -> None:
    assert not condition_holds(condition, NAMES)


def test_the_value_of_an_operand_is_never_read_as_code() -> None:
    assert not condition_holds("'${quote}' == 'x'", NAMES)
    assert not condition_holds("${quote} == 'x'", NAMES)
    assert condition_holds("${code} == 'ok'", NAMES)


def test_the_operators_inside_quotes_are_text() -> None:
    assert condition_holds("'a && b || !c AND d' == 'a && b || !c ' ~ 'AND d'", NAMES)


def test_only_as_much_is_evaluated_as_the_answer_needs() -> None:
    assert condition_holds("ok or missing", NAMES)
    assert condition_holds({"or": ["ok", "missing"]}, NAMES)
    assert not condition_holds(["off", "missing"], NAMES)


@pytest.mark.parametrize("condition", ["missing", "${env} == prod", "n > missing", ["ok", "missing"]])
def test_an_undefined_name_is_an_error_and_never_a_guess(condition: Any) -> None:
    with pytest.raises(UndefinedName):
        condition_holds(condition, NAMES)


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "  ",
        "n >",
        "${n",
        "'a",
        "n == ${",
        "'{% if n %}' == 'a'",
        "n" * 30_000,
        {"xor": []},
        {"and": "ok", "or": "ok"},
        {"and": "ok"},
        None,
    ],
)
def test_what_is_no_condition_is_an_error(condition: Any) -> None:
    with pytest.raises(TemplateError):
        condition_holds(condition, NAMES)


def test_an_expression_keeps_the_type_of_its_value() -> None:
    assert compile_expression("n + 1").render(NAMES) == 6
    assert compile_expression("${items}").render(NAMES) == [1]
