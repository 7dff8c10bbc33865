"""The rows of a `data_provider` that stand in a file or a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import trio

from sisyphus.case.rows import RowsError, csv_rows, json_rows, mapped_rows
from sisyphus.errors import FieldError
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.steps.protocol import StepContext


async def provided_rows(provider: Any, context: StepContext) -> Sequence[Mapping[str, Any]]:
    """The rows of a rendered provider: the path of a CSV or JSON file, or a mapping as `data_source` has it.

    Raises:
        StepError: they cannot be read.

    Cancelled while a database is asked, the statement is interrupted.
    """
    given = {"file_path": provider} if isinstance(provider, str) else provider
    if not isinstance(given, Mapping):
        raise FieldError(tr("the rows must be a list of mappings"))
    if "rows" in given:
        return _rows_of(given["rows"])
    if "sql" in given:
        from sisyphus.database.statement import Statement

        statement = Statement(sql=str(given["sql"]), params=given.get("params"))
        return (await context.databases.run(context.database(given.get("database")), statement)).rows
    written = str(given.get("file_path") or "")
    try:
        content = await trio.Path(context.resolve_file(written)).read_bytes()
    except OSError as exc:
        raise FieldError(tr("cannot read {path}: {reason}", path=written, reason=exc.strerror or exc)) from exc
    is_json = str(given.get("type") or written.rpartition(".")[2]).lower() == "json"
    keys = ("encoding", "data_key") if is_json else ("encoding", "delimiter", "has_header")
    options: dict[str, Any] = {key: given[key] for key in keys if given.get(key) is not None}
    if "data_key" in options:  # a template may give a number
        options["data_key"] = str(options["data_key"])
    try:
        return json_rows(content, **options) if is_json else csv_rows(content, **options)
    except (RowsError, TypeError) as exc:
        line = f":{exc.line}" if isinstance(exc, RowsError) and exc.line is not None else ""
        hint = exc.hint if isinstance(exc, RowsError) else None
        raise FieldError(f"{written}{line}: {exc}", suggestion=hint) from exc


def _rows_of(value: Any) -> Sequence[Mapping[str, Any]]:
    try:
        return mapped_rows(value)
    except RowsError as exc:
        raise FieldError(str(exc), suggestion=exc.hint) from exc
