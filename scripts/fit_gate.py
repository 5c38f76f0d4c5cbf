"""Fits the weights of the gate (src/meshwright/routing/data/gate.json) to answers that somebody judged.

usage: python scripts/fit_gate.py ROWS.jsonl.gz MODEL [--out FILE]

ROWS are objects with `prompt`, `MODEL` (whether its answer was right: true or "True") and `MODEL_response`. Logistic
regression with a ridge, fitted by Newton's method; `bench/cascade` says how good it is on answers it has not seen. The
shipped weights come from 658 questions of GSM8K (MIT) with the answers of Mixtral 8x7B, published by lm-sys/RouteLLM
(Apache-2.0).
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from meshwright.routing.gate.reckoning import reckoning
from meshwright.routing.gate.wording import wording

OUT = Path(__file__).resolve().parents[1] / "src/meshwright/routing/data/gate.json"
RIDGE = 30.0
"""In units of a standardised sign; cross-validation is flat from 3 to 100."""
Floats = NDArray[np.float64]


def signs(question: str, answer: str) -> dict[str, float]:
    """What the fitted part of the gate sees."""
    return wording(question, answer, None) | reckoning(question, answer)


def fit(x: Floats, y: Floats, ridge: float = RIDGE, steps: int = 40) -> tuple[float, Floats]:
    """(bias, weights) of a logistic regression on signs as they are; the ridge works on standardised ones."""
    mean, spread = x.mean(0), x.std(0)
    spread[spread < 1e-9] = np.inf  # a sign that never changes gets no weight
    z = np.c_[np.ones(len(x)), (x - mean) / spread]
    penalty = np.diag([1e-6, *[ridge] * x.shape[1]])
    b = np.zeros(z.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-z @ b))
        b -= np.linalg.solve((z * (p * (1 - p))[:, None]).T @ z + penalty, z.T @ (p - y) + penalty @ b)
    weights = b[1:] / spread
    return float(b[0] - weights @ mean), weights


def read(path: Path, model: str) -> tuple[list[str], Floats, Floats]:
    """(names of signs, a row of them for each answer, 1 where it was right)."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    found = [signs(row["prompt"], row[f"{model}_response"]) for row in rows]
    names = sorted({name for one in found for name in one})
    x = np.array([[one.get(name, 0.0) for name in names] for one in found])
    return names, x, np.array([str(row[model]) == "True" for row in rows], float)


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("model")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    names, x, y = read(given.rows, given.model)
    bias, weights = fit(x, y)
    kept = {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True) if abs(weight) >= 1e-4}
    given.out.write_text(json.dumps({"bias": round(bias, 4), "weights": kept}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
