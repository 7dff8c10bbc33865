"""Which database is meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

from sisyphus.comparable import Comparable
from sisyphus.errors import FieldError, nearest
from sisyphus.words import tr

Kind = Literal["sqlite", "postgresql", "mysql"]

KINDS: Final[dict[str, Kind]] = {
    "sqlite": "sqlite", "sqlite3": "sqlite", "postgresql": "postgresql", "postgres": "postgresql", "pg": "postgresql",
    "mysql": "mysql", "mariadb": "mysql",
}  # fmt: skip
"""From each word that `type` may say to the database."""

KEYS: Final[dict[str, str]] = {
    **{key: key for key in ("type", "path", "host", "port", "user", "password", "database", "url")},
    "username": "user", "dbname": "database", "db": "database", "db_type": "type", "file": "path", "db_path": "path",
}  # fmt: skip
"""From each key of a database map to the field it means."""

MEMORY: Final = ":memory:"
PORTS: Final = {"postgresql": 5432, "mysql": 3306}
_LAST_PORT: Final = 65535


@frozen(kw_only=True, eq=False, repr=False)
class Target(Comparable):
    """A database; those of a server have a host, those of SQLite a path."""

    type: Kind
    path: str = MEMORY
    host: str = "127.0.0.1"
    port: int = 0
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str | None = None

    def __str__(self) -> str:
        """For messages; never with the password."""
        if self.type == "sqlite":
            return f"sqlite:{self.path}"
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.type}://{user}{host}:{self.port}/{self.database or ''}"


def target_of(written: Any) -> Target:
    """The database that a rendered map or URL means.

    Raises:
        FieldError: it means none.
    """
    if isinstance(written, str):
        return _of_url(written)
    if not isinstance(written, Mapping):
        raise FieldError(
            tr("a database is a mapping, a name or a URL, got {value!r}", value=_kind(written)), suggestion=_example()
        )
    given: dict[str, Any] = {}
    for key, value in written.items():
        name = KEYS.get(str(key))
        if name is None:
            near = nearest(str(key), KEYS)
            hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
            raise FieldError(tr("unknown key '{key}' in {what}", key=key, what="database") + hint)
        if value is not None and value != "":
            given[name] = value
    url = given.pop("url", None)
    if url is None:
        return _of_map(given)
    if given.keys() - {"type"}:
        raise FieldError(tr("a database is said by a url or by its parts, not by both"))
    return _of_url(url)


def _of_map(given: dict[str, Any]) -> Target:
    written = given.pop("type", None)
    kind = KINDS.get(written.lower()) if isinstance(written, str) else None
    if kind is None:
        if written is None:
            raise FieldError(tr("a database needs a type"), suggestion=_example())
        raise FieldError(tr("unknown database type '{name}'", name=written), suggestion=_known())
    if kind == "sqlite":
        path = given.get("path", given.get("database", MEMORY))
        return Target(type=kind, path=_text(path, "path"))
    texts = {key: _text(given[key], key) for key in ("host", "user", "password", "database") if key in given}
    return Target(type=kind, port=_port(given.get("port", PORTS[kind])), **texts)


def _of_url(url: Any) -> Target:
    if not isinstance(url, str) or "://" not in url:
        raise FieldError(tr("a database URL looks like {example}", example="postgresql://user:password@host:5432/name"))
    scheme, _, rest = url.partition("://")
    kind = KINDS.get(scheme.partition("+")[0].lower())
    if kind is None:
        raise FieldError(tr("unknown database type '{name}'", name=scheme), suggestion=_known())
    if kind == "sqlite":  # three slashes before a relative path, four before an absolute one, as SQLAlchemy has it
        return Target(type=kind, path=unquote(rest.removeprefix("/")) or MEMORY)
    try:
        parts = urlsplit(f"{kind}://{rest}")
        port = parts.port
    except ValueError as exc:
        # The URL is not shown, and its cause neither: both may hold the password.
        raise FieldError(tr("the database URL cannot be read; write special characters as %XX")) from exc
    texts = {"host": parts.hostname, "user": parts.username, "password": parts.password, "database": parts.path[1:]}
    return Target(
        type=kind, port=PORTS[kind] if port is None else port,
        **{key: unquote(value) for key, value in texts.items() if value},
    )  # fmt: skip


def _text(value: Any, key: str) -> str:
    if isinstance(value, bool | Mapping | list):
        raise FieldError(tr("{field} must be text, got {value!r}", field=key, value=_kind(value)))
    return str(value)


def _port(value: Any) -> int:
    try:
        port = int(value) if not isinstance(value, bool | float) else -1
    except (TypeError, ValueError):
        port = -1
    if not 0 < port <= _LAST_PORT:
        raise FieldError(tr("port must be a number from 1 to {last}, got {value!r}", last=_LAST_PORT, value=value))
    return port


def _kind(value: Any) -> str:
    """What may be shown of a value that may hold a password: its type."""
    return type(value).__name__


def _known() -> str:
    return tr("known: {names}", names=", ".join(dict.fromkeys(KINDS.values())))


def _example() -> str:
    return tr("write for example {example}", example="database: {type: sqlite, path: shop.db}")
