"""Batches and their rows. A row has one result, however often its request was sent: the first one stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, and_, delete, func, or_, select, update

from meshwright.store.database import Transaction
from meshwright.store.rows import ACTIVE, Batch, BatchRow
from meshwright.store.tables import batch_rows, batches

_PAGE = 256


def put(transaction: Transaction, batch: Batch) -> None:
    """Keep a new batch."""
    transaction.execute(batches.insert().values(msgspec.structs.asdict(batch)))


def change(transaction: Transaction, id: str, **values: Any) -> None:
    """Set some of a batch's members."""
    transaction.execute(update(batches).where(batches.c.id == id).values(values))


def get(transaction: Transaction, id: str, owner: str | None = None) -> Batch | None:
    """The batch, or None; of that owner only, if one is named."""
    query = select(batches).where(batches.c.id == id)
    if owner is not None:
        query = query.where(batches.c.owner == owner)
    row = transaction.execute(query).one_or_none()
    return None if row is None else _batch(row)


def page(transaction: Transaction, owner: str, kind: str, limit: int, after: str = "", before: str = "") -> list[Batch]:
    """Up to `limit` batches of that owner and kind, newest first: after one of them, or those just before one."""
    at, id = batches.c.created, batches.c.id
    query = select(batches).where(batches.c.owner == owner, batches.c.kind == kind)
    mark = get(transaction, after or before, owner) if after or before else None
    if mark is not None and after:
        query = query.where(or_(at < mark.created, and_(at == mark.created, id < mark.id)))
    elif mark is not None:
        query = query.where(or_(at > mark.created, and_(at == mark.created, id > mark.id)))
        return [_batch(row) for row in transaction.execute(query.order_by(at, id).limit(limit))][::-1]
    return [_batch(row) for row in transaction.execute(query.order_by(at.desc(), id.desc()).limit(limit))]


def remove(transaction: Transaction, id: str, owner: str) -> bool:
    """Forget a batch of that owner and its rows; False when there was none."""
    return transaction.execute(delete(batches).where(batches.c.id == id, batches.c.owner == owner)).rowcount == 1


def unfinished(transaction: Transaction) -> bool:
    """Whether there is a batch that is not over."""
    return transaction.execute(select(batches.c.id).where(batches.c.status.in_(ACTIVE)).limit(1)).first() is not None


def claim(transaction: Transaction, runner: str, now: float, seconds: float) -> list[Batch]:
    """Take every unfinished batch that nobody works on, or whose runner has not said so for its time; renew our own."""
    free = or_(batches.c.runner == runner, batches.c.leased < now)
    statement = update(batches).where(batches.c.status.in_(ACTIVE), free)
    transaction.execute(statement.values(runner=runner, leased=now + seconds))
    query = select(batches).where(batches.c.status.in_(ACTIVE), batches.c.runner == runner)
    return [_batch(row) for row in transaction.execute(query.order_by(batches.c.created))]


def release(transaction: Transaction, runner: str) -> None:
    """Leave our batches to whoever comes next."""
    transaction.execute(update(batches).where(batches.c.runner == runner).values(runner="", leased=0.0))


def add_rows(transaction: Transaction, id: str, rows: Sequence[tuple[str, bytes]], first: int = 0) -> None:
    """Rows (custom_id, request) that wait to be run."""
    values = [
        {"batch": id, "n": first + n, "custom_id": name, "body": body, "state": "waiting", "result": None}
        for n, (name, body) in enumerate(rows)
    ]
    if values:
        transaction.execute(batch_rows.insert(), values)


def waiting(transaction: Transaction, id: str, after: int, limit: int) -> list[BatchRow]:
    """The next rows that wait, in their order, past the number `after`."""
    r = batch_rows.c
    query = select(batch_rows).where(r.batch == id, r.state == "waiting", r.n > after).order_by(r.n).limit(limit)
    return [_row(row) for row in transaction.execute(query)]


def finish_row(transaction: Transaction, id: str, n: int, state: str, result: bytes) -> bool:
    """Keep a row's result, unless it has one already."""
    r = batch_rows.c
    statement = update(batch_rows).where(r.batch == id, r.n == n, r.state == "waiting")
    return transaction.execute(statement.values(state=state, result=result)).rowcount == 1


def close_rows(transaction: Transaction, id: str, state: str) -> None:
    """What still waits ends in that state, without a result."""
    r = batch_rows.c
    transaction.execute(update(batch_rows).where(r.batch == id, r.state == "waiting").values(state=state))


def counts(transaction: Transaction, ids: Sequence[str]) -> dict[str, Mapping[str, int]]:
    """How many rows of each batch are in each state."""
    r = batch_rows.c
    query = select(r.batch, r.state, func.count()).where(r.batch.in_(ids)).group_by(r.batch, r.state)
    found: dict[str, dict[str, int]] = {id: {} for id in ids}
    for batch, state, count in transaction.execute(query):
        found[batch][state] = count
    return dict(found)


def rows(transaction: Transaction, id: str, states: Sequence[str]) -> Iterator[BatchRow]:
    """Every row in one of these states, in order, read a page at a time."""
    last = -1
    r = batch_rows.c
    while True:
        query = select(batch_rows).where(r.batch == id, r.state.in_(states), r.n > last).order_by(r.n).limit(_PAGE)
        found = [_row(row) for row in transaction.execute(query)]
        yield from found
        if len(found) < _PAGE:
            return
        last = found[-1].n


def between(transaction: Transaction, id: str, first: int, end: int) -> list[BatchRow]:
    """The rows with numbers from `first` to before `end`."""
    r = batch_rows.c
    query = select(batch_rows).where(r.batch == id, r.n >= first, r.n < end).order_by(r.n)
    return [_row(row) for row in transaction.execute(query)]


def _batch(row: Row[Any]) -> Batch:
    return Batch(**{name: getattr(row, name) for name in Batch.__struct_fields__})


def _row(row: Row[Any]) -> BatchRow:
    result = None if row.result is None else bytes(row.result)
    return BatchRow(n=row.n, custom_id=row.custom_id, body=bytes(row.body), state=row.state, result=result)
