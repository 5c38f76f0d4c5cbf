"""How much to believe of what was learned of each model: found on rows left out, and on whole tasks left out.

Rows left out at random are of kinds that were learned from, and whole tasks are not. A question that is served may be
of either sort, and which one is told by how like it is to the likest kind of question that was learned from: the cosine
with the mean question of some tasks. So what holds of the one sort counts where questions are as like as those were,
what holds of the other where they are as strange as those, and between them by a straight line. Needs numpy.
"""

from __future__ import annotations

import msgspec
import numpy as np

from meshwright.routing.quality.arrays import Array, Flags, Places
from meshwright.routing.quality.dual import Likenesses, ridge, ridges
from meshwright.routing.quality.forest import FEW, grown

PENALTIES = (5.0, 10.0, 20.0, 40.0, 80.0)
ASIDE = 5
"""One row, or one task, in so many is left out at a time."""
MANY = 3_000
SEED = 11
NO_TASK = -1
LEAST = 0.1
"""Of what was learned of each model this part is always kept: rows left out at random did bear it out."""
MOST_KINDS = 16
"""Tasks beyond these are put together with those that they are most like."""


class Belief(msgspec.Struct, frozen=True, kw_only=True):
    """The penalty, and how much counts on what is as strange as `far` and on what is as like as `near`."""

    penalty: float
    far: float
    near: float
    strange: float
    known: float
    doubt: float = 0.0
    """The variance of what is true of whole strange tasks around what is told of them."""

    def way(self, alike: Array) -> Array:
        """From 0, strange, to 1, known, of rows that are so like the likest kind."""
        reach = self.near - self.far
        return np.clip((alike - self.far) / reach, 0.0, 1.0) if reach > 0 else np.zeros_like(alike)

    def counts(self, alike: Array) -> Array:
        """How much counts of what is told of rows that are so like the likest kind."""
        told: Array = self.strange + (self.known - self.strange) * self.way(alike)
        return told


class Trial(msgspec.Struct, frozen=True, eq=False):
    """Some rows that were left out: what was true of them, around the mean of all others, and what was told."""

    true: Array
    used: Flags
    tasks: Places
    alike: Array
    columns: dict[float, Array]
    trees: Array

    def told(self, penalty: float) -> Array:
        """By words and by trees together."""
        return np.where(self.used, self.columns[penalty] + self.trees, 0.0)


def asides(rows: int) -> list[Flags]:
    """Parts of rows, at random. Of many rows one part says enough; of few each part has its turn."""
    parts = np.random.default_rng(SEED).permutation(rows) % ASIDE
    return [parts == part for part in range(1 if rows > MANY else ASIDE)]


def whole_tasks(tasks: Places) -> list[Flags]:
    """Parts of whole tasks; none where there are too few of them to tell. Rows of no task are in no part."""
    found = np.unique(tasks[tasks != NO_TASK])
    if len(found) < ASIDE:
        return []
    return [np.isin(tasks, left) for left in np.array_split(np.random.default_rng(SEED).permutation(found), ASIDE)]


def belief(alike: Likenesses, own: Array, used: Flags, tasks: Places) -> Belief | None:
    """What to believe, found within these rows; None where it is nothing."""
    rows = [_trial(alike, own, used, tasks, aside) for aside in asides(len(own))]
    strange = [_trial(alike, own, used, tasks, aside) for aside in whole_tasks(tasks)]
    far = float(np.median(np.concatenate([trial.alike for trial in strange]))) if strange else 0.0
    near = float(np.median(np.concatenate([trial.alike for trial in rows])))
    least, best = np.inf, None
    for penalty in PENALTIES:
        # Never below nothing, or few rows by chance would turn round what is told of every question.
        known = min(1.0, max(LEAST, _slope(rows, penalty)))
        found = Belief(
            penalty=penalty,
            far=far,
            near=near,
            known=known,
            strange=min(known, max(LEAST * known, _slope(strange, penalty))) if strange else known,
        )
        error = _missed(rows, found)
        if min(error, _missed_by_words(rows, penalty)) >= _missed(rows, None):
            continue
        if strange:
            error += _missed(strange, found)
        if error < least:
            least, best = error, found
    return best and msgspec.structs.replace(best, doubt=_doubt(strange, best))


