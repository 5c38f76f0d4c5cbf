"""How well the gate tells good answers from bad: a cascade of two models, with their answers known beforehand.

usage: python bench/cascade/measure.py ROWS.jsonl.gz [--cheap MODEL] [--dear MODEL]   (or MESH_CASCADE_ROWS)

ROWS: `prompt`, and for each of two models whether it was right and `MODEL_response`. The order in which questions are
passed on to the dear model comes from a gate that has not seen them: ten folds, and in each the ridge is chosen by the
log loss of five inner folds. APGR and CPT(50 %) as in RouteLLM (https://arxiv.org/abs/2406.18665, section 2.3): sorted
by score, at ten quantiles; performance gap recovered, its area, and the share of dear calls that recovers half of it.
Intervals are 95 % of 2,000 bootstrap samples of questions, out-of-fold scores fixed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.fit_gate import Floats, fit, forest, read, sides, signs

CHEAP, DEAR = "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"
RIDGES = (1.0, 3.0, 10.0, 30.0, 100.0)
FOLDS, INNER, REPEATS, SAMPLES = 10, 5, 5, 2_000
PUBLISHED = {
    "RouteLLM, before the answer (published)": (0.622, 0.336),
    "signs of this kind, measured before": (0.775, 0.163),
}


def recovered(score: Floats, cheap: Floats, dear: Floats) -> Floats:
    """Performance gap recovered with the highest scores passed on to the dear model: at 0 %, 10 %, ... 100 %."""
    gain = np.concatenate([[0.0], np.cumsum((dear - cheap)[np.argsort(-score, kind="stable")])])
    return np.asarray(gain[np.round(np.linspace(0, 1, 11) * len(cheap)).astype(int)] / gain[-1])


def apgr(curve: Floats) -> float:
    """The area under the curve."""
    return float(np.trapezoid(curve, np.linspace(0, 1, 11)))


def cpt(curve: Floats, half: float = 0.5) -> float:
    """The share of dear calls at which half of the gap is recovered, between tenths by a straight line."""
    at = int(np.argmax(curve[1:] >= half))
    return float((at + (half - curve[at]) / (curve[at + 1] - curve[at])) / 10)


def folds(count: int, parts: int, seed: int) -> list[NDArray[np.int64]]:
    """The rows of each fold."""
    order = np.random.default_rng(seed).permutation(count).astype(np.int64)
    return [order[part::parts] for part in range(parts)]


def unseen(x: Floats, y: Floats, side: Floats, ridge: float, parts: int, seed: int) -> Floats:
    """Probability of a good answer from a gate that has not seen it."""
    out = np.zeros(len(y))
    for test in folds(len(y), parts, seed):
        train = np.setdiff1d(np.arange(len(y)), test)
        bias, weights = fit(x[train], y[train], side, ridge)
        out[test] = 1 / (1 + np.exp(-(bias + x[test] @ weights)))
    return out


def loss(p: Floats, y: Floats) -> float:
    """Mean log loss."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


def nested(x: Floats, y: Floats, side: Floats, seed: int) -> dict[str, Floats]:
    """The same by weights, by trees, and by both, with the ridge chosen inside each training part."""
    out = {"both": np.zeros(len(y)), "weights": np.zeros(len(y)), "trees": np.zeros(len(y))}
    for test in folds(len(y), FOLDS, seed):
        train = np.setdiff1d(np.arange(len(y)), test)
        ridge = min(RIDGES, key=lambda one: loss(unseen(x[train], y[train], side, one, INNER, seed), y[train]))
        bias, weights = fit(x[train], y[train], side, ridge)
        out["weights"][test] = 1 / (1 + np.exp(-(bias + x[test] @ weights)))
        out["trees"][test] = np.clip(forest(x[train], y[train]).told(x[test])[:, 0], 0, 1)
    out["both"] = (out["weights"] + out["trees"]) / 2
    return out


def interval(score: Floats, cheap: Floats, dear: Floats, figure: Callable[[Floats], float]) -> tuple[float, float]:
    """The middle 95 % of the figure over bootstrap samples."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(SAMPLES):
        rows = rng.integers(0, len(cheap), len(cheap))
        found.append(figure(recovered(score[rows], cheap[rows], dear[rows])))
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def line(name: str, score: Floats, cheap: Floats, dear: Floats) -> None:
    """One row of the table."""
    curve = recovered(score, cheap, dear)
    a, c = interval(score, cheap, dear, apgr), interval(score, cheap, dear, cpt)
    print(f"{name:42} {apgr(curve):.3f} ({a[0]:.3f}-{a[1]:.3f})   {cpt(curve):6.1%} ({c[0]:.1%}-{c[1]:.1%})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    given = os.environ.get("MESH_CASCADE_ROWS")
    parser.add_argument("rows", type=Path, nargs="?" if given else None, default=given)
    parser.add_argument("--cheap", default=CHEAP)
    parser.add_argument("--dear", default=DEAR)
    asked = parser.parse_args()
    names, x, cheap = read(Path(asked.rows), asked.cheap)
    with gzip.open(asked.rows, "rt", encoding="utf-8") as lines:
        rows = [json.loads(text) for text in lines]
    dear = np.array([str(row[asked.dear]) == "True" for row in rows], float)
    length = np.array([len(row[f"{asked.cheap}_response"]) for row in rows], float)
    side = sides(names)
    runs = [nested(x, cheap, side, seed) for seed in range(REPEATS)]
    gate = np.mean([run["both"] for run in runs], axis=0)
    print(f"{len(rows)} questions; cheap right {cheap.mean():.1%}, dear {dear.mean():.1%}; {len(names)} signs\n")
    print(f"{'passed on in the order of':42} {'APGR':22} CPT(50 %)")
    line("the gate (mean of five nested runs)", -gate, cheap, dear)
    single = [recovered(-run["both"], cheap, dear) for run in runs]
    told = ", ".join(f"{apgr(curve):.3f} / {cpt(curve):.1%}" for curve in single)
    print(f"  each run: {told}")
    for by in ("weights", "trees"):
        line(f"{by} alone", -np.mean([run[by] for run in runs], axis=0), cheap, dear)
    line("length of the answer", length, cheap, dear)
    line("chance", np.random.default_rng(1).random(len(rows)), cheap, dear)
    for name, (area, share) in PUBLISHED.items():
        print(f"{name:42} {area:.3f}                  {share:6.1%}")
    line("whether the cheap one is right (a bound)", -cheap, cheap, dear)
    line("whether the dear one gains (a bound)", dear - cheap, cheap, dear)
    print("\nBy probability: answers, told, right")
    for low, high in ((0, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01)):
        inside = (gate >= low) & (gate < high)
        if inside.any():
            told, right = gate[inside].mean(), cheap[inside].mean()
            print(f"  {low:.1f}-{min(high, 1):.1f}   {inside.sum():4d}   {told:.2f}   {right:.2f}")
    print(f"Brier score {np.mean((gate - cheap) ** 2):.3f}; of the base rate {cheap.mean() * (1 - cheap.mean()):.3f}")
    began = time.perf_counter()
    for row in rows:
        signs(row["prompt"], row[f"{asked.cheap}_response"])
    print(f"{(time.perf_counter() - began) / len(rows) * 1e6:.0f} µs for the signs of one answer")


if __name__ == "__main__":
    main()
