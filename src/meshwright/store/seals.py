"""Which decisions have their digest in the audit log, and everything of them that is digested."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import and_, func, or_, select, update

from meshwright.store.database import Transaction
from meshwright.store.decisions import INTERRUPTED
from meshwright.store.tables import attempts, decisions

FORM = 1
"""The version of what is digested: with another list of columns it is another one."""
_DECISION = (
    "id", "at", "day", "principal", "dialect", "asked", "route", "strategy", "served", "outcome", "status", "stream",
    "seconds", "first_byte", "cost_nano", "input_tokens", "output_tokens", "task", "answer",
)  # fmt: skip
_ATTEMPT = (
    "n", "model", "provider", "outcome", "status", "input", "cache_read", "cache_write", "cache_write_1h",
    "audio_input", "output", "reasoning", "audio_output", "requests", "estimated", "cost_nano", "unpriced",
)  # fmt: skip

Digested = tuple[str, bytes, list[Any], list[list[Any]]]
"""A decision: its id, its trace, its other values, and the values of its attempts in order."""


def unsealed(transaction: Transaction, limit: int, settled: float) -> list[str]:
    """Ids of decisions without a seal, the earliest first.

    One that was interrupted at `settled` (seconds since 1970) or later is left out: its real end may still come.
    """
    d = decisions.c
    final = or_(d.outcome != INTERRUPTED, d.at < settled)
    query = select(d.id).where(and_(d.sealed.is_(None), final)).order_by(d.at, d.id).limit(limit)
    return list(transaction.execute(query).scalars())


def mark(transaction: Transaction, ids: Collection[str], seq: int) -> None:
    """These are sealed by that entry."""
    transaction.execute(update(decisions).where(decisions.c.id.in_(ids)).values(sealed=seq))


def by_id(transaction: Transaction, ids: Collection[str]) -> Iterator[tuple[int | None, Digested]]:
    """Those of the ids that there are, each with the number of its seal."""
    yield from _digested(transaction, decisions.c.id.in_(ids))


def of(transaction: Transaction, seq: int) -> Iterator[Digested]:
    """Everything that an entry has sealed, in no order."""
    for _, one in _digested(transaction, decisions.c.sealed == seq):
        yield one


def counts(transaction: Transaction) -> tuple[dict[int, int], int]:
    """(how many decisions each seal has, how many have none)."""
    d = decisions.c
    rows = transaction.execute(select(d.sealed, func.count()).group_by(d.sealed)).all()
    found = {seal: number for seal, number in rows if seal is not None}
    return found, sum(number for seal, number in rows if seal is None)


def _digested(transaction: Transaction, which: Any) -> Iterator[tuple[int | None, Digested]]:
    calls: dict[str, list[list[Any]]] = {}
    a = attempts.c
    chosen = select(a.decision, *(a[name] for name in _ATTEMPT)).join(decisions, decisions.c.id == a.decision)
    for row in transaction.execute(chosen.where(which).order_by(a.decision, a.n)):
        calls.setdefault(row[0], []).append(list(row[1:]))
    columns = [decisions.c[name] for name in _DECISION]
    for row in transaction.execute(select(decisions.c.sealed, decisions.c.trace, *columns).where(which)):
        id = row[2]
        yield row[0], (id, bytes(row[1]), list(row[2:]), calls.get(id, []))
