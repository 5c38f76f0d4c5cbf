"""Prompts as they are kept: encrypted, for a while."""

from __future__ import annotations

from sqlalchemy import delete, select

from meshwright.store import upsert
from meshwright.store.database import Transaction
from meshwright.store.tables import prompts


def put(transaction: Transaction, decision: str, principal: str, at: float, subject: str, body: bytes) -> None:
    """Keep a prompt; the first of a decision stays."""
    row = {"decision": decision, "principal": principal, "at": at, "subject": subject, "body": body}
    upsert.insert_missing(transaction, prompts, [row])


def get(transaction: Transaction, decision: str) -> tuple[str, bytes] | None:
    """The id of the key, and what it opens."""
    row = transaction.execute(select(prompts).where(prompts.c.decision == decision)).one_or_none()
    return None if row is None else (row.subject, bytes(row.body))


def sweep(transaction: Transaction, before: float) -> int:
    """Delete those that were asked before that time (seconds since 1970); how many there were."""
    return transaction.execute(delete(prompts).where(prompts.c.at < before)).rowcount
