"""Semantic: the step whose examples are most like the question."""

from __future__ import annotations

from collections.abc import Sequence

from meshwright.routing.policy import Policy
from meshwright.routing.strategies.strategy import Composed, Step, Strategy, number, unranked
from meshwright.types.decision import Features, Plan

ALIKE = 0.2


def compose(steps: Sequence[Step], by: Step | None, features: Features, policy: Policy) -> Composed:
    """By likeness to the nearest example of each step; below `alike` (default 0.2) a step without examples takes it.

    The others stand in for it: the likelier first, those without examples last, in the route's order.
    """
    least = number(policy, "alike", ALIKE)
    likeness = {step.at: features.alike.get(step.name, 0.0) for step in steps}
    taught = [step for step in steps if policy.examples[step.at]]
    ordered = sorted(steps, key=lambda step: (not policy.examples[step.at], -likeness[step.at]))
    first = ordered[0]
    if likeness[first.at] >= least and taught:
        because = f"it is like the examples of {first.name} ({likeness[first.at]:.2f}"
        second = next((step for step in ordered[1:] if policy.examples[step.at]), None)
        because += f"; next {second.name}, {likeness[second.at]:.2f})" if second else ")"
    else:
        ordered.sort(key=lambda step: (bool(policy.examples[step.at]), -likeness[step.at]))
        nearest = max(taught, key=lambda step: likeness[step.at], default=None)
        near = f" (nearest: {nearest.name}, {likeness[nearest.at]:.2f})" if nearest else ""
        because = f"it is like no example{near}; {ordered[0].name} takes "
        because += "the rest" if not policy.examples[ordered[0].at] else "it all the same, no step is for the rest"
    if features.by_words:
        because += "; by words alone, for the extra offline is not installed"
    used = tuple(ordered[: max(1, policy.attempts)])
    return Composed(plan=Plan(kind="first", steps=tuple(step.plan for step in used)), because=because, used=used)


STRATEGY = Strategy(
    unranked,
    tasks=False,
    summary="The step whose example utterances are most like the question.",
    options={"alike": "the likeness (0 to 1) from which an example counts; 0.2"},
    compose=compose,
    examples=True,
)
