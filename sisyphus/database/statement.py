"""SQL with its parameters, brought to what a driver takes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from attrs import frozen

from sisyphus.errors import FieldError, nearest
from sisyphus.words import tr

Operation = Literal["query", "exec", "executemany", "script"]

OPERATIONS: Final[dict[str, Operation]] = {
    "query": "query", "select": "query", "exec": "exec", "execute": "exec", "executemany": "executemany",
    "script": "script",
}  # fmt: skip
"""From each word that `operation` may say to the operation."""

MOST_ROWS: Final = 10_000

_PARTS: Final = r"""
    (?P<skip> '(?:{escape}[^'])*' | "(?:{escape}[^"])*" | `[^`]*` | --[^\n]* | /\*.*?\*/ | {dollar} :: )
  | (?P<named> (?<![\w:]):[A-Za-z_]\w* | %\([A-Za-z_]\w*\)s )
  | (?P<percent_s> %s )
  | (?P<question> \? )
  | (?P<percent> % )
"""
# A backslash escapes inside MySQL's strings only; only PostgreSQL quotes with dollars.
_MYSQL: Final = re.compile(_PARTS.replace("{escape}", r"\\.|").replace("{dollar}", ""), re.VERBOSE | re.DOTALL)
_STANDARD: Final = re.compile(
    _PARTS.replace("{escape}", "").replace("{dollar}", r"\$(?P<tag>\w*)\$.*?\$(?P=tag)\$ |"), re.VERBOSE | re.DOTALL
)


@frozen(kw_only=True)
class Statement:
    """What is to be done.

    Attributes:
        params: a list for `?` and `%s`, a mapping for `:name`; for `executemany` a list of either.
        most: how many rows are kept.
    """

    sql: str
    params: Any = None
    operation: Operation = "query"
    most: int = MOST_ROWS


@frozen(kw_only=True)
class Bound:
    """SQL as a driver takes it, and its parameters; those of `executemany` are a list of sets."""

    sql: str
    params: Any


def bind(statement: Statement, style: Literal["qmark", "format"], *, mysql: bool = False) -> Bound:
    """Brings placeholders and parameters to a driver's style: `?` and `:name`, or `%s` and `%(name)s`.

    What stands in quotes or comments is no placeholder. Where there are no parameters, nothing is one.

    Raises:
        FieldError: the parameters do not fit the placeholders.
    """
    params = statement.params
    if statement.operation == "executemany":
        if not isinstance(params, Sequence) or isinstance(params, str) or not params:
            raise FieldError(tr("executemany needs params: a list of lists or of mappings, one for each row"))
        sets = list(params)
    elif params is None or params in ([], {}):
        return Bound(sql=statement.sql, params=None)
    elif statement.operation == "script":
        raise FieldError(tr("a script takes no params"), suggestion=tr("Give each statement a step of its own."))
    else:
        sets = [params]
    sql, names = _rewritten(statement.sql, sets[0], style, _MYSQL if mysql else _STANDARD)
    bound = [_fitting(one, sets[0], names) for one in sets]
    return Bound(sql=sql, params=bound if statement.operation == "executemany" else bound[0])


def _rewritten(sql: str, first: Any, style: str, parts: re.Pattern[str]) -> tuple[str, list[str]]:
    by_name = isinstance(first, Mapping)
    # `?` is an operator of PostgreSQL's JSON as well: where `%s` is written, it is that.
    percent = any(found.lastgroup == "percent_s" for found in parts.finditer(sql))
    names: list[str] = []

    def replace(found: re.Match[str]) -> str:
        text = found[0]
        kind = found.lastgroup
        if by_name and kind == "named":
            name = text[2:-2] if text[0] == "%" else text[1:]
            names.append(name)
            return f":{name}" if style == "qmark" else f"%({name})s"
        if not by_name and kind == ("percent_s" if percent else "question"):
            names.append("")
            return "?" if style == "qmark" else "%s"
        # The driver would take any other percent sign for a placeholder.
        return text.replace("%", "%%") if style == "format" else text

    return parts.sub(replace, sql), names


def _fitting(params: Any, first: Any, names: list[str]) -> Any:
    """One set of parameters as the driver takes it."""
    if isinstance(first, Mapping):
        if not isinstance(params, Mapping):
            raise FieldError(tr("executemany needs sets of parameters of one kind, all lists or all mappings"))
        for name in names:
            if name not in params:
                near = nearest(name, map(str, params))
                hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
                raise FieldError(tr("the sql has :{name}, but params have no '{name}'", name=name) + hint)
        return {name: _value(params[name]) for name in names}
    if not isinstance(params, Sequence) or isinstance(params, str):
        raise FieldError(
            tr(
                "params must be a list for ? and %s or a mapping for :name, got {kind}",
                kind=json.dumps(params, ensure_ascii=False, default=str)[:60],
            )
        )
    if len(params) != len(names):
        raise FieldError(
            tr("the sql has {wanted} placeholders, but there are {given} params", wanted=len(names), given=len(params))
        )
    return [_value(value) for value in params]


def _value(value: Any) -> Any:
    """Lists and mappings are stored as JSON: no driver takes them alike."""
    if not isinstance(value, Mapping | list):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as exc:
        raise FieldError(tr("the database cannot take a parameter: {reason}", reason=exc)) from exc


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):  # the headers of an answer, what a mock server was asked
        return dict(value)
    raise TypeError(tr("{type} is no JSON type", type=type(value).__name__))
