"""Writing an act into the audit log, in the transaction that does it: both are there, or neither."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from meshwright.ledger.audit.chain import linked, payload, plain
from meshwright.ledger.personal import lock_away
from meshwright.store import audit
from meshwright.store.database import Transaction
from meshwright.store.rows import AuditEntry

PRIVATE = "private"
"""The member of a payload that only the person's key opens."""
LEFT_OUT = "left out: it is kept encrypted or not at all, which needs `pip install 'meshwright[crypto]'`"


def record(
    transaction: Transaction,
    actor: str,
    act: str,
    object: str = "",
    *,
    detail: Mapping[str, Any] | None = None,
    about: str = "",
    private: Mapping[str, Any] | None = None,
    clock: Callable[[], float] = time.time,
) -> AuditEntry:
    """Append an act to the chain. Call it last in the act's own transaction.

    `actor` is a principal's id, or "shell:NAME" for who ran a command; `object` is an id. `detail` is kept as it is;
    `private` is what is personal of the principal `about`: encrypted with that one's key, unreadable once erased.
    Raises StoreError.
    """
    members, subject = dict(detail or {}), ""
    if private and about:
        locked = lock_away(transaction, about, payload(private), clock)
        members[PRIVATE] = LEFT_OUT if locked is None else base64.b64encode(locked.data).decode()
        subject = locked.subject if locked is not None else ""
    seq, previous = audit.lock(transaction)
    entry = linked(
        seq + 1,
        previous,
        at=int(clock() * 1_000_000),
        actor=plain(actor),
        act=act,
        object=plain(object),
        subject=subject,
        payload=payload(members),
    )
    audit.append(transaction, entry)
    return entry


def detail_of(entry: AuditEntry) -> dict[str, Any]:
    """The payload's members; a payload that is no JSON object any more is told as it is."""
    try:
        return msgspec.json.decode(entry.payload, type=dict[str, Any])
    except msgspec.DecodeError:
        return {"damaged": repr(entry.payload[:200])}
