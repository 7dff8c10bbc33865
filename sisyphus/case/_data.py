"""The spellings of where the rows of a case come from; files are read when the case is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sisyphus.case._expecting import constant
from sisyphus.case._files import UnreadableError, bytes_of
from sisyphus.case._shapes import as_map, example, expected, require, unknown
from sisyphus.case.draft import spellings, take
from sisyphus.case.model import DataSource
from sisyphus.case.rows import RowsError, csv_rows, json_rows, mapped_rows
from sisyphus.case.yaml import Map
from sisyphus.errors import Mark
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sisyphus.case.draft import Draft, Findings, Place

_SOURCE: Final = spellings(
    "type", "file_path", "delimiter", "encoding", "has_header", "data_key", "database", "sql", "params", "rows",
    path="file_path", file="file_path", connection="database", query="sql", key="data_key", data="rows",
)  # fmt: skip
_TYPES: Final = {
    "csv": "csv",
    "json": "json",
    "database": "database",
    "db": "database",
    "inline": "inline",
    "list": "inline",
}
_EXAMPLE: Final = "data_source: {type: csv, file_path: users.csv}"
_NEEDED: Final = {
    "file_path": "data_provider: {type: csv, file_path: users.csv}",
    "sql": "data_provider: {database: shop, sql: select name from users}",
    "rows": "data_provider: [{user: ann}, {user: bob}]",
}
_LARGEST: Final = 512 * 1024 * 1024  # bytes of a file of rows


def data_source(config: Draft, file: str, root: Path, above: Mapping[str, Any], found: Findings) -> DataSource | None:
    """Takes the keys of data out of the settings.

    Args:
        config: the settings.
        file: the case file.
        root: the project's folder.
        above: the variables that win over those of a row.
        found: where problems go.
    """
    place, source = config.place_of("data_source"), config.pop("data_source", None)
    wanted = _typed(config, "data_iterations", bool, tr("true or false"), found)
    prefix = _typed(config, "variable_prefix", str, tr("text"), found)
    if source is None or wanted is False:
        return None
    draft = _draft(source, place, found)
    if draft is None:
        return None
    kind: Any = draft["type"]
    rows = [] if kind == "database" else _rows(draft, kind, file, root, found)
    if kind == "database":
        _check_query(draft, found)
    return DataSource(
        type=kind, rows=rows, database=draft.get("database"), sql=draft.get("sql"), params=draft.get("params"),
        prefix=prefix or "", above=frozenset(above), where=Mark(*place),
    )  # fmt: skip


def provider(written: Map, found: Findings) -> Map:
    """The mapping of a step's `data_provider`, which says what a `data_source` says, under the model's names."""
    draft = take(written, _SOURCE, "data_provider", found)
    kind = draft.get("type")
    if kind is None or not constant(kind):
        kind = "database" if "sql" in draft else "inline" if "rows" in draft else "csv"
    if str(kind).lower() in _TYPES:
        needed = {"database": "sql", "inline": "rows"}.get(_TYPES[str(kind).lower()], "file_path")
        require(draft, needed, tr("a data_provider needs {key}", key=needed), _NEEDED[needed], found)
    else:
        message = tr("unknown type '{name}' of data_provider", name=kind)
        found.wrong(draft.place_of("type"), message, unknown(str(kind), _TYPES))
    given = Map(*draft.place)
    for key in draft.keys() & set(_SOURCE.values()):
        given[key] = draft[key]
        given.marks[key] = (*draft.place_of(key)[1:], *draft.place_of(key)[1:])
    return given


def _typed(config: Draft, key: str, type_: type, what: str, found: Findings) -> Any:
    place, value = config.place_of(key), config.pop(key, None)
    if value is None or isinstance(value, type_):
        return value
    found.wrong(place, f"{key}: {expected(what, value)}")
    return None


def _draft(source: Any, place: Place, found: Findings) -> Draft | None:
    if isinstance(source, list):
        from sisyphus.case.draft import Draft

        draft = Draft(place)
        draft.put("type", "inline", place)
        draft.put("rows", source, place)
        return draft
    mapping = as_map(source, place, "data_source", found, _EXAMPLE)
    if mapping is None:
        return None
    draft = take(mapping, _SOURCE, "data_source", found)
    kind = draft.get("type", _evident(draft))
    if kind is None and not draft.lacks("type"):
        return None
    if kind is None:
        found.wrong(place, tr("data_source needs a type"), example(_EXAMPLE))
        return None
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        shown = str(kind)
        found.wrong(
            draft.place_of("type"), tr("unknown type '{name}' of data_source", name=shown), unknown(shown, _TYPES)
        )
        return None
    draft["type"] = _TYPES[kind.lower()]
    return draft


def _evident(draft: Draft) -> str | None:
    if "rows" in draft:
        return "inline"
    path = draft.get("file_path")
    ending = path.rpartition(".")[2].lower() if isinstance(path, str) else None
    return ending if ending in {"csv", "json"} else None


def _check_query(draft: Draft, found: Findings) -> None:
    from sisyphus.case._databasing import check_database, check_sql

    for key in ("database", "sql"):
        if draft.get(key) is None:
            found.wrong(draft.place, tr("data_source of type {type} needs {key}", type="database", key=key))
    if draft.get("database") is not None:
        check_database(draft["database"], draft.place_of("database"), found)
    check_sql(draft, found)


def _rows(draft: Draft, kind: str, file: str, root: Path, found: Findings) -> list[dict[str, Any]]:
    shown, place = file, draft.place_of("rows")
    try:
        if kind == "inline":
            return mapped_rows(draft.get("rows"))
        place = draft.place_of("file_path")
        path = _path(draft, kind, file, root, found)
        if path is None:
            return []
        shown = str(draft["file_path"])
        options = _options(draft, kind, found)
        return (csv_rows if kind == "csv" else json_rows)(bytes_of(path, _LARGEST), **options)
    except RowsError as exc:
        if exc.line is not None:
            place = (shown, exc.line, 1)
        found.wrong(place, f"{shown}: {exc}" if kind != "inline" and exc.line is None else str(exc), exc.hint)
    except UnreadableError as exc:
        found.wrong(place, f"{shown}: {exc.message}", exc.hint)
    return []


def _options(draft: Draft, kind: str, found: Findings) -> dict[str, Any]:
    options = {"encoding": _typed(draft, "encoding", str, tr("text"), found)}
    if kind == "json":
        options["data_key"] = _typed(draft, "data_key", str, tr("text"), found)
    else:
        place, delimiter = draft.place_of("delimiter"), _typed(draft, "delimiter", str, tr("text"), found)
        if delimiter is not None:
            delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter.lower(), delimiter)
            if len(delimiter) != 1 or delimiter in '"\r\n':
                found.wrong(place, tr("delimiter must be one character, got {value!r}", value=delimiter))
                delimiter = None
        options["delimiter"] = delimiter
        options["has_header"] = _typed(draft, "has_header", bool, tr("true or false"), found)
    return {key: value for key, value in options.items() if value is not None}


def _path(draft: Draft, kind: str, file: str, root: Path, found: Findings) -> Path | None:
    """The file, relative to the case file or to the project's folder, inside of which it has to be."""
    written, place = draft.get("file_path"), draft.place_of("file_path")
    if not isinstance(written, str) or not written:
        message = tr("data_source of type {type} needs {key}", type=kind, key="file_path")
        found.wrong(place, message, example(_EXAMPLE))
        return None
    inside = root.resolve()
    try:
        candidates = [(folder / written).resolve() for folder in (Path(file).parent, root)]
        there = next((path for path in candidates if path.is_file()), None)
    except (OSError, ValueError, RuntimeError) as exc:  # too long; characters no path has; links in a circle
        found.wrong(place, tr("'{path}' cannot be a file: {reason}", path=written[:200], reason=exc))
        return None
    if not any(path.is_relative_to(inside) for path in candidates):
        found.wrong(place, tr("{path} is outside the project's folder {root}", path=written, root=root))
    elif there is None:
        hint = tr("Paths are relative to the case file: {folder}.", folder=Path(file).resolve().parent)
        found.wrong(place, tr("the file {path} does not exist", path=written), hint)
    elif not there.is_relative_to(inside):
        found.wrong(place, tr("{path} is outside the project's folder {root}", path=written, root=root))
    else:
        return there
    return None
