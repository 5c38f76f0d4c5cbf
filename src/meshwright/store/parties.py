"""Teams, users and the gateway: whose bounds and allowances hold for all keys below them."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row, delete, select

from meshwright.store import upsert
from meshwright.store.database import Transaction
from meshwright.store.rows import Party
from meshwright.store.tables import parties
from meshwright.types.principal import Bounds


def put(transaction: Transaction, party: Party) -> None:
    """Insert a party, or replace the one with its id."""
    row = {"id": party.id, "created": party.created, "bounds": msgspec.to_builtins(party.bounds)}
    upsert.put(transaction, parties, row)


def get(transaction: Transaction, id: str) -> Party | None:
    """The party of that id, or None."""
    row = transaction.execute(select(parties).where(parties.c.id == id)).one_or_none()
    return None if row is None else _party(row)


def every(transaction: Transaction) -> tuple[Party, ...]:
    """All of them, by id."""
    return tuple(map(_party, transaction.execute(select(parties).order_by(parties.c.id))))


def remove(transaction: Transaction, id: str) -> bool:
    """Forget it; False when it was not there."""
    return transaction.execute(delete(parties).where(parties.c.id == id)).rowcount == 1


def _party(row: Row[Any]) -> Party:
    return Party(id=row.id, created=row.created, bounds=msgspec.convert(row.bounds, Bounds))
