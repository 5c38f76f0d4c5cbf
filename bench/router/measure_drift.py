"""How often the watch over models cries wolf, and how long it takes to see a wolf: one command, tables.

    python bench/router/measure_drift.py outcomes-dev.jsonl.gz [--orders 6]

Beside it, as a reference in the same run: Page-Hinkley's test with one fixed threshold of 20 standard deviations from
the first outcome on. Residuals are drawn first, then those of real questions while the gateway's learner learns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from math import sqrt
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from measure_online import POLICIES, PRICES, SALT, STRONG, World, run
from meshwright.routing.quality.drift import RUN, Change, Watch, Watching
from meshwright.routing.quality.gains import Gains
from meshwright.routing.quality.online import Online
from meshwright.routing.quality.rows import Row, read_rows

Draw = Callable[[np.random.Generator, int], npt.NDArray[np.floating]]
OUTCOMES = 2_000_000
REPEATS = 400
BEFORE, LONGEST = 1_000, 3_000


class Plain:
    """The reference."""

    def __init__(self) -> None:
        self.sums, self.since = [0.0, 0.0], [0, 0]
        self._begin()

    def see(self, residual: float) -> Change | None:
        """As `Watch.see`."""
        self.count += 1
        off = residual - self.mean
        self.mean += off / self.count
        self.square += off * (residual - self.mean)
        step = (residual - self.mean) / max(0.05, sqrt(self.square / self.count))
        self.sums = [max(0.0, self.sums[0] - step - 0.2), max(0.0, self.sums[1] + step - 0.2)]
        self.since = [self.since[at] + 1 if self.sums[at] else 0 for at in (0, 1)]
        if self.count < 30 or max(self.sums) <= 20:
            return None
        change = Change(max(self.since), 0.0, 0.0)
        self._begin()
        return change

    def _begin(self) -> None:
        self.count = 0
        self.mean = self.square = 0.0
        self.sums = [0.0, 0.0]
        self.since = [0, 0]


KINDS: tuple[Callable[[], Watching], ...] = (Watch, Plain)


def right(share: float) -> Draw:
    """Answers right or wrong, right that often, as was expected."""
    return lambda rng, count: (rng.random(count) < share) - share


def by_question(rng: np.random.Generator, count: int) -> npt.NDArray[np.floating]:
    """Right or wrong with a chance that differs by the question, and was expected."""
    chance = rng.beta(4, 2, count)
    return (rng.random(count) < chance) - chance


def marks(rng: np.random.Generator, count: int) -> npt.NDArray[np.floating]:
    """A judge's marks from 0 to 10, mostly 7 to 9."""
    drawn = rng.binomial(10, rng.beta(8, 2, count)) / 10
    return drawn - 0.8


STEADY: dict[str, Draw] = {
    "right or wrong, 50 %": right(0.5),
    "80 %": right(0.8),
    "95 %": right(0.95),
    "98 %": right(0.98),
    "by the question, 67 % on average": by_question,
    "a judge's marks": marks,
}
FALLS = ((0.8, 0.7), (0.8, 0.6), (0.8, 0.4), (0.95, 0.85), (0.95, 0.75), (0.98, 0.9), (0.6, 0.8))


def runs() -> None:
    """The average run between false alarms."""
    print(f"\n## Outcomes for each false alarm of a model that stays as it is ({OUTCOMES:,} each; meant: {RUN:,})\n")
    print("| outcomes | the watch (90 % interval) | threshold 20 |\n| --- | ---: | ---: |")
    for name, draw in STEADY.items():
        told = []
        for watch in list[Watching]([Watch(), Plain()]):
            residuals = draw(np.random.default_rng(1), OUTCOMES).tolist()
            alarms = sum(watch.see(one) is not None for one in residuals)
            # The interval of a Poisson count, by its square root.
            low, high = (OUTCOMES / max(0.25, (sqrt(alarms) + side * 0.82) ** 2) for side in (1, -1))
            told.append(f"{OUTCOMES / max(1, alarms):,.0f} ({low:,.0f} to {high:,.0f})")
        print(f"| {name} | {told[0]} | {told[1]} |", flush=True)


