"""Task: the cheapest of the models that are predicted to be about the best at this kind of request."""

from __future__ import annotations

from meshwright.routing.policy import Policy
from meshwright.routing.strategies.strategy import Strategy
from meshwright.types.decision import Candidate, Features

SLACK = 0.1


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """Those within `slack` (option, default 0.1) of the best predicted quality by cost, then the others by quality."""
    slack = float(policy.options.get("slack", SLACK))
    best = max(_quality(candidate) for candidate in candidates)
    ordered = sorted(candidates, key=lambda candidate: _key(candidate, best - slack))
    first = ordered[0]
    sure = f"{features.task} ({features.sure:.0%} sure)"
    if _quality(first) < 0.05:
        return ordered, f"it looks like {sure}, and no model here is expected to answer that well"
    near = sum(_quality(candidate) >= best - slack for candidate in candidates)
    if near > 1:
        return ordered, f"it looks like {sure}; the cheapest of {near} models predicted within {slack:g} of the best"
    return (
        ordered,
        f"it looks like {sure}; predicted {_quality(first):.2f}, the best of {len(ordered)} by more than {slack:g}",
    )


def _quality(candidate: Candidate) -> float:
    return candidate.quality.value if candidate.quality else 0.5


def _key(candidate: Candidate, near: float) -> tuple[bool, float, float, str]:
    quality = _quality(candidate)
    if quality < near:
        return True, -quality, 0.0, candidate.model
    return False, candidate.cost.value if candidate.cost else float("inf"), -quality, candidate.model


STRATEGY = Strategy(
    rank, tasks=True, summary="The cheapest of the models predicted within `slack` of the best for the task."
)
