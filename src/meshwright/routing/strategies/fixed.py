"""Fixed: the pool's own order."""

from __future__ import annotations

from meshwright.routing.policy import Policy
from meshwright.routing.strategies.strategy import Strategy
from meshwright.types.decision import Candidate, Features


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """The order in which the configuration or the caller named them."""
    named = "the caller named it" if policy.named else "it is the first of the route's pool that can serve this request"
    return candidates, named


STRATEGY = Strategy(rank, tasks=False, summary="The pool's own order; the rest are fallbacks.")
