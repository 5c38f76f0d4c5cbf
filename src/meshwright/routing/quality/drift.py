"""Whether a model has become another: a change of what it scores beside what was expected of it.

Page-Hinkley's test, on both sides (Page, "Continuous inspection schemes", 1954; Hinkley, 1971): how far the sum of
deviations from their mean has come away from its extreme. In standard deviations, so that one pair of numbers does for
thumbs and for fine scores: with these a fall of half a standard deviation is noticed within about 80 outcomes, and a
model that stays as it is gives a false alarm about once in 50,000.
"""

from __future__ import annotations

from math import sqrt

import msgspec

TOLERATED = 0.2
"""Deviation that is no change."""
ALARM = 20.0
FEWEST = 30
LEAST_SPREAD = 0.05


class Change(msgspec.Struct, frozen=True):
    """It began `since` outcomes ago (this one included); it scored `before` over what was expected, and now `after`."""

    since: int
    before: float
    after: float


class Watch:
    """One model's outcomes in order of time, each as what it scored less what was expected of it."""

    def __init__(self) -> None:
        self._begin()

    def see(self, residual: float) -> Change | None:
        """Take one in. A change that is certain now is told, and watching begins anew."""
        self._count += 1
        off = residual - self._mean
        self._mean += off / self._count
        self._square += off * (residual - self._mean)
        self._total += residual
        spread = max(LEAST_SPREAD, sqrt(self._square / self._count))
        step = (residual - self._mean) / spread
        for side in (0, 1):
            # The first side looks for a fall, the second for a rise.
            self._sums[side] += (-step if side == 0 else step) - TOLERATED
            if self._sums[side] < self._lows[side]:
                self._lows[side] = self._sums[side]
                self._at[side] = (self._count, self._total)
        if self._count < FEWEST:
            return None
        for side in (0, 1):
            if self._sums[side] - self._lows[side] > ALARM:
                count, total = self._at[side]
                since = self._count - count
                change = Change(since, total / count if count else 0.0, (self._total - total) / max(1, since))
                self._begin()
                return change
        return None

    def _begin(self) -> None:
        self._count = 0
        self._mean = self._square = self._total = 0.0
        self._sums = [0.0, 0.0]
        self._lows = [0.0, 0.0]
        self._at = [(0, 0.0), (0, 0.0)]
