"""Cascade: the first step's answer if a gate believes it, else the next one's."""

from __future__ import annotations

from collections.abc import Sequence

from meshwright.routing.policy import Policy
from meshwright.routing.strategies.strategy import Composed, Step, Strategy, number, unranked
from meshwright.types.decision import Features, Plan

THRESHOLD = 0.7


def compose(steps: Sequence[Step], by: Step | None, features: Features, policy: Policy) -> Composed:
    """All steps in order. The gate judges every answer but the last one's, which is given as it comes."""
    threshold, stream = number(policy, "threshold", THRESHOLD), str(policy.options.get("stream", "hold"))
    used = tuple(steps)
    plans = tuple(step.plan for step in used)
    names = ", then ".join(step.name for step in used)
    if len(used) == 1:
        return Composed(
            plan=Plan(kind="first", steps=plans), because=f"only {names} can serve this request; no gate", used=used
        )
    return Composed(
        plan=Plan(kind="cascade", steps=plans, settings={"threshold": threshold, "stream": stream}),
        because=f"{names}: further when an answer is less than {threshold:.0%} likely to be good",
        used=used,
    )


STRATEGY = Strategy(
    unranked,
    tasks=False,
    summary="Cheap first; the next step when a gate is not sure of the answer.",
    options={
        "threshold": "the probability of a good answer from which it is given to the client; 0.7",
        "stream": "for streams: `hold` the answer until the gate has judged it, or `pass` it without a gate",
    },
    compose=compose,
    least=2,
)
