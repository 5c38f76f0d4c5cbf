"""Cheapest: the lowest predicted cost."""

from __future__ import annotations

from meshwright.routing.policy import Policy
from meshwright.routing.strategies.strategy import Strategy
from meshwright.types.decision import Candidate, Features


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """By predicted cost, those of unknown price last; equal costs by predicted quality.

    A model that is not expected to answer at all is not cheap: those below 0.05 come after all others.
    """
    ordered = sorted(candidates, key=_key)
    first = ordered[0]
    if first.cost is None:
        return ordered, "no price is known of any candidate; it is the likeliest to answer well"
    return ordered, f"the lowest predicted cost, {first.cost.value / 1e9:.6f} USD, of {len(ordered)} candidates"


def _key(candidate: Candidate) -> tuple[bool, bool, float, float, str]:
    quality = candidate.quality.value if candidate.quality else 0.5
    cost = candidate.cost
    return quality < 0.05, cost is None, cost.value if cost else 0.0, -quality, candidate.model


STRATEGY = Strategy(rank, tasks=True, summary="The lowest predicted cost among models that are expected to answer.")
