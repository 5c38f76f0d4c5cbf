"""Capability: the models that are known to be able to do all of it, before those of which nobody says."""

from __future__ import annotations

from meshwright.routing.policy import Policy
from meshwright.routing.predict import quality
from meshwright.routing.strategies.strategy import Strategy
from meshwright.types.decision import Candidate, Features


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """By the number of needed abilities that nobody vouches for, then by cost, then in the pool's order.

    What a request needs is read off it: pictures, sound, files, tools, JSON, schemas, logprobs. Models that are known
    not to have one are rejected before; what is left differs in how much is known.
    """
    ordered = sorted(candidates, key=_key)
    first = ordered[0]
    if not features.needs:
        return ordered, f"the request needs nothing special; {_price(first)} of {len(ordered)} models"
    needs = " and ".join(features.needs)
    proven = sum(not candidate.unproven for candidate in ordered)
    if not proven:
        return ordered, (
            f"the request needs {needs}; none of {len(ordered)} models is known to have all of it, of this one only "
            f"{' and '.join(first.unproven)} is not known"
        )
    return ordered, f"the request needs {needs}; {_price(first)} of {proven} models that are known to have it"


def _price(candidate: Candidate) -> str:
    return "the cheapest" if candidate.cost is not None else "no price is known, the first"


def _key(candidate: Candidate) -> tuple[int, bool, float, float]:
    cost = candidate.cost
    return len(candidate.unproven), cost is None, cost.value if cost else 0.0, -quality(candidate) if cost else 0.0


STRATEGY = Strategy(
    rank, tasks=False, summary="The cheapest of the models that are known to have every ability that is needed."
)
