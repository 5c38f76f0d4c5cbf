"""What a plan will cost: each way that it may go, how likely that is, and the interval over all of them.

A chain goes on when a model fails, a cascade when a gate does not believe an answer; whoever asks several pays for all.
What fails is taken to be free. Intervals are read as the ends of lognormal distributions, and those of the ways are
mixed by how likely they are, so that the interval of the whole holds as often as each of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import exp, log
from statistics import NormalDist

import msgspec

from meshwright.types.calibration import Calibration, Share
from meshwright.types.decision import Interval, Plan

FAILS = Share(20, 0.2)
"""What is believed of a model that was never seen to fail: one of a hundred calls, until twenty tell more."""
KEPT_BACK = Share(4, 1.6)
"""What is believed of an answer at a gate: two of five are kept back, until some tell more."""
SURE = 0.999
STEPS = 60
_NORMAL = NormalDist()


class Way(msgspec.Struct, frozen=True):
    """One way that a plan may go: how likely, and what it then costs in nano-dollars."""

    share: float
    cost: Interval


def planned(
    plan: Plan, cost_of: Callable[[str], Interval | None], calibration: Calibration | None, nominal: float
) -> Interval | None:
    """The cost of the whole, None when the price of what surely comes is not known."""
    fails = calibration.fails if calibration is not None else {}
    held_back = calibration.kept_back if calibration is not None else {}
    if plan.kind == "chain":
        return _first(
            [cost_of(name) for name in plan.models], [_of(fails, name, FAILS) for name in plan.models], nominal
        )
    steps = [planned(step, cost_of, calibration, nominal) for step in plan.steps]
    if plan.kind == "first":
        return _first(steps, [_all_fail(step, fails) for step in plan.steps], nominal)
    if plan.kind == "cascade":
        kept = [_of(held_back, next(step.contacts(), ""), KEPT_BACK) for step in plan.steps]
        return _cascade(steps, kept, nominal)
    if plan.by is not None:
        steps.append(planned(plan.by, cost_of, calibration, nominal))
    known = [one for one in steps if one is not None]
    return _sum(known) if known and len(known) == len(steps) else None


def _of(shares: Mapping[str, Share], name: str, believed: Share) -> float:
    """How often, by what was believed before and what was seen."""
    seen = shares.get(name, Share(0, 0))
    return (seen.went + believed.went) / (seen.rows + believed.rows)


def _all_fail(plan: Plan, fails: Mapping[str, Share]) -> float:
    found = 1.0
    for name in plan.contacts():
        found *= _of(fails, name, FAILS)
    return found


def _first(costs: Sequence[Interval | None], fails: Sequence[float], nominal: float) -> Interval | None:
    """One after the other until one answers."""
    ways, reached = list[Way](), 1.0
    for cost, share in zip(costs, fails, strict=True):
        if cost is None:
            break
        ways.append(Way(reached * (1 - share), cost))
        reached *= share
    return mixed(ways, nominal) if ways else None


def _cascade(costs: Sequence[Interval | None], kept_back: Sequence[float], nominal: float) -> Interval | None:
    """One after the other until one is believed; all that were asked are paid."""
    ways, reached, paid = list[Way](), 1.0, list[Interval]()
    for at, (cost, share) in enumerate(zip(costs, kept_back, strict=True)):
        if cost is None:
            return None
        paid.append(cost)
        goes_on = share if at + 1 < len(costs) else 0.0
        ways.append(Way(reached * (1 - goes_on), _sum(paid)))
        reached *= goes_on
    return mixed(ways, nominal) if ways else None


def _sum(parts: Sequence[Interval]) -> Interval:
    return Interval(sum(one.value for one in parts), sum(one.low for one in parts), sum(one.high for one in parts))


def mixed(ways: Sequence[Way], nominal: float) -> Interval:
    """One interval over several ways; their shares need not add up to one."""
    total = sum(one.share for one in ways)
    likeliest = max(ways, key=lambda one: one.share)
    if likeliest.share >= SURE * total:
        return likeliest.cost
    tail = (1 - nominal) / 2
    value = sum(one.share * one.cost.value for one in ways) / total
    low, high = (_quantile(ways, mass * total, nominal) for mass in (tail, 1 - tail))
    return Interval(value, float(round(low)), float(round(high)))


def _quantile(ways: Sequence[Way], mass: float, nominal: float) -> float:
    """Below which nano-dollars so much of the ways' shares lies."""
    reach = _NORMAL.inv_cdf((1 + nominal) / 2)
    curves = []
    for one in ways:
        low, high = max(one.cost.low, 1e-3), max(one.cost.high, 1e-3)
        curves.append((one.share, (log(low) + log(high)) / 2, max((log(high) - log(low)) / 2 / reach, 1e-6)))
    least, most = min(middle - 8 * wide for _, middle, wide in curves), max(m + 8 * wide for _, m, wide in curves)
    for _ in range(STEPS):
        here = (least + most) / 2
        if sum(share * _NORMAL.cdf((here - middle) / wide) for share, middle, wide in curves) < mass:
            least = here
        else:
            most = here
    return exp(least)
