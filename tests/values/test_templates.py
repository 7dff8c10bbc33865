"""What ``${…}``, ``{{ … }}`` and ``{% … %}`` mean."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest

from sisyphus.errors import StepError, StepTimeout, TemplateError, UndefinedName
from sisyphus.values.template import check_syntax, compile_expression, compile_template, render

NAMES: dict[str, Any] = {
    "n": 5,
    "price": 5.0,
    "flag": True,
    "nothing": None,
    "name": "Ann",
    "env": "prod",
    "user": {"name": "Ann", "items": [1, 2], "first-name": "A", "roles": [{"id": 7}]},
    "users": [{"name": "Ann", "age": 30}, {"name": "Bob"}],
    "injected": "${n} {{ n }} {% if n %}x{% endif %}",
    "shout": lambda text: text.upper() + "!",
}


class Lazy(Mapping[str, Any]):
    """Names that are computed when they are asked for, and remember which were."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values_ = values
        self.asked: list[str] = []

    def __getitem__(self, name: str) -> Any:
        value = self.values_[name]
        self.asked.append(name)
        if isinstance(value, Exception):
            raise value
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def value_of(text: str, names: Mapping[str, Any] = NAMES) -> Any:
    return compile_template(text).render(names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${n}", 5),
        ("${ n }", 5),
        ("{{ n }}", 5),
        ("${flag}", True),
        ("${nothing}", None),
        ("${user.roles[0].id}", 7),
        ("${user.roles.0.id}", 7),
        ("${user.roles[-1]}", {"id": 7}),
        ("${user['first-name']}", "A"),
        ("${n + 1}", 6),
        ("${users|map(attribute='name')|list}", ["Ann", "Bob"]),
        ("${[1, n]}", [1, 5]),
        ("${ {'a': '}', 'b': {'c': n}} }", {"a": "}", "b": {"c": 5}}),
        ("{{ {'a': {'b': n}} }}", {"a": {"b": 5}}),
        ("${(1, n)}", [1, 5]),
        ("${n is odd}", True),
        ("${n is divisibleby(2)}", False),
        ("${users is sequence and 'age' in users[0]}", True),
        ("${users[1:]}", [{"name": "Bob"}]),
        ("${users[n - 5].name}", "Ann"),
        ("${users[n - 5].nope|default(0)}", 0),
        ("${-n}", -5),
        ("${7 % 4}", 3),
        ("${[1] + [2]}", [1, 2]),
        ("${'x' * 3}", "xxx"),
        ("${range(2, 0, -1)}", [2, 1]),
        ("${'a-b'.split('-')}", ["a", "b"]),
        ("${'%s is %05.1f' % (name, price)}", "Ann is 005.0"),
        ("${'%s'|format(name)}", "Ann"),
        ("${'a'|center(3)}", " a "),
        ("${'aXa'|replace('a', 'b', 1)}", "bXa"),
        ("${users|join('+', attribute='name')}", "Ann+Bob"),
        ("${users|groupby('name')|map('first')|list}", ["Ann", "Bob"]),
        ("${user.roles|map(attribute='id')|sum}", 7),
    ],
)
def test_one_expression_and_nothing_else_keeps_its_type(text: str, expected: Any) -> None:
    value = value_of(text)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=${flag}", "v=true"),
        ("v=${nothing}", "v=null"),
        ("v=${n}", "v=5"),
        ("v=${price}", "v=5.0"),
        ("v=${name}", "v=Ann"),
        ("v=${user.roles}", 'v=[{"id": 7}]'),
        ("${n}${n}", "55"),
        (" ${n}", " 5"),
        ("${'é' ~ flag ~ 5.0}", "étrue5.0"),
        ('{"a": ${user.roles}, "b": "${n}"}', '{"a": [{"id": 7}], "b": "5"}'),
    ],
)
def test_mixed_with_text_it_is_text_written_as_json_writes_it(text: str, expected: str) -> None:
    assert value_of(text) == expected


