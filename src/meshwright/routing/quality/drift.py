"""Whether a model has become another: a change of what it scores beside what was expected of it.

Page-Hinkley's test, on both sides (Page, "Continuous inspection schemes", 1954; Hinkley, 1971): how far the sum of
deviations from their mean has come away from its extreme, in standard deviations, so that one setting does for thumbs
and for fine scores. The alarm follows from `RUN`, the average run of outcomes between false alarms of a model that
stays as it is, by Siegmund's approximation (Sequential Analysis, 1985, II.6); where most outcomes are alike and few are
far off, as of a model that is nearly always right, the exponent in it is that of skewed sums. The first outcomes are
not looked at: while a model is still being learned, what is expected of it changes, not the model.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Protocol

import msgspec

TOLERATED = 0.2
"""Deviation that is no change."""
RUN = 200_000
WARM = 100
FEWEST = 30
"""After those, outcomes by which mean and spread are known well enough."""
LEAST_SPREAD = 0.05
OVERSHOOT = 1.166
"""How far a sum is beyond the threshold on average on both sides together, in standard deviations (Siegmund)."""


class Change(msgspec.Struct, frozen=True):
    """It began `since` outcomes ago (this one included); it scored `before` over what was expected, and now `after`."""

    since: int
    before: float
    after: float


def threshold(skew: float) -> float:
    """How far the sum for a rise may come away, when deviations are so skewed; for a fall the skew is turned over."""
    wanted = 2 * RUN * 2 * TOLERATED**2  # one side alarms half as often as both
    reach = log(wanted)
    for _ in range(4):
        reach = log(wanted + 1 + reach)
    # The root of the cumulants up to the third, t/2 + skew·t²/6 = TOLERATED; 2·TOLERATED where nothing is skewed.
    exponent = 2 * TOLERATED if skew < 0.01 else (sqrt(0.25 + 2 / 3 * skew * TOLERATED) - 0.5) * 3 / skew
    return reach / exponent - OVERSHOOT


class Watching(Protocol):
    """What looks at outcomes one by one."""

    def see(self, residual: float) -> Change | None:
        """Take one in; a change, once it is certain."""
        ...


class Watch:
    """One model's outcomes in order of time, each as what it scored less what was expected of it."""

    def __init__(self) -> None:
        self._begin()

    def see(self, residual: float) -> Change | None:
        """Take one in. A change that is certain now is told, and watching begins anew."""
        if self._warm:
            self._warm -= 1
            return None
        self._count += 1
        count = self._count
        off = residual - self._mean
        self._mean += off / count
        self._cube += off**3 * (count - 1) * (count - 2) / count**2 - 3 * off * self._square / count
        self._square += off * (residual - self._mean)
        self._total += residual
        variance = self._square / count
        spread = max(LEAST_SPREAD, sqrt(variance))
        step = (residual - self._mean) / spread
        for side in (0, 1):
            # The first side looks for a fall, the second for a rise.
            self._sums[side] += (-step if side == 0 else step) - TOLERATED
            if self._sums[side] < self._lows[side]:
                self._lows[side] = self._sums[side]
                self._at[side] = (count, self._total)
        if count < FEWEST or max(self._sums[0] - self._lows[0], self._sums[1] - self._lows[1]) < self._least:
            return None
        skew = self._cube / count / spread**3
        for side in (0, 1):
            if self._sums[side] - self._lows[side] > threshold(-skew if side == 0 else skew):
                before, total = self._at[side]
                since = count - before
                change = Change(since, total / before if before else 0.0, (self._total - total) / max(1, since))
                self._begin()
                return change
        return None

    def _begin(self) -> None:
        self._warm = WARM
        self._least = threshold(0.0)
        self._count = 0
        self._mean = self._square = self._cube = self._total = 0.0
        self._sums = [0.0, 0.0]
        self._lows = [0.0, 0.0]
        self._at = [(0, 0.0), (0, 0.0)]
