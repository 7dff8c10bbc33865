"""Expressions over tags: what they hold of, and what is said of those that are none."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisyphus.tags import TagSyntaxError, any_of, parse_tags


@pytest.mark.parametrize(
    ("text", "tags", "holds"),
    [
        ("smoke", {"smoke"}, True),
        ("smoke", {"smoke", "slow"}, True),
        ("smoke", {"Smoke"}, False),
        ("smoke", set(), False),
        ("not smoke", set(), True),
        ("not smoke", {"smoke"}, False),
        ("not not smoke", {"smoke"}, True),
        ("!smoke", {"smoke"}, False),
        ("smoke and not slow", {"smoke"}, True),
        ("smoke and not slow", {"smoke", "slow"}, False),
        ("smoke AND NOT slow", {"smoke", "slow"}, False),
        ("smoke && !slow", {"smoke"}, True),
        ("smoke & slow", {"smoke"}, False),
        ("a or b", {"b"}, True),
        ("a or b", {"c"}, False),
        ("a || b", {"b"}, True),
        ("a | b", {"a"}, True),
        ("a,b", {"b"}, True),
        ("a, b", {"c"}, False),
        ("a，b", {"b"}, True),
        ("a or b and c", {"a"}, True),
        ("a or b and c", {"b"}, False),
        ("(a or b) and c", {"a"}, False),
        ("(a or b) and c", {"b", "c"}, True),
        ("（a or b）and c", {"a"}, False),
        ("not a or b", {"b"}, True),
        ("not (a or b)", {"b"}, False),
        ("a and b, c", {"c"}, True),
        ("冒烟 and 登录", {"冒烟", "登录"}, True),
        ("team:pay-ments.v2/x", {"team:pay-ments.v2/x"}, True),
        ("'two words'", {"two words"}, True),
        ('"and" or x', {"and"}, True),
        ("android", {"android"}, True),
        ("nothing and notable", {"nothing", "notable"}, True),
    ],
)
def test_an_expression_holds_of_tags(text: str, tags: set[str], holds: bool) -> None:
    assert parse_tags(text).holds(tags) is holds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a tag is missing at its end"),
        ("  ", "a tag is missing at its end"),
        ("smoke and", "a tag is missing at its end"),
        ("not", "a tag is missing at its end"),
        ("smoke,", "a tag is missing at its end"),
        ("or smoke", "a tag is missing before 'or'"),
        ("a and or b", "a tag is missing before 'or'"),
        (",a", "a tag is missing before ','"),
        ("()", "a tag is missing before ')'"),
        ("(a or b", "a '(' is not closed"),
        ("a or b)", "a '(' is missing before the ')'"),
        ("smoke slow", "'and' or 'or' is missing before 'slow'"),
        ("smoke not slow", "'and' or 'or' is missing before 'not'"),
        ("a (b)", "'and' or 'or' is missing before '('"),
        ("'a", "a quote is not closed"),
        ("don't", "a quote is not closed"),
        ("(" * 60 + "a" + ")" * 60, "it is nested more than 50 levels deep"),
        ("not " * 60 + "a", "it is nested more than 50 levels deep"),
    ],
)
def test_what_is_no_expression_says_why(text: str, reason: str) -> None:
    with pytest.raises(TagSyntaxError) as caught:
        parse_tags(text)
    assert str(caught.value) == reason


def test_the_tags_an_expression_names_are_known_each_once() -> None:
    assert parse_tags("a and (b or not a), 'c d'").named == ("a", "b", "c d")


def test_several_expressions_hold_where_one_of_them_does() -> None:
    both = any_of([parse_tags("a"), parse_tags("b and not c")])

    assert [both.holds(tags) for tags in ({"a"}, {"b"}, {"b", "c"}, {"c"})] == [True, True, False, False]
    assert (both.text, both.named) == ("a, b and not c", ("a", "b", "c"))


@given(st.text("ab'\"(),!&| andortЖ，（\t", max_size=40))
def test_any_text_is_an_expression_or_is_refused(text: str) -> None:
    with suppress(TagSyntaxError):
        parse_tags(text).holds({"a"})
