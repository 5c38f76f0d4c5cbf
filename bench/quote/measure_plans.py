"""How often the quote of a whole plan holds, for chains and cascades, and how wide it is; beside the rule before it.

usage: python bench/quote/measure_plans.py

Simulated usage, for nothing public tells what whole plans cost: three models whose lengths are lognormal around a
factor of their own, that fail at a rate of their own, and whose answers a gate keeps back at a rate of their own. What
is known of them is learned from the first half of the requests, as in a gateway; the quotes are of the second half.
"first model" is the rule that was there before: a chain costs its first model, a cascade between its first step and
all steps. Meant to hold: 90 %.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from math import exp

from meshwright.routing.calibrate import NOMINAL, Outcome, calibrate
from meshwright.routing.planned import planned
from meshwright.types.calibration import ALL, Calibration, Share, bound
from meshwright.types.decision import Interval, Plan

COUNT = 8_000
SEEDS = 5
PRICES = {"m/a": 1.0, "m/b": 6.0, "m/c": 30.0}
USUAL = 100_000.0
CHAIN = Plan(("m/a", "m/b", "m/c"))
CASCADE = Plan(kind="cascade", steps=tuple(Plan((name,)) for name in PRICES))
Cost = Callable[[str], Interval | None]


class World:
    """Models as they are; the gateway does not know them."""

    def __init__(self, dice: random.Random, fails: float, kept_back: float) -> None:
        self.dice = dice
        self.factor = {name: (dice.gauss(0, 0.5), dice.uniform(0.3, 0.7)) for name in PRICES}
        self.fails = {name: fails * dice.uniform(0.5, 1.5) for name in PRICES}
        self.kept_back = {name: kept_back * dice.uniform(0.7, 1.3) for name in PRICES}

    def cost(self, name: str) -> float:
        """Of one answer."""
        middle, wide = self.factor[name]
        return PRICES[name] * USUAL * exp(self.dice.gauss(middle, wide))

    def chain(self) -> tuple[float, list[tuple[str, bool, float]]]:
        """What one request costs, and its calls: (model, went on, cost)."""
        calls = []
        for name in CHAIN.models:
            failed = self.dice.random() < self.fails[name]
            calls.append((name, failed, 0.0 if failed else self.cost(name)))
            if not failed:
                break
        return sum(cost for _, _, cost in calls), calls

    def cascade(self) -> tuple[float, list[tuple[str, bool, float]]]:
        """The same at a gate, where each call is paid."""
        calls = []
        for at, name in enumerate(PRICES):
            on = at + 1 < len(PRICES) and self.dice.random() < self.kept_back[name]
            calls.append((name, on, self.cost(name)))
            if not on:
                break
        return sum(cost for _, _, cost in calls), calls


def main() -> None:
    """Print the table."""
    print(f"{'plan':10} {'goes on':>8} {'rule':14} {'held':>14} {'held/meant':>14} {'high/low':>9} {'mean/quoted':>12}")
    for kind, plan, rates in (("chain", CHAIN, (0.01, 0.1, 0.3, 0.5)), ("cascade", CASCADE, (0.1, 0.3, 0.5, 0.7))):
        for rate in rates:
            for rule in ("first model", "whole plan"):
                rows = [measured(kind, plan, rate, rule, seed) for seed in range(SEEDS)]
                held = sorted(row[0] for row in rows)
                width, value = (sorted(row[n] for row in rows)[SEEDS // 2] for n in (1, 2))
                told = f"{held[0]:.1%}-{held[-1]:.1%}"
                meant = f"{held[0] / NOMINAL:.3f}-{held[-1] / NOMINAL:.3f}"
                print(f"{kind:10} {rate:8.0%} {rule:14} {told:>14} {meant:>14} {width:9.1f} {value:12.2f}")


def measured(kind: str, plan: Plan, rate: float, rule: str, seed: int) -> tuple[float, float, float]:
    """(share held, width, mean cost to mean quoted value) of the second half."""
    world = World(random.Random(seed), rate, rate)
    ask = world.chain if kind == "chain" else world.cascade
    learned = known([call for _ in range(COUNT // 2) for call in ask()[1]], kind)

    def cost_of(name: str) -> Interval | None:
        found = bound(learned.cost, name, ALL)
        value = PRICES[name] * USUAL
        return Interval(value, value * found[0].low, value * found[0].high) if found is not None else None

    told = planned(plan, cost_of, learned, NOMINAL) if rule == "whole plan" else before(plan, cost_of)
    assert told is not None
    costs = [ask()[0] for _ in range(COUNT // 2)]
    costs = [cost for cost in costs if cost]  # where all failed there was no answer to pay for
    held = sum(told.low <= cost <= told.high for cost in costs)
    return held / len(costs), told.high / told.low, sum(costs) / len(costs) / told.value


def known(calls: list[tuple[str, bool, float]], kind: str) -> Calibration:
    """What a gateway learns of these."""
    rows = [
        Outcome(model=name, task="", expected=1.0, tokens=1, expected_cost=PRICES[name] * USUAL, cost=round(cost))
        for name, _, cost in calls
        if cost
    ]
    found = calibrate(rows).calibration
    shares = {}
    for name in PRICES:
        went = [on for called, on, _ in calls if called == name]
        if went:
            shares[name] = Share(len(went), sum(went))
    return Calibration(
        nominal=NOMINAL,
        cost=found.cost,
        fails=shares if kind == "chain" else {},
        kept_back=shares if kind == "cascade" else {},
    )


def before(plan: Plan, cost_of: Cost) -> Interval | None:
    """The rule that was."""
    if plan.kind == "chain":
        return cost_of(plan.models[0])
    parts = [one for step in plan.steps if (one := cost_of(step.models[0])) is not None]
    return Interval(parts[0].value, parts[0].low, sum(one.high for one in parts))


if __name__ == "__main__":
    main()
