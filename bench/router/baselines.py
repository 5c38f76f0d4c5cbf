"""What a router is compared with: nothing, the task's own label, and simple learners on one embedding."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from meshwright.routing.quality.fit import fit
from meshwright.routing.quality.knowledge import Knowledge
from meshwright.routing.quality.rows import Row

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Predict = Callable[["Case", Places, Places], Array]
"""Expected scores, rows by models, of the second rows after learning from the first."""


class Case:
    """The rows of one source: their scores as a matrix, and an embedding of each prompt."""

    def __init__(self, rows: Sequence[Row], vectors: Array) -> None:
        self.rows = rows
        self.models = sorted(rows[0].scores)
        self.scores = np.array([[row.scores[model] for model in self.models] for row in rows])
        self.tasks = np.array([row.task for row in rows])
        self.vectors = vectors


FITTED: dict[tuple[int, bytes], Knowledge] = {}
"""What was learned from these rows of a case: two tables of the same run ask it."""


def fitted(case: Case, train: Places) -> Knowledge:
    """What `Router.fit`'s own code learns from some rows."""
    key = (id(case), train.tobytes())
    if key not in FITTED:
        FITTED[key] = Knowledge(fit([case.rows[at] for at in train]))
    return FITTED[key]


def learned(case: Case, train: Places, test: Places) -> Array:
    """Ours: fitted by `Router.fit`'s own code, asked through what serves."""
    knowledge = fitted(case, train)
    told = []
    for at in test:
        expected = knowledge.expect(case.rows[at].prompt)
        told.append([expected[model].level + expected[model].common + expected[model].own for model in case.models])
    return np.array(told)


def coin(case: Case, train: Places, test: Places) -> Array:
    """Random."""
    return np.random.default_rng(3).random((len(test), len(case.models)))


def single(case: Case, train: Places, test: Places) -> Array:
    """Always the model that was best in training."""
    return np.tile(case.scores[train].mean(axis=0), (len(test), 1))


def by_task(case: Case, train: Places, test: Places) -> Array:
    """The means of the task whose label is given away; of all tasks where it was never seen."""
    whole = case.scores[train].mean(axis=0)
    told = np.tile(whole, (len(test), 1))
    for task in np.unique(case.tasks[train]):
        told[case.tasks[test] == task] = case.scores[train][case.tasks[train] == task].mean(axis=0)
    return told


def neighbours(case: Case, train: Places, test: Places, nearest: int = 40) -> Array:
    """The mean of the 40 nearest by cosine."""
    known = case.vectors[train]
    told = []
    for start in range(0, len(test), 500):
        alike = case.vectors[test[start : start + 500]] @ known.T
        near = np.argpartition(-alike, nearest, axis=1)[:, :nearest]
        told.append(case.scores[train][near].mean(axis=1))
    return np.concatenate(told)


def ridge(case: Case, train: Places, test: Places, penalty: float = 10.0) -> Array:
    """Ridge regression of each score."""
    known = case.vectors[train]
    mean = case.scores[train].mean(axis=0)
    weights = np.linalg.solve(known.T @ known + penalty * np.eye(known.shape[1]), known.T @ (case.scores[train] - mean))
    told: Array = case.vectors[test] @ weights + mean
    return told


def logistic(case: Case, train: Places, test: Places, penalty: float = 1.0, steps: int = 8) -> Array:
    """Logistic regression of each score, by Newton's method."""
    known = np.hstack([case.vectors[train], np.ones((len(train), 1))])
    asked = np.hstack([case.vectors[test], np.ones((len(test), 1))])
    told = []
    for scores in case.scores[train].T:
        weights = np.zeros(known.shape[1])
        for _ in range(steps):
            odds = 1 / (1 + np.exp(-known @ weights))
            slope = known.T @ (odds - scores) + penalty * weights
            bend = (known * (odds * (1 - odds))[:, None]).T @ known + penalty * np.eye(len(weights))
            weights -= np.linalg.solve(bend, slope)
        told.append(1 / (1 + np.exp(-asked @ weights)))
    return np.stack(told, axis=1)


def k_means(case: Case, train: Places, test: Places, clusters: int = 20, steps: int = 15) -> Array:
    """The means of the nearest of 20 clusters."""
    known = case.vectors[train]
    centres = known[np.random.default_rng(4).permutation(len(known))[:clusters]]
    for _ in range(steps):
        nearest = (known @ centres.T).argmax(axis=1)
        centres = np.stack([known[nearest == at].sum(axis=0) for at in range(clusters)])
        centres /= np.maximum(1e-9, np.linalg.norm(centres, axis=1, keepdims=True))
    nearest = (known @ centres.T).argmax(axis=1)
    whole = case.scores[train].mean(axis=0)
    means = np.stack(
        [case.scores[train][nearest == at].mean(axis=0) if (nearest == at).any() else whole for at in range(clusters)]
    )
    told: Array = means[(case.vectors[test] @ centres.T).argmax(axis=1)]
    return told


ROUTERS: dict[str, Predict] = {
    "learned (ours)": learned,
    "random": coin,
    "best single": single,
    "best per task (label given)": by_task,
    "kNN, 40": neighbours,
    "ridge": ridge,
    "logistic": logistic,
    "k-means, 20": k_means,
}
