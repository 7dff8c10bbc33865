"""What can be known of paths, patterns and expected values before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sisyphus.errors import QueryError, StepError, TemplateError
from sisyphus.values._patterns import compile_pattern
from sisyphus.values.compare import OPERATORS
from sisyphus.values.query import compile_query
from sisyphus.values.template import compile_template
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Findings, Place

# Comparators that cannot work with every expected value, each with an actual value that makes them look at it.
_PROBES: Final[dict[str, Any]] = {
    "between": 0, "in": None, "not_in": None, "regex": "", "type": None, "is_empty": None, "is_null": None,
    "is_not_null": None, "exists": None, "status_code": 0, "schema": None, "approx": 0,
    **{f"length_{name}": "" for name in ("eq", "gt", "lt", "ge", "le")},
}  # fmt: skip


def constant(value: Any) -> bool:
    """Whether there is nothing to render in a value of any depth."""
    if isinstance(value, str):
        if "{" not in value:
            return True
        try:
            return compile_template(value).constant and "$${" not in value
        except TemplateError:  # which is told by whoever looks at templates
            return False
    if isinstance(value, dict):
        return all(constant(key) and constant(inner) for key, inner in value.items())
    return all(map(constant, value)) if isinstance(value, list) else True


def check_path(path: str, place: Place, found: Findings, name: str = "path") -> None:
    """Notes a path into the response that is none, if there is nothing to render in it."""
    if constant(path):
        try:
            compile_query(path)
        except QueryError as error:
            found.wrong(place, f"{name}: {error}")


def check_expectation(op: str, expect: Any, place: Place, found: Findings) -> None:
    """Notes an expected value that the comparator can never work with."""
    if op not in _PROBES or not constant(expect):
        return
    if op == "schema" and isinstance(expect, str):
        return  # the path of a file, which is read when the step runs
    try:
        OPERATORS[op].test(_PROBES[op], expect)
    except StepError as error:
        found.wrong(place, str(error))


def check_pattern(pattern: str, place: Place, found: Findings) -> int | None:
    """Notes a regular expression that is none, if there is nothing to render in it.

    Returns:
        How many groups it has; None if that cannot be known.
    """
    if not constant(pattern):
        return None
    before = len(found.problems)
    check_expectation("regex", pattern, place, found)
    return compile_pattern(pattern).groups if len(found.problems) == before else None


def check_group(group: Any, pattern: str, groups: int, place: Place, found: Findings) -> None:
    """Notes a group that the pattern does not have."""
    number = int(group) if isinstance(group, str) and group.isdecimal() else group
    known = compile_pattern(pattern).groupindex
    if (isinstance(number, int) and not 0 <= number <= groups) or (isinstance(number, str) and number not in known):
        named = tr(" and {names}", names=", ".join(known)) if known else ""
        message = tr("the pattern has no group {group}", group=group)
        found.wrong(place, message, tr("it has the groups 0 to {last}{named}", last=groups, named=named))
