"""A worker's way to the database: opened at the first need, used in threads, never on the event loop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshwright.store.database import Database


class Opening:
    """The database at an address, or at a file's if that is empty. Calling it gives the opened one."""

    def __init__(self, url: str, file: Path) -> None:
        self._url = url
        self._file = file
        self._opened: Database | None = None

    def __call__(self) -> Database:
        """The database. Raises StoreError."""
        if self._opened is None:
            # Imported here because SQLAlchemy takes 20 MiB and 0.2 s that a worker whom nobody asks never needs.
            from meshwright.store.database import Database, sqlite_url

            self._opened = Database(self._url or sqlite_url(self._file))
        return self._opened
