"""Answers that are given again, by the hash of all that they depend on."""

from __future__ import annotations

import msgspec
from sqlalchemy import delete, select

from meshwright.store import upsert
from meshwright.store.database import Transaction
from meshwright.store.rows import Recalled
from meshwright.store.tables import recalled


def put(transaction: Transaction, answer: Recalled) -> None:
    """Keep it, or replace the one that has its place."""
    upsert.put(transaction, recalled, msgspec.structs.asdict(answer))


def get(transaction: Transaction, id: str, now: float) -> Recalled | None:
    """The answer, if its time is not over."""
    row = transaction.execute(select(recalled).where(recalled.c.id == id, recalled.c.until > now)).first()
    return None if row is None else Recalled(**row._asdict())


def sweep(transaction: Transaction, now: float, most: int = 500) -> int:
    """Delete at most that many whose time is over; how many there were."""
    old = list(transaction.execute(select(recalled.c.id).where(recalled.c.until <= now).limit(most)).scalars())
    if old:
        transaction.execute(delete(recalled).where(recalled.c.id.in_(old)))
    return len(old)
