"""Insert-or-leave and insert-or-replace, in the words that SQLite and PostgreSQL share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from meshwright.store.database import Transaction


def insert_missing(transaction: Transaction, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; one whose primary key is there already is left as it is."""
    if rows:
        transaction.execute(_insert(transaction, table).on_conflict_do_nothing(), list(rows))


def put(transaction: Transaction, table: Table, row: dict[str, Any]) -> None:
    """Insert a row, or replace every value of the one with its primary key."""
    key = [column.name for column in table.primary_key]
    values = {name: value for name, value in row.items() if name not in key}
    statement = _insert(transaction, table).values(row).on_conflict_do_update(index_elements=key, set_=values)
    transaction.execute(statement)


def _insert(transaction: Transaction, table: Table) -> sqlite.Insert | postgresql.Insert:
    # Two types with the same methods: the toolkit has no common one.
    return postgresql.insert(table) if transaction.dialect.name == "postgresql" else sqlite.insert(table)
