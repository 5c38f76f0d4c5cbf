"""The times of late of one deployment, and whether their tail is long enough to ask a second one meanwhile."""

from __future__ import annotations

from collections import deque

KEPT = 128
LEAST = 20
"""Times that must be known before anything is concluded from them."""
LONG = 2.0
"""How many times the median the 95th percentile must be, for a second call to be worth its price."""
EVERY = 8


class Tail:
    """The last times to a first byte, and percentiles of them that are a few calls old at most."""

    __slots__ = ("_fresh", "_sorted", "_times")

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=KEPT)
        self._sorted: list[float] = []
        self._fresh = 0

    def add(self, seconds: float) -> None:
        """One more."""
        self._times.append(seconds)
        self._fresh += 1

    def percentile(self, share: float) -> float | None:
        """The time within which that share of the calls had their first byte; None while too few are known."""
        if len(self._times) < LEAST:
            return None
        if self._fresh >= EVERY or not self._sorted:
            self._sorted = sorted(self._times)
            self._fresh = 0
        return self._sorted[min(len(self._sorted) - 1, int(share * len(self._sorted)))]

    def hedge_after(self) -> float | None:
        """Seconds after which a second call is worth it; None when the tail is short, or not known.

        The 95th percentile, so that one call in twenty is made twice (J. Dean, L. A. Barroso, "The Tail at Scale",
        CACM 56(2), 2013), and only when waiting longer would cost more than a usual answer takes.
        """
        middle, late = self.percentile(0.5), self.percentile(0.95)
        if middle is None or late is None or late < LONG * middle:
            return None
        return late
