"""Routing strategies: one file each, listed here."""

from __future__ import annotations

from meshwright.routing.strategies import (
    advisor,
    balanced,
    bandit,
    capability,
    cascade,
    cheapest,
    cheapest_above,
    fastest,
    fixed,
    learned,
    panel,
    semantic,
    shadow,
    split,
    task,
)
from meshwright.routing.strategies.strategy import Strategy

STRATEGIES: dict[str, Strategy] = {
    "fixed": fixed.STRATEGY,
    "cheapest": cheapest.STRATEGY,
    "cheapest_above": cheapest_above.STRATEGY,
    "fastest": fastest.STRATEGY,
    "task": task.STRATEGY,
    "balanced": balanced.STRATEGY,
    "capability": capability.STRATEGY,
    "learned": learned.STRATEGY,
    "bandit": bandit.STRATEGY,
    "split": split.STRATEGY,
    "semantic": semantic.STRATEGY,
    "cascade": cascade.STRATEGY,
    "panel": panel.STRATEGY,
    "shadow": shadow.STRATEGY,
    "advisor": advisor.STRATEGY,
}
