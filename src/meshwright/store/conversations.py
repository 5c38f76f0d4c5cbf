"""Conversations and their items, found by their owner alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, func, insert, select, update

from meshwright.store.database import Transaction
from meshwright.store.rows import Conversation, KeptItem
from meshwright.store.tables import conversation_items, conversations
from meshwright.types.errors import NotFound, TooLarge

MAX_ITEMS = 10_000


def put(transaction: Transaction, conversation: Conversation) -> None:
    """A new one."""
    transaction.execute(insert(conversations).values(msgspec.structs.asdict(conversation)))


def get(transaction: Transaction, owner: str, id: str) -> Conversation:
    """The owner's conversation. Raises NotFound, for anybody else's too."""
    return _found(transaction, owner, id, lock=False)


def update_metadata(transaction: Transaction, owner: str, id: str, metadata: bytes) -> Conversation:
    """Replace its metadata (a JSON object). Raises NotFound."""
    before = _found(transaction, owner, id, lock=True)
    transaction.execute(update(conversations).where(conversations.c.id == id).values(metadata=metadata))
    return msgspec.structs.replace(before, metadata=metadata)


def remove(transaction: Transaction, owner: str, id: str) -> None:
    """Delete it with its items. Raises NotFound."""
    _found(transaction, owner, id, lock=True)
    transaction.execute(delete(conversations).where(conversations.c.id == id))


def append(transaction: Transaction, owner: str, id: str, items: Sequence[KeptItem], expires: float) -> None:
    """Add items at its end, and keep it at least until `expires`. Raises NotFound, TooLarge."""
    _found(transaction, owner, id, lock=True)  # who comes second waits, and numbers on from the first one's
    c = conversation_items.c
    last = transaction.execute(select(func.max(c.place)).where(c.conversation == id)).scalar()
    first = 0 if last is None else int(last) + 1
    if first + len(items) > MAX_ITEMS:
        raise TooLarge(f"A conversation has at most {MAX_ITEMS} items.", field="conversation", fix="Begin a new one.")
    rows = [{"conversation": id, "place": first + n, **msgspec.structs.asdict(item)} for n, item in enumerate(items)]
    if rows:
        transaction.execute(insert(conversation_items), rows)
    later = update(conversations).where(conversations.c.id == id, conversations.c.expires < expires)
    transaction.execute(later.values(expires=expires))


def items(transaction: Transaction, owner: str, id: str, most: int) -> tuple[KeptItem, ...]:
    """All items, in order. Raises NotFound, and TooLarge over `most` bytes."""
    _found(transaction, owner, id, lock=False)
    c = conversation_items.c
    size = transaction.execute(select(func.sum(func.length(c.body))).where(c.conversation == id)).scalar()
    if int(size or 0) > most:
        raise TooLarge(
            f"The conversation is over {most >> 20} MiB.", field="conversation", fix="Begin a new one with a summary."
        )
    query = select(conversation_items).where(c.conversation == id).order_by(c.place)
    return tuple(_item(row) for row in transaction.execute(query))


def page(
    transaction: Transaction, owner: str, id: str, *, limit: int, after: str, newest_first: bool
) -> tuple[KeptItem, ...]:
    """One page of its items. Raises NotFound, also when `after` is not one of them."""
    _found(transaction, owner, id, lock=False)
    c = conversation_items.c
    query = select(conversation_items).where(c.conversation == id).limit(limit)
    query = query.order_by(c.place.desc() if newest_first else c.place)
    if after:
        place = transaction.execute(select(c.place).where(c.conversation == id, c.id == after)).scalar()
        if place is None:
            raise NotFound(f'The conversation has no item "{after[:100]}".', field="after")
        query = query.where(c.place < place if newest_first else c.place > place)
    return tuple(_item(row) for row in transaction.execute(query))


def item(transaction: Transaction, owner: str, id: str, item_id: str) -> KeptItem:
    """One of its items. Raises NotFound."""
    _found(transaction, owner, id, lock=False)
    c = conversation_items.c
    row = transaction.execute(select(conversation_items).where(c.conversation == id, c.id == item_id)).first()
    if row is None:
        raise NotFound(f'The conversation has no item "{item_id[:100]}".')
    return _item(row)


def remove_item(transaction: Transaction, owner: str, id: str, item_id: str) -> Conversation:
    """Delete one of its items. Raises NotFound."""
    found = _found(transaction, owner, id, lock=True)
    c = conversation_items.c
    gone = transaction.execute(delete(conversation_items).where(c.conversation == id, c.id == item_id)).rowcount
    if not gone:
        raise NotFound(f'The conversation has no item "{item_id[:100]}".')
    return found


def sweep(transaction: Transaction, now: float, most: int = 100) -> int:
    """Delete at most that many whose time is over; how many there were."""
    old = select(conversations.c.id).where(conversations.c.expires < now).limit(most)
    ids = list(transaction.execute(old).scalars())
    if ids:
        transaction.execute(delete(conversations).where(conversations.c.id.in_(ids)))
    return len(ids)


def _found(transaction: Transaction, owner: str, id: str, *, lock: bool) -> Conversation:
    query = select(conversations).where(conversations.c.id == id, conversations.c.owner == owner)
    row = transaction.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(
            f'There is no conversation "{id[:100]}".', field="conversation", fix="POST /v1/conversations begins one."
        )
    return Conversation(**row._asdict())


def _item(row: Any) -> KeptItem:
    return KeptItem(id=row.id, body=row.body, served=row.served)
