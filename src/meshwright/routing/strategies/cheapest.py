"""Cheapest: the lowest predicted cost."""

from __future__ import annotations

from meshwright.routing.policy import Policy
from meshwright.routing.predict import hopeless, quality
from meshwright.routing.strategies.strategy import Strategy, kind
from meshwright.types.decision import Candidate, Features
from meshwright.types.money import dollars


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """By predicted cost, those of unknown price last; equal costs by predicted quality, then in the pool's order.

    A model that is not expected to answer at all is not cheap: it comes after all others.
    """
    ordered = sorted(candidates, key=_key)
    first = ordered[0]
    if hopeless(first):
        return ordered, f"no model here is expected to answer well: {kind(features)}"
    fit = [candidate for candidate in ordered if not hopeless(candidate)]
    if len(fit) == 1:
        can = "can serve this request" if len(ordered) == 1 else "is expected to answer"
        return ordered, f"the only model here that {can}: {kind(features)}"
    if first.cost is None:
        return (
            ordered,
            f"no price is known of any of {len(fit)} models; it is the likeliest to answer well: {kind(features)}",
        )
    unpriced = sum(candidate.cost is None for candidate in fit)
    missing = f", {unpriced} of them of unknown price" if unpriced else ""
    out = round(first.tokens.value) if first.tokens else 0
    return ordered, (
        f"the lowest predicted cost of {len(fit)} models{missing}: about {dollars(round(first.cost.value))} USD "
        f"for about {features.input_tokens:,} tokens in and {out:,} out; {kind(features)}"
    )


def _key(candidate: Candidate) -> tuple[bool, bool, float, float]:
    cost = candidate.cost
    return hopeless(candidate), cost is None, cost.value if cost else 0.0, -quality(candidate)


STRATEGY = Strategy(rank, tasks=True, summary="The lowest predicted cost among models that are expected to answer.")
