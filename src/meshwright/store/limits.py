"""Limits of models that were learned from refusals: the latest of each, among the small values."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from meshwright.store import settings
from meshwright.store.database import Transaction
from meshwright.store.rows import LearnedLimit

_PREFIX = "limit/"


def keep(transaction: Transaction, found: Iterable[LearnedLimit]) -> None:
    """Keep each, unless a later one is there."""
    for limit in found:
        name = f"{_PREFIX}{limit.fact}/{limit.model}"
        known = settings.get(transaction, name)
        if known is None or msgspec.json.decode(known, type=LearnedLimit).at < limit.at:
            settings.put(transaction, name, msgspec.json.encode(limit).decode())


def every(transaction: Transaction) -> tuple[LearnedLimit, ...]:
    """All of them, by fact and model."""
    found = settings.every(transaction).items()
    return tuple(msgspec.json.decode(value, type=LearnedLimit) for name, value in found if name.startswith(_PREFIX))
