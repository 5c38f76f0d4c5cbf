"""Cheapest above: the lowest predicted cost among models that are predicted good enough."""

from __future__ import annotations

from meshwright.routing.policy import Policy
from meshwright.routing.predict import hopeless, quality
from meshwright.routing.strategies.strategy import Strategy, kind, number
from meshwright.types.decision import Candidate, Features
from meshwright.types.money import dollars

ABOVE = 0.7


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """Those at `above` (option, default 0.7) or over it by cost, unknown prices last; then the others by quality.

    `sure` = true asks the lower end of the interval, not its middle. Unlike a route's `floor`, which rejects, this only
    puts in order: where nobody is good enough, the best takes it.
    """
    above, sure = number(policy, "above", ABOVE), bool(policy.options.get("sure", False))
    ordered = sorted(candidates, key=lambda candidate: _key(candidate, above, sure))
    first = ordered[0]
    good = [candidate for candidate in ordered if _counted(candidate, sure) >= above]
    bound = f"{'surely ' if sure else ''}at or above {above:g}"
    if hopeless(first):
        return ordered, f"no model here is expected to answer well: {kind(features)}"
    if not good:
        return ordered, (
            f"none of {len(ordered)} models is predicted {bound}; this one is best, at {quality(first):.2f}: "
            f"{kind(features)}"
        )
    told = (
        f"{kind(features)}; of {len(ordered)} models {len(good)} {'is' if len(good) == 1 else 'are'} predicted {bound}"
    )
    if first.cost is None:
        return ordered, f"{told}, none of known price"
    return ordered, f"{told}, this one at {quality(first):.2f} for about {dollars(round(first.cost.value))} USD"


def _counted(candidate: Candidate, sure: bool) -> float:
    return candidate.quality.low if sure and candidate.quality else quality(candidate)


def _key(candidate: Candidate, above: float, sure: bool) -> tuple[bool, bool, float, float]:
    value = _counted(candidate, sure)
    if value < above:
        return True, False, -value, 0.0
    return False, candidate.cost is None, candidate.cost.value if candidate.cost else 0.0, -value


STRATEGY = Strategy(
    rank,
    tasks=True,
    summary="The lowest predicted cost among models predicted at or above a quality.",
    options={
        "above": "the predicted quality (0 to 1) that is good enough; 0.7",
        "sure": "true: the lower end of the interval must reach it",
    },
)
