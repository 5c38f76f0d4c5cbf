"""Prompts that policy says are kept: encrypted with the key of who asked, so that erasing the person erases them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from meshwright.ledger.personal import lock_away, opened
from meshwright.store import prompts, subjects
from meshwright.store.database import Transaction


class Prompt(msgspec.Struct, frozen=True):
    """A question by the decision's id, whose it is (a principal's id), and when it was asked."""

    decision: str
    principal: str
    at: float
    text: str


def keep_prompts(transaction: Transaction, found: Iterable[Prompt]) -> None:
    """Keep each once; none where the library that encrypts is missing."""
    for one in found:
        locked = lock_away(transaction, one.principal, one.text.encode("utf-8", "replace"))
        if locked is not None:
            prompts.put(transaction, one.decision, one.principal, one.at, locked.subject, locked.data)


def prompt_of(transaction: Transaction, decision: str) -> str | None:
    """The question of a decision; None when none was kept, or who asked was erased."""
    row = prompts.get(transaction, decision)
    if row is None:
        return None
    subject, data = row
    try:
        text = opened(subjects.by_id(transaction, [subject]).get(subject), data)
    except ValueError:
        return "(damaged)"
    return None if text is None else text.decode("utf-8", "replace")
