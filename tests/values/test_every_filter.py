"""Every filter and every test, on values that it was not made for: a value or an error of ours, nothing of Jinja2's."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from sisyphus.errors import StepError, TemplateError, UndefinedName
from sisyphus.values._jinja import ENVIRONMENT
from sisyphus.values.template import compile_template

VALUES = ("[]", "none", "'abc'", "7", "{'a': 1}", "[{'a': 1}, {'b': 2}]", "range(3)")
ARGUMENTS = ("", "('a')", "(attribute='a')", "(2)")
USES = (
    "({}) == ['a']", "1 in ({})", "({}) ~ 'x'", "({})[0].a", "1 if ({}) else 2", "({})|default('z')",
    "({}) is defined", "({})|map('upper')|list", "len({})", "[{}]|tojson",
)  # fmt: skip
NAMES: dict[str, Any] = {"body": {"items": [], "users": [{"name": "ann"}, {}]}, "len": len, "range": range}


def render(expression: str) -> Any:
    return compile_template(f"${{{expression}}}").render(NAMES)


@pytest.mark.parametrize("name", sorted(ENVIRONMENT.filters))
def test_a_filter_gives_a_value_or_an_error_of_the_step(name: str) -> None:
    for value, arguments, use in product(VALUES, ARGUMENTS, USES):
        try:
            render(use.replace("{}", f"{value}|{name}{arguments}"))
        except StepError as error:
            assert str(error)  # noqa: PT017 - either is fine, nothing else is


@pytest.mark.parametrize("name", sorted(ENVIRONMENT.tests))
def test_a_test_gives_an_answer_or_an_error_of_the_step(name: str) -> None:
    for value, arguments in product(VALUES, ARGUMENTS):
        try:
            assert render(f"{value} is {name}{arguments}") in {True, False}
        except StepError as error:
            assert str(error)  # noqa: PT017 - as above


@pytest.mark.parametrize(
    ("expression", "missing"),
    [
        ("body.items|first == 'x'", "body.items|first"),
        ("body['items']|last|upper", "body.items|last"),
        ("(body.users|map(attribute='name')|list)[1] == 'x'", "name"),
        ("body.users|map(attribute='name')|list == ['ann', 'bob']", "name"),
        ("'bob' in body.users|map(attribute='name')", "name"),
        ("1 if [[]]|map('first')|list|first else 2", "…|map|list|first"),
        ("[[]]|map('first')|join", "…"),
        ("body.items[0].id == 1", "body.items[0]"),
    ],
)
def test_what_is_not_there_is_named(expression: str, missing: str) -> None:
    with pytest.raises(UndefinedName) as caught:
        render(expression)
    assert (caught.value.name, caught.value.within) == (missing, True)


@pytest.mark.parametrize(
    "expression", ["nowhere == 1", "nowhere.id == 1", "nowhere[0].id|upper", "nowhere['i' ~ 'd'] == 1"]
)
def test_a_name_that_nothing_has_is_within_nothing(expression: str) -> None:
    with pytest.raises(UndefinedName) as caught:
        render(expression)
    assert not caught.value.within


@pytest.mark.parametrize("looked_for", ["[]|first", "[]|max", "(body.users|map(attribute='name')|list)[1]", "body.no"])
def test_what_is_not_there_has_a_default(looked_for: str) -> None:
    assert render(f"({looked_for})|default('none')") == "none"
    assert render(f"({looked_for}) is undefined") is True


def test_a_filter_that_gives_one_item_after_the_other_fails_as_others_do() -> None:
    with pytest.raises(TemplateError, match="filter 'batch' failed"):
        render("7|batch(2)|list")
    with pytest.raises(TemplateError, match="filter 'batch' failed"):
        render("1 in (7|batch(2))")
