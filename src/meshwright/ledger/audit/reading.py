"""Entries of the audit log for people: times as dates, and what is personal opened as long as its key is there."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from meshwright.ledger.audit.acts import PRIVATE, detail_of
from meshwright.ledger.personal import opened, possible
from meshwright.store import subjects
from meshwright.store.database import Transaction
from meshwright.store.rows import AuditEntry, Subject

ERASED = "erased"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it is shown. `at` is ISO 8601 in UTC; `hash` is hexadecimal."""

    seq: int
    at: str
    actor: str
    act: str
    object: str
    detail: dict[str, Any]
    hash: str


def shown(transaction: Transaction, entries: Iterable[AuditEntry]) -> list[Shown]:
    """The entries as they are shown."""
    found = list(entries)
    known = subjects.by_id(transaction, {entry.subject for entry in found if entry.subject})
    return [
        Shown(
            seq=entry.seq,
            at=datetime.fromtimestamp(entry.at / 1e6, UTC).isoformat(timespec="milliseconds"),
            actor=entry.actor,
            act=entry.act,
            object=entry.object,
            detail=_detail(entry, known.get(entry.subject)),
            hash=entry.hash.hex(),
        )
        for entry in found
    ]


def _detail(entry: AuditEntry, subject: Subject | None) -> dict[str, Any]:
    detail = detail_of(entry)
    if entry.subject and PRIVATE in detail:
        detail[PRIVATE] = _opened(subject, detail[PRIVATE])
    return detail


def _opened(subject: Subject | None, locked: object) -> object:
    if subject is None or subject.key is None:
        return ERASED
    if not possible():
        return "encrypted"
    try:
        data = opened(subject, base64.b64decode(str(locked)))
        return msgspec.json.decode(data) if data is not None else ERASED
    except (ValueError, msgspec.DecodeError):
        return "damaged"
