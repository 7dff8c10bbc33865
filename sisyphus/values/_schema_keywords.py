"""The keywords of JSON Schema that could take forever, in bounded time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from jsonschema import ValidationError
from jsonschema.validators import extend

from sisyphus.errors import QueryError
from sisyphus.values._path_functions import unique
from sisyphus.values._patience import tick
from sisyphus.values._patterns import compile_pattern, search
from sisyphus.values._text import shorten
from sisyphus.words import tr

_Keyword = Callable[[Any, Any, Any, Mapping[str, Any]], Iterable[ValidationError] | None]

_GROUP_REPEATED: Final = re.compile(r"\)[*+{]")


@cache
def bounded(validator_class: Any) -> Any:
    """The same version of JSON Schema, which asks for the time and matches patterns that can be stopped."""
    known: Mapping[str, _Keyword] = validator_class.VALIDATORS
    ours = {name: keyword for name, keyword in _OURS.items() if name in known}
    return extend(  # type: ignore[no-untyped-call]  # the library's own has no types
        validator_class, {name: _impatient(ours.get(name, keyword)) for name, keyword in known.items()}
    )


def check_patterns(schema: Any) -> None:
    """Refuses the one place where the library matches patterns by itself, for those that could take forever.

    Raises:
        QueryError: a pattern is none, or is refused.
    """
    unevaluated = False
    patterns: list[str] = []
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            unevaluated = unevaluated or "unevaluatedProperties" in one
            inner = one.get("patternProperties")
            patterns += map(str, inner) if isinstance(inner, dict) else ()
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    for pattern in patterns:
        compile_pattern(pattern)
        if unevaluated and _GROUP_REPEATED.search(pattern):
            raise QueryError(
                tr("beside unevaluatedProperties, the pattern '{pattern}' may not repeat a group",
                   pattern=shorten(pattern, 80))
            )  # fmt: skip


def _impatient(keyword: _Keyword) -> _Keyword:
    def asked(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterable[ValidationError]:
        tick()
        return keyword(validator, value, instance, schema) or ()

    return asked


def _pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not search(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        for pattern, inner in patterns.items():
            for key, value in instance.items():
                if search(pattern, key):
                    yield from validator.descend(value, inner, path=key, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    listed, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extras = [key for key in instance if key not in listed and not any(search(one, key) for one in patterns)]
    if validator.is_type(allowed, "object"):
        for extra in extras:
            yield from validator.descend(instance[extra], allowed, path=extra)
    elif not allowed and extras:
        names = ", ".join(map(repr, sorted(extras)))
        yield ValidationError(f"Additional properties are not allowed ({names})")


def _unique_items(validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if wanted and validator.is_type(instance, "array") and len(unique(instance)) < len(instance):
        yield ValidationError(f"{instance!r} has non-unique elements")


_OURS: Final[Mapping[str, _Keyword]] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}
