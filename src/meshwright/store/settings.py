"""Small values that outlive a restart, by name; what they mean is their owner's affair."""

from __future__ import annotations

from sqlalchemy import delete, select

from meshwright.store import upsert
from meshwright.store.database import Transaction
from meshwright.store.tables import settings


def get(transaction: Transaction, name: str) -> str | None:
    """The value, or None when it was never put."""
    return transaction.execute(select(settings.c.value).where(settings.c.name == name)).scalar()


def put(transaction: Transaction, name: str, value: str) -> None:
    """Set it, whether or not it was there."""
    upsert.put(transaction, settings, {"name": name, "value": value})


def add(transaction: Transaction, name: str, amount: int) -> None:
    """Add to a whole number, 0 when it was never put; who adds to the same one meanwhile waits."""
    upsert.insert_missing(transaction, settings, [{"name": name, "value": "0"}])
    query = select(settings.c.value).where(settings.c.name == name).with_for_update()
    put(transaction, name, str(int(transaction.execute(query).scalar_one()) + amount))


def remove(transaction: Transaction, name: str) -> bool:
    """Forget it; False when it was not there."""
    return transaction.execute(delete(settings).where(settings.c.name == name)).rowcount == 1


def every(transaction: Transaction) -> dict[str, str]:
    """All of them, by name."""
    return {row.name: row.value for row in transaction.execute(select(settings).order_by(settings.c.name))}
