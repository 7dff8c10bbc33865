"""The spellings of how a database is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sisyphus.case._shapes import as_map, example, expected, unknown
from sisyphus.case.draft import take
from sisyphus.database.target import KEYS, KINDS
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Draft, Findings, Place
    from sisyphus.case.yaml import Map

_EXAMPLE: Final = "database: {type: sqlite, path: shop.db}"


def check_database(value: Any, place: Place, found: Findings) -> None:
    """Notes what can be known to be wrong with a database; text is a name, a URL or a template of either."""
    if isinstance(value, str):
        if "://" in value and "{" not in value:
            _check_kind(value.partition("://")[0].partition("+")[0], place, found)
        return
    source = as_map(value, place, tr("a database"), found, _EXAMPLE)
    if source is None:
        return
    draft = take(source, KEYS, tr("a database"), found)
    if draft.lacks("type") and draft.lacks("url"):
        found.wrong(draft.place, tr("a database needs a type"), example(_EXAMPLE))
    elif isinstance(kind := draft.get("type"), str) and "{" not in kind:
        _check_kind(kind, draft.place_of("type"), found)
    if "url" in draft:
        for key in draft.keys() - {"type", "url"}:
            message = tr("a database is said by a url or by its parts, not by both")
            found.wrong(draft.place_of(key), message, tr("keep one of them"))


def _check_kind(written: str, place: Place, found: Findings) -> None:
    if written.lower() not in KINDS:
        found.wrong(place, tr("unknown database type '{name}'", name=written), unknown(written, KINDS))


def check_connections(value: Map, found: Findings) -> None:
    """The databases that `config.connections` names."""
    for name, inner in value.items():
        check_database(inner, (value.file, *value.marks[name][2:]), found)


def check_sql(draft: Draft, found: Findings) -> None:
    """SQL is text; values in it belong in `params`."""
    sql = draft.get("sql")
    if sql is None:
        return
    if not isinstance(sql, str):
        found.wrong(draft.place_of("sql"), f"{draft.key_of('sql')}: {expected(tr('text'), sql)}")
        draft.discard("sql")
    elif "${" in sql.replace("$${", "") or "{{" in sql:
        found.warn(
            draft.place_of("sql"),
            tr('a template inside sql: values belong in params (sql: … where id = ?, params: ["${id}"])'),
        )
