"""The rows of a data source, and the cases that they make of one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from sisyphus.case.model import Row
from sisyphus.errors import nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.model import Case, DataSource

_SHOWN: Final = 10  # of the keys that a message lists

# What Excel and databases put between cells instead of a comma, and how it is written in a case.
_OTHER_DELIMITERS: Final = {";": '";"', "\t": "tab", "|": '"|"'}


class RowsError(Exception):
    """Data that has no rows, or wrong ones; `line` is where, if the file has lines.

    Attributes:
        hint: what to do about it.
    """

    def __init__(self, message: str, hint: str | None = None, *, line: int | None = None) -> None:
        super().__init__(message)
        self.hint: Final = hint
        self.line: Final = line


def csv_rows(
    data: bytes, *, encoding: str = "utf-8", delimiter: str = ",", has_header: bool = True
) -> list[dict[str, Any]]:
    """The rows of a CSV file: cells are text, an empty one is null.

    Raises:
        RowsError: it has none, or one is shorter or longer than the header, or the header shows another delimiter.
    """
    lines = csv.reader(io.StringIO(_decoded(data, encoding), newline=""), delimiter=delimiter, strict=True)
    columns: list[str] = []
    rows: list[dict[str, Any]] = []
    try:
        for cells in lines:
            if not any(cells):
                continue  # a blank line
            if not columns:
                columns = (
                    _header(cells, lines.line_num) if has_header else [f"column_{n + 1}" for n in range(len(cells))]
                )
                if has_header:
                    continue
            if len(cells) != len(columns):
                message = tr("{given} cells where there are {wanted} columns", given=len(cells), wanted=len(columns))
                raise RowsError(message, tr("quote a cell that holds the delimiter"), line=lines.line_num)
            rows.append({column: cell or None for column, cell in zip(columns, cells, strict=True)})
    except csv.Error as exc:
        raise RowsError(tr("this is no CSV: {reason}", reason=exc), line=lines.line_num) from exc
    return _some(rows)


def _header(cells: list[str], line: int) -> list[str]:
    names = [cell.strip() for cell in cells]
    other = next((sign for sign in _OTHER_DELIMITERS if len(names) == 1 and sign in cells[0]), None)
    if other is not None:
        message = tr("there is one column, called '{name}'", name=names[0])
        raise RowsError(message, tr("write delimiter: {delimiter}", delimiter=_OTHER_DELIMITERS[other]), line=line)
    if not all(names):
        raise RowsError(tr("a column has no name"), tr("name every column, or write has_header: false"), line=line)
    twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if twice is not None:
        raise RowsError(tr("two columns are called '{name}'", name=twice), line=line)
    return names


def json_rows(data: bytes, *, encoding: str = "utf-8", data_key: str | None = None) -> list[dict[str, Any]]:
    """The rows of a JSON file: a list of objects, which stands at `data_key` (``data.users``) or is all of it.

    Raises:
        RowsError: there are none.
    """
    try:
        value = json.loads(_decoded(data, encoding))
    except json.JSONDecodeError as exc:
        raise RowsError(tr("this is no JSON: {reason}", reason=exc.msg), line=exc.lineno) from exc
    except RecursionError as exc:
        raise RowsError(tr("this is no JSON: {reason}", reason=exc)) from exc
    for part in (data_key or "").removeprefix("$").strip(".").split("."):
        if part:
            value = _inner(value, part, data_key)
    return mapped_rows(value)


def _inner(value: Any, part: str, data_key: str | None) -> Any:
    if isinstance(value, dict) and part in value:
        return value[part]
    known = list(value)[:_SHOWN] if isinstance(value, dict) else []
    near = nearest(part, known)
    hint = tr("did you mean '{near}'?", near=near) if near else tr("keys there: {keys}", keys=", ".join(known) or "-")
    raise RowsError(tr("data_key {key}: there is no '{part}'", key=data_key, part=part), hint)


def mapped_rows(value: Any) -> list[dict[str, Any]]:
    """A list of mappings as rows.

    Raises:
        RowsError: it is none.
    """
    if not isinstance(value, list):
        raise RowsError(tr("the rows must be a list of mappings"), tr("a JSON file may have them under data_key"))
    wrong = next((index for index, row in enumerate(value) if not isinstance(row, Mapping)), None)
    if wrong is not None:
        raise RowsError(
            tr("row {number} is no mapping", number=wrong + 1), tr("write for example {example}", example="{user: ann}")
        )
    return _some(value)


def _some(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not rows:
        raise RowsError(tr("there are no rows"), tr("a case with data runs once for each row"))
    return rows


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeError as exc:
        line = data.count(b"\n", 0, getattr(exc, "start", 0)) + 1
        hint = tr("write encoding: gbk if it comes from Excel, or save it as UTF-8")
        raise RowsError(tr("this is not {encoding}", encoding=encoding), hint, line=line) from None
    except (LookupError, ValueError):  # ValueError: a null byte in the name
        raise RowsError(
            tr("unknown encoding '{name}'", name=encoding), tr("known: {names}", names="utf-8, gbk, utf-16")
        ) from None


def cases_of(case: Case, source: DataSource, rows: Sequence[Mapping[str, Any]]) -> Iterator[Case]:
    """A case for each row: they share everything but the row and the name, which gets its number, from 1."""
    for index, values in enumerate(rows):
        row = Row(source=source, values=values, index=index, total=len(rows))
        yield evolve(case, name=f"{case.name} [#{index + 1}]", data=None, row=row)


def planned(cases: Sequence[Case]) -> list[Case]:
    """The cases with a case for each row, where the rows are known before the run: those of a database are not."""
    result: list[Case] = []
    for case in cases:
        if case.data is not None and case.data.rows:
            result += cases_of(case, case.data, case.data.rows)
        else:
            result.append(case)
    return result
