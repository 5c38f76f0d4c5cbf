"""Everything that a principal has left here to come back to."""

from __future__ import annotations

from sqlalchemy import delete, select

from meshwright.store.database import Transaction
from meshwright.store.tables import (
    answer_events,
    answer_labels,
    answers,
    batch_rows,
    batches,
    conversation_items,
    conversations,
    feedback,
    file_pieces,
    files,
    prompts,
    recalled,
)

_BELOW = (
    (answers, (answer_labels.c.answer, answer_events.c.answer)),
    (conversations, (conversation_items.c.conversation,)),
    (files, (file_pieces.c.file,)),
    (batches, (batch_rows.c.batch,)),
)


def delete_all(transaction: Transaction, owner: str) -> dict[str, int]:
    """Delete all that is its own, of answers, files, feedback, prompts and so on; how many of each there were."""
    found = {}
    for table, below in _BELOW:
        mine = select(table.c.id).where(table.c.owner == owner)
        for column in below:
            transaction.execute(delete(column.table).where(column.in_(mine)))
        found[table.name] = transaction.execute(delete(table).where(table.c.owner == owner)).rowcount
    for table in (feedback, prompts):
        found[table.name] = transaction.execute(delete(table).where(table.c.principal == owner)).rowcount
    found[recalled.name] = transaction.execute(delete(recalled).where(recalled.c.owner == owner)).rowcount
    return found
