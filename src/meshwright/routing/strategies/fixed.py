"""Fixed: the pool's own order."""

from __future__ import annotations

from meshwright.routing.policy import Policy
from meshwright.routing.strategies.strategy import Strategy
from meshwright.types.decision import Candidate, Features


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """The order in which the configuration or the caller named them."""
    passed = policy.pool.index(candidates[0].model)
    told = "it is the first of the route's pool"
    if policy.named:
        told = "the caller named it"
    elif policy.pool == (policy.name,):
        told = "it is what this step names"
    if passed:
        told += f" that can serve this request; {passed} before it cannot"
    return candidates, told


STRATEGY = Strategy(rank, tasks=False, summary="The pool's own order; the rest are fallbacks.")
