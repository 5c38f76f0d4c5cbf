"""A new database for a test that needs one: a file of SQLite, or one of a PostgreSQL that runs for the tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from meshwright.store.database import Database, sqlite_url

_servers: list[str] = []
"""The address of the PostgreSQL that tests run over now, if they do."""


def fresh(folder: Path) -> Database:
    """A new, migrated database for that folder; the one that is there when it was asked for before."""
    database = Database(address(folder))
    database.migrate()
    return database


def address(folder: Path) -> str:
    """The address of the folder's database."""
    return database_of(_servers[-1], folder) if _servers else sqlite_url(folder / "mesh.db")


@contextmanager
def over(server: str) -> Iterator[None]:
    """Within it `fresh` gives databases of that server, "" for SQLite."""
    if not server:
        yield
        return
    _servers.append(server)
    try:
        yield
    finally:
        _servers.pop()


def database_of(server: str, folder: Path) -> str:
    """The folder's own database on a PostgreSQL server, made when it is not there."""
    # Imported here because it is an extra.
    import psycopg

    name = f"t{hashlib.sha256(str(folder).encode()).hexdigest()[:24]}"
    with psycopg.connect(server.replace("postgresql+psycopg://", "postgresql://"), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname=%s", (name,)).fetchone() is None:
            connection.execute(f'CREATE DATABASE "{name}"')
    return server.replace("/postgres?", f"/{name}?")
