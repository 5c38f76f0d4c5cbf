"""Choosing by lot among models, each as likely as it is to be the best: what is known little of gets its chance.

Thompson sampling (Thompson, 1933) draws a value for each model and takes the highest. Here the chances of that are
worked out first and one lot is drawn by them: the same choices, and the chance of each is known exactly, so that the
log can be asked later what another policy would have done.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import erf, sqrt
from operator import mul

import msgspec

from meshwright.types.decision import Candidate

MOST = 8
"""Models that a lot is drawn among, those that could be the best; the chances of each more would be next to nothing."""
CELLS = 32
REACH = 3.0
"""Standard deviations on each side that are looked at."""
LEAST_SPREAD = 0.005


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates in order, the one that the lot fell on first; why; and how likely that was.

    `extra` is what the choice is predicted to cost above the best by expectation, in nano-dollars.
    """

    ranked: list[Candidate]
    because: str
    propensity: float
    extra: int = 0


def best_chances(means: Sequence[float], spreads: Sequence[float]) -> list[float]:
    """How likely each of some independent normal values is to be the highest; the chances add up to 1."""
    if len(means) == 1:
        return [1.0]
    spreads = [max(LEAST_SPREAD, spread) for spread in spreads]
    low = max(mean - REACH * spread for mean, spread in zip(means, spreads, strict=True))
    high = max(mean + REACH * spread for mean, spread in zip(means, spreads, strict=True))
    # All that matters lies between: below `low` the value that is surely above it cannot be beaten.
    edges = [low + (high - low) * at / CELLS for at in range(CELLS + 1)]
    below = [
        [0.5 + 0.5 * erf((edge - mean) / wide) for edge in edges]
        for mean, wide in zip(means, [spread * sqrt(2) for spread in spreads], strict=True)
    ]
    middles = [[(least + most) / 2 for least, most in pairwise(each)] for each in below]
    chances = []
    for each, others in zip(below, _others(middles), strict=True):
        within = [most - least if most > least else 0.0 for least, most in pairwise(each)]
        chances.append(sum(map(mul, within, others)))
    whole = sum(chances)
    return [chance / whole for chance in chances] if whole > 0 else [1 / len(means)] * len(means)


def _others(columns: Sequence[list[float]]) -> list[list[float]]:
    """For each column the products of all others, row by row; multiplied in the order of the columns."""
    found: list[list[float]] = []
    before = [1.0] * len(columns[0])
    for column in columns:
        found = [list(map(mul, product, column)) for product in found]
        found.append(before)
        before = list(map(mul, before, column))
    return found


def fallen(lot: float, chances: Sequence[float]) -> int:
    """Which one a lot in [0, 1) falls on."""
    left = lot
    for at, chance in enumerate(chances):
        left -= chance
        if left < 0:
            return at
    return max(range(len(chances)), key=chances.__getitem__)  # rounding can carry it past the end
