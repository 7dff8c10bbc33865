"""`faker` in templates: real methods of Faker's providers, repeatable, and no way to anything else."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from sisyphus.errors import TemplateError
from sisyphus.values import _faker
from sisyphus.values.functions import build_functions
from sisyphus.values.template import compile_template


def rendered(text: str, *, seed: int | None = 1, locale: str | None = None) -> Any:
    return compile_template(text).render(build_functions(seed=seed, locale=locale))


def refused(text: str) -> str:
    with pytest.raises(TemplateError) as caught:
        rendered(text)
    return str(caught.value)


def test_a_name_is_called_as_a_method_or_given_as_text() -> None:
    assert "@" in rendered("${faker.email()}")
    assert rendered("${faker.email()}") == rendered("${faker('email')}")
    assert rendered("Dear ${faker.first_name()}!").startswith("Dear ")


def test_arguments_are_the_methods_own() -> None:
    assert rendered("${faker.random_int(min=7, max=7)}") == 7
    assert rendered("${faker('random_element', ['a'])}") == "a"
    assert len(rendered("${faker.text(max_nb_chars=20)}")) <= 20


def test_a_locale_is_given_for_one_value_or_for_all() -> None:
    one = rendered("${faker.name(locale='zh_CN')}")
    assert one == rendered("${faker('name', locale='zh-CN')}") == rendered("${faker.name()}", locale="zh_CN")
    assert not one.isascii()
    assert rendered("${faker.name(locale='en_US')}", locale="zh_CN").isascii()


def test_a_seed_makes_values_repeatable_and_cases_do_not_disturb_each_other() -> None:
    text = compile_template("${faker.name()}, ${faker.pyint()}")
    alone = build_functions(seed=5)
    expected = [text.render(alone) for _ in range(5)]
    one, other = build_functions(seed=5), build_functions(seed=6)
    assert [(text.render(one), text.render(other))[0] for _ in range(5)] == expected
    assert len({rendered("${faker.uuid4()}", seed=None) for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("${faker.date_time()}", str),
        ("${faker.date_object()}", str),
        ("${faker.pydecimal(left_digits=3, right_digits=2)}", float),
        ("${faker.profile()}", dict),
        ("${faker.pyset()}", list),
        ("${faker.latlng()}", list),
        ("${faker.boolean()}", bool),
    ],
)
def test_values_are_those_of_json(text: str, kind: type) -> None:
    value = rendered(text)
    assert type(value) is kind
    assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${faker.nmae()}", "faker has no 'nmae' (did you mean 'name'?)"),
        ("${faker('emial')}", "faker has no 'emial' (did you mean 'email'?)"),
        ("${faker.name}", "'faker.name' is a function: write faker.name() to call it"),
        ("${faker}", "'faker' is a function: write faker() to call it"),
        ("${faker()}", "faker() takes the name of what is wanted first: faker('name')"),
        ("${faker(5)}", "faker() takes the name of what is wanted first: faker('name')"),
        ("${faker.name(1)}", "faker.name(): too many positional arguments"),
        ("${faker.random_int(min=9, max=1)}", "faker.random_int(): "),
        ("${faker.name(locale='xx_XX')}", "faker has no locale 'xx_XX'"),
        ("${faker.name(locale='zh_CM')}", "faker has no locale 'zh_CM' (did you mean 'zh_CN'?)"),
        ("${faker.name(locale=['zh_CN'])}", "faker has no locale '['zh_CN']'"),
        ("${faker.binary(length=5)}", "faker.binary() gives bytes, which is no JSON value"),
        ("${faker.text(max_nb_chars=99999999)}", "faker.text(): max_nb_chars is at most 10000"),
        ("${faker.random_number(digits=99999999)}", "faker.random_number(): digits is at most 10000"),
        ("${faker.json(num_rows=99999999)}", "faker.json(): num_rows is at most 10000"),
    ],
)
def test_what_cannot_be_made_up_is_told(text: str, message: str) -> None:
    assert refused(text).startswith(message)


@pytest.mark.parametrize(
    "name",
    ["seed_instance", "add_provider", "get_providers", "providers", "random", "format", "parse", "set_formatter",
     "__init__", "__class__", "_Generator__config", "generator"],
)  # fmt: skip
def test_nothing_but_the_methods_of_providers_can_be_reached(name: str) -> None:
    assert refused(f"${{faker('{name}')}}").startswith(f"faker has no '{name}'")
    assert refused(f"${{faker.json(data_columns={{'a': '{name}'}}, num_rows=1)}}")
    if name != "format":  # which is a word of the language of these texts
        assert refused(f"${{faker.pystr_format('{{{{{name}}}}}')}}")


def test_where_it_is_not_installed_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    _faker._methods.cache_clear()
    expected = "'faker' needs a package that is not installed: pip install 'sisyphus-api-engine[faker]'"
    try:
        assert refused("${faker.name()}") == expected
        assert refused("${faker('name')}") == expected
    finally:
        _faker._methods.cache_clear()


def test_it_is_not_imported_before_it_is_used() -> None:
    program = """
        import sys
        from sisyphus.values.functions import build_functions
        from sisyphus.values.template import compile_template
        assert compile_template("${random_str()}").render(build_functions())
        assert "faker" not in sys.modules
        """.replace("\n        ", "\n")
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
