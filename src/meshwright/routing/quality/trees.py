"""A forest in the form that a file keeps and a decision asks: no numpy, a few microseconds for each tree."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Sequence

import msgspec

LEAF = 255
"""In place of a measure: here nothing is asked any more."""
MIDDLE = 128
MOST_TREES = 200
"""A lane has 16 bits, and a leaf says 255 at most."""


class Trees(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes of all trees: which measure is asked (a byte), above which threshold (32 bits) it goes right, where to.

    A node's children are `below` (32 bits) and the one after it; a leaf's `below` is its row of `leaves`, a byte for
    each model, of which one step is worth `scale`.
    """

    roots: tuple[int, ...]
    measures: bytes
    thresholds: bytes
    below: bytes
    scale: float
    leaves: bytes


class Asked:
    """Trees that are ready to be asked of `models` models."""

    __slots__ = ("_below", "_lanes", "_leaves", "_measures", "_scale", "_thresholds", "_trees")

    def __init__(self, trees: Trees, models: int) -> None:
        nodes = len(trees.measures)
        self._trees = trees.roots
        self._measures = trees.measures
        # As narrow as in the file: a decision visits a thousand nodes, and waits for memory at most of them.
        self._thresholds = array("f", struct.unpack(f"<{nodes}f", trees.thresholds))
        self._below = array("I", struct.unpack(f"<{nodes}I", trees.below))
        self._lanes = struct.Struct(f"<{models}H")
        self._leaves = [
            int.from_bytes(self._lanes.pack(*trees.leaves[at : at + models]), "little")
            for at in range(0, len(trees.leaves), models)
        ]
        self._scale = trees.scale / len(trees.roots)

    def of(self, measures: Sequence[float]) -> list[float]:
        """The mean of the trees, for each model."""
        asked, thresholds, below = self._measures, self._thresholds, self._below
        ends = []
        for at in self._trees:
            while (measure := asked[at]) != LEAF:
                at = below[at] + (measures[measure] > thresholds[at])
            ends.append(self._leaves[below[at]])
        zero = MIDDLE * len(ends)
        lanes = self._lanes.unpack(sum(ends).to_bytes(self._lanes.size, "little"))
        return [(lane - zero) * self._scale for lane in lanes]


def wrong(trees: Trees, models: int, measures: int) -> str:
    """What does not fit together, "" when all does: every way down must end, within what is there."""
    nodes, leaves = len(trees.measures), len(trees.leaves) // models
    if len(trees.thresholds) != 4 * nodes or len(trees.below) != 4 * nodes or len(trees.leaves) != models * leaves:
        return f"{nodes} nodes of trees"
    if not 0 < len(trees.roots) <= MOST_TREES or not all(0 <= root < nodes for root in trees.roots):
        return f"{len(trees.roots)} trees"
    thresholds = struct.unpack(f"<{nodes}f", trees.thresholds)
    if not math.isfinite(trees.scale) or not all(map(math.isfinite, thresholds)):
        return "a number of a tree that is none"
    for at, (asked, below) in enumerate(zip(trees.measures, struct.unpack(f"<{nodes}I", trees.below), strict=True)):
        # Children come after their node, so that no way down goes in a circle.
        if below >= leaves if asked == LEAF else asked >= measures or not at < below < nodes - 1:
            return f"node {at} of the trees"
    return ""
