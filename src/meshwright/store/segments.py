"""How far the journal was read, and which requests began without having ended yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import delete, select, update

from meshwright.store import upsert
from meshwright.store.database import Transaction
from meshwright.store.rows import Progress, Unended
from meshwright.store.tables import begun, segments


def progress(transaction: Transaction) -> dict[str, Progress]:
    """Every segment that was ever started and is not forgotten yet, by name."""
    rows = transaction.execute(select(segments))
    return {row.name: Progress(name=row.name, life=row.life, offset=row.offset, done=row.done) for row in rows}


def advance(transaction: Transaction, before: Progress, offset: int) -> bool:
    """Move a segment's offset on from where `before` has it. False when it is not there any more: another reader was
    faster, and this transaction must change nothing.

    Do this first: the row is locked from here to the end of the transaction.
    """
    row = {"name": before.name, "life": before.life, "offset": 0, "done": None}
    if before.offset == 0:
        upsert.insert_missing(transaction, segments, [row])
    statement = (
        update(segments)
        .where(segments.c.name == before.name, segments.c.offset == before.offset, segments.c.done.is_(None))
        .values(offset=offset)
    )
    return transaction.execute(statement).rowcount == 1


def finish(transaction: Transaction, name: str, at: float) -> None:
    """Note at `at` (seconds since 1970) that a segment was read whole. Its row stays until `forget`."""
    transaction.execute(update(segments).where(segments.c.name == name).values(done=at))


def forget(transaction: Transaction, names: Collection[str]) -> None:
    """Forget these segments: their files are gone, and nobody can be reading them any more."""
    transaction.execute(delete(segments).where(segments.c.name.in_(names), segments.c.done.is_not(None)))


def note_begun(transaction: Transaction, life: str, requests: Iterable[tuple[str, float, str]]) -> None:
    """Remember requests (id, at, principal) that began in one life of a writer and have not ended yet."""
    rows = [{"id": id, "life": life, "at": at, "principal": principal} for id, at, principal in requests]
    upsert.insert_missing(transaction, begun, rows)


def note_held(transaction: Transaction, holds: Mapping[str, tuple[str, Mapping[str, int]]]) -> None:
    """Remember, of requests that began, the model that is asked and what they count for if they never end, by id."""
    for id, (model, charges) in sorted(holds.items()):
        transaction.execute(update(begun).where(begun.c.id == id).values(model=model, charges=dict(charges)))


def note_ended(transaction: Transaction, ids: Collection[str]) -> None:
    """Forget that these began: they ended."""
    if ids:
        transaction.execute(delete(begun).where(begun.c.id.in_(ids)))


def open_begun(transaction: Transaction, life: str) -> tuple[Unended, ...]:
    """The requests that began in a life of a writer and were not seen to end, oldest first."""
    query = select(begun).where(begun.c.life == life).order_by(begun.c.at, begun.c.id)
    return tuple(
        Unended(id=row.id, at=row.at, principal=row.principal, model=row.model, charges=row.charges)
        for row in transaction.execute(query)
    )
