"""What a strategy is: a function that puts candidates in order, or one that composes steps; both say why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf

import msgspec

from meshwright.routing.exploring import Drawn
from meshwright.routing.policy import Policy
from meshwright.types.decision import Candidate, Decision, Features, Plan

Rank = Callable[[list[Candidate], Features, Policy], tuple[list[Candidate], str]]

CLOSE = 0.2
"""A second task that likely is worth telling."""
SURE = 0.995


class Step(msgspec.Struct, frozen=True):
    """A step that can serve the request: its place among the policy's steps, and what was decided for it."""

    at: int
    decision: Decision

    @property
    def name(self) -> str:
        """The route's or the model's name."""
        return self.decision.route

    @property
    def plan(self) -> Plan:
        """Its plan, which knows its place."""
        return msgspec.structs.replace(self.decision.plan, step=self.at)


class Composed(msgspec.Struct, frozen=True, kw_only=True):
    """A plan over steps, why, and how likely it was when lots were drawn. `used` are the steps in the plan's order."""

    plan: Plan
    because: str
    used: tuple[Step, ...]
    propensity: float | None = None


Compose = Callable[[Sequence[Step], Step | None, Features, Policy], Composed]
"""From the steps that can serve the request (at least one), and `by` when there is one that can."""


def unranked(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """For strategies over steps, which have no candidates of their own."""
    raise AssertionError(f"{policy.strategy} composes steps")


class Strategy(msgspec.Struct, frozen=True):
    """`rank` returns the candidates best first, and the reason for the first. `tasks`: it needs the task classified.

    `options` are the names that a route's `options` may have, each with its meaning; `counts` those of them that are
    whole numbers. A strategy with `compose` goes
    over `least` or more steps instead of a pool. `by`: what it needs somebody for, "" when it takes nobody.
    `lots`, `examples`, `loop`, `weights` and `learned` (what the quality model expects) say what else it looks at.
    `draw` takes the place of `rank` where it leaves something to chance; None: not on this route.
    """

    rank: Rank
    tasks: bool
    summary: str
    options: Mapping[str, str] = {}
    counts: tuple[str, ...] = ()
    compose: Compose | None = None
    least: int = 1
    by: str = ""
    lots: bool = False
    examples: bool = False
    weights: bool = False
    loop: bool = False
    learned: bool = False
    draw: Callable[[list[Candidate], Features, Policy], Drawn | None] | None = None


def kind(features: Features) -> str:
    """What kind of request it seems to be, and how sure that is, in words; the runner-up too when it is close."""
    # Nobody is quite sure: what would be rounded to 100% is told as what it is.
    sure = f"{features.sure:.0%}" if features.sure < SURE else "over 99%"
    told = f"it looks like {features.task} ({sure} sure)"
    second = next(((task, share) for task, share in list(features.tasks.items())[1:2] if share >= CLOSE), None)
    return f"{told}, perhaps {second[0]} ({second[1]:.0%})" if second else told


def number(policy: Policy, name: str, usual: float) -> float:
    """An option that is a number."""
    return float(policy.options.get(name, usual))


def dial(policy: Policy, usual: float = 0.0) -> tuple[float, float]:
    """`thrift` t from 0, the best, to 1, the cheapest; and the quality that the dearest model loses by it, t/(1-t)."""
    thrift = min(1.0, max(0.0, number(policy, "thrift", usual)))
    return thrift, inf if thrift == 1 else thrift / (1 - thrift)


def dearest(candidates: Sequence[Candidate]) -> float:
    """The highest predicted cost that is known: what an unknown one counts as, never as nothing."""
    return max((candidate.cost.value for candidate in candidates if candidate.cost), default=0.0)


def cost_share(candidate: Candidate, most: float) -> float:
    """Its cost as a part of the dearest's."""
    return (candidate.cost.value if candidate.cost else most) / most if most else 0.0
