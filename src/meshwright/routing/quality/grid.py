"""Many questions as one sparse matrix, rows by grams, with what a regression asks of it. Needs numpy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np

from meshwright.routing.quality.arrays import Array, Places
from meshwright.routing.quality.knowledge import rarity
from meshwright.routing.quality.sight import SHAPES, Sight, sight

SEEN = 2
"""A gram of fewer rows is not kept."""
MOST = 16_000
"""Grams kept, the commonest: what they weigh in a file is a few hundred kB."""


class Grid(msgspec.Struct, frozen=True, eq=False):
    """Values in the order of rows: `starts` is where each row begins, `places` the column of each value.

    `measures` has the plain numbers of each row, see sight.
    """

    grams: Places
    holding: Places
    starts: Places
    places: Places
    values: Array
    measures: Array

    @property
    def rows(self) -> int:
        """How many questions."""
        return len(self.starts) - 1

    @property
    def wide(self) -> int:
        """How many grams."""
        return len(self.grams)

    def lengths(self) -> Array:
        """The length of each row."""
        return np.sqrt(np.bincount(np.repeat(np.arange(self.rows), np.diff(self.starts)), self.values**2, self.rows))

    def times(self, weights: Array) -> Array:
        """The matrix times a vector: one number for each row."""
        sums = np.concatenate(([0.0], np.cumsum(self.values * weights[self.places])))
        told: Array = sums[self.starts[1:]] - sums[self.starts[:-1]]
        return told

    def back(self, targets: Array) -> Array:
        """The transposed matrix times a vector: one number for each gram."""
        weighed = self.values * np.repeat(targets, np.diff(self.starts))
        return np.bincount(self.places, weighed, minlength=self.wide).astype(np.float64)

    def of(self, rows: Places) -> Grid:
        """Some of the rows."""
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate(([0], np.cumsum(lengths)))
        picked = np.repeat(self.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])
        return Grid(self.grams, self.holding, starts, self.places[picked], self.values[picked], self.measures[rows])


def gridded(questions: Sequence[str]) -> Grid:
    """The matrix of these questions; grams that too few of them have are left out."""
    seen = [sight(question) for question in questions]
    holding: Counter[int] = Counter()
    for each in seen:
        holding.update(each.words.keys() | each.shapes)
    kept = sorted((-count, gram) for gram, count in holding.items() if count >= SEEN)[:MOST]
    grams = sorted(gram for _, gram in kept)
    place = {gram: at for at, gram in enumerate(grams)}
    rare = {gram: rarity(holding[gram], len(questions)) for gram in grams}
    starts, places, values = [0], [], []
    for each in seen:
        for at, value in _valued(each, rare):
            places.append(place[at])
            values.append(value)
        starts.append(len(places))
    counts = np.array([holding[gram] for gram in grams], dtype=np.int64)
    return Grid(
        np.array(grams, dtype=np.int64),
        counts,
        np.array(starts),
        np.array(places, dtype=np.int64),
        np.array(values, dtype=np.float64),
        np.array([each.measures for each in seen], dtype=np.float64),
    )


def _valued(seen: Sight, rare: dict[int, float]) -> list[tuple[int, float]]:
    """A question's grams with their values: words of length 1 together, shapes of theirs."""
    words = [(gram, rare[gram] * worth) for gram, worth in seen.words.items() if gram in rare]
    shapes = [(gram, 1.0) for gram in sorted(seen.shapes) if gram in rare]
    found = []
    for part, length in ((words, 1.0), (shapes, SHAPES)):
        norm = sum(value * value for _, value in part) ** 0.5
        found += [(gram, value * length / norm) for gram, value in part]
    return found
