"""Validations made into data: what was checked, what was found, and whether it holds."""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from attrs import field, frozen

from sisyphus.case.model import ABSENT, NOWHERE, Check
from sisyphus.comparable import Comparable
from sisyphus.errors import FieldError, Mark, QueryError, StepError
from sisyphus.values._patience import Patience
from sisyphus.values._text import shorten, to_text
from sisyphus.values.compare import ALIASES, Verdict, compare, operator_named
from sisyphus.values.query import Found, compile_query, find_named
from sisyphus.values.template import refuse, render
from sisyphus.words import tr

Status = Literal["passed", "failed", "error"]

# Where the comparator `status_code` means the response's own status, even if the body has a key of that name, as those
# of many services have, with a number of their own.
_STATUS: Final = frozenset({"$.status_code", "status_code"})


@frozen(kw_only=True, eq=False, repr=False)
class CheckResult(Comparable):
    """What came of one validation.

    Attributes:
        path: where it looked, rendered; None for combinations.
        expect: what was expected, rendered; `ABSENT` where nothing was written.
        actual: the value found there (all of them, if the comparator looks at all), or `ABSENT`.
        status: `error` means that it could not be checked.
        message: why it did not pass.
        checks: the parts of `and`, `or` and `not`.
    """

    op: str
    path: str | None = None
    expect: Any = ABSENT
    actual: Any = ABSENT
    status: Status = "passed"
    message: str | None = None
    description: str | None = None
    where: Mark = NOWHERE
    checks: tuple[CheckResult, ...] = field(default=())


def validate(
    checks: Sequence[Check],
    view: Mapping[str, Any],
    names: Mapping[str, Any],
    *,
    resolve_file: Callable[[str], str] | None = None,
    legacy: bool = False,
) -> list[CheckResult]:
    """Makes all checks, whatever the first ones say.

    Args:
        checks: the validations; `path`, `expect` and `error_message` may hold templates.
        view: the response, or another step's result, as `Query.find` takes it.
        names: what templates see.
        resolve_file: reads a file of the project as text, for schemas in files.
        legacy: whether what is expected becomes text wherever it has a template (``compat: legacy``).

    Returns:
        A result for each check, in order. What could not be checked is an `error` among them, never an exception.
    """
    around = _Around(view, names, resolve_file, legacy)
    return [_check(check, around) for check in checks]


@frozen(eq=False, repr=False)
class _Around(Comparable):
    """What all checks of one result are made with."""

    view: Mapping[str, Any]
    names: Mapping[str, Any]
    resolve_file: Callable[[str], str] | None
    legacy: bool

    def expected(self, value: Any) -> Any:
        return render(value, self.names, legacy=self.legacy, warn=refuse)


def _check(check: Check, around: _Around) -> CheckResult:
    if check.op in {"and", "or", "not"}:
        return _combination(check, around)
    names = around.names
    path: str | None = check.path
    expect: Any = check.expect
    actual: Any = ABSENT
    try:
        path = _path(check, names)
        expect = around.expected(check.expect)
        if check.source is not None:
            found, path = find_named(around.view, check.source, path), f"$.{check.source}s.{path}"
        elif check.op == "status_code" and path in _STATUS and "status_code" in around.view:
            found = Found((around.view["status_code"],))
        else:
            found = compile_query(path).find(around.view)
        actual = _actual(check.op, found)
        with Patience(QueryError):
            verdict = _compare(check.op, found, _schema_of(check, expect, around.resolve_file))
    except StepError as error:
        status: Status = "error"
        message: str | None = str(error)
    else:
        status = "passed" if verdict.holds else "failed"
        message = verdict.message
        if status == "failed":
            message = _explained(message, found)
            message = _own_message(check, message, {"actual": actual, "expected": expect, "path": path}, names)
    return CheckResult(
        op=check.op,
        path=path,
        expect=expect,
        actual=actual,
        status=status,
        message=message,
        description=_rendered_text(check.description, names),
        where=check.where,
    )


