"""Routing strategies: one file each, listed here."""

from __future__ import annotations

from meshwright.routing.strategies import cheapest, fastest, fixed, task
from meshwright.routing.strategies.strategy import Strategy

STRATEGIES: dict[str, Strategy] = {
    "fixed": fixed.STRATEGY,
    "cheapest": cheapest.STRATEGY,
    "fastest": fastest.STRATEGY,
    "task": task.STRATEGY,
}
