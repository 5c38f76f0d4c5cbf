"""Learning from outcome rows: ridge regression on sparse grams, by conjugate gradients. Needs numpy.

A score is a model's level, plus how hard the question is for the whole pool, plus what this model makes of it beside
the others: the last is what routing lives on, so it is a regression of its own with a penalty of its own, found on rows
that were set aside. Where it says nothing about those, routing cannot help, and models keep no more than their levels.
Where rows say which task they are of, it counts for as much as it says of whole tasks that were left out.
(Conjugate gradients: Hestenes & Stiefel, 1952.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from meshwright.routing.quality.grid import Grid, gridded
from meshwright.routing.quality.rows import Row
from meshwright.routing.quality.weights import MIDDLE, VERSION, Measured, Weights
from meshwright.types.errors import ConfigError

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

PENALTIES = (5.0, 10.0, 20.0, 40.0, 80.0)
ASIDE = 5
"""One row in so many is set aside to choose the penalty, and to see whether there is anything to learn."""
MANY = 3_000
FEWEST = 30
"""Rows under which nothing is learned but levels."""
STEPS = 30
SEED = 11
NO_TASK = -1
LEAST = 0.1
"""Of what was learned of each model this part is always kept: rows left out at random did bear it out."""
PRIOR = 5.0
"""Rows that a level is drawn towards its pool's mean by."""


class Pool(msgspec.Struct, frozen=True):
    """Models that answered the same questions, and the rows that any of them answered."""

    models: tuple[str, ...]
    rows: npt.NDArray[np.int64]


def fit(rows: Iterable[Row | Mapping[str, object]]) -> Weights:
    """Weights from rows; deterministic. Raises ConfigError when there are none, or one is wrong."""
    try:
        found = [row if isinstance(row, Row) else msgspec.convert(row, Row) for row in rows]
    except msgspec.ValidationError as error:
        raise ConfigError.of(f"A row is wrong: {error}.", fix="A row has `prompt` and `scores`.") from error
    if not found:
        raise ConfigError.of("There are no outcome rows to learn from.", fix="Give a file with at least one row.")
    grid = gridded([row.prompt for row in found])
    names = sorted({model for row in found for model in row.scores})
    place = {name: at for at, name in enumerate(names)}
    scores = np.full((len(found), len(names)), np.nan)
    for at, row in enumerate(found):
        for model, score in row.scores.items():
            scores[at, place[model]] = score
    order = {task: at for at, task in enumerate(sorted({row.task for row in found if row.task}))}
    tasks = np.array([order.get(row.task, NO_TASK) for row in found])
    columns: list[Array] = []
    penalties: list[float] = []
    models: list[Measured] = []
    for pool in pools(names, scores):
        learned = _learn(
            grid.of(pool.rows), scores[pool.rows][:, [place[name] for name in pool.models]], tasks[pool.rows]
        )
        common = len(columns)
        columns.append(learned.common)
        penalties.append(learned.penalty)
        for at, name in enumerate(pool.models):
            columns.append(learned.own[at])
            penalties.append(learned.own_penalty)
            models.append(
                Measured(
                    name=name, level=float(learned.levels[at]), rows=int(learned.counts[at]),
                    common=common, own=len(columns) - 1, noise=float(learned.noise[at]),
                )
            )  # fmt: skip
    told = f"{len(found):,} outcomes of {len(names)} models"
    return _packed(grid, columns, penalties, tuple(models), told)


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
    levels: Array
    counts: Array
    noise: Array
    penalty: float
    own_penalty: float