def _path(check: Check, names: Mapping[str, Any]) -> str:
    if check.path is not None:
        return to_text(render(check.path, names))
    path = operator_named(check.op).path
    if path is None:
        raise FieldError(tr("'{op}' needs a path", op=check.op))
    return path


def _schema_of(check: Check, expect: Any, resolve_file: Callable[[str], str] | None) -> Any:
    if check.op != "schema" or not isinstance(expect, str):
        return expect
    if resolve_file is None:
        raise QueryError(tr("a schema is a map here; there are no files to read"))
    try:
        return json.loads(resolve_file(expect))
    except (OSError, ValueError, RecursionError) as error:
        raise QueryError(tr("the schema {path} cannot be read: {reason}", path=expect, reason=error)) from error


def _actual(op: str, found: Found) -> Any:
    several = len(found.values) > 1 and ALIASES.get(op, op) in {"in", "not_in", "contains", "not_contains"}
    return list(found.values) if several else found.first


def _compare(op: str, found: Found, expect: Any) -> Verdict:
    if not found.found:
        return compare(op, ABSENT, expect, absent=True)
    canonical = ALIASES.get(op, op)
    if len(found.values) > 1 and canonical in {"in", "not_in"}:
        verdicts = [compare(op, value, expect) for value in found.values]
        return next((verdict for verdict in verdicts if not verdict.holds), verdicts[0])
    actual = _actual(op, found)
    verdict = compare(op, actual, expect)
    if not found.many or len(found.values) > 1 or canonical not in {"contains", "not_contains"}:
        return verdict
    # One match of a path that could have selected several is both a text to look into and a list of one: what holds
    # may not depend on how many the server sent.
    as_list = compare(op, [actual], expect)
    if canonical == "contains":
        return verdict if verdict.holds else Verdict(as_list.holds, verdict.message)
    return verdict if not verdict.holds else as_list


def _explained(message: str | None, found: Found) -> str | None:
    return f"{message}: {found.broke_at}" if found.broke_at and not found.found else message


def _own_message(check: Check, message: str | None, values: dict[str, Any], names: Mapping[str, Any]) -> str | None:
    if check.error_message is None:
        return message
    if values["actual"] is ABSENT:
        values["actual"] = tr("nothing")
    try:
        return shorten(to_text(render(check.error_message, ChainMap(values, names))), 2000)  # type: ignore[arg-type]  # a ChainMap only writes to its first map
    except StepError as error:
        return tr("{message} (error_message could not be rendered: {error})", message=message, error=error)


def _rendered_text(text: str | None, names: Mapping[str, Any]) -> str | None:
    if text is None:
        return None
    try:
        return to_text(render(text, names))
    except StepError:
        return text  # a description is only shown: as written is better than no result


def _combination(check: Check, around: _Around) -> CheckResult:
    parts = tuple(_check(part, around) for part in check.checks)
    status = _combined_status(check.op, [part.status for part in parts])
    message = None if status == "passed" else _combined_message(check.op, parts)
    if status == "failed":
        message = _own_message(check, message, {"actual": message, "expected": check.op, "path": None}, around.names)
    return CheckResult(
        op=check.op,
        status=status,
        message=message,
        description=_rendered_text(check.description, around.names),
        where=check.where,
        checks=parts,
    )


def _combined_status(op: str, parts: Sequence[Status]) -> Status:
    if op == "or" and "passed" in parts:
        return "passed"
    if "error" in parts:  # what could not be checked decides nothing
        return "failed" if op == "and" and "failed" in parts else "error"
    if op == "or":
        return "failed"
    all_hold = "failed" not in parts
    return "passed" if all_hold is (op == "and") else "failed"


def _combined_message(op: str, parts: Sequence[CheckResult]) -> str:
    if op == "not":
        return tr("expected this not to hold, but it does")
    reasons = "; ".join(f"{part.path or part.op}: {part.message}" for part in parts if part.status != "passed")
    if op == "or":
        return tr("none of {count} holds: {reasons}", count=len(parts), reasons=shorten(reasons, 600))
    return shorten(reasons, 600)
