"""Balanced: predicted quality, less what it costs, less how long it takes."""

from __future__ import annotations

from math import inf

from meshwright.routing.policy import Policy
from meshwright.routing.predict import hopeless, quality
from meshwright.routing.strategies.strategy import Strategy, dearest, dial, kind, number
from meshwright.types.decision import Candidate, Features
from meshwright.types.money import dollars

THRIFT = 0.3
NANO = 1e9


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """By utility = quality - λ·cost - μ·latency, the highest first.

    λ comes from the dial `thrift` t (0 the best, 1 the cheapest, default 0.3): the dearest candidate loses t/(1-t) of
    quality, and the others in proportion. `per_dollar` sets λ outright, in quality per USD; `per_second` sets μ, which
    else is 0. An unknown cost counts as the dearest that is known, an unknown time as the slowest: never as nothing.
    """
    (thrift, weight), per_second = dial(policy, THRIFT), number(policy, "per_second", 0.0)
    most = dearest(candidates)
    slowest = max((candidate.latency.value for candidate in candidates if candidate.latency), default=0.0)
    if "per_dollar" in policy.options:
        lambda_, by = (
            number(policy, "per_dollar", 0.0) / NANO,
            f"λ = {number(policy, 'per_dollar', 0.0):g} per USD",
        )
    else:
        lambda_ = inf if weight == inf else weight / most if most else 0.0
        by = f"thrift {thrift:g}"

    def terms(candidate: Candidate) -> tuple[float, float]:
        cost = candidate.cost.value if candidate.cost else most
        seconds = candidate.latency.value if candidate.latency else slowest
        return (cost if lambda_ == inf else lambda_ * cost), per_second * seconds

    def key(candidate: Candidate) -> tuple[bool, float, float, float]:
        lost, waited = terms(candidate)
        value = quality(candidate)
        if lambda_ == inf:
            return hopeless(candidate), lost, -value + waited, 0.0
        return hopeless(candidate), lost + waited - value, lost, waited

    ordered = sorted(candidates, key=key)
    first = ordered[0]
    if hopeless(first):
        return ordered, f"no model here is expected to answer well: {kind(features)}"
    cost = f"{dollars(round(first.cost.value))} USD" if first.cost else "an unknown price"
    told = f"quality {quality(first):.2f} for about {cost}"
    if first.latency is not None and per_second:
        told += f" in about {first.latency.value:.3g} s"
    return ordered, f"the best balance of {len(ordered)} models at {by}: {told}; {kind(features)}"


STRATEGY = Strategy(
    rank,
    tasks=True,
    summary="The highest utility: quality less λ times the cost less μ times the latency.",
    options={
        "thrift": "from 0, the best, to 1, the cheapest; 0.3",
        "per_dollar": "λ itself: quality that a dollar per request is worth",
        "per_second": "μ: quality that a second of waiting is worth; 0",
    },
)
