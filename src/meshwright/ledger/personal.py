"""What is personal is kept encrypted with a key of that person's own, so that forgetting the key erases all of it."""

from __future__ import annotations

import importlib.util
import secrets
import time
from collections.abc import Callable

import msgspec

from meshwright.store import subjects
from meshwright.store.database import Transaction
from meshwright.store.rows import Subject


class LockedAway(msgspec.Struct, frozen=True):
    """Data that only the key of `subject` (an id that says nothing) opens."""

    subject: str
    data: bytes


def possible() -> bool:
    """Whether the library for it is installed (the extra `crypto`)."""
    return importlib.util.find_spec("cryptography") is not None


def lock_away(
    transaction: Transaction, person: str, data: bytes, clock: Callable[[], float] = time.time
) -> LockedAway | None:
    """Encrypt it with the person's key, which is made when there is none; None when the extra is missing.

    `person` is the principal's id.
    """
    if not possible():
        return None
    # Imported here because the library is an extra.
    from meshwright.ledger.ciphers import encrypted

    fresh = Subject(
        id=f"sub_{secrets.token_hex(8)}", subject=person, key=secrets.token_bytes(32), created=round(clock(), 3)
    )
    found = subjects.get_or_put(transaction, fresh)
    assert found.key is not None  # found by its name, which goes together with the key
    return LockedAway(found.id, encrypted(found.key, data, found.id))


def opened(subject: Subject | None, data: bytes) -> bytes | None:
    """What was locked away; None when the person was erased or the extra is missing. Raises ValueError if changed."""
    if subject is None or subject.key is None or not possible():
        return None
    # Imported here because the library is an extra.
    from meshwright.ledger.ciphers import decrypted

    return decrypted(subject.key, data, subject.id)
