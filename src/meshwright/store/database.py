"""One database: opened, brought up to date, and used in transactions that either happen whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from meshwright.store.failures import translated
from meshwright.types.errors import StoreError

Transaction = Connection
"""What the functions of this room work in: `with database.begin() as transaction: keys.put(transaction, key)`."""

_MODE = "meshwright_mode"
_VANISHING = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Seconds, times, milliseconds: https://www.postgresql.org/docs/current/libpq-connect.html. Else it waits for hours."""
_MIGRATING = 0x6D657368
"""The number of PostgreSQL's lock for whoever brings the schema up to date."""
_ACTING = 0x6D657369
"""The same for acts that must not run beside each other."""


def sqlite_url(path: Path) -> str:
    """The address of a SQLite database file."""
    return URL.create("sqlite", database=str(path)).render_as_string()


class Database:
    """A database by its address: "sqlite:////folder/mesh.db". May be used from several threads and processes at once.

    SQLite runs in WAL mode with synchronous=NORMAL (a `kill -9` loses nothing, a power failure perhaps the last
    transactions, never consistency; see `flush`). `busy_seconds` is how long to wait for another writer.
    Every method raises StoreError, with the fix where there is one.
    """

    def __init__(self, url: str, *, busy_seconds: float = 10.0) -> None:
        try:
            address = make_url(url)
            sqlite = address.get_backend_name() == "sqlite"
        except (ArgumentError, NoSuchModuleError) as problem:
            raise StoreError("The database address is not one.", fix="Write sqlite:////folder/mesh.db.") from problem
        self.where = address.database or "" if sqlite else address.render_as_string(hide_password=True)
        self._sqlite = sqlite
        if sqlite and self.where in ("", ":memory:"):
            raise StoreError("A database in memory is a different one for each thread.", fix="Name a file.")
        try:
            self._engine = create_engine(address, pool_pre_ping=not sqlite, connect_args=_vanishing(address))
        except (ImportError, NoSuchModuleError) as problem:
            raise StoreError(
                f"There is no driver here for {self.where}.",
                fix="Use sqlite:////folder/mesh.db, or install the driver.",
            ) from problem
        if sqlite:
            _make_folder(Path(self.where))
            self._reading: dict[str, Any] = {_MODE: "read"}
            event.listen(self._engine, "connect", _sqlite_connect(int(busy_seconds * 1000)))
            event.listen(self._engine, "begin", _sqlite_begin)
        else:
            self._reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    def migrate(self) -> None:
        """Bring the schema up to date, from nothing or from an older version, in one transaction.

        Refuses a schema that is newer than this program and a database that belongs to something else.
        """
        config = Config()
        config.set_main_option("script_location", "meshwright.store:migrations")
        known = ScriptDirectory.from_config(config)
        with self.begin() as transaction:
            if not self._sqlite:  # whose write lock is taken already
                transaction.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
            current = MigrationContext.configure(transaction).get_current_revision()
            if current == known.get_current_head():
                return
            if current is not None and current not in {revision.revision for revision in known.walk_revisions()}:
                raise StoreError(
                    f"The database {self.where} has schema {current}, which is newer than this version of Meshwright.",
                    fix="Start the newer version again, or restore the backup from before the upgrade.",
                )
            if current is None and inspect(transaction).get_table_names():
                raise StoreError(
                    f"The database {self.where} has tables that are not Meshwright's.", fix="Name another database."
                )
            config.attributes["connection"] = transaction
            command.upgrade(config, "head")

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A transaction that writes: committed at the end, rolled back on any exception.

        On SQLite it takes the one write lock at once, so what it read is still true when it writes.
        """
        with translated(self.where), self._engine.begin() as transaction:
            yield transaction

    @contextmanager
    def alone(self) -> Iterator[Transaction]:
        """A transaction that writes, of which only one runs at a time: what it read is still true when it writes.

        On SQLite that holds for all that write. For acts of people; too slow for what requests do.
        """
        with self.begin() as transaction:
            if not self._sqlite:
                transaction.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ACTING})")
            yield transaction

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that only reads, one unchanging picture; it neither waits for a writer nor holds one up."""
        with (
            translated(self.where),
            self._engine.connect().execution_options(**self._reading) as connection,
            connection.begin() as outer,
        ):
            yield connection
            outer.rollback()

    def flush(self, *, empty: bool = False) -> None:
        """Put everything that was committed on the disk itself, against power failure. A no-op but on SQLite.

        `empty` also takes from the log what was deleted since; it waits for those who read meanwhile.
        """
        if self._sqlite:
            options = {_MODE: "none"}
            with translated(self.where), self._engine.connect().execution_options(**options) as connection:
                # Outside of any transaction; a checkpoint syncs the log before it moves what is in it.
                connection.exec_driver_sql(f"PRAGMA wal_checkpoint({'TRUNCATE' if empty else 'PASSIVE'})")

    def close(self) -> None:
        """Close every connection. It can still be used: connections open again."""
        self._engine.dispose()


def _vanishing(address: URL) -> dict[str, int]:
    """How long to wait for a PostgreSQL whose machine is gone without a word; what the address says itself holds."""
    if address.get_backend_name() != "postgresql" or address.get_driver_name() not in ("psycopg", "psycopg2"):
        return {}
    return {name: value for name, value in _VANISHING.items() if name not in address.query}


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise StoreError(
            f"The folder {file.parent} of the database cannot be made: {problem.strerror}.",
            fix="Make its parent writable for this user, or name another folder.",
        ) from problem


def _sqlite_connect(busy_milliseconds: int) -> Any:
    def connect(connection: Any, _record: Any) -> None:
        # The driver's own, half implicit transactions are switched off; `_sqlite_begin` says when one begins.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={busy_milliseconds}")
        if cursor.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return connect


def _sqlite_begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get(_MODE, "write")
    if mode != "none":
        reading = mode == "read"
        connection.exec_driver_sql(f"PRAGMA query_only={reading:d}")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
