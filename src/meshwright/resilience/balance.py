"""Which of several equal deployments: the better of two that are drawn, by what it has to do and how quick it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

UNKNOWN = 0.05
"""Seconds that are assumed of one that was never timed: few, so that it is tried."""


def load(latency: float | None, running: int) -> float:
    """What the next call would wait for, roughly: the calls under way, each as long as they take of late."""
    return (UNKNOWN if latency is None else latency) * (running + 1)


def chosen(loads: Sequence[float], draw: Callable[[], float]) -> int:
    """The place of the one to ask. Two are drawn and the lighter wins (M. Mitzenmacher, IEEE TPDS 12(10), 2001).

    With the lightest of all, everybody would run to whoever was idle a moment ago.
    """
    count = len(loads)
    if count < 2:
        return 0
    one = min(int(draw() * count), count - 1)
    other = min(int(draw() * (count - 1)), count - 2)
    other += other >= one
    return other if loads[other] < loads[one] else one
