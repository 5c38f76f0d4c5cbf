"""Ridge regression as its rows see it: what two questions share is worked out once, for every penalty and model.

With weights for rows instead of grams, a fit that leaves rows out only leaves them out of a table that is there. A
table of very many rows would not fit in memory; then what they share is worked out anew each time. Needs numpy.
(Saunders, Gammerman & Vovk, 1998; conjugate gradients: Hestenes & Stiefel, 1952.)
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from meshwright.routing.quality.arrays import Array, Flags
from meshwright.routing.quality.grid import Grid

Table = npt.NDArray[np.float32]

MOST = 9_000
"""Rows of a table, which takes four bytes for each two of them: 324 MB."""
COMMON = 96
"""Grams of more rows than this are multiplied as a matrix, all others pair by pair."""
PAIRS = 2_000_000
"""Worked out at once."""
STEPS = 40
NEAR = 1e-7
"""The part of the squared error at the start at which a fit is done."""


class Likenesses(msgspec.Struct, frozen=True, eq=False):
    """The product of any two questions of a grid."""

    grid: Grid
    table: Table | None

    def times(self, weights: Array) -> Array:
        """What rows with these weights, a column for each fit, say of every row."""
        if self.table is not None:
            return np.asarray(self.table @ weights.astype(np.float32), dtype=np.float64)
        return np.stack([self.grid.times(self.grid.back(column)) for column in weights.T], axis=1)


def likenesses(grid: Grid) -> Likenesses:
    """Of all rows of a grid."""
    if grid.rows > MOST:
        return Likenesses(grid, None)
    rows = np.repeat(np.arange(grid.rows), np.diff(grid.starts))
    counts = np.bincount(grid.places, minlength=grid.wide)
    often = counts > COMMON
    column = np.cumsum(often) - 1
    held = often[grid.places]
    dense = np.zeros((grid.rows, int(often.sum())), dtype=np.float32)
    dense[rows[held], column[grid.places[held]]] = grid.values[held]
    table = dense @ dense.T
    flat = table.reshape(-1)
    order = np.argsort(grid.places, kind="stable")
    ends = np.cumsum(counts)
    for count in range(1, COMMON + 1):
        grams = np.flatnonzero(counts == count)
        for part in np.array_split(grams, max(1, -(-len(grams) * count * count // PAIRS))):
            picked = order[(ends[part] - count)[:, None] + np.arange(count)]
            row, value = rows[picked], grid.values[picked].astype(np.float32)
            at = row[:, :, None] * grid.rows + row[:, None, :]
            np.add.at(flat, at.ravel(), (value[:, :, None] * value[:, None, :]).ravel())
    return Likenesses(grid, table)


def ridge(alike: Likenesses, targets: Array, used: Flags, penalty: float | Array) -> Array:
    """Weights of rows, a column for each column of targets, from the used rows of each; 0 for the others.

    A penalty may be one for all columns, or one for each.
    """
    weights = np.zeros_like(targets)
    rest = np.where(used, targets, 0.0)
    direction = rest.copy()
    size = start = (rest**2).sum(axis=0)
    for _ in range(STEPS):
        going = size > NEAR * start
        if not going.any():
            break
        turned = np.where(used, alike.times(direction), 0.0) + penalty * direction
        step = np.where(going, size / np.where(going, (direction * turned).sum(axis=0), 1.0), 0.0)
        weights += step * direction
        rest -= step * turned
        fresh = np.where(going, (rest**2).sum(axis=0), size)
        direction = rest + np.where(going, fresh / np.where(going, size, 1.0), 0.0) * direction
        size = fresh
    return weights


def ridges(alike: Likenesses, targets: Array, used: Flags, penalties: tuple[float, ...]) -> list[Array]:
    """The same with each penalty: all of them at once, for a pass over the table costs more than what it says."""
    times = len(penalties)
    each = np.repeat(np.array(penalties), targets.shape[1])
    found = ridge(alike, np.tile(targets, times), np.tile(np.broadcast_to(used, targets.shape), times), each)
    return np.split(found, times, axis=1)
