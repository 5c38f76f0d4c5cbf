"""Erasing a person: what is kept of one principal becomes unreadable or goes, and the chain stays whole."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from meshwright.ledger.audit.acts import record
from meshwright.store import keys, owned, subjects
from meshwright.store.database import Database, Transaction
from meshwright.store.rows import Key
from meshwright.types.errors import InvalidRequest, NotFound

ERASED = "subject.erased"
GONE = "erased"
"""What a key is called whose holder was erased."""


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """What was erased: the principal, the id of its key that was forgotten ("" when there was none), and what went."""

    principal: str
    subject: str
    deleted: dict[str, int]


def erase(database: Database, who: str, *, actor: str, clock: Callable[[], float] = time.time) -> Erased:
    """Erase the principal of that id, or of the keys of that name. Its keys must not work any more.

    The person's encryption key and the names of its keys are forgotten; its answers, conversations, files, batches and
    feedback are deleted. What its requests cost stays, under the principal's id. Raises NotFound, InvalidRequest,
    StoreError.
    """
    now = clock()
    with database.alone() as transaction:  # no key of his is made or replaced meanwhile
        principal, mine = _principal(transaction, who)
        if working := [key.id for key in mine if key.revoked is None and (key.expires is None or key.expires > now)]:
            raise InvalidRequest(
                f"{principal} still has keys that work: {', '.join(working[:5])}.",
                fix=f"First `mesh keys revoke {working[0]}`.",
            )
        subject = subjects.find(transaction, principal)
        id = subject.id if subject is not None else ""
        if subject is not None:
            subjects.erase(transaction, subject.id, now)
        for key in mine:
            keys.put(transaction, msgspec.structs.replace(key, name=GONE))
        deleted = owned.delete_all(transaction, principal)
        detail = {"principal": principal, "deleted": deleted}
        record(transaction, actor, ERASED, id, detail=detail, clock=clock)
    database.flush(empty=True)
    return Erased(principal=principal, subject=id, deleted=deleted)


def _principal(transaction: Transaction, who: str) -> tuple[str, list[Key]]:
    """The principal that is meant, and its keys."""
    every = keys.every(transaction)
    meant = {key.owner for key in every if who in (key.id, key.owner, key.prefix) or (who == key.name != GONE)}
    if not meant and who and subjects.find(transaction, who) is not None:
        meant = {who}
    if not meant:
        raise NotFound(f'Nobody is called "{who[:100]}" here.', fix="`mesh keys` lists the keys: give the id of one.")
    if len(meant) > 1:
        raise InvalidRequest(f'"{who[:100]}" means {len(meant)} principals.', fix=f"Give an id: {sorted(meant)[:5]}.")
    principal = meant.pop()
    return principal, [key for key in every if key.owner == principal]
