"""Bounds for what a template may build, and the operations that could exceed them.

A template that asks for the impossible is a mistake (`'a' * 10**9`) or an attack; both end in an error at once instead
of filling the memory of whoever runs the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from sisyphus.errors import TemplateError
from sisyphus.values._text import to_text
from sisyphus.words import tr

MAX_TEXT: Final = 16 * 1024 * 1024  # more than the largest body that is kept by default
MAX_ITEMS: Final = 10_000  # elements of a list that a template makes; those of a response may have more
MAX_ROUNDS: Final = 50_000  # rounds of all loops of one template; calls of filters by it, `map` and `select`
_MAX_FIELDS: Final = 1_000
MAX_BITS: Final = 8192  # of a whole number; Python itself refuses to write much larger ones

_LONG_WIDTH: Final = re.compile(r"\d{5}|\*")
_PERCENT_FORMAT: Final = re.compile(r"%(?:\([^)]*\))?([^a-zA-Z%]*)[a-zA-Z%]")


def too_large(what: str) -> TemplateError:
    """The error for a result beyond the bounds."""
    return TemplateError(tr("{what} would be too large", what=what), suggestion=tr("Make it smaller, or use a script."))


def bounded_range(*bounds: int) -> list[int]:
    """`range`, as a list that is never longer than `MAX_ITEMS`."""
    numbers = range(*bounds)
    # Not len(): it overflows for what does not fit a machine word.
    if numbers and abs((numbers[-1] - numbers[0]) // numbers.step) >= MAX_ITEMS:
        raise too_large("range()")
    return list(numbers)


def multiply(left: Any, right: Any) -> Any:
    """`left * right`, refusing to repeat text or lists without bound."""
    for repeated, times in ((left, right), (right, left)):
        if isinstance(repeated, (str, list, tuple)) and isinstance(times, int):
            limit = MAX_TEXT if isinstance(repeated, str) else MAX_ITEMS
            if times > 0 and len(repeated) * times > limit:
                raise too_large("*")
    if _bits(left) + _bits(right) > MAX_BITS:
        raise too_large("*")
    return left * right


def power(left: Any, right: Any) -> Any:
    """`left ** right`, for numbers whose result can be written down."""
    if isinstance(right, int) and _bits(left) * abs(right) > MAX_BITS:
        raise too_large("**")
    result = left**right
    if isinstance(result, complex):
        raise TemplateError(tr("the root of a negative number is no number that JSON knows"))
    return result


def modulo(left: Any, right: Any) -> Any:
    """`left % right`; of text it is formatting, whose widths are bounded."""
    if isinstance(left, str):
        values = right if isinstance(right, tuple) else right.values() if isinstance(right, dict) else (right,)
        check_fields(left.count("%"), values)
        if any(_LONG_WIDTH.search(match.group(1)) for match in _PERCENT_FORMAT.finditer(left)):
            raise too_large("%")
    return left % right


def add(left: Any, right: Any) -> Any:
    """`left + right`, with a bound on text and lists that grow."""
    if isinstance(left, (str, list)) and isinstance(right, (str, list)):
        check_size(len(left) + len(right), text=isinstance(left, str))
    return left + right


def concatenate(parts: Iterable[Any]) -> str:
    """`a ~ b ~ …`: the parts as text, one after another."""
    return join(parts)


def join(parts: Iterable[Any], between: str = "") -> str:
    """The parts as text with `between` between them."""
    texts: list[str] = []
    length = 0
    for part in parts:
        texts.append(to_text(part))
        length += len(texts[-1]) + len(between)
        check_size(length)
    return between.join(texts)


def replace(text: str, old: str, new: str, count: int | None = None) -> str:
    """`text.replace(old, new)`, its result measured before it is made."""
    found = text.count(old)
    check_size(len(text) + (found if count is None else min(found, abs(count))) * len(new))
    return text.replace(old, new, -1 if count is None else count)


def check_fields(count: int, values: Iterable[Any]) -> None:
    """Refuses to fill so many fields of a format with these values."""
    if count > _MAX_FIELDS:
        raise too_large(tr("the text"))
    check_size(count * max((len(to_text(value)) for value in values), default=0))


def check_format_spec(spec: str) -> None:
    """Refuses ``'{:>1000000000}'``."""
    if _LONG_WIDTH.search(spec):
        raise too_large("format()")


def check_size(size: int, *, text: bool = True) -> None:
    """Refuses text or a list of so many characters or elements."""
    if size > (MAX_TEXT if text else MAX_ROUNDS):
        raise too_large(tr("the text") if text else tr("the list"))


def with_bounded_width(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Wraps a function over text whose numbers and fillers multiply its length (`center`, `indent`, …)."""

    def bounded(text: Any, *args: Any, **options: Any) -> Any:
        growth = 1
        for value in (*args, *options.values()):
            growth = max(growth, abs(value) if isinstance(value, int) else len(value) if isinstance(value, str) else 1)
        # Filling up adds at most `growth` characters per line, and a line has at least one character.
        if growth > MAX_ITEMS or (isinstance(text, str) and (text.count("\n") + 1) * growth > MAX_TEXT):
            raise too_large(f"{name}()")
        return function(text, *args, **options)

    return bounded


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) and not isinstance(value, bool) else 0
