"""What trying models has cost above the best by expectation, for each route and day (UTC), among the small values."""

from __future__ import annotations

from collections.abc import Mapping

from meshwright.store import settings
from meshwright.store.database import Transaction

_PREFIX = "tried/"
DAY_SECONDS = 86_400


def add(transaction: Transaction, spent: Mapping[tuple[int, str], int]) -> None:
    """Add nano-dollars, by the day (since 1970) and the route's name."""
    for (day, route), nano in sorted(spent.items()):  # in order, so that no two who add wait for each other
        settings.add(transaction, f"{_PREFIX}{day}/{route}", nano)


def on(transaction: Transaction, day: int) -> dict[str, int]:
    """What a day has cost so far, by route."""
    start = f"{_PREFIX}{day}/"
    return {
        name.removeprefix(start): int(value)
        for name, value in settings.every(transaction).items()
        if name.startswith(start)
    }
