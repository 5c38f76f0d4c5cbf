"""A new database for a test that needs one."""

from __future__ import annotations

from pathlib import Path

from meshwright.store.database import Database, sqlite_url


def fresh(folder: Path) -> Database:
    """A new, migrated database in that folder."""
    database = Database(sqlite_url(folder / "mesh.db"))
    database.migrate()
    return database
