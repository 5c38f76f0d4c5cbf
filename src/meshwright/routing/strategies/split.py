"""Split: shares of the traffic by weight; a conversation stays where it began."""

from __future__ import annotations

from collections.abc import Sequence

from meshwright.routing.lots import draw
from meshwright.routing.policy import Policy
from meshwright.routing.strategies.strategy import Composed, Step, Strategy, unranked
from meshwright.types.decision import Features, Plan


def compose(steps: Sequence[Step], by: Step | None, features: Features, policy: Policy) -> Composed:
    """The step that the lot falls on; the others stand in for it, the heaviest first.

    The lot is drawn by the conversation and the route's name, so a conversation stays with its model as long as that
    can serve it, and the same request is decided the same way again. Steps that cannot serve the request draw no lot:
    their share goes to the others in proportion.
    """
    weights = [policy.weights[step.at] for step in steps]
    whole = sum(weights)
    if not whole:
        weights, whole = [1.0] * len(steps), float(len(steps))
    left = draw(features.conversation, f"split {policy.name}") * whole
    chosen = len(steps) - 1
    for at, weight in enumerate(weights):
        left -= weight
        if left < 0:
            chosen = at
            break
    # Rounding can carry the lot past the last step, which may have no weight.
    if not weights[chosen]:
        chosen = max(range(len(steps)), key=weights.__getitem__)
    rest = sorted((at for at in range(len(steps)) if at != chosen), key=lambda at: -weights[at])
    used = tuple(steps[at] for at in (chosen, *rest))[: max(1, policy.attempts)]
    share = weights[chosen] / whole
    because = f"the lot of this conversation fell on {used[0].name}, which takes {share:.4g} of the traffic"
    if unable := len(policy.steps) - len(steps):
        because += f", as {unable} of {len(policy.steps)} steps cannot serve this request"
    return Composed(
        plan=Plan(kind="first", steps=tuple(step.plan for step in used)),
        because=because,
        used=used,
        propensity=round(share, 9),
    )


STRATEGY = Strategy(
    unranked,
    tasks=False,
    summary="Shares of the traffic by weight; a conversation stays where it began.",
    compose=compose,
    lots=True,
    weights=True,
)
