"""Whatever is written or sent, the answer is a value or a step's error, and it comes soon."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sisyphus.errors import StepError, TemplateError
from sisyphus.values import _expression, _jsonpath
from sisyphus.values._evaluate import Compiler, Scope
from sisyphus.values._jinja import parse_expression, plain
from sisyphus.values._lookup import finish
from sisyphus.values._path import normalised
from sisyphus.values.query import compile_query
from sisyphus.values.template import check_syntax, compile_expression, compile_template, condition_holds, render

KEYS = st.sampled_from(["a", "b", "items", "keys", "x-y", "0", "中文", "length", "it"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)
# Text that looks like templates far more often than random text does.
PIECES = st.lists(
    st.sampled_from([
        "${",
        "$${",
        "{{",
        "}}",
        "}",
        "{%",
        "%}",
        "a",
        "a.b",
        "[0]",
        "['x",
        "'",
        '"',
        "and",
        "||",
        "!",
        "|upper",
        "(",
        ")",
        "{",
        "[",
        "]",
        ".",
        "..",
        "?",
        "*",
        "1",
        "if",
        "else",
        "for",
        "in",
        "endfor",
        "$",
        "@",
        "=~",
        "\\",
        "==",
        ",",
        ":",
        "range(3)",
        "~",
        "-",
        "null",
        ".length()",
        "_·0",
        "\ufdd0",
    ])
    | st.text(max_size=3),
    max_size=12,
).map(lambda pieces: "".join(pieces) if len(pieces) % 2 else " ".join(pieces))
NAMES: dict[str, Any] = {"a": {"b": [{"c": 1}], "items": "x"}, "f": lambda *args: args}

BOMBS = [
    "range(10**9)",
    "range(-(10**30), 10**30)",
    "'a' * 10**9",
    "10**9 * 'a'",
    "[0] * 10**9",
    "9**9**9**9**9**9",
    "2**(10**9)",
    "(10**2000) * (10**2000)",
    "'%1000000000d' % 1",
    "'%1000000000d'|format(1)",
    "'%*d' % (10**9, 1)",
    "('%s' * 900) % (('a' * 10**6,) * 900)",
    "'{:>1000000000}'.format(1)",
    "'{:>{w}}'.format(1, w=10**9)",
    "('{0}' * 900).format('a' * 10**6)",
    "'a'|center(10**9)",
    "'a'.ljust(10**9)",
    "'a'.zfill(10**9)",
    "('\\n' * 10**6)|indent(9999)",
    "(['a' * 10**6] * 1000)|join",
    "'-'.join(['a' * 10**6] * 1000)",
    "('a' * 10**6)|replace('a', 'b' * 1000)",
    "('a' * 10**6).replace('a', 'b' * 1000)",
    "('a' * 10**7) ~ ('a' * 10**7)",
    "('a' * 10**7) + ('a' * 10**7)",
    "[1]|tojson(indent=10**9)",
    "1.5|round(10**9, 'ceil')",
    "'x'|batch(10**9, 'y')",
    "([range(100)] * 1000)|map('select', 'in', range(100))|map('list')|list",
    "'x'.__class__",
    "''.__class__.__mro__[1].__subclasses__()",
    "a.__class__",
    "a.items.__globals__",
    "f.__globals__",
    "f.__call__()",
    "a|attr('__class__')",
    "'{0.__class__}'.format(1)",
    "'{0[a]}'.format(a)",
    "a.b.append(1)",
    "a.pop('b')",
    "a.update({})",
    "lipsum(n=10**9)",
    "cycler",
    "namespace(x=1)",
    "self",
    "(" * 1000 + "1" + ")" * 1000,
    "[" * 1000 + "1" + "]" * 1000,
    "-" * 10_000 + "1",
    "not " * 4_000 + "1",
    "1" + "+1" * 5_000,
    "a" + "|upper" * 2_500,
    "'a'" + " if 1 else 'a'" * 1_000,
    "9" * 10_000,
]


@pytest.mark.parametrize("expression", BOMBS, ids=lambda text: text[:40])
def test_a_hostile_expression_is_refused_in_bounded_time(expression: str) -> None:
    began = time.perf_counter()
    with pytest.raises(TemplateError):
        compile_template("${" + expression + "}").render(NAMES)
    with pytest.raises(TemplateError):
        condition_holds(expression, NAMES)
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}",
        "{% for i in range(9999) %}{{ 'a' * 10**6 }}{% endfor %}",
        "{% for i in range(3) recursive %}{{ loop([1]) }}{% endfor %}",
        "{% if 1 %}" * 1_000 + "{% endif %}" * 1_000,
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% raw %}${x}{% endraw %}",
        "{% if 1 %}\ufdd0{% endif %}",
    ],
    ids=lambda text: text[:40],
)
def test_a_hostile_template_is_refused_in_bounded_time(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(TemplateError):
        compile_template(text).render(NAMES)
    assert time.perf_counter() - began < 10


def test_data_nested_too_deeply_to_write_is_an_error() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    names = {"deep": deep}
    assert render("${deep}", names) is deep
    for text in ("x${deep}", "${deep|tojson}", "${[deep]}", "{% if 1 %}${deep}{% endif %}", "${deep == [deep]}"):
        with pytest.raises(TemplateError):
            render(text, names)
    with pytest.raises(TemplateError):
        render(deep, names)


@settings(deadline=None)
@given(PIECES)
@example("${a[[1]]}")
@example("${ {a: 1} }")
@example("${f(*a)}")
@example("${f(**a.items)}")
@example("${a[1:2]}")
def test_any_text_as_a_template_gives_a_value_or_a_step_error(text: str) -> None:
    with suppress(StepError):
        render(text, NAMES)
    assert all(isinstance(error, TemplateError) and str(error) for _, error in check_syntax({"x": text}))


@settings(deadline=None)
@given(PIECES)
def test_any_text_as_a_legacy_template_gives_text_or_a_step_error(text: str) -> None:
    with suppress(StepError):
        assert isinstance(render(text, NAMES, legacy=True, warn=lambda _message: None), str)


@settings(deadline=None)
@given(PIECES)
def test_any_text_as_a_condition_gives_a_truth_value_or_a_step_error(text: str) -> None:
    with suppress(StepError):
        assert isinstance(condition_holds(text, NAMES), bool)


@settings(deadline=None)
@given(PIECES, JSON)
def test_any_text_as_a_path_gives_matches_or_a_step_error(path: str, body: Any) -> None:
    with suppress(StepError):
        found = compile_query(path).find({"body": body, "status_code": 200})
        assert bool(found.values) is (found.broke_at is None)


@settings(deadline=None)
@given(JSON)
def test_a_value_survives_its_template(value: Any) -> None:
    names = {"v": value, "w": {"x": [value]}}
    assert render("${v}", names) is value
    assert render("${w.x[0]}", names) is value
    assert render({"a": ["{{ v }}"]}, names) == {"a": [value]}
    assert compile_template("${[v][0]}").render(names) == value
    assert compile_expression("v").render(names) is value


@settings(deadline=None)
@given(st.text(max_size=30))
def test_text_without_braces_is_itself(text: str) -> None:
    text = re.sub(r"[{}]", "", text)
    assert render(text, {}) == text


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="{}$"), min_size=1, max_size=20), JSON)
def test_text_around_an_expression_stays_as_it_is(text: str, value: Any) -> None:
    inner = render("<${v}>", {"v": value})[1:-1]
    assert render(f"{text}${{v}}{text}", {"v": value}) == text + inner + text
    assert render(f"{text}{{% if 1 %}}{{{{ v }}}}{{% endif %}}", {"v": value}).replace("\n", "") == (
        text.replace("\r\n", "\n").replace("\r", "\n") + inner
    ).replace("\n", "")


def by_jinja(expression: str, names: dict[str, Any]) -> Any:
    try:
        value = Compiler().value(parse_expression(expression))(Scope(names))
        return finish(plain(value), expression)
    except StepError as error:
        return str(error)


STEPS = st.lists(
    KEYS.filter(str.isidentifier).map(lambda key: f".{key}")
    | st.integers(-3, 5).map(lambda index: f"[{index}]")
    | st.integers(0, 3).map(lambda index: f".{index}")
    | KEYS.map(lambda key: f"['{key}']")
    | KEYS.map(lambda key: f'["{key}"]'),
    max_size=4,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["a", "b", "missing", "items", "_x", "中文", "true", "null", "none"]), STEPS, JSON)
def test_a_plain_path_means_the_same_with_and_without_jinja(name: str, steps: str, value: Any) -> None:
    names = {"a": value, "b": {"a": value}, "items": [value], "中文": value, "_x": {"items": value}}
    try:
        ours = _expression.compile_one(name + steps).part(names, None)
    except StepError as error:
        ours = str(error)
    assert ours == by_jinja(name + steps, names)


@settings(max_examples=300, deadline=None)
@given(st.lists(KEYS | st.integers(-3, 5), max_size=4), JSON.filter(lambda value: isinstance(value, (dict, list))))
def test_a_simple_path_leads_to_the_same_place_with_and_without_the_library(steps: list[str | int], body: Any) -> None:
    path = "$" + "".join(map(normalised, steps))
    library = _jsonpath.find_all(_jsonpath.compile_path(path, path), body, 10)
    ours = compile_query(path).find({"body": body})
    if ours.is_function:  # `.length` where there is no such key
        assert not library
    else:
        assert ours.values == library
