"""Cascade: the first step's answer if a gate believes it, else the next one's."""

from __future__ import annotations

from collections.abc import Sequence

from meshwright.routing.policy import Policy
from meshwright.routing.strategies.strategy import Composed, Step, Strategy, number, unranked
from meshwright.types.decision import Features, Plan

THRESHOLD = 0.7


def compose(steps: Sequence[Step], by: Step | None, features: Features, policy: Policy) -> Composed:
    """All steps in order. The gate judges every answer but the last one's, which is given as it comes.

    A step that would ask the model that the one before it asks is left out: the same answer would be paid twice.
    """
    threshold, stream = number(policy, "threshold", THRESHOLD), str(policy.options.get("stream", "hold"))
    asks = [_asks(step.decision.plan) for step in steps]
    fresh = [not at or asked is None or asked != asks[at - 1] for at, asked in enumerate(asks)]
    used = tuple(step for step, new in zip(steps, fresh, strict=True) if new)
    again = tuple(step for step, new in zip(steps, fresh, strict=True) if not new)
    names = ", then ".join(step.name for step in used)
    if len(used) == 1:
        because = f"only {names} can serve this request; no gate"
        if again:
            because = f"{' and '.join(step.name for step in steps)} would ask {asks[0]}, which is asked once; no gate"
        # Those that were left out stand in all the same: their stand-ins may be others.
        used += again
        return Composed(plan=Plan(kind="first", steps=tuple(step.plan for step in used)), because=because, used=used)
    plans = tuple(step.plan for step in used)
    passing = "; a stream is passed on as it comes" if stream == "pass" else ""
    same = f"; without {' and '.join(step.name for step in again)}, which would ask the same again" if again else ""
    return Composed(
        plan=Plan(kind="cascade", steps=plans, settings={"threshold": threshold, "stream": stream}),
        because=f"{names}: further when an answer is less than {threshold:.0%} likely to be good{passing}{same}",
        used=used,
    )


def _asks(plan: Plan) -> str | None:
    """The one model that answers for it as long as that one can; None where there are several."""
    if plan.kind == "first":
        return _asks(plan.steps[0])
    return plan.models[0] if plan.kind == "chain" else None


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
