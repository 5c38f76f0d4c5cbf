"""What was found out about answers: kept once for each who says it, read in order of arrival."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Row, and_, delete, func, select, update

from meshwright.store.database import Transaction
from meshwright.store.rows import Feedback
from meshwright.store.tables import feedback

_COLUMNS = tuple(feedback.c[name] for name in Feedback.__struct_fields__)


def put(transaction: Transaction, found: Sequence[Feedback]) -> list[bool]:
    """Keep each; a changed mind takes the place of what the same principal said before. Whether each changed anything.

    One that says the same again changes nothing.
    """
    changed = []
    for one in found:
        row = msgspec.structs.asdict(one)
        del row["n"]
        here = and_(*(feedback.c[name] == row[name] for name in ("decision", "model", "kind", "principal")))
        before = transaction.execute(select(feedback.c.score, feedback.c.text).where(here)).one_or_none()
        same = before is not None and (before.score, before.text) == (one.score, one.text)
        changed.append(not same)
        if not same:
            if before is not None:
                transaction.execute(delete(feedback).where(here))
            transaction.execute(feedback.insert(), row)
    return changed


def of(transaction: Transaction, decision: str) -> tuple[Feedback, ...]:
    """All that is known of a decision's answers, in order of arrival."""
    query = select(*_COLUMNS).where(feedback.c.decision == decision).order_by(feedback.c.n)
    return tuple(_read(row) for row in transaction.execute(query))


def after(transaction: Transaction, n: int, limit: int) -> tuple[Feedback, ...]:
    """What arrived after number `n`, in order, without what was set aside."""
    query = select(*_COLUMNS).where(feedback.c.n > n, feedback.c.aside.is_(None)).order_by(feedback.c.n).limit(limit)
    return tuple(_read(row) for row in transaction.execute(query))


def last(transaction: Transaction) -> int:
    """The number of the latest, 0 when there is none."""
    return transaction.execute(select(func.max(feedback.c.n))).scalar() or 0


def scored(transaction: Transaction, since: float) -> tuple[Feedback, ...]:
    """What says something of quality, of questions asked since then, without what was set aside."""
    query = select(*_COLUMNS).where(
        feedback.c.asked >= since, feedback.c.score.is_not(None), feedback.c.aside.is_(None)
    )
    return tuple(_read(row) for row in transaction.execute(query.order_by(feedback.c.n)))


def seen(transaction: Transaction, since: float) -> dict[tuple[str, str], int]:
    """How often each kind was seen, by (model, kind), of what was asked since then; what people say is not in it."""
    query = (
        select(feedback.c.model, feedback.c.kind, func.count())
        .where(feedback.c.principal == "", feedback.c.asked >= since, feedback.c.aside.is_(None))
        .group_by(feedback.c.model, feedback.c.kind)
    )
    return {(model, kind): count for model, kind, count in transaction.execute(query)}


def set_aside(transaction: Transaction, at: float, *, since: float = 0.0, principal: str = "", model: str = "") -> int:
    """Learn no more from what was found out since then (by a principal, about a model). How many that were."""
    chosen = [feedback.c.at >= since, feedback.c.aside.is_(None)]
    if principal:
        chosen.append(feedback.c.principal == principal)
    if model:
        chosen.append(feedback.c.model == model)
    return transaction.execute(update(feedback).where(*chosen).values(aside=at)).rowcount


def _read(row: Row[tuple[object, ...]]) -> Feedback:
    return Feedback(**row._mapping)  # the public way to a row's names
