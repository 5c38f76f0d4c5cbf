"""Answers that their callers come back to: put, found by their owner alone, continued, listed, and swept away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import and_, delete, insert, or_, select, update

from meshwright.store import upsert
from meshwright.store.database import Transaction
from meshwright.store.rows import KeptAnswer
from meshwright.store.tables import answer_events, answer_labels, answers
from meshwright.types.errors import NotFound, TooLarge

OPEN = ("queued", "in_progress")
"""The states of an answer that is still being made."""
MAX_TURNS = 2000
_NUL = "\0"


def put(transaction: Transaction, answer: KeptAnswer, labels: Mapping[str, str] | None = None) -> None:
    """Keep it, or replace the one with its id; `labels` replace what it is found by."""
    upsert.put(transaction, answers, msgspec.structs.asdict(answer))
    if labels is not None:
        transaction.execute(delete(answer_labels).where(answer_labels.c.answer == answer.id))
        rows = [{"answer": answer.id, "name": _text(name), "value": _text(value)} for name, value in labels.items()]
        if rows:
            transaction.execute(insert(answer_labels), rows)


def get(transaction: Transaction, owner: str, id: str) -> KeptAnswer | None:
    """The owner's answer of that id; anybody else's is as good as not there."""
    row = transaction.execute(select(answers).where(answers.c.id == id, answers.c.owner == owner)).first()
    return None if row is None else _answer(row)


def chain(transaction: Transaction, owner: str, id: str, most: int) -> tuple[KeptAnswer, ...]:
    """The answer and all that it goes on from, the oldest first. Raises NotFound, and TooLarge over `most` bytes."""
    found: list[KeptAnswer] = []
    size = 0
    while id:
        answer = get(transaction, owner, id)
        if answer is None or answer.kind != "response":
            raise NotFound(
                f'There is no stored response "{id[:100]}".',
                field="previous_response_id",
                fix="It was deleted, or has expired: send the whole conversation as input.",
            )
        size += len(answer.request) + len(answer.body)
        found.append(answer)
        if size > most or len(found) > MAX_TURNS:
            raise TooLarge(
                f"The conversation before this request is over {most >> 20} MiB or {MAX_TURNS} turns.",
                field="previous_response_id",
                fix="Begin a new one, with a summary as its input.",
            )
        id = answer.previous
    return tuple(reversed(found))


def renew(transaction: Transaction, ids: Collection[str], expires: float) -> None:
    """Keep what is still gone on from as long as what goes on from it."""
    if ids:
        later = update(answers).where(answers.c.id.in_(ids), answers.c.expires < expires)
        transaction.execute(later.values(expires=expires))


def remove(transaction: Transaction, owner: str, id: str) -> bool:
    """Delete the owner's answer; False when there is none."""
    return transaction.execute(delete(answers).where(answers.c.id == id, answers.c.owner == owner)).rowcount == 1


def page(
    transaction: Transaction,
    owner: str,
    kind: str,
    *,
    limit: int,
    after: str = "",
    newest_first: bool = False,
    model: str = "",
    labels: Mapping[str, str] | None = None,
) -> tuple[KeptAnswer, ...]:
    """One page of the owner's, in order of time. Raises NotFound when `after` is not one of them."""
    at, id = answers.c.created, answers.c.id
    order = (at.desc(), id.desc()) if newest_first else (at, id)
    query = select(answers).where(answers.c.owner == owner, answers.c.kind == kind).order_by(*order).limit(limit)
    if model:
        query = query.where(answers.c.model == model)
    for name, value in (labels or {}).items():
        labelled = select(answer_labels.c.answer).where(
            answer_labels.c.name == _text(name), answer_labels.c.value == _text(value)
        )
        query = query.where(id.in_(labelled))
    if after:
        last = get(transaction, owner, after)
        if last is None:
            raise NotFound(f'There is nothing stored under "{after[:100]}".', field="after")
        when = last.created
        beyond = at < when if newest_first else at > when
        further = id < after if newest_first else id > after
        query = query.where(or_(beyond, and_(at == when, further)))
    return tuple(_answer(row) for row in transaction.execute(query))


def finish(transaction: Transaction, answer: KeptAnswer) -> bool:
    """Put the end of an answer that is still being made; False when it has ended otherwise (it was cancelled)."""
    values = msgspec.structs.asdict(answer)
    del values["id"]
    statement = update(answers).where(answers.c.id == answer.id, answers.c.status.in_(OPEN)).values(values)
    return transaction.execute(statement).rowcount == 1


def touch(transaction: Transaction, id: str, at: float) -> bool:
    """Say that an answer is still being made; False when it is no longer wanted."""
    statement = update(answers).where(answers.c.id == id, answers.c.status.in_(OPEN)).values(touched=at)
    return transaction.execute(statement).rowcount == 1


def add_events(transaction: Transaction, id: str, first: int, body: bytes) -> None:
    """Keep some events; `first` is the number of the first of them."""
    transaction.execute(insert(answer_events).values(answer=id, first=first, body=body))


def events(transaction: Transaction, id: str, after: int) -> tuple[tuple[int, bytes], ...]:
    """Rows of events that hold those after number `after`, in order; the first row may begin before it."""
    c = answer_events.c
    at = select(c.first).where(c.answer == id, c.first <= after + 1).order_by(c.first.desc()).limit(1)
    start = transaction.execute(at).scalar()
    rows = transaction.execute(select(c.first, c.body).where(c.answer == id, c.first >= (start or 0)).order_by(c.first))
    return tuple((row.first, row.body) for row in rows)


def abandoned(transaction: Transaction, before: float) -> tuple[KeptAnswer, ...]:
    """Answers whose makers have given no sign of life since then."""
    query = select(answers).where(answers.c.status.in_(OPEN), answers.c.touched < before).limit(100)
    return tuple(_answer(row) for row in transaction.execute(query))


def sweep(transaction: Transaction, now: float, most: int = 500) -> int:
    """Delete at most that many whose time is over; how many there were."""
    old = select(answers.c.id).where(answers.c.expires < now).order_by(answers.c.expires).limit(most)
    ids = list(transaction.execute(old).scalars())
    if ids:
        transaction.execute(delete(answers).where(answers.c.id.in_(ids)))
    return len(ids)


def _answer(row: Any) -> KeptAnswer:
    return KeptAnswer(**row._asdict())


def _text(value: str) -> str:
    return value.replace(_NUL, "\N{REPLACEMENT CHARACTER}")  # PostgreSQL's text has no NUL
