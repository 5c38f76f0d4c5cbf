"""How much each key, team, user and the gateway may use."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, select

from meshwright.store import upsert
from meshwright.store.database import Transaction
from meshwright.store.tables import allowances
from meshwright.types.principal import Allowance

_ORDER = (allowances.c.owner, allowances.c.measure, allowances.c.per)


def put(transaction: Transaction, found: Iterable[Allowance]) -> None:
    """Insert each, or replace the amount of the one for the same owner, measure and window."""
    for one in found:
        row = {"owner": one.owner, "measure": one.measure, "per": one.per, "amount": one.amount}
        upsert.put(transaction, allowances, row)


def every(transaction: Transaction, owner: str | None = None) -> tuple[Allowance, ...]:
    """All of them, or those of one owner, by owner, measure and window."""
    query = select(allowances).order_by(*_ORDER)
    if owner is not None:
        query = query.where(allowances.c.owner == owner)
    return tuple(Allowance(row.owner, row.measure, row.per, row.amount) for row in transaction.execute(query))


def remove(transaction: Transaction, owner: str, measure: str = "", per: str = "") -> int:
    """Forget those of an owner, all or of one measure and window; how many there were."""
    statement = delete(allowances).where(allowances.c.owner == owner)
    if measure:
        statement = statement.where(allowances.c.measure == measure, allowances.c.per == per)
    return int(transaction.execute(statement).rowcount)
