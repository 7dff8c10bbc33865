"""The functions that templates may call."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from sisyphus.errors import TemplateError
from sisyphus.values.functions import build_functions
from sisyphus.values.template import compile_template

MOMENT = datetime(2026, 3, 4, 15, 6, 7, 89_000).timestamp()  # noqa: DTZ001 - the functions tell local time


def functions(**options: Any) -> dict[str, Callable[..., Any]]:
    return build_functions(clock=lambda: MOMENT, **options)


def call(text: str, **options: Any) -> Any:
    return compile_template(text).render(functions(**options))


def test_random_numbers_stay_in_their_range() -> None:
    assert all(0 <= call("${random()}") <= 1_000_000 for _ in range(50))
    assert {call("${randint(1, 2)}") for _ in range(60)} == {1, 2}
    assert call("${random_int(min=3, max=3)}") == 3


def test_random_text_has_the_length_and_characters_asked_for() -> None:
    assert re.fullmatch(r"[A-Za-z0-9]{8}", call("${random_str()}"))
    assert call("${random_string(length=3, chars='x')}") == "xxx"


def test_uuids_come_with_and_without_dashes() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", call("${uuid()}"))
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", call("${uuid4()}"))


def test_a_seed_makes_the_random_ones_repeatable() -> None:
    text = "${random()} ${uuid()} ${random_str()} ${choice([1, 2, 3, 4])} ${['a', 'b', 'c']|random}"
    assert call(text, seed=7) == call(text, seed=7)
    assert call(text, seed=7) != call(text, seed=8)


def test_without_a_seed_every_case_gets_other_values() -> None:
    assert call("${uuid()}") != call("${uuid()}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${timestamp()}", int(MOMENT)),
        ("${timestamp_ms()}", int(MOMENT * 1000)),
        ("${timestamp_us()}", int(MOMENT * 1_000_000)),
        ("${date()}", "2026-03-04"),
        ("${date('%d.%m.%y')}", "04.03.26"),
        ("${date('yyyy-MM-dd HH:mm:ss')}", "2026-03-04 15:06:07"),
        ("${date(\"yyyy'T'HH.SSS\")}", "2026T15.089"),
        ("${date_format()}", "2026-03-04 15:06:07"),
        ("${now_us()}", "20260304150607089000"),
        ("${now()}", "2026-03-04 15:06:07.089000"),
        ("at ${now()}", "at 2026-03-04 15:06:07.089000"),
        ("${now().strftime('%Y')}", "2026"),
    ],
)
def test_dates_and_times(text: str, expected: Any) -> None:
    assert call(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${md5('a')}", "0cc175b9c0f1b6a831c399e269772661"),
        ("${sha1('a')}", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("${sha256('a')}", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("${hmac_sha256('a', 'key')}", "780c3db4ce3de5b9e55816fba98f590631d96c075271b26976238d5f4444219b"),
        ("${base64_encode('é')}", "w6k="),
        ("${base64_decode('w6k')}", "é"),
        ("${url_encode('a b/é')}", "a%20b%2F%C3%A9"),
        ("${upper('a')}${lower('B')}", "Ab"),
        ("${int('5')}", 5),
        ("${int('5.9')}", 5),
        ("${int('ff', 16)}", 255),
        ("${float('5')}", 5.0),
        ("${bool('false')}", False),
        ("${bool(1)}", True),
        ("${bool('Yes')}", True),
        ("${int(5.9)}", 5),
        ("${str(5.0)}", "5.0"),
        ("${str(true)}", "true"),
        ("${len([1, 2])}", 2),
        ("${json({'a': [true]})}", '{"a": [true]}'),
    ],
)
def test_what_needs_nothing_but_its_arguments(text: str, expected: Any) -> None:
    assert call(text) == expected


def test_they_stand_behind_a_pipe_too() -> None:
    assert call("${'a'|md5}") == "0cc175b9c0f1b6a831c399e269772661"
    assert call("${'a'|hmac_sha256('key')}").startswith("780c3db4")
    assert call("${[1]|json}") == "[1]"


def test_the_environment_is_the_one_given() -> None:
    assert call("${env('HOME')}", env={"HOME": "/h"}) == "/h"
    assert call("${env('NO', 'default')}", env={}) == "default"
    with pytest.raises(TemplateError, match=r"'HOMME' \(did you mean 'HOME'\?\)"):
        call("${env('HOMME')}", env={"HOME": "/h"})


def test_files_are_read_by_whoever_knows_the_project() -> None:
    assert call("${file('a.txt')}", resolve_file=lambda path: f"<{path}>") == "<a.txt>"
    with pytest.raises(TemplateError, match="no files"):
        call("${file('a.txt')}")


def test_a_file_that_cannot_be_read_is_named() -> None:
    def missing(path: str) -> str:
        raise FileNotFoundError(path)

    with pytest.raises(TemplateError, match=r"file\(\): a.txt cannot be read"):
        call("${file('a.txt')}", resolve_file=missing)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("${random('x', 'y')}", "random"),
        ("${random(2, 1)}", "random"),
        ("${random_str(-1)}", "random_str"),
        ("${random_str(10 ** 9)}", "random_str"),
        ("${uuid(1)}", "uuid"),
        ("${choice([])}", "choice"),
        ("${md5()}", "md5"),
        ("${base64_decode('!')}", "base64_decode"),
        ("${int('x')}", "int"),
        ("${bool('maybe')}", "bool"),
        ("${len(5)}", "len"),
        ("${date(5)}", "date"),
        ("${'x'|base64_decode}", "base64_decode"),
    ],
)
def test_wrong_arguments_are_an_error_that_names_the_function(text: str, name: str) -> None:
    with pytest.raises(TemplateError, match=rf"{name}\(\)"):
        call(text)


def test_they_say_so_too_when_they_are_called_directly() -> None:
    with pytest.raises(TemplateError, match=r"^random\(\): "):
        functions()["random"](1, 2, 3)
