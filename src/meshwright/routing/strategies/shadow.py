"""Shadow: the first step answers; the others get a copy, and nobody gets theirs."""

from __future__ import annotations

from collections.abc import Sequence

from meshwright.routing.lots import draw
from meshwright.routing.policy import Policy
from meshwright.routing.strategies.strategy import Composed, Step, Strategy, number, unranked
from meshwright.types.decision import Features, Plan


def compose(steps: Sequence[Step], by: Step | None, features: Features, policy: Policy) -> Composed:
    """The first step's plan, and copies for a `share` (default 1) of the conversations, drawn like a split's lots."""
    first = steps[0]
    if first.at:
        return Composed(
            plan=Plan(kind="first", steps=(first.plan,)),
            because=f"{first.name} answers; those before it cannot serve this request, and are not copied to",
            used=(first,),
        )
    share = number(policy, "share", 1.0)
    copies = tuple(steps[1:])
    if not copies or draw(features.conversation, f"shadow {policy.name}") >= share:
        why = f"this conversation is not among the {share:.4g} that are copied" if copies else "no copy can be served"
        return Composed(
            plan=Plan(kind="first", steps=(first.plan,)), because=f"{first.name} answers; {why}", used=(first,)
        )
    used = (first, *copies)
    names = " and ".join(step.name for step in copies)
    return Composed(
        plan=Plan(kind="shadow", steps=tuple(step.plan for step in used)),
        because=f"{first.name} answers; {names} {'gets a copy' if len(copies) == 1 else 'get copies'}",
        used=used,
    )


STRATEGY = Strategy(
    unranked,
    tasks=False,
    summary="The first step answers; copies go to the others and are recorded only.",
    options={"share": "the share (0 to 1) of conversations that are copied; 1"},
    compose=compose,
    least=2,
    lots=True,
)