def test_a_doubled_dollar_writes_the_braces_themselves() -> None:
    assert value_of("$${n} costs $5 or ${n}") == "${n} costs $5 or 5"
    assert compile_template("$${n}").constant
    assert value_of("$$${n}") == "$${n}"


def test_text_that_came_out_of_a_variable_is_never_evaluated() -> None:
    assert value_of("${injected}") == NAMES["injected"]
    assert value_of("<${injected}>") == f"<{NAMES['injected']}>"
    assert value_of("{% if flag %}${injected}{% endif %}") == NAMES["injected"]
    assert value_of("${injected ~ ''}") == NAMES["injected"]


def test_a_key_of_a_map_comes_before_any_method_of_it() -> None:
    assert value_of("${user.items}") == [1, 2]
    assert value_of("${user.items|length}") == 2


@pytest.mark.parametrize(
    ("text", "name", "near"),
    [
        ("${nmae}", "nmae", "name"),
        ("${nmae ~ 'x'}", "nmae", "name"),
        ("${user.nam}", "user.nam", "user.name"),
        ("${user.nam ~ 'x'}", "user.nam", "user.name"),
        ("${user.roles[3]}", "user.roles[3]", None),
        ("${user.adress.street}", "user.adress", None),
        ("${name.upper}", "name.upper", None),
    ],
)
def test_an_undefined_name_is_named_with_the_nearest_known_one(text: str, name: str, near: str | None) -> None:
    with pytest.raises(UndefinedName) as caught:
        value_of(text)
    assert caught.value.name == name
    assert (f"'{near}'" in str(caught.value)) if near else ("did you mean" not in str(caught.value))


@pytest.mark.parametrize("text", ["${no|default('x')}", "${user.no.deep|default('x')}", "${user['no']|d('x')}"])
def test_a_default_stands_in_for_what_is_missing_however_deep(text: str) -> None:
    assert value_of(text) == "x"


def test_a_default_does_not_hide_a_failure_of_the_variable_itself() -> None:
    names = Lazy({"broken": StepTimeout("too slow"), "ok": 1})
    with pytest.raises(StepTimeout):
        value_of("${broken|default(1)}", names)


def test_an_empty_value_gives_way_to_a_default_only_if_asked() -> None:
    assert value_of("${''|default('x')}") == ""
    assert value_of("${''|default('x', true)}") == "x"


def test_names_are_looked_up_only_when_they_are_reached() -> None:
    names = Lazy({"yes": True, "broken": StepTimeout("too slow"), "unused": 1})
    assert value_of("${yes or broken}", names) is True
    assert value_of("${1 if yes else broken}", names) == 1
    assert value_of("{% if not yes %}${broken}{% endif %}-", names) == "-"
    assert set(names.asked) == {"yes"}


def test_an_error_of_a_lazy_name_passes_through_as_it_is() -> None:
    names = Lazy({"broken": StepTimeout("too slow")})
    for text in ("${broken}", "x${broken}", "${broken + 1}"):
        with pytest.raises(StepTimeout):
            value_of(text, names)


def test_dates_and_other_maps_are_written_as_text_and_json() -> None:
    names = {"day": date(2026, 3, 4), "headers": Lazy({"a": 1}), "raw": b"x", "set": {2, 1}}
    assert value_of("${day}", names) == "2026-03-04"
    assert value_of("${day}, ${headers}", names) == '2026-03-04, {"a": 1}'
    assert value_of("${headers}", names) is names["headers"]
    assert value_of("x${[raw, headers]}", names) == 'x["x", {"a": 1}]'


def test_statements_choose_and_repeat() -> None:
    text = "{% for u in users %}{{ u.name }}{% if not loop.last %}, {% endif %}{% endfor %}"
    assert value_of(text) == "Ann, Bob"
    assert value_of("{% if n > 3 %}big{% elif n %}small{% else %}none{% endif %}") == "big"
    assert value_of("{% set m = n + 1 %}${m} {% for a, b in [(1, 2)] %}${a}${b}{% endfor %}\n") == "6 12\n"
    assert value_of("{% for u in [] %}x{% else %}nobody{% endfor %}") == "nobody"
    assert value_of("{% for u in users if u.age is defined %}${loop.index}/${loop.length}{% endfor %}") == "1/1"


