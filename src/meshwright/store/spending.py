"""What was spent, added up in groups: exact where prices are known, and counted where they are not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from meshwright.store.database import Transaction
from meshwright.store.decisions import INTERRUPTED
from meshwright.store.rows import Daily, Spend, SpendBy
from meshwright.store.tables import attempts, decisions


def spend(
    transaction: Transaction,
    by: SpendBy = "model",
    since: float | None = None,
    until: float | None = None,
    only: Mapping[SpendBy, Collection[str]] | None = None,
) -> tuple[Spend, ...]:
    """What was used, in groups, the dearest first; `since` and `until` (excluded) are seconds since 1970.

    By "model" and "provider" every attempt counts for the one it went to; by all else for its request. A request that
    was never sent anywhere costs nothing; one that was interrupted costs nobody knows what. `only` leaves out whatever
    has another value there than one of those.
    """
    a, d = attempts.c, decisions.c
    counted = and_(a.decision.is_not(None), a.cost_nano.is_(None))
    lost = and_(a.decision.is_(None), d.outcome == INTERRUPTED)
    group = _column(by)
    query = (
        select(
            func.coalesce(group, "") if by != "day" else group,
            func.count(d.id.distinct()),
            func.count(a.decision),
            func.coalesce(func.sum(a.cost_nano), 0),
            func.sum(case((or_(counted, lost), 1), else_=0)),
            func.coalesce(func.sum(a.input + a.cache_read + a.cache_write + a.cache_write_1h + a.audio_input), 0),
            func.coalesce(func.sum(a.output + a.reasoning + a.audio_output), 0),
            func.coalesce(func.sum(case((counted, a.charged_nano), else_=0)), 0),
        )
        .select_from(decisions.outerjoin(attempts, a.decision == d.id))
        .group_by(group)
    )
    if since is not None:
        query = query.where(d.at >= since)
    if until is not None:
        query = query.where(d.at < until)
    for kind, wanted in (only or {}).items():
        query = query.where(_column(kind).in_([int(value) for value in wanted] if kind == "day" else list(wanted)))
    rows = [
        Spend(
            name=str(name),
            requests=requests,
            attempts=calls,
            # PostgreSQL adds BIGINTs up to a NUMERIC: a Decimal here.
            cost_nano=int(cost),
            unpriced=int(unpriced),
            input=int(read),
            output=int(written),
            counted_nano=int(aside),
        )
        for name, requests, calls, cost, unpriced, read, written, aside in transaction.execute(query)
    ]
    return tuple(sorted(rows, key=lambda row: (-row.cost_nano, -row.requests, row.name)))


def _column(by: SpendBy) -> ColumnElement[Any]:
    return attempts.c[by] if by in ("model", "provider") else decisions.c[by]


def daily(transaction: Transaction, provider: str, since: float, until: float) -> tuple[Daily, ...]:
    """What the calls to a provider used, for each day (of the request, in UTC) and model."""
    a, d = attempts.c, decisions.c
    query = (
        select(
            d.day,
            a.model,
            func.coalesce(func.sum(a.cost_nano), 0),
            func.sum(case((a.cost_nano.is_(None), 1), else_=0)),
            func.coalesce(func.sum(a.input + a.cache_read + a.cache_write + a.cache_write_1h + a.audio_input), 0),
            func.coalesce(func.sum(a.output + a.reasoning + a.audio_output), 0),
        )
        .select_from(decisions.join(attempts, a.decision == d.id))
        .where(a.provider == provider, d.at >= since, d.at < until)
        .group_by(d.day, a.model)
    )
    return tuple(
        Daily(day=day, model=model, cost_nano=int(cost), unpriced=int(unpriced), input=int(read), output=int(written))
        for day, model, cost, unpriced, read, written in transaction.execute(query)
    )
