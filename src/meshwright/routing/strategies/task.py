"""Task: the cheapest of the models that are predicted to be about the best at this kind of request."""

from __future__ import annotations

from meshwright.routing.policy import Policy
from meshwright.routing.predict import hopeless, quality
from meshwright.routing.strategies.strategy import Strategy, kind
from meshwright.types.decision import Candidate, Features

SLACK = 0.1


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """Those within `slack` (option, default 0.1) of the best predicted quality by cost, then the others by quality.

    Unknown prices come after known ones; what is equal stays in the pool's order.
    """
    slack = float(policy.options.get("slack", SLACK))
    best = max(map(quality, candidates))
    ordered = sorted(candidates, key=lambda candidate: _key(candidate, best - slack))
    first = ordered[0]
    if hopeless(first):
        return ordered, f"no model here is expected to answer well: {kind(features)}"
    told = f"{kind(features)}; predicted quality {quality(first):.2f}"
    if len(ordered) == 1:
        return ordered, f"{told}, the only model that can serve this request"
    near = [candidate for candidate in ordered if quality(candidate) >= best - slack]
    if len(near) == 1:
        return ordered, f"{told}, the best of {len(ordered)} by more than {slack:g}"
    priced = "the cheapest" if first.cost is not None else "none of known price, the likeliest to answer well"
    return ordered, f"{told}, {priced} of {len(near)} models within {slack:g} of the best ({best:.2f})"


def _key(candidate: Candidate, near: float) -> tuple[bool, bool, float, float]:
    value = quality(candidate)
    if value < near:
        return True, False, -value, 0.0
    return False, candidate.cost is None, candidate.cost.value if candidate.cost else 0.0, -value


STRATEGY = Strategy(
    rank,
    tasks=True,
    summary="The cheapest of the models predicted within `slack` of the best for the task.",
    options={"slack": "how much predicted quality (0 to 1) may be given up for a lower price"},
)