def doubt(alike: Likenesses, common: Array, tasks: Places, penalty: float) -> float:
    """The variance of how hard whole strange tasks are around what is told of that."""
    everyone = np.ones_like(common, dtype=bool)
    found = []
    for aside in whole_tasks(tasks):
        told = alike.times(ridge(alike, common, everyone & ~aside[:, None], penalty))
        found.append(_beyond_chance((common - told)[aside], everyone[aside], tasks[aside]))
    return max(0.0, float(np.concatenate(found).mean())) if found else 0.0


def kinds(alike: Likenesses, tasks: Places, known: Flags) -> Array:
    """Weights of rows, a column for each kind, that make up its mean question, of length 1."""
    found = np.unique(tasks[known & (tasks != NO_TASK)])
    members = (known[:, None] & (tasks[:, None] == found)).astype(float)
    while members.shape[1] > MOST_KINDS:
        means = members / members.sum(axis=0)
        products = means.T @ alike.times(means)
        lengths = np.sqrt(np.maximum(1e-12, np.diag(products)))
        products /= lengths[:, None] * lengths[None, :]
        one, other = divmod(int(np.argmax(products - 2 * np.eye(len(products)))), len(products))
        members[:, one] += members[:, other]
        members = np.delete(members, other, axis=1)
    means = members / np.maximum(1.0, members.sum(axis=0))
    lengths = np.sqrt(np.maximum(1e-12, (means * alike.times(means)).sum(axis=0)))
    of: Array = means / lengths
    return of


def likest(alike: Likenesses, of: Array) -> Array:
    """The cosine of each row with the likest of these kinds; 0 where there is none."""
    if not of.shape[1]:
        return np.zeros(len(of))
    return np.asarray(alike.times(of).max(axis=1) / np.maximum(1e-9, alike.grid.lengths()))


def _trial(alike: Likenesses, own: Array, used: Flags, tasks: Places, aside: Flags) -> Trial:
    known = used & ~aside[:, None]
    # Around the mean of the others, or the left-out tasks would be known by what they moved it.
    targets = own - np.where(known, own, 0.0).sum(axis=0) / np.maximum(1, known.sum(axis=0))
    trees = grown(alike.grid.measures, targets, known, FEW).told(alike.grid.measures[aside])
    return Trial(
        np.where(used, targets, 0.0)[aside],
        used[aside],
        tasks[aside],
        likest(alike, kinds(alike, tasks, ~aside))[aside],
        {
            penalty: alike.times(weights)[aside]
            for penalty, weights in zip(PENALTIES, ridges(alike, targets, known, PENALTIES), strict=True)
        },
        trees,
    )


def _slope(trials: list[Trial], penalty: float) -> float:
    """What is true regressed on what is told."""
    both = sum(float((trial.true * trial.told(penalty)).sum()) for trial in trials)
    square = sum(float((trial.told(penalty) ** 2).sum()) for trial in trials)
    return both / square if square else 0.0


def _doubt(trials: list[Trial], believed: Belief) -> float:
    """The same of what is told of each model beside the others."""
    found, ways = [], []
    for trial in trials:
        told = believed.counts(trial.alike)[:, None] * trial.told(believed.penalty)
        found.append(_beyond_chance(trial.true - told, trial.used, trial.tasks))
        ways.append(1 - believed.way(trial.alike))
    if not found:
        return 0.0
    return max(0.0, float(np.concatenate(found).mean())) / max(0.3, float(np.concatenate(ways).mean()))


def _beyond_chance(errors: Array, used: Flags, tasks: Places) -> Array:
    """For each task and column the square of its mean error, less what chance does to a mean of so few."""
    found = []
    for task in np.unique(tasks):
        for column, given in zip(errors[tasks == task].T, used[tasks == task].T, strict=True):
            if given.sum() > 1:
                found.append(column[given].mean() ** 2 - column[given].var(ddof=1) / given.sum())
    return np.array(found)


def _missed_by_words(trials: list[Trial], penalty: float) -> float:
    """The mean squared error of what words tell, all of it believed."""
    missed = sum(float(((trial.true - trial.columns[penalty]) ** 2 * trial.used).sum()) for trial in trials)
    return missed / max(1, sum(int(trial.used.sum()) for trial in trials))


def _missed(trials: list[Trial], believed: Belief | None) -> float:
    """The mean squared error of what is believed; of saying nothing."""
    missed = 0.0
    for trial in trials:
        told = believed.counts(trial.alike)[:, None] * trial.told(believed.penalty) if believed else 0.0
        missed += float((np.where(trial.used, trial.true - told, 0.0) ** 2).sum())
    return missed / max(1, sum(int(trial.used.sum()) for trial in trials))
