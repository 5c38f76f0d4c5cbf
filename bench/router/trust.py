"""Whether predicted qualities can be believed: as probabilities, and as intervals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from baselines import Case, Places, fitted
from meshwright.routing.quality.levels import NINE_IN_TEN

Array = npt.NDArray[np.float64]
BINS = 10
FEWEST = 8
"""Questions of a task under which its mean says too little."""


def told(case: Case, train: Places, test: Places) -> tuple[Array, Array]:
    """(expected scores, their standard deviations) of the test rows by models."""
    knowledge = fitted(case, train)
    value, spread = [], []
    for at in test:
        expected = knowledge.expect(case.rows[at].prompt)
        found = [expected[model] for model in case.models]
        value.append([min(0.99, max(0.01, one.level + one.common + one.own)) for one in found])
        spread.append([one.spread for one in found])
    return np.array(value), np.array(spread)


def trust(case: Case, kind: str, folds: list[tuple[Places, Places]]) -> None:
    """One line of the table: Brier score, calibration error, and how often the intervals hold.

    An interval is about the expected score, which no single answer shows. So it is asked of each task and model of a
    fold: does the mean of the scores lie within it, widened by the chance that a mean of so few has by itself?
    """
    values, scores, inside, rough = [], [], [], []
    for train, test in folds:
        value, spread = told(case, train, test)
        score = case.scores[test]
        values.append(value)
        scores.append(score)
        for task in np.unique(case.tasks[test]):
            rows = case.tasks[test] == task
            if rows.sum() < FEWEST:
                continue
            off = np.abs(score[rows].mean(axis=0) - value[rows].mean(axis=0))
            chance = (value[rows] * (1 - value[rows])).mean(axis=0) / rows.sum()
            inside.append(off <= NINE_IN_TEN * np.sqrt((spread[rows] ** 2).mean(axis=0) + chance))
            rough.append(off <= NINE_IN_TEN * np.sqrt(chance))
    value, score = np.concatenate(values), np.concatenate(scores)
    brier, plain = ((value - score) ** 2).mean(), ((score.mean(axis=0) - score) ** 2).mean()
    print(
        f"| {len(case.models)} models | {kind} | {brier:.3f} ({plain:.3f}) | {_calibration(value, score):.3f} "
        f"| {100 * np.mean(inside):.0f} % | {100 * np.mean(rough):.0f} % |",
        flush=True,
    )


def _calibration(value: Array, score: Array) -> float:
    """Expected calibration error over ten bins of equal size."""
    flat, right = value.ravel(), score.ravel()
    parts = np.array_split(np.argsort(flat, kind="stable"), BINS)
    return float(sum(len(part) * abs(flat[part].mean() - right[part].mean()) for part in parts) / len(flat))
