"""The audit log's rows: appended under a lock, read in order, and never changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Row, select, update

from meshwright.store.database import Transaction
from meshwright.store.rows import AuditEntry
from meshwright.store.tables import audit, audit_checkpoints, audit_head
from meshwright.types.errors import StoreError

PIECE = 1000
START = bytes(32)
"""What the first entry names as the hash before it."""


def lock(transaction: Transaction) -> tuple[int, bytes]:
    """Where the chain ends (the last number and hash); nobody else can append until this transaction is over.

    Take it after the other rows that an act locks, so that no two acts wait for each other. Raises StoreError.
    """
    row = transaction.execute(select(audit_head).where(audit_head.c.id == 1).with_for_update()).one_or_none()
    if row is None:
        raise StoreError(
            "The end of the audit log is missing, so nothing can be appended to it.",
            fix="Somebody took it out of the table audit_head: restore a backup.",
        )
    return row.seq, bytes(row.hash)


def append(transaction: Transaction, entry: AuditEntry) -> None:
    """Put an entry at the end that `lock` told."""
    transaction.execute(audit.insert(), [msgspec.structs.asdict(entry)])
    transaction.execute(update(audit_head).where(audit_head.c.id == 1).values(seq=entry.seq, hash=entry.hash))


def head(transaction: Transaction) -> tuple[int, bytes] | None:
    """Where the chain says that it ends, without the lock; None when that row is missing."""
    row = transaction.execute(select(audit_head).where(audit_head.c.id == 1)).one_or_none()
    return None if row is None else (row.seq, bytes(row.hash))


def entries(transaction: Transaction, after: int = -(2**62)) -> Iterator[AuditEntry]:
    """All entries after that number, in order."""
    while True:
        query = select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(PIECE)
        rows = transaction.execute(query).all()
        if not rows:
            return
        for row in rows:
            yield _entry(row)
        after = rows[-1].seq


def latest(transaction: Transaction, limit: int, before: int | None = None, act: str = "") -> tuple[AuditEntry, ...]:
    """The latest entries, newest first; `before` is the number of the last one of the page before.

    `act` is the whole name of an act, or its beginning up to a dot.
    """
    query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.seq < before)
    if act:
        query = query.where((audit.c.act == act) | audit.c.act.startswith(f"{act}.", autoescape=True))
    return tuple(map(_entry, transaction.execute(query)))


def keep_checkpoint(transaction: Transaction, id: str, seq: int, body: bytes) -> None:
    """Keep a signed checkpoint of the chain up to `seq`."""
    transaction.execute(audit_checkpoints.insert(), [{"id": id, "seq": seq, "body": body}])


def checkpoints(transaction: Transaction) -> tuple[bytes, ...]:
    """The bodies of all checkpoints, in the chain's order."""
    table = audit_checkpoints
    query = select(table.c.body).order_by(table.c.seq, table.c.id)
    return tuple(bytes(body) for body in transaction.execute(query).scalars())


def _entry(row: Row[Any]) -> AuditEntry:
    """What is there, even if somebody put something of another type there: it is to be found, not stumbled over."""
    return AuditEntry(
        seq=row.seq if isinstance(row.seq, int) else 0,
        at=row.at,
        actor=row.actor,
        act=row.act,
        object=row.object,
        subject=row.subject,
        payload=_bytes(row.payload),
        previous=_bytes(row.previous),
        hash=_bytes(row.hash),
    )


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
