"""A forest of random trees over a few measures of a question, for what a sum of words cannot say. Needs numpy.

At every node a third of the measures is tried, each at one threshold drawn between its bounds (Geurts, Ernst &
Wehenkel, Extremely randomized trees, 2006). One tree tells all models of a pool apart, so they share its nodes.
"""

from __future__ import annotations

import msgspec
import numpy as np

from meshwright.routing.quality.arrays import Array, Flags, Places
from meshwright.routing.quality.trees import LEAF, MIDDLE, Trees

TREES = 48
FEW = 24
"""Trees that are enough to see what a forest is worth."""
FEWEST = 10
"""Rows of a leaf."""
TRIED = 3
"""One measure in so many is tried at a node."""
SEED = 11


class Forest(msgspec.Struct, frozen=True, eq=False):
    """Nodes of all trees. A node's children are `below` and the next one; a leaf's `below` is its row of `leaves`."""

    roots: list[int]
    measures: Places
    thresholds: Array
    below: Places
    leaves: Array

    def told(self, measures: Array) -> Array:
        """The mean of its trees for each row of measures."""
        total = np.zeros((len(measures), self.leaves.shape[1]))
        rows = np.arange(len(measures))
        for root in self.roots:
            at = np.full(len(measures), root)
            while (inner := self.measures[at] != LEAF).any():
                right = measures[rows, np.where(inner, self.measures[at], 0)] > self.thresholds[at]
                at = np.where(inner, self.below[at] + right, at)
            total += self.leaves[self.below[at]]
        return total / len(self.roots)

    def packed(self) -> Trees:
        """The form that is kept in a file."""
        scale = max(float(np.abs(self.leaves).max(initial=0.0)), 1e-9) / (MIDDLE - 1)
        return Trees(
            roots=tuple(self.roots),
            measures=self.measures.astype(np.uint8).tobytes(),
            thresholds=self.thresholds.astype("<f4").tobytes(),
            below=self.below.astype("<u4").tobytes(),
            scale=scale,
            leaves=(np.rint(self.leaves / scale) + MIDDLE).astype(np.uint8).tobytes(),
        )


def grown(measures: Array, targets: Array, used: Flags, trees: int = TREES) -> Forest:
    """A forest from the used scores of each row; deterministic."""
    rows = np.flatnonzero(used.any(axis=1))
    measures, given = measures[rows], used[rows].astype(float)
    targets = np.where(used[rows], targets[rows], 0.0)
    dice = np.random.default_rng(SEED)
    tried = max(1, measures.shape[1] // TRIED)
    roots: list[int] = []
    chosen: list[int] = []
    thresholds: list[float] = []
    below: list[int] = []
    leaves: list[Array] = []
    for _ in range(trees):
        roots.append(len(chosen))
        chosen.append(LEAF)
        thresholds.append(0.0)
        below.append(0)
        waiting = [(roots[-1], np.arange(len(rows)))]
        while waiting:
            node, inside = waiting.pop()
            split = _split(measures[inside], targets[inside], dice, tried) if len(inside) >= 2 * FEWEST else None
            if split is None:
                below[node] = len(leaves)
                leaves.append(targets[inside].sum(axis=0) / np.maximum(1, given[inside].sum(axis=0)))
                continue
            chosen[node], thresholds[node], right = split
            below[node] = len(chosen)
            for part in (inside[~right], inside[right]):
                waiting.append((len(chosen), part))
                chosen.append(LEAF)
                thresholds.append(0.0)
                below.append(0)
    return Forest(roots, np.array(chosen), np.array(thresholds), np.array(below), np.array(leaves))


def _split(measures: Array, targets: Array, dice: np.random.Generator, tried: int) -> tuple[int, float, Flags] | None:
    """The best of some measures, its threshold, and which rows lie above; None where no split leaves enough rows."""
    picked = dice.permutation(measures.shape[1])[:tried]
    values = measures[:, picked]
    low, high = values.min(axis=0), values.max(axis=0)
    # A file keeps 32 bits of it, and both must send a row the same way.
    edges = (low + (high - low) * dice.random(tried)).astype(np.float32).astype(float)
    above = values > edges
    right = above.sum(axis=0)
    left = len(measures) - right
    sums = above.T.astype(float) @ targets
    rest = targets.sum(axis=0) - sums
    gain = (sums**2).sum(axis=1) / np.maximum(1, right) + (rest**2).sum(axis=1) / np.maximum(1, left)
    gain[(right < FEWEST) | (left < FEWEST)] = -1.0
    best = int(gain.argmax())
    return (int(picked[best]), float(edges[best]), above[:, best]) if gain[best] >= 0 else None
