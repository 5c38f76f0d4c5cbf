"""How long deciding takes on a request's path, as the kernel asks for it: one command, a table.

    python bench/router/measure_deciding.py [CANDIDATES [DECISIONS]]

`undisturbed` are those decisions during which, and during the one before, the process was not taken off its core: on a
busy machine the nearest to being alone, for whoever comes back to a core finds its caches full of others' things.

New questions, never the same twice, cards with prices, half of the models timed and measured here; `learning`: with
what was learned from 1,500 outcomes. In the same run, as a reference: `fixed` over the same pool, which predicts as
much of each model but looks at nothing of the question.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from math import nan
from statistics import median

import msgspec

from meshwright.routing.policy import Policy, Signal
from meshwright.routing.quality.gains import Gains
from meshwright.routing.quality.knowledge import shipped
from meshwright.routing.quality.online import Online, Outcome
from meshwright.routing.quality.sight import sight
from meshwright.routing.quality.sketch import sketch
from meshwright.routing.route import route
from meshwright.types.content import Message, Text
from meshwright.types.decision import Interval
from meshwright.types.model import Model, Price, bare
from meshwright.types.request import Request
from timing import CANDIDATES, QUESTIONS

SALT = 0x9E3779B97F4A7C15
DECISIONS = 1_000
OUTCOMES = 1_500
TIMED = Signal(
    first_byte=0.3,
    total=1.2,
    first=Interval(0.3, 0.2, 0.5),
    pace=Interval(0.01, 0.008, 0.02),
    longer={"": 1.1, "knowledge": 1.2, "code": 0.9},
)


def pool(count: int) -> list[Model]:
    """Half of them measured."""
    measured = list(shipped().models)
    names = [measured[at % len(measured)] if at % 2 else f"model-{at}" for at in range(count)]
    return [
        Model(
            name=f"p{at}/{name}",
            provider=f"p{at}",
            upstream=name,
            prices=(Price(input=100_000_000 * (at + 1), output=400_000_000 * (at + 1)),),
        )
        for at, name in enumerate(names)
    ]


def learned(models: list[Model]) -> Gains:
    """What was learned of them here."""
    dice = random.Random(1)
    names = sorted({bare(model.name) for model in models})
    online = Online(SALT)
    online.take(
        [
            Outcome(
                key=str(at),
                model=names[at % len(names)],
                score=float(dice.random() < 0.7),
                weight=1.0,
                prior=0.6,
                expected=0.6,
                sketch=sketch(sight(f"{QUESTIONS[at % len(QUESTIONS)]} {at}"), SALT),
            )
            for at in range(OUTCOMES)
        ]
    )
    return online.gains(1)


class Taken(msgspec.Struct, frozen=True):
    """Milliseconds of CPU for a decision: half of them within, and 99 of 100; and half of those undisturbed."""

    half: float
    most: float
    alone: float


def taken(strategy: str, models: list[Model], gains: Gains | None, turn: int, decisions: int) -> Taken:
    """Of so many decisions."""
    policy = Policy(name="r", strategy=strategy, pool=tuple(model.name for model in models), options={})
    signals = {model.name: TIMED for model in models[::2]}
    times, alone, begun = [], [], [-1, -1]
    for at in range(decisions):
        asked = f"{QUESTIONS[at % len(QUESTIONS)]} ({turn} {at})"
        request = Request(model="r", messages=(Message("user", (Text(asked),)),))
        begun.append(_switches())
        began = time.process_time()
        route(request, policy, models, signals, asked="r", snapshot=1, gains=gains)
        times.append(1000 * (time.process_time() - began))
        if _switches() == begun[-2]:
            alone.append(times[-1])
    times.sort()
    return Taken(times[decisions // 2], times[decisions * 99 // 100], median(alone) if alone else nan)


def _switches() -> int:
    """How often this process was taken off its core, or left it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_nvcsw + usage.ru_nivcsw


def main() -> None:
    """The table."""
    counts = (int(sys.argv[1]),) if len(sys.argv) > 1 else CANDIDATES
    decisions = int(sys.argv[2]) if len(sys.argv) > 2 else DECISIONS
    print("| candidates | strategy | p50 ms | p99 ms | undisturbed p50 ms | times `fixed` |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    for count in counts:
        models = pool(count)
        gains = learned(models)
        least = taken("fixed", models, None, 0, decisions).half
        for turn, (strategy, told, known) in enumerate(
            (("fixed", "fixed", None), ("learned", "learned", None), ("learned", "learned, learning", gains),
             ("bandit", "bandit, learning", gains)), 1,
        ):  # fmt: skip
            one = taken(strategy, models, known, turn, decisions)
            row = f"{one.half:.3f} | {one.most:.3f} | {one.alone:.3f} | {one.half / least:.1f}"
            print(f"| {count} | {told} | {row} |", flush=True)


if __name__ == "__main__":
    main()