def test_braces_around_an_expression_between_statements_are_just_text() -> None:
    assert value_of("{% if flag %}{${n}}{% endif %}") == "{5}"


def test_what_a_loop_sets_is_gone_after_it() -> None:
    with pytest.raises(UndefinedName):
        value_of("{% for u in users %}{% endfor %}${u}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${n", "not closed by '}'"),
        ("${", "not closed"),
        ("{{ n", "not closed by '}}'"),
        ("${'n}", "a quote is not closed"),
        ("${}", "empty"),
        ("${n n}", "unexpected 'n'"),
        ("${n +}", "'n +' is not a valid expression: something is missing at its end"),
        ("${n = 5}", "unexpected '=' (to compare, write ==)"),
        ("${n == “x”}", "unexpected '“' (quotes are ' or \" in it)"),
        ("${n ? 1 : 2}", "unexpected '?'"),
        ("${n|uper}", "no filter 'uper' (did you mean 'upper'?)"),
        ("${n is od}", "no test 'od' (did you mean 'odd'?)"),
        ("{% include 'x' %}", "no statement 'include'"),
        ("${(n])}", "not closed"),
        ("${users[0]()}", "only a function or a method can be called"),
        ("${n + \ufdd0}", "not for interchange"),
        ("${" + "n" * 30_000 + "}", "longer than"),
        ("{% if n %}", "Unexpected end"),
        ("{% set x.y = 1 %}", "only plain names"),
    ],
)
def test_a_syntax_error_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${name + 1}", "'+' cannot be applied to text and number"),
        ("${n / 0}", "division by zero"),
        ("${(-8) ** 0.5}", "no number that JSON knows"),
        ("${n[1:]}", "'[:]' cannot be applied to number"),
        ("${users['a':]}", "bounds of [a:b] are whole numbers"),
        ("${shout(*n)}", "'*' cannot be applied to number"),
        ("${'%s %(a)s'|format(1, a=2)}", "not both"),
        ("${n|divide}", "no filter 'divide'"),
        ("${[1]|join(attribute='x')}", "'x' is not defined"),
        ("${n is divisibleby('x')}", "test 'divisibleby' failed"),
        ("{% for a, b in [1] %}{% endfor %}", "cannot unpack number into 2 names"),
        ("${nothing < 1}", "'<' cannot be applied to null and number"),
        ("${-name}", "'-' cannot be applied to text"),
        ("${name()}", "'name' is text, not a function"),
        ("${shout}", "write shout() to call it"),
        ("${shout()}", "shout(): "),
        ("${name.uper()}", "did you mean 'upper'"),
        ("${'x' if n > 9}", "no 'else'"),
        ("{% for x in n %}{% endfor %}", "not number"),
        ("${users|map(attribute='age')|list}", "'age' is not defined"),
    ],
)
def test_a_failing_evaluation_says_why(text: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        value_of(text)
    assert reason in str(caught.value)


def test_methods_of_plain_values_can_be_called() -> None:
    assert value_of("${name.upper()}") == "ANN"
    assert value_of("${name.replace('n', 'm')}") == "Amm"
    assert value_of("${'{}-{:02d}'.format(name, n)}") == "Ann-05"
    assert value_of("${'-'.join(['a', 5, true])}") == "a-5-true"
    assert value_of("${users[0].keys()}") == ["name", "age"]
    assert value_of("${users[1].get('age', 1)}") == 1


def test_functions_are_called_by_name_and_from_maps() -> None:
    assert value_of("${shout('a')}") == "A!"
    assert value_of("${lib.shout(name)}", {**NAMES, "lib": {"shout": NAMES["shout"]}}) == "ANN!"


def test_filters_write_text_as_json_writes_it() -> None:
    assert value_of("${[true, 5.0]|join(',')}") == "true,5.0"
    assert value_of("${user.roles|tojson}") == '[{"id": 7}]'
    assert value_of("${'<a>'|tojson}") == '"<a>"'
    assert value_of("${'<'|e}") == "&lt;"
    assert type(value_of("${'<'|safe}")) is str


def test_a_value_of_any_depth_is_rendered_its_keys_included() -> None:
    value = {"${name}": [{"a": "${n}"}, 1], "b": None}
    assert render(value, NAMES) == {"Ann": [{"a": 5}, 1], "b": None}
    assert value == {"${name}": [{"a": "${n}"}, 1], "b": None}


def test_what_has_no_templates_is_given_back_itself() -> None:
    value = {"a": ["{", {"b": 1}]}
    assert render(value, NAMES) is value


def test_key_and_value_become_text_and_type() -> None:
    assert render({"k${n}": "${n}", "${n}": 1}, NAMES) == {"k5": 5, "5": 1}


def test_legacy_templates_give_text_only() -> None:
    assert render("${n}", NAMES, legacy=True) == "5"
    assert render("${user.roles}", NAMES, legacy=True) == '[{"id": 7}]'


def test_legacy_templates_leave_out_what_is_undefined_and_warn() -> None:
    warnings: list[str] = []
    assert render(["a${no}b", "{% if flag %}${user.no}{% endif %}c"], NAMES, legacy=True, warn=warnings.append) == [
        "ab",
        "c",
    ]
    assert [warning.partition(" (")[0] for warning in warnings] == [
        "'no' is not defined",
        "'user.no' is not defined",
    ]


def test_legacy_templates_still_fail_where_they_are_wrong() -> None:
    with pytest.raises(TemplateError):
        render("${n + name}", NAMES, legacy=True)


def test_a_template_knows_its_free_names_and_its_calls() -> None:
    template = compile_template("${a.b} ${f(c)|default(d)} {% for x in e %}${x ~ g}{% endfor %}")
    assert template.names == {"a", "f", "c", "d", "e", "g"}
    assert template.calls == {"f"}
    assert compile_template("${a.b[0]}").names == {"a"}
    assert compile_expression("a == b.c").names == {"a", "b"}


def test_compiling_the_same_text_again_costs_nothing() -> None:
    assert compile_template("${n + 1} once") is compile_template("${n + 1} once")


def test_all_syntax_errors_of_a_value_are_found_with_their_paths() -> None:
    value = {"a": ["${n}", "${"], "b": {"${n +}": "{{ x"}, "c": 5}
    found = {path: str(error) for path, error in check_syntax(value)}
    assert set(found) == {("a", 1), ("b", "${n +}")}
    paths = [path for path, _ in check_syntax(value)]
    assert paths == [("a", 1), ("b", "${n +}"), ("b", "${n +}")]


def test_a_call_of_no_known_function_can_be_found_before_the_run() -> None:
    ((path, error),) = check_syntax(["${uuidd()}", "${range(3)}"], functions={"uuid"})
    assert path == (0,)
    assert "did you mean 'uuid'" in str(error)
    assert not list(check_syntax(["${uuidd()}"]))


def test_conditions_are_checked_as_expressions() -> None:
    assert [path for path, _ in check_syntax({"and": ["n >", "n > 1"]}, condition=True)] == [("and", 0)]
    assert not list(check_syntax("n >"))


def test_plain_paths_and_text_never_import_jinja() -> None:
    program = (
        "import sys\n"
        "from sisyphus.values.template import render, condition_holds\n"
        "assert render(['${a.b[0].c} x {{ a }}', '$${x}'], {'a': {'b': [{'c': 1}]}})[1] == '${x}'\n"
        "assert condition_holds('${a}', {'a': 1})\n"
        "assert not {'jinja2', 'jsonpath', 'lxml', 'jsonschema'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_every_error_of_a_template_is_a_step_error() -> None:
    assert issubclass(UndefinedName, TemplateError)
    assert issubclass(TemplateError, StepError)
