"""The figures of merit, as their authors define them, and what chance makes of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
BINS = 10


def curve(win: Array, strong: Array, weak: Array) -> tuple[Array, Array]:
    """Share of calls to the strong model and mean score, at thresholds that part the scores into ten equal bins.

    RouteLLM, arXiv 2406.18665, and routellm/benchmarks.py: at each threshold but the last, a score equal to it goes to
    the strong model.
    """
    edges = np.unique(np.quantile(win, np.linspace(0, 1, BINS + 1)))
    shares, means = [], []
    for at, edge in enumerate(edges):
        picked = win >= edge if at < len(edges) - 1 else win > edge
        shares.append(picked.mean())
        means.append(np.where(picked, strong, weak).mean())
    order = np.argsort(shares, kind="stable")
    return np.array(shares)[order], np.array(means)[order]


def apgr(win: Array, strong: Array, weak: Array) -> float:
    """Average performance gap recovered: 0 the weak model's, 1 the strong one's, 0.5 what a coin reaches."""
    shares, means = curve(win, strong, weak)
    area = float(np.sum((means[1:] + means[:-1]) / 2 * np.diff(shares)))
    return float((area - weak.mean()) / (strong.mean() - weak.mean()))


def cpt(win: Array, strong: Array, weak: Array, part: float = 0.5) -> float:
    """Calls to the strong model, in %, that recover this part of the gap; interpolated as RouteLLM does."""
    shares, means = curve(win, strong, weak)
    goal = float(weak.mean() + part * (strong.mean() - weak.mean()))
    return float(np.interp(goal, means, shares)) * 100


def aiq(cost: Array, quality: Array) -> float:
    """Average improvement in quality (RouterBench, arXiv 2403.12031): mean height of the upper hull over its costs."""
    order = np.argsort(cost, kind="stable")
    hull: list[tuple[float, float]] = []
    best = -np.inf
    for x, y in zip(cost[order], quality[order], strict=True):
        if y <= best:
            continue
        best = y
        while len(hull) >= 2 and _below(hull[-2], hull[-1], (x, y)):
            hull.pop()
        hull.append((float(x), float(y)))
    if len(hull) < 2:
        return hull[0][1]
    xs, ys = np.array(hull).T
    return float(np.sum((ys[1:] + ys[:-1]) / 2 * np.diff(xs)) / (xs[-1] - xs[0]))


def _below(one: tuple[float, float], two: tuple[float, float], three: tuple[float, float]) -> bool:
    return (two[1] - one[1]) * (three[0] - one[0]) <= (three[1] - one[1]) * (two[0] - one[0])


def bootstrap(
    figure: Callable[[tuple[Array, ...]], float], columns: tuple[Array, ...], times: int = 200, seed: int = 5
) -> tuple[float, float]:
    """Where nine of ten resamplings of the rows lie; `figure` is given the columns of each."""
    rng = np.random.default_rng(seed)
    rows = len(columns[0])
    values = []
    for _ in range(times):
        drawn = rng.integers(0, rows, rows)
        values.append(figure(tuple(column[drawn] for column in columns)))
    return float(np.quantile(values, 0.05)), float(np.quantile(values, 0.95))
