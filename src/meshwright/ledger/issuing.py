"""Keys for people and programs: made, shown once, replaced with an overlap, revoked."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Sequence

import msgspec

from meshwright.ledger.digest import digest, new_key, shown
from meshwright.ledger.keys import MASTER
from meshwright.store import keys
from meshwright.store.database import Database, Transaction
from meshwright.store.rows import Key
from meshwright.types.errors import InvalidRequest, NotFound

SCOPES = ("inference", "admin", "*")
LONGEST_NAME = 100
_SPAN = re.compile(r"([1-9]\d{0,4})([smhdwy])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}


class Issued(msgspec.Struct, frozen=True):
    """A new key: `key` is told now and never again, `record` is what is kept of it."""

    key: str
    record: Key


def issue(
    database: Database,
    name: str,
    *,
    scopes: Sequence[str] = ("inference",),
    lasting: float | None = None,
    clock: Callable[[], float] = time.time,
) -> Issued:
    """A new key for `name`, which expires after `lasting` seconds (None: never). Raises InvalidRequest, StoreError."""
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise InvalidRequest(
            f"A key's name is 1 to {LONGEST_NAME} printable characters.", field="name", fix="Say who or what it is for."
        )
    if wrong := [scope for scope in scopes if scope not in SCOPES]:
        raise InvalidRequest(
            f'There is no scope "{wrong[0][:50]}".', field="scopes", fix=f"Choose among {', '.join(SCOPES)}."
        )
    if not scopes:
        raise InvalidRequest("A key without a scope opens nothing.", field="scopes", fix="Give it inference.")
    now = clock()
    expires = None if lasting is None else now + lasting
    with database.begin() as transaction:
        return _put(transaction, name.strip(), tuple(dict.fromkeys(scopes)), now, expires, "")


def rotate(
    database: Database, which: str, *, overlap: float = 0.0, clock: Callable[[], float] = time.time
) -> tuple[Issued, Key]:
    """(a new key for the same principal, the old one, which works for `overlap` seconds more).

    What it spent and may do stays its principal's. The new key expires when the old one would have. Raises NotFound,
    InvalidRequest, StoreError.
    """
    now = clock()
    with database.begin() as transaction:
        old = _working(transaction, which, now)
        if old.id == MASTER:
            raise InvalidRequest(
                "The master key is not replaced this way.", fix="Run `mesh keys rotate master`, without an overlap."
            )
        fresh = _put(transaction, old.name, old.scopes, now, old.expires, old.owner)
        until = now + overlap if old.expires is None else min(now + overlap, old.expires)
        ending = msgspec.structs.replace(old, expires=until) if overlap else msgspec.structs.replace(old, revoked=now)
        keys.put(transaction, ending)
        return fresh, ending


def revoke(database: Database, which: str, *, clock: Callable[[], float] = time.time) -> Key:
    """The key, which no longer works. Raises NotFound, InvalidRequest, StoreError."""
    now = clock()
    with database.begin() as transaction:
        old = _working(transaction, which, now)
        if old.id == MASTER:
            raise InvalidRequest("The master key cannot be revoked, or nobody could rule here.", fix="Replace it.")
        keys.revoke(transaction, old.id, now)
        return msgspec.structs.replace(old, revoked=now)


def span(text: str) -> float:
    """Seconds of "90s", "15m", "24h", "30d", "4w" or "1y". Raises InvalidRequest."""
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        raise InvalidRequest(f'"{text[:40]}" is no length of time.', fix="Write 90s, 15m, 24h, 30d, 4w or 1y.")
    return float(match[1]) * _SECONDS[match[2]]


def _put(
    transaction: Transaction, name: str, scopes: tuple[str, ...], now: float, expires: float | None, principal: str
) -> Issued:
    key = new_key()
    record = Key(
        id=f"key_{secrets.token_hex(8)}",
        prefix=shown(key),
        hash=digest(key),
        name=name,
        scopes=scopes,
        created=now,
        expires=expires,
        principal=principal,
    )
    keys.put(transaction, record)
    return Issued(key, record)


def _working(transaction: Transaction, which: str, now: float) -> Key:
    """The one key that still works and has that id, or whose id, shown beginning or name is that."""
    known = [
        key
        for key in keys.every(transaction)
        if key.revoked is None and (key.expires is None or key.expires > now)
        if which and which in (key.id, key.prefix, key.name)
    ]
    exact = [key for key in known if key.id == which]
    found = exact or known
    if not found:
        raise NotFound(f'No key that works is called "{which[:100]}".', fix="`mesh keys` lists them.")
    if len(found) > 1:
        raise InvalidRequest(
            f'"{which[:100]}" means {len(found)} keys.', fix=f"Give its id: {', '.join(key.id for key in found[:5])}."
        )
    return found[0]
