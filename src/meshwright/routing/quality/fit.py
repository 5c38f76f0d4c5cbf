"""Learning from outcome rows: ridge regression on sparse grams, and a forest on what can be counted. Needs numpy.

A score is a model's level, plus how hard the question is for the whole pool, plus what this model makes of it beside
the others: the last is what routing lives on, so it is a regression of its own with a penalty of its own, and trees
beside it, found on rows that were set aside. Where it says nothing about those, routing cannot help, and models keep no
more than their levels. Where rows say which task they are of, it counts on strange questions for as much as it says of
whole tasks that were left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from meshwright.routing.quality.arrays import Array, Flags, Places
from meshwright.routing.quality.dual import Likenesses, likenesses, ridge, ridges
from meshwright.routing.quality.forest import grown
from meshwright.routing.quality.grid import Grid, gridded
from meshwright.routing.quality.left_out import NO_TASK, PENALTIES, Belief, asides, belief, doubt, kinds, likest
from meshwright.routing.quality.rows import FEWEST, Row, as_row
from meshwright.routing.quality.trees import MIDDLE, Trees
from meshwright.routing.quality.weights import VERSION, Measured, Peers, Weights
from meshwright.types.errors import ConfigError

PRIOR = 5.0
"""Rows that a level is drawn towards its pool's mean by, that mean towards `EVEN`, and a variance towards `NOISE`."""
EVEN, NOISE = 0.5, 0.25
"""The mean score of which nothing is known, and the most that scores of that mean can vary by."""


class Pool(msgspec.Struct, frozen=True):
    """Models that answered the same questions, and the rows that any of them answered."""

    models: tuple[str, ...]
    rows: Places


def fit(rows: Iterable[Row | Mapping[str, object]]) -> Weights:
    """Weights from rows; deterministic. Raises ConfigError when there are none, or one is wrong."""
    found = [as_row(row) for row in rows]
    if not found:
        raise ConfigError.of("There are no outcome rows to learn from.", fix="Give a file with at least one row.")
    grid = gridded([row.prompt for row in found])
    given = [row.by_model() for row in found]
    names = sorted({model for each in given for model in each})
    place = {name: at for at, name in enumerate(names)}
    scores = np.full((len(found), len(names)), np.nan)
    for at, each in enumerate(given):
        for model, score in each.items():
            scores[at, place[model]] = score
    order = {task: at for at, task in enumerate(sorted({row.task for row in found if row.task}))}
    tasks = np.array([order.get(row.task, NO_TASK) for row in found])
    columns: list[Array] = []
    penalties: list[float] = []
    models: list[Measured] = []
    peers: list[Peers] = []
    for pool in pools(names, scores):
        learned = _learn(
            grid.of(pool.rows), scores[pool.rows][:, [place[name] for name in pool.models]], tasks[pool.rows]
        )
        common = len(columns)
        believed = learned.believed
        columns += [learned.common, *learned.own, *learned.kinds]
        own_penalty = believed.penalty if believed else PENALTIES[-1]
        penalties += [learned.penalty] + [own_penalty] * (len(learned.own) + len(learned.kinds))
        if believed:
            peers.append(
                Peers(
                    first=len(models), count=len(pool.models), trees=learned.trees,
                    kind=common + 1 + len(learned.own), kinds=len(learned.kinds),
                    far=believed.far, near=believed.near, strange=believed.strange, known=believed.known,
                    doubt=believed.doubt,
                )
            )  # fmt: skip
        for at, name in enumerate(pool.models):
            models.append(
                Measured(
                    name=name, level=float(learned.levels[at]), rows=int(learned.counts[at]),
                    common=common, own=common + 1 + at, noise=float(learned.noise[at]),
                )
            )  # fmt: skip
    told = f"{_many(len(found), 'outcome')} of {_many(len(names), 'model')}"
    return _packed(grid, columns, penalties, tuple(models), tuple(peers), told)


def pools(names: Sequence[str], scores: Array) -> list[Pool]:
    """Models that are compared by common rows, directly or through others, in order of the first name."""
    left = set(range(len(names)))
    answered = ~np.isnan(scores)
    found = []
    while left:
        members = {min(left)}
        while True:
            rows = answered[:, sorted(members)].any(axis=1)
            wider = {int(at) for at in np.flatnonzero(answered[rows].any(axis=0))}
            if wider == members:
                break
            members = wider
        left -= members
        found.append(Pool(tuple(names[at] for at in sorted(members)), np.flatnonzero(rows)))
    return found


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """A pool's columns, levels, and what its models vary by around them."""

    common: Array
    own: list[Array]
    kinds: list[Array]
    trees: Trees | None
    believed: Belief | None
    levels: Array
    counts: Array
    noise: Array
    penalty: float


