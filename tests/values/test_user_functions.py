"""Functions of the user's own: called with what the template gives, giving plain data, failing with file and line."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import functools
import inspect
import time
import uuid
from collections import OrderedDict, namedtuple
from typing import Any

import pytest

from sisyphus.case.model import Function
from sisyphus.errors import Mark, TemplateError
from sisyphus.values.template import compile_template
from sisyphus.values.user_functions import callable_by_templates


def rendered(text: str, call: Any, *, limit: float = 5.0, **names: Any) -> Any:
    """A template that may call the function as `f`; what it is called with besides, by name."""
    function = Function(name="f", call=call, where=Mark("functions.py", 3, 1))
    return compile_template(text).render({**callable_by_templates({"f": function}, lambda: limit), **names})


def refused(text: str, call: Any, **options: Any) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        rendered(text, call, **options)
    return caught.value


def test_a_function_gets_values_and_gives_one() -> None:
    def greet(name: str, *, loud: bool = False) -> str:
        return f"Hello {name}" + "!" * loud

    assert rendered("${f('Ann', loud=true)}", greet) == "Hello Ann!"
    assert rendered("<${f(user.name)}>", greet, user={"name": "Bob"}) == "<Hello Bob>"


class Colour(enum.StrEnum):
    RED = "red"


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (None, None),
        ((1, (2, 3)), [1, [2, 3]]),
        (Point(1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        ({2: "a", None: "b", True: "c", 1.5: "d"}, {"2": "a", "null": "b", "true": "c", "1.5": "d"}),
        (OrderedDict(a=[OrderedDict(b=1)]), {"a": [{"b": 1}]}),
        (decimal.Decimal("1.50"), 1.5),
        (decimal.Decimal(15), 15),
        (decimal.Decimal("Infinity"), float("inf")),
        (dt.date(2024, 1, 2), "2024-01-02"),
        (dt.datetime(2024, 1, 2, 3, 4, tzinfo=dt.UTC), "2024-01-02T03:04:00+00:00"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (Colour.RED, "red"),
    ],
)
def test_what_it_gives_becomes_plain_data(given: Any, value: Any) -> None:
    assert rendered("${f()}", lambda: given) == value


def test_plain_data_is_plain_to_the_type() -> None:
    assert type(rendered("${f()}", lambda: Colour.RED)) is str
    assert type(rendered("${f()}", OrderedDict)) is dict


async def coroutine() -> int:
    return 5


def endless() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (object, "object"),
        (lambda: b"x", "bytes"),
        (lambda: [{"a": object}], "type"),
        (lambda: (n for n in "ab"), "generator"),
        (lambda: {(1, 2): 3}, "a dict with a key of type tuple"),
        (endless, "a value that is nested too deeply, or holds itself"),
        (coroutine, "coroutine"),
    ],
)
def test_what_json_does_not_know_is_refused(call: Any, kind: str) -> None:
    error = refused("${f()}", call)
    assert str(error) == f"f() gives {kind}, which is no JSON value (functions.py:3)"
    assert error.suggestion == "Have it return text, a number, true or false, None, a list or a dict."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${f()}", "missing a required argument: 'a'"),
        ("${f(1, 2, 3)}", "too many positional arguments"),
        ("${f(1, c=2)}", "got an unexpected keyword argument 'c'"),
        ("${f(1, a=2)}", "multiple values for argument 'a'"),
    ],
)
def test_wrong_arguments_show_which_it_takes(text: str, reason: str) -> None:
    def function(a: Any, b: int = 2) -> None: ...

    function.__annotations__ = {}
    assert str(refused(text, function)) == f"f(): {reason}; it is f(a, b=2) (functions.py:3)"


def fails() -> None:
    raise KeyError("x")


def fails_deeper() -> None:
    inspect.signature(5)  # type: ignore[arg-type]  # raises in a module of its own


@functools.wraps(fails)
def decorated() -> None:
    fails()


@pytest.mark.parametrize(
    ("call", "line", "reason"),
    [
        (fails, inspect.getsourcelines(fails)[1] + 1, "KeyError: 'x'"),
        (fails_deeper, inspect.getsourcelines(fails_deeper)[1] + 1, "TypeError: 5 is not a callable object"),
        (decorated, inspect.getsourcelines(fails)[1] + 1, "KeyError: 'x'"),
    ],
)
def test_an_exception_is_told_with_the_line_of_the_users_file(call: Any, line: int, reason: str) -> None:
    error = refused("${f()}", call)
    assert str(error) == f"f() failed at functions.py:{line}: {reason}"
    assert error.suggestion == "Look at that line of your function, and at the values it is called with."
    assert isinstance(error.__cause__, (KeyError, TypeError))


def test_a_function_written_in_c_has_its_own_words_for_wrong_arguments() -> None:
    assert str(refused("${f()}", max)).startswith("f() failed at functions.py:3: TypeError: max expected")


def test_an_exception_without_end_is_shortened() -> None:
    def long() -> None:
        raise ValueError("x" * 100_000)

    assert len(str(refused("${f()}", long))) < 300


def test_a_function_that_takes_too_long_is_ended_and_told() -> None:
    error = refused("${f(30)}", time.sleep, limit=0.05)
    assert str(error) == "f() did not end within 0.05 s (functions.py:3)"
    assert (
        error.suggestion == "Nothing else runs while a function does: put what takes long into a step of type script."
    )


def test_the_limit_is_asked_for_each_call() -> None:
    limits = iter([5.0, 0.05])
    function = Function(name="f", call=time.sleep)
    call = callable_by_templates({"f": function}, lambda: next(limits))["f"]
    assert call(0) is None
    with pytest.raises(TemplateError, match=r"within 0\.05 s"):
        call(30)


def test_errors_of_our_own_pass_through() -> None:
    def own() -> None:
        raise TemplateError("as it is")

    assert str(refused("${f()}", own)) == "as it is"
