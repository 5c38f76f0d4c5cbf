"""How often intervals on the length of an answer hold, and how wide they are: adaptive, still, and a fixed factor.

usage: python bench/quote/measure.py [ROWS.jsonl.gz]   (or MESH_CASCADE_ROWS; without one, only simulated usage)

ROWS: `prompt`, and for each model its answer as `MODEL_response` (bench/cascade takes the same). Lengths are tokens as
`catalog.tokens` counts them, predictions those of the router for a model never seen. Simulated usage: 20 models at 12
tasks, lengths lognormal around a model's own factor; "drift" moves every factor by half over time, "jump" doubles the
lengths of all answers in the middle. Each interval is made before its length is known. Targets: 90 % held.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from math import exp, log
from pathlib import Path

from meshwright.catalog.tokens import tokens
from meshwright.routing.calibrate import NOMINAL, Outcome, calibrate
from meshwright.routing.features import features
from meshwright.routing.lengths import answer_tokens
from meshwright.routing.policy import UNSEEN
from meshwright.routing.predict import SPREAD
from meshwright.routing.tasks import TASKS
from meshwright.types.content import Message, Text
from meshwright.types.model import Model
from meshwright.types.request import Request

ROWS = 20_000
SEEDS = 5


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", default=os.environ.get("MESH_CASCADE_ROWS"))
    given = parser.parse_args().rows
    print(f"{'usage':34} {'interval':30} {'rows':>7} {'held':>7} {'held/meant':>10} {'high/low':>9}")
    if given:
        tell("answers to GSM8K, two models", list(recorded(Path(given))))
    for name, drift in (("simulated, still", still), ("simulated, drift", drifting), ("simulated, jump", jumping)):
        for seed in range(SEEDS):
            tell(f"{name}, seed {seed}", simulated(seed, drift))


def tell(name: str, rows: Sequence[Outcome]) -> None:
    """Three kinds of intervals over the same rows."""
    for kind, held in (
        ("x 1/3 to x 3, learned nothing", fixed(rows)),
        ("split conformal, first 500 rows", split(rows)),
        ("adaptive, per model and task", adaptive(rows)),
    ):
        count, share, width = held
        print(f"{name:34} {kind:30} {count:7,} {share:7.1%} {share / NOMINAL:10.3f} {width:9.1f}")


def fixed(rows: Sequence[Outcome]) -> tuple[int, float, float]:
    """What the router says of a model that was never seen."""
    held = sum(one.expected / SPREAD <= one.tokens <= one.expected * SPREAD for one in rows)
    return len(rows), held / len(rows), SPREAD**2


def split(rows: Sequence[Outcome], first: int = 500) -> tuple[int, float, float]:
    """Two quantiles of the first rows, for ever."""
    first = min(first, len(rows) // 2)
    scores = sorted(log(one.tokens / one.expected) for one in rows[:first])
    edge = int((first + 1) * (1 - NOMINAL) / 2)
    low, high = scores[edge - 1], scores[-edge]
    rest = rows[first:]
    held = sum(low <= log(one.tokens / one.expected) <= high for one in rest)
    return len(rest), held / len(rest), exp(high - low)


def adaptive(rows: Sequence[Outcome]) -> tuple[int, float, float]:
    """What is shipped."""
    calibration = calibrate(rows).calibration
    kept = calibration.kept_tokens
    widths = sorted(one.high / one.low for name, one in calibration.tokens.items() if "*" not in name)
    return kept.rows, kept.share or 0.0, widths[len(widths) // 2] if widths else float("nan")


def recorded(file: Path) -> Iterator[Outcome]:
    """Real answers of two models, in turn, in the file's order."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            seen = features(Request(model="auto", messages=(Message("user", (Text(row["prompt"]),)),)), True)
            for name in (field.removesuffix("_response") for field in row if field.endswith("_response")):
                model = Model(name=name, provider="x", upstream=name)
                length = tokens(row[f"{name}_response"])
                if length:
                    expected = answer_tokens(model, seen, UNSEEN)
                    yield Outcome(model=name, task=seen.task, expected=expected, tokens=length)


def simulated(seed: int, drift: Callable[[float], float], count: int = ROWS) -> list[Outcome]:
    """Usage with `drift` from 0 to 1 in time: what it adds to the logarithm of every length."""
    dice = random.Random(seed)
    models = {f"m/{n}": (dice.gauss(0, 0.5), dice.uniform(0.2, 0.8)) for n in range(20)}
    rows = []
    for n in range(count):
        name = dice.choice(sorted(models))
        factor, spread = models[name]
        task = dice.choice(sorted(TASKS))
        usual = float(TASKS[task][1])
        length = usual * exp(factor + drift(n / count) + dice.gauss(0, spread))
        rows.append(Outcome(model=name, task=task, expected=usual, tokens=max(1, round(length))))
    return rows


def still(_: float) -> float:
    """Nothing changes."""
    return 0.0


def drifting(time: float) -> float:
    """Slowly half as much again."""
    return 0.4 * time


def jumping(time: float) -> float:
    """Twice as long, all at once."""
    return log(2) if time > 0.5 else 0.0


if __name__ == "__main__":
    main()