def delays() -> None:
    """How many outcomes after a change it is noticed."""
    print(f"\n## Outcomes until a change is noticed, after {BEFORE:,} without one ({REPEATS} times each)\n")
    print(f"| from, to | the watch: half, nine in ten within | not within {LONGEST:,} | threshold 20 | not |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for before, after in FALLS:
        cells = []
        for kind in KINDS:
            rng = np.random.default_rng(2)
            taken = []
            for _ in range(REPEATS):
                watch = kind()
                for one in right(before)(rng, BEFORE).tolist():
                    watch.see(one)
                fallen = ((rng.random(LONGEST) < after) - before).tolist()
                taken.append(next((at for at, one in enumerate(fallen, 1) if watch.see(one) is not None), LONGEST + 1))
            half, most = np.percentile(taken, [50, 90])
            missed = np.mean(np.array(taken) > LONGEST)
            shown = [f"{one:.0f}" if one <= LONGEST else "-" for one in (half, most)]
            cells.append(f"{shown[0]}, {shown[1]} | {missed:.0%}")
        print(f"| {before:.0%}, {after:.0%} | {' | '.join(cells)} |", flush=True)


def learning(world: World, orders: range) -> None:
    """On real questions, while the learner learns: false alarms without a change, and how soon one is noticed."""
    size, half = 5_000, 2_500
    strong = world.names.index(STRONG)
    print(f"\n## While it learns: {size:,} questions of {len(world.names)} models, {len(orders)} orders each\n")
    print("| chosen by | watch | false alarms in all orders | requests until the fall is noticed | not noticed |")
    print("| --- | --- | ---: | ---: | ---: |")
    for name, policy in POLICIES.items():
        free = msgspec.structs.replace(policy, options={**policy.options, "thrift": 0.0})
        for told, kind in zip(("the watch", "threshold 20"), KINDS, strict=True):
            alarms, taken = 0, list[int]()
            for seed in orders:
                rng = np.random.default_rng(seed)
                stream = rng.permutation(len(world.rows))[:size]
                spoiled = rng.random(size) < 0.5
                learner = Online(SALT, watch=kind)
                run(world, stream, free, lambda *_: None, lambda _, at, n: float(world.scores[at, n]), learner)
                alarms += len(learner.drifts)
                marked = Marked(half)

                def score(turn: int, at: int, n: int, spoiled: npt.NDArray[np.bool_] = spoiled) -> float:
                    lost = n == strong and turn >= half and spoiled[turn]
                    return 0.0 if lost else float(world.scores[at, n])

                run(world, stream, free, marked, score, Online(SALT, watch=kind))
                taken.append(marked.noticed)
            found = [one for one in taken if one]
            mean = f"{np.mean(found):.0f}" if found else "-"
            print(f"| {name} | {told} | {alarms} | {mean} | {len(taken) - len(found)} |", flush=True)


class Marked:
    """When the stronger model's fall was noticed, in requests from then on; 0: not."""

    def __init__(self, half: int) -> None:
        self.noticed = 0
        self._half = half
        self._before = 0

    def __call__(self, turn: int, _: Gains, learner: Online) -> None:
        """Called after each lot."""
        theirs = sum(one.model == STRONG for one in learner.drifts)
        if turn <= self._half:
            self._before = theirs
        elif theirs > self._before and not self.noticed:
            self.noticed = turn - self._half


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--orders", type=int, default=6)
    given = parser.parse_args()
    runs()
    delays()
    rows: dict[str, list[Row]] = {}
    for row in read_rows(given.rows):
        rows.setdefault(row.source, []).append(row)
    two = next(one for one in rows.values() if len(one[0].scores) == 2)
    learning(World(two, lambda _, __: 0.5, PRICES), range(given.orders))


if __name__ == "__main__":
    main()