def _learn(grid: Grid, scores: Array, tasks: Places) -> Learned:
    """Levels, the common column and each model's own, with penalties chosen on rows set aside."""
    given = ~np.isnan(scores)
    counts = given.sum(axis=0).astype(float)
    levels = _levels(scores, given, counts)
    rest = np.where(given, scores - levels, 0.0)
    common = rest.sum(axis=1) / np.maximum(1, given.sum(axis=1))
    own = np.where(given, rest - common[:, None], 0.0)
    everyone = np.ones(len(scores), dtype=bool)
    compared = given & (given.sum(axis=1) > 1)[:, None]
    penalty, own_penalty, differs = PENALTIES[-1], PENALTIES[-1], False
    if len(scores) >= FEWEST:
        parts = np.random.default_rng(SEED).permutation(len(scores)) % ASIDE
        # Of many rows one part set aside says enough; of few each part has its turn.
        asides = [parts == part for part in range(1 if len(scores) > MANY else ASIDE)]
        penalty, _ = _best(grid, common[:, None], everyone[:, None], asides)
        own_penalty, differs = _best(grid, own, compared, asides)
    column = _ridge(grid, common, everyone, penalty) if len(scores) >= FEWEST else np.zeros(grid.wide)
    carried = _carried(grid, own, compared, tasks, own_penalty) if differs else 0.0
    columns = [
        carried * _ridge(grid, own[:, at], compared[:, at], own_penalty) if carried else np.zeros(grid.wide)
        for at in range(scores.shape[1])
    ]
    told = grid.times(column)[:, None] + np.stack([grid.times(each) for each in columns], axis=1)
    off = np.where(given, scores - told, 0.0).sum(axis=0) / counts
    left = np.where(given, scores - off - told, 0.0)
    return Learned(
        common=column,
        own=columns,
        levels=np.where(counts >= FEWEST, off, levels),
        counts=counts,
        noise=np.maximum(1e-4, (left**2).sum(axis=0) / counts),
        penalty=penalty,
        own_penalty=own_penalty,
    )


def _levels(scores: Array, given: Flags, counts: Array) -> Array:
    """Each model's mean, drawn a little towards that of all."""
    whole = float(scores[given].mean())
    return np.asarray((np.where(given, scores, 0.0).sum(axis=0) + PRIOR * whole) / (counts + PRIOR))


def _ridge(grid: Grid, targets: Array, used: Flags, penalty: float) -> Array:
    """Weights that minimise squared error over the used rows plus `penalty` times their squared length."""
    weights = np.zeros(grid.wide)
    rest = grid.back(np.where(used, targets, 0.0))
    direction = rest.copy()
    size = start = float(rest @ rest)
    for _ in range(STEPS):
        if size <= 1e-8 * start:
            break
        turned = grid.back(grid.times(direction) * used) + penalty * direction
        step = size / float(direction @ turned)
        weights += step * direction
        rest -= step * turned
        fresh = float(rest @ rest)
        direction = rest + fresh / size * direction
        size = fresh
    return weights


def _best(grid: Grid, targets: Array, used: Flags, asides: list[Flags]) -> tuple[float, bool]:
    """The penalty with the least error on rows set aside, and whether that is less than by saying nothing at all."""
    judged = used & np.any(asides, axis=0)[:, None]
    silent = float((np.where(judged, targets, 0.0) ** 2).sum())
    least, best = np.inf, PENALTIES[-1]
    for penalty in PENALTIES:
        error = 0.0
        for at in range(targets.shape[1]):
            for aside in asides:
                column = _ridge(grid, targets[:, at], used[:, at] & ~aside, penalty)
                missed = np.where(used[:, at] & aside, targets[:, at] - grid.times(column), 0.0)
                error += float(missed @ missed)
        if error < least:
            least, best = error, penalty
    return best, least < silent


def _carried(grid: Grid, targets: Array, used: Flags, tasks: Places, penalty: float) -> float:
    """How much of what was learned of each model holds on tasks that were not learned from: `LEAST` to 1, all.

    Whole tasks are left out in turn, and the true differences regressed on those predicted. Fewer than `ASIDE` tasks
    cannot tell: all is kept. Rows of no task are never left out.
    """
    found = np.unique(tasks[tasks != NO_TASK])
    if len(found) < ASIDE:
        return 1.0
    parts = np.full(len(tasks), NO_TASK)
    for part, left in enumerate(np.array_split(np.random.default_rng(SEED).permutation(found), ASIDE)):
        parts[np.isin(tasks, left)] = part
    both = square = 0.0
    for part in range(ASIDE):
        for at in range(targets.shape[1]):
            known, aside = used[:, at] & (parts != part), used[:, at] & (parts == part)
            if not known.any():
                continue
            # Around the mean of the others, or the left-out tasks would be known by what they moved it.
            true = targets[:, at] - targets[known, at].mean()
            told = grid.times(_ridge(grid, true, known, penalty))[aside]
            both += float(true[aside] @ told)
            square += float(told @ told)
    return min(1.0, max(LEAST, both / square)) if square else LEAST


def _packed(
    grid: Grid, columns: list[Array], penalties: list[float], models: tuple[Measured, ...], told: str
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
    )
