"""Keys without their secrets."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row, select, update

from meshwright.store import upsert
from meshwright.store.database import Transaction
from meshwright.store.rows import Key
from meshwright.store.tables import keys
from meshwright.types.principal import Bounds


def put(transaction: Transaction, key: Key) -> None:
    """Insert a key, or replace the one with its id. Raises StoreError when another id has the same hash."""
    row = {**msgspec.structs.asdict(key), "scopes": list(key.scopes), "bounds": msgspec.to_builtins(key.bounds)}
    upsert.put(transaction, keys, row)


def get(transaction: Transaction, id: str) -> Key | None:
    """The key of that id, revoked ones too, or None."""
    row = transaction.execute(select(keys).where(keys.c.id == id)).one_or_none()
    return None if row is None else _key(row)


def find(transaction: Transaction, hash: bytes) -> Key | None:
    """The key with that SHA-256, revoked ones too, or None."""
    row = transaction.execute(select(keys).where(keys.c.hash == hash)).one_or_none()
    return None if row is None else _key(row)


def every(transaction: Transaction) -> tuple[Key, ...]:
    """All keys, revoked ones too, oldest first."""
    return tuple(map(_key, transaction.execute(select(keys).order_by(keys.c.created, keys.c.id))))


def revoke(transaction: Transaction, id: str, at: float) -> bool:
    """Revoke a key at `at` (seconds since 1970). False when there is none of that id or it is revoked already."""
    statement = update(keys).where(keys.c.id == id, keys.c.revoked.is_(None)).values(revoked=at)
    return transaction.execute(statement).rowcount == 1


def _key(row: Row[Any]) -> Key:
    return Key(
        id=row.id,
        prefix=row.prefix,
        hash=bytes(row.hash),
        name=row.name,
        scopes=tuple(row.scopes),
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
        principal=row.principal,
        team=row.team,
        user=row.user,
        priority=row.priority,
        bounds=msgspec.convert(row.bounds, Bounds),
    )
