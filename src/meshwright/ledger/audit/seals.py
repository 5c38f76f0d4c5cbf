"""Decisions are sealed: their digest goes into the audit log, so that a changed cost or trace is found."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from meshwright.ledger.audit.acts import record
from meshwright.store import audit, seals
from meshwright.store.database import Database, Transaction

SEALED = "decisions.sealed"
REPLACED = "decision.replaced"
PIECE = 2000
"""Decisions in a seal at the most: whoever looks for the changed one has no more than these to look at."""
SETTLED_SECONDS = 7 * 86_400.0
"""After this, nobody expects the end of an interrupted request any more."""


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry says of the decisions that it seals. `digest` is hexadecimal; `form` is what was digested."""

    form: int
    count: int
    first: str
    last: str
    digest: str


class Replaced(msgspec.Struct, frozen=True):
    """A sealed decision that gave its place to its real end: its seal's number and its own digest."""

    seal: int
    leaf: str


def leaf(one: seals.Digested) -> bytes:
    """The SHA-256 of a decision with its attempts, of which its trace counts by its own SHA-256."""
    _, trace, values, attempts = one
    said = [values, attempts, hashlib.sha256(trace).hexdigest()]
    return hashlib.sha256(msgspec.json.encode(said)).digest()


def digest(leaves: Iterable[tuple[str, bytes]]) -> str:
    """The SHA-256 of leaves, each after its id, in the order of their ids."""
    whole = hashlib.sha256()
    for id, one in sorted(leaves):
        whole.update(id.encode("utf-8", "surrogatepass") + b"\0" + one)
    return whole.hexdigest()


def seal(database: Database, *, piece: int = PIECE, clock: Callable[[], float] = time.time) -> int:
    """Seal all decisions that have no seal and can have one; how many that were. Any number may do it at once."""
    total = 0
    while done := _seal_some(database, piece, clock):
        total += done
        if done < piece:
            break
    return total


def _seal_some(database: Database, piece: int, clock: Callable[[], float]) -> int:
    settled = clock() - SETTLED_SECONDS
    with database.read() as transaction:
        if not seals.unsealed(transaction, 1, settled):
            return 0  # the usual case asks nobody to wait
    with database.begin() as transaction:
        audit.lock(transaction)  # before looking: two that seal would take the same decisions
        ids = seals.unsealed(transaction, piece, settled)
        if not ids:
            return 0
        leaves = [(one[0], leaf(one)) for _, one in seals.by_id(transaction, ids)]
        told = Seal(form=seals.FORM, count=len(leaves), first=ids[0], last=ids[-1], digest=digest(leaves))
        entry = record(transaction, "control", SEALED, detail=msgspec.structs.asdict(told), clock=clock)
        seals.mark(transaction, ids, entry.seq)
    return len(ids)


def note_replaced(transaction: Transaction, ids: Sequence[str]) -> None:
    """These interrupted decisions are about to give their places to their real ends; say so of those that are sealed.

    Call it before they are deleted, in the same transaction.
    """
    for number, one in list(seals.by_id(transaction, ids)):
        if number is not None:
            detail = msgspec.structs.asdict(Replaced(number, leaf(one).hex()))
            record(transaction, "control", REPLACED, one[0], detail=detail)
