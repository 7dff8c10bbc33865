"""Which database a map or a URL means, and that no message shows a password."""

from __future__ import annotations

from typing import Any

import pytest

from sisyphus.database.target import Target, target_of
from sisyphus.errors import FieldError


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ({"type": "sqlite"}, Target(type="sqlite", path=":memory:")),
        ({"type": "SQLite", "path": "a.db"}, Target(type="sqlite", path="a.db")),
        ({"type": "sqlite", "database": "a.db"}, Target(type="sqlite", path="a.db")),
        ("sqlite://", Target(type="sqlite", path=":memory:")),
        ("sqlite:///data/a.db", Target(type="sqlite", path="data/a.db")),
        ({"type": "postgres"}, Target(type="postgresql", port=5432)),
        ({"type": "mariadb", "host": "db", "port": "3307", "username": "u", "password": 123, "db": "d"},
         Target(type="mysql", host="db", port=3307, user="u", password="123", database="d")),
        ("postgresql+psycopg://u:p%40ss%2F@db:5433/shop",
         Target(type="postgresql", host="db", port=5433, user="u", password="p@ss/", database="shop")),
        ({"url": "mysql+pymysql://u@[::1]/d"}, Target(type="mysql", host="::1", port=3306, user="u", database="d")),
    ],
)  # fmt: skip
def test_a_database_is_said_by_a_map_or_a_url(written: Any, target: Target) -> None:
    assert target_of(written) == target


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"path": "a.db"}, "a database needs a type"),
        ({"type": "oracle"}, "unknown database type 'oracle'"),
        ({"type": "sqlite", "pth": "a"}, "unknown key 'pth' in database (did you mean 'path'?)"),
        ({"type": "mysql", "port": 0}, "port must be a number from 1 to 65535, got 0"),
        ({"type": "mysql", "port": "x"}, "port must be a number from 1 to 65535, got 'x'"),
        ({"type": "mysql", "password": ["secret"]}, "password must be text, got 'list'"),
        ({"url": "mysql://a", "host": "b"}, "a database is said by a url or by its parts, not by both"),
        ("mongodb://secret@h", "unknown database type 'mongodb'"),
        ("postgresql://u:secret@h:99999/d", "the database URL cannot be read; write special characters as %XX"),
        (["secret"], "a database is a mapping, a name or a URL, got 'list'"),
    ],
)
def test_what_is_no_database_is_said_without_its_password(written: Any, message: str) -> None:
    with pytest.raises(FieldError) as caught:
        target_of(written)
    assert str(caught.value) == message


def test_a_database_is_shown_without_its_password() -> None:
    target = target_of("postgresql://u:secret@h/d")
    assert str(target) == "postgresql://u@h:5432/d"
    assert "secret" not in repr(target)
