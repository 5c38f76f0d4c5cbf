"""Fits the weights of the gate (src/meshwright/routing/data/gate.json) to answers that somebody judged.

usage: python scripts/fit_gate.py ROWS.jsonl.gz MODEL [--out FILE]

ROWS are objects with `prompt`, `MODEL` (whether its answer was right: true or "True") and `MODEL_response`. Logistic
regression with a ridge, whose weights may only speak for the side that they must, and beside it a forest, which sees
what signs say together; the gate goes by the mean of both. `bench/cascade` says how good it is on answers it has not
seen. The shipped ones come from 658 questions of GSM8K (MIT) with the answers of Mixtral 8x7B, published by
lm-sys/RouteLLM (Apache-2.0).
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from meshwright.routing.gate.gate import Weights
from meshwright.routing.gate.reckoning import reckoning
from meshwright.routing.gate.relations import relations
from meshwright.routing.gate.wording import wording
from meshwright.routing.quality.forest import Forest, grown

OUT = Path(__file__).resolve().parents[1] / "src/meshwright/routing/data/gate.json"
RIDGE = 10.0
"""In units of a standardised sign; cross-validation is flat from 1 to 30."""
Floats = NDArray[np.float64]


FOR = frozenset(("sums", "sums_per_number"))
"""Signs that speak for an answer. All others speak against it, or not at all: a weight may not change sides."""
SILENT = frozenset(("length", "length_ratio", "empty"))
"""Signs of which it is not known for which side they speak; they get no weight."""


def signs(question: str, answer: str) -> dict[str, float]:
    """What the fitted part of the gate sees."""
    return wording(question, answer, None) | reckoning(question, answer) | relations(question)


def fit(x: Floats, y: Floats, sides: Floats, ridge: float = RIDGE, steps: int = 400) -> tuple[float, Floats]:
    """(bias, weights) of a logistic regression whose weights keep to their side (1 for, -1 against).

    The ridge works on standardised signs. Accelerated projected gradient (Beck and Teboulle, FISTA).
    """
    mean, spread = x.mean(0), x.std(0)
    spread[spread < 1e-9] = np.inf  # a sign that never changes gets no weight
    z = (x - mean) / spread * sides
    n = len(y)
    pace = n / (0.25 * np.linalg.norm(z, 2) ** 2 + ridge)
    weights = ahead = np.zeros(z.shape[1])
    bias, inertia = float(np.log(y.mean() / (1 - y.mean()))), 1.0
    for _ in range(steps):
        off = 1 / (1 + np.exp(-(z @ ahead + bias))) - y
        fresh = np.maximum(0.0, ahead - pace * (z.T @ off + ridge * ahead) / n)
        grown = (1 + np.sqrt(1 + 4 * inertia**2)) / 2
        ahead, weights, inertia = fresh + (inertia - 1) / grown * (fresh - weights), fresh, grown
        bias -= 2 * float(off.mean())
    weights = weights * sides / spread
    return bias - float(weights @ mean), weights


def forest(x: Floats, y: Floats) -> Forest:
    """Trees that tell the probability of a good answer, in place of 1 and 0."""
    return grown(x, y[:, None], np.ones((len(y), 1), dtype=bool))


def sides(names: Sequence[str]) -> Floats:
    """For which side each sign speaks."""
    return np.array([1.0 if name in FOR else -1.0 for name in names])


def read(path: Path, model: str) -> tuple[list[str], Floats, Floats]:
    """(names of signs, a row of them for each answer, 1 where it was right)."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    found = [signs(row["prompt"], row[f"{model}_response"]) for row in rows]
    names = sorted({name for one in found for name in one} - SILENT)
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
    bias, weights = fit(x, y, sides(names))
    kept = {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True) if abs(weight) >= 1e-4}
    gate = Weights(round(bias, 4), kept, tuple(names), forest(x, y).packed())
    given.out.write_bytes(msgspec.json.format(msgspec.json.encode(gate), indent=1) + b"\n")


if __name__ == "__main__":
    main()
