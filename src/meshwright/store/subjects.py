"""Keys by which the data of one person can be read, until the person is erased."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Row, select, update

from meshwright.store import upsert
from meshwright.store.database import Transaction
from meshwright.store.rows import Subject
from meshwright.store.tables import subjects


def get_or_put(transaction: Transaction, fresh: Subject) -> Subject:
    """The subject of that name; `fresh` becomes it when there is none."""
    upsert.insert_missing(transaction, subjects, [msgspec.structs.asdict(fresh)])
    found = find(transaction, fresh.subject or "")
    assert found is not None  # it was there, or it is now
    return found


def find(transaction: Transaction, subject: str) -> Subject | None:
    """The subject of that name; None when there is none, or it was erased."""
    row = transaction.execute(select(subjects).where(subjects.c.subject == subject)).one_or_none()
    return None if row is None else _subject(row)


def by_id(transaction: Transaction, ids: Collection[str]) -> dict[str, Subject]:
    """Those of the ids that there are, erased ones too."""
    rows = transaction.execute(select(subjects).where(subjects.c.id.in_(ids)))
    return {row.id: _subject(row) for row in rows}


def erase(transaction: Transaction, id: str, at: float) -> bool:
    """Forget name and key for good; False when that was done before or there is no such subject."""
    if transaction.dialect.name == "sqlite":
        # What is freed is overwritten, instead of waiting in the file until something else needs its place.
        transaction.exec_driver_sql("PRAGMA secure_delete=ON")
    statement = update(subjects).where(subjects.c.id == id, subjects.c.erased.is_(None))
    return transaction.execute(statement.values(subject=None, key=None, erased=at)).rowcount == 1


def _subject(row: Row[Any]) -> Subject:
    return Subject(
        id=row.id,
        subject=row.subject,
        key=None if row.key is None else bytes(row.key),
        created=row.created,
        erased=row.erased,
    )
