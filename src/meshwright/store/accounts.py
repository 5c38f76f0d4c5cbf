"""What is spent and lent of each allowance in each window: the one place where a budget is kept.

A process never spends from an account: it borrows a part (`lend`), spends that without asking anybody, and writes what
it spent into its journal. Whoever imports the journal charges the account (`charge`), in the transaction that stores
the traces, so each of them counts once. What a process did not use it gives back (`give_back`); when it is dead and its
journal is read to the end, `free` gives back the rest. At any moment `spent + held` covers all that was and can be
spent, and `lend` never takes it over the allowance.

An answer may use more than was set aside for it. Its process then has less than nothing until it borrows again: its
lease goes below zero. What is held of the account does not, or others could borrow what was spent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import delete, select, update

from meshwright.store import upsert
from meshwright.store.database import Transaction
from meshwright.store.rows import Lease, Lent, Standing
from meshwright.store.tables import accounts, allowances, leases
from meshwright.store.windows import Window, window
from meshwright.types.principal import Allowance

SHARE = 20
"""At most this part of an allowance is lent at once, and a quarter of what is left, if a request needs no more."""


def lend(transaction: Transaction, life: str, wanted: Window, least: int, most: int, now: float) -> Lent:
    """Lend a process `least` of an account, or more, up to `most` or a usual share; nothing when there is not enough.

    In vain it leaves word that somebody wants it. Call it in a transaction that writes.
    """
    new = {**msgspec.structs.asdict(wanted), "id": wanted.id, "spent": 0, "held": 0, "wants": 0}
    upsert.insert_missing(transaction, accounts, [new])
    amount = transaction.execute(
        select(allowances.c.amount).where(
            allowances.c.owner == wanted.owner,
            allowances.c.measure == wanted.measure,
            allowances.c.per == wanted.per,
        )
    ).scalar()
    here = accounts.c.id == wanted.id
    # Locked from here on: on SQLite the whole database is.
    row = transaction.execute(select(accounts.c.spent, accounts.c.held).where(here).with_for_update()).one()
    before = _held(transaction, life, wanted.id)
    over = max(0, -before)  # used without having it, and spent already: it need not be left once more
    left = most if amount is None else amount - row.spent - row.held + over
    if left < least or left <= 0:
        if least:
            transaction.execute(update(accounts).where(here).values(wants=accounts.c.wants + 1))
        return Lent(0, amount, row.spent, row.held)
    share = left if amount is None else min(amount // SHARE, left // 4)
    granted = min(left, max(least, share, min(most, left // 2)))
    if granted:
        raised = update(accounts).where(here).values(held=accounts.c.held + max(0, granted - over))
        if amount is not None:
            raised = raised.where(accounts.c.spent + accounts.c.held + granted - over <= amount)
        if transaction.execute(raised).rowcount != 1:
            return Lent(0, amount, row.spent, row.held)
        _hold(transaction, life, wanted.id, granted, now)
    return Lent(granted, amount, row.spent, row.held + max(0, granted - over))


def _hold(transaction: Transaction, life: str, account: str, granted: int, now: float) -> None:
    upsert.insert_missing(transaction, leases, [{"account": account, "life": life, "held": 0, "renewed": now}])
    here = (leases.c.account == account) & (leases.c.life == life)
    transaction.execute(update(leases).where(here).values(held=leases.c.held + granted, renewed=now))


def _lock(transaction: Transaction, life: str, ids: Collection[str]) -> None:
    """Lock these accounts, and all that the life holds of; before any lease and in order, so that no ring can close."""
    mine = select(leases.c.account).where(leases.c.life == life)
    query = select(accounts.c.id).where(accounts.c.id.in_(ids) | accounts.c.id.in_(mine)).order_by(accounts.c.id)
    transaction.execute(query.with_for_update()).all()


def give_back(transaction: Transaction, life: str, unused: Mapping[str, int]) -> None:
    """A process no longer holds so much of these accounts (by id)."""
    _lock(transaction, life, unused)
    for account, amount in sorted(unused.items()):
        if (row := _lease(transaction, life, account)) is not None:
            # What was charged for it, because it was taken for lost, was not spent after all.
            uncharged = min(row.written_off, max(0, amount - row.held))
            _move(transaction, life, account, row.held, uncharged - amount, spent=-uncharged, written_off=-uncharged)


def charge(transaction: Transaction, life: str, spent: Mapping[str, int]) -> None:
    """A life of a journal has spent so much of these accounts (by id), out of what it holds of them."""
    if spent:
        _lock(transaction, life, spent)
    for account, amount in sorted(spent.items()):
        row = _lease(transaction, life, account)
        if row is None:
            _change(transaction, account, spent=amount)
        else:
            known = min(row.written_off, max(0, amount))
            _move(transaction, life, account, row.held, known - amount, spent=amount - known, written_off=-known)


def write_off(transaction: Transaction, life: str) -> dict[str, int]:
    """Charge all that a life holds, by account: nobody knows what of it was spent, and perhaps nobody ever will.

    Its journal takes the place of this if it comes. Places of requests at the same time are free: nothing runs there.
    """
    _lock(transaction, life, ())
    found: dict[str, int] = {}
    query = select(leases.c.account, leases.c.held, accounts.c.per).join(accounts, accounts.c.id == leases.c.account)
    for row in transaction.execute(query.where(leases.c.life == life).order_by(leases.c.account)).all():
        charged = 0 if row.per == "moment" else max(0, row.held)
        _move(transaction, life, row.account, row.held, -row.held, spent=charged, written_off=charged)
        found[row.account] = charged
    return found


def _lease(transaction: Transaction, life: str, account: str) -> Any:
    here = (leases.c.account == account) & (leases.c.life == life)
    return transaction.execute(select(leases.c.held, leases.c.written_off).where(here)).one_or_none()


def _held(transaction: Transaction, life: str, account: str) -> int:
    row = _lease(transaction, life, account)
    return 0 if row is None else int(row.held)


def _move(
    transaction: Transaction, life: str, account: str, before: int, held: int, *, spent: int, written_off: int
) -> None:
    """Change a lease, which was `before`, and its account by so much."""
    here = (leases.c.account == account) & (leases.c.life == life)
    values = {"held": leases.c.held + held, "written_off": leases.c.written_off + written_off}
    transaction.execute(update(leases).where(here).values(values))
    _change(transaction, account, spent=spent, held=max(0, before + held) - max(0, before))


def _change(transaction: Transaction, account: str, *, spent: int, held: int = 0) -> None:
    values = {"spent": accounts.c.spent + spent, "held": accounts.c.held + held}
    transaction.execute(update(accounts).where(accounts.c.id == account).values(values))


def free(transaction: Transaction, life: str) -> int:
    """Give back all that a life of a journal still holds: it is over, and all it spent is charged. How many leases."""
    _lock(transaction, life, ())
    mine = leases.c.life == life
    rows = transaction.execute(select(leases).where(mine).order_by(leases.c.account)).all()
    for row in rows:
        _change(transaction, row.account, spent=-row.written_off, held=-max(0, row.held))
    if rows:
        transaction.execute(delete(leases).where(mine))
    return len(rows)


def every_lease(transaction: Transaction) -> tuple[Lease, ...]:
    """All that is lent, in order of lives."""
    query = select(leases, accounts.c.owner, accounts.c.measure, accounts.c.per).join(
        accounts, accounts.c.id == leases.c.account
    )
    return tuple(
        Lease(
            life=row.life,
            account=row.account,
            owner=row.owner,
            measure=row.measure,
            per=row.per,
            held=row.held,
            written_off=row.written_off,
            renewed=row.renewed,
        )
        for row in transaction.execute(query.order_by(leases.c.life, leases.c.account))
    )


def wants(transaction: Transaction, ids: Collection[str]) -> dict[str, int]:
    """How often each of these accounts was found empty."""
    query = select(accounts.c.id, accounts.c.wants).where(accounts.c.id.in_(ids))
    return {row.id: row.wants for row in transaction.execute(query)}


def standing(transaction: Transaction, found: Collection[Allowance], now: float) -> tuple[Standing, ...]:
    """How the present window of each allowance stands."""
    told = []
    for one in found:
        here = window(one, now)
        row = transaction.execute(select(accounts).where(accounts.c.id == here.id)).one_or_none()
        spent, held = (row.spent, row.held) if row is not None else (0, 0)
        told.append(Standing(**msgspec.structs.asdict(here), amount=one.amount, spent=spent, held=held))
    return tuple(told)


def forget(transaction: Transaction, before: float) -> None:
    """Forget accounts of minutes and days that ended before that time and of which nobody holds anything."""
    over = (accounts.c.until < before) & accounts.c.per.in_(("minute", "day"))
    empty = leases.c.account.in_(select(accounts.c.id).where(over)) & (leases.c.held == 0)
    transaction.execute(delete(leases).where(empty))
    transaction.execute(delete(accounts).where(over & accounts.c.id.not_in(select(leases.c.account))))
