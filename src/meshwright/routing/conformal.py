"""Intervals that hold as often as they say, also while the world drifts: split conformal prediction made adaptive.

A score says how far the truth was from its prediction. Of the latest scores the quantile at ceil((n + 1)(1 - a)) / n
bounds the next one with probability 1 - a, whatever their distribution, if they are exchangeable (Vovk et al.; Lei et
al. 2018, https://arxiv.org/abs/1604.04173). They are not when models change, so `a` itself moves: up a little when a
bound held, down a lot when it did not, which keeps the share of misses at its target in the long run, whatever comes
(adaptive conformal inference: Gibbs and Candes 2021, https://arxiv.org/abs/2106.00170).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from math import ceil

WINDOW = 256
"""Scores that quantiles are taken over."""
LEAST = 20
"""Scores without which nothing is said: with fewer, a bound at 95 % would have to be infinite."""
STEP = 0.01
"""How fast `a` moves. Gibbs and Candes take 0.005 for long series; what comes here is shorter."""


class Tail:
    """One side of an interval: a bound above which a score lies with probability `target`."""

    __slots__ = ("level", "target")

    def __init__(self, target: float) -> None:
        self.target = target
        self.level = target

    def learn(self, missed: bool) -> None:
        """The bound that this tail gave was exceeded, or not."""
        self.level += STEP * (self.target - missed)

    def bound(self, ordered: list[float]) -> float:
        """The bound from ascending scores, of which there are some."""
        count = len(ordered)
        rank = ceil((count + 1) * (1 - self.level))
        if rank > count:  # more is asked for than was seen: as far beyond the greatest as that is from the middle
            return ordered[-1] + (ordered[-1] - ordered[count // 2])
        return ordered[max(0, rank - 1)]


class Tracker:
    """Both sides of an interval over a series of scores; `miss` is the probability outside of it."""

    __slots__ = ("_above", "_below", "_latest", "_ordered")

    def __init__(self, miss: float) -> None:
        self._above, self._below = Tail(miss / 2), Tail(miss / 2)
        self._latest: deque[float] = deque()
        self._ordered: list[float] = []

    @property
    def rows(self) -> int:
        """How many scores it goes by."""
        return len(self._ordered)

    def interval(self) -> tuple[float, float] | None:
        """Between what the next score will lie; None as long as too few were seen."""
        if len(self._ordered) < LEAST:
            return None
        mirrored = [-score for score in reversed(self._ordered)]
        low, high = -self._below.bound(mirrored), self._above.bound(self._ordered)
        return min(low, high), max(low, high)

    def learn(self, score: float) -> None:
        """The next score has come."""
        told = self.interval()
        if told is not None:
            self._below.learn(score < told[0])
            self._above.learn(score > told[1])
        if len(self._latest) == WINDOW:
            del self._ordered[bisect_left(self._ordered, self._latest.popleft())]
        self._latest.append(score)
        insort(self._ordered, score)