def _learn(grid: Grid, scores: Array, tasks: Places) -> Learned:
    """Levels, the common column, and each model's own with trees beside it, as far as rows left out bear them out."""
    given = ~np.isnan(scores)
    counts = given.sum(axis=0).astype(float)
    levels = _levels(scores, given, counts)
    rest = np.where(given, scores - levels, 0.0)
    common = rest.sum(axis=1) / np.maximum(1, given.sum(axis=1))
    own = np.where(given, rest - common[:, None], 0.0)
    everyone = np.ones((len(scores), 1), dtype=bool)
    compared = given & (given.sum(axis=1) > 1)[:, None]
    column, columns, of = np.zeros(grid.wide), np.zeros((grid.wide, scores.shape[1])), np.zeros((len(scores), 0))
    told = np.zeros_like(scores)
    penalty, believed, trees, uncertain = PENALTIES[-1], None, None, 0.0
    if len(scores) >= FEWEST:
        alike = likenesses(grid)
        penalty = _best(alike, common[:, None], everyone)
        column = grid.back(ridge(alike, common[:, None], everyone, penalty)[:, 0])
        believed = belief(alike, own, compared, tasks) if compared.any() else None
        if believed is not None:
            uncertain = believed.doubt + doubt(alike, common[:, None], tasks, penalty)
            weights = ridge(alike, own, compared, believed.penalty)
            columns = np.stack([grid.back(each) for each in weights.T], axis=1)
            trees = grown(grid.measures, own, compared)
            of = kinds(alike, tasks, np.ones(len(scores), dtype=bool))
            told = believed.counts(likest(alike, of))[:, None] * (alike.times(weights) + trees.told(grid.measures))
    told += grid.times(column)[:, None]
    off = np.where(given, scores - told, 0.0).sum(axis=0) / counts
    left = np.where(given, scores - off - told, 0.0)
    return Learned(
        common=column,
        own=list(columns.T),
        kinds=[grid.back(each) for each in of.T],
        trees=trees.packed() if trees is not None else None,
        believed=msgspec.structs.replace(believed, doubt=uncertain) if believed else None,
        levels=np.where(counts >= FEWEST, off, levels),
        counts=counts,
        # A few answers that are all good, or all bad, do not show how much answers vary.
        noise=((left**2).sum(axis=0) + NOISE * PRIOR) / (counts + PRIOR),
        penalty=penalty,
    )


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _levels(scores: Array, given: Flags, counts: Array) -> Array:
    """Each model's mean, drawn a little towards that of all, and that towards even odds."""
    whole = float((scores[given].sum() + PRIOR * EVEN) / (given.sum() + PRIOR))
    return np.asarray((np.where(given, scores, 0.0).sum(axis=0) + PRIOR * whole) / (counts + PRIOR))


def _best(alike: Likenesses, targets: Array, used: Flags) -> float:
    """The penalty with the least error on rows set aside."""
    errors = np.zeros(len(PENALTIES))
    for aside in asides(len(targets)):
        for at, weights in enumerate(ridges(alike, targets, used & ~aside[:, None], PENALTIES)):
            errors[at] += (np.where(used, targets - alike.times(weights), 0.0)[aside] ** 2).sum()
    return PENALTIES[int(errors.argmin())]


def _packed(
    grid: Grid,
    columns: list[Array],
    penalties: list[float],
    models: tuple[Measured, ...],
    peers: tuple[Peers, ...],
    told: str,
) -> Weights:
    table = np.stack(columns, axis=1)
    scales = np.maximum(np.abs(table).max(axis=0, initial=0.0), 1e-9) / (MIDDLE - 1)
    return Weights(
        version=VERSION,
        told=told,
        rows=grid.rows,
        grams=grid.grams.astype("<u4").tobytes(),
        holding=grid.holding.astype("<u4").tobytes(),
        scales=tuple(float(scale) for scale in scales),
        penalties=tuple(penalties),
        steps=(np.rint(table / scales) + MIDDLE).astype(np.uint8).tobytes(),
        models=models,
        peers=peers,
    )
