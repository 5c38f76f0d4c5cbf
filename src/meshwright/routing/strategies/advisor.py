"""Advisor: a stronger model advises or approves at set points of an agent's run; another does the work."""

from __future__ import annotations

from collections.abc import Sequence

from meshwright.routing.policy import Policy
from meshwright.routing.strategies.strategy import Composed, Step, Strategy, number, unranked
from meshwright.types.decision import ITSELF, Features, Plan, ToolLoop

FAILURES, REPEATS = 2, 1


def compose(steps: Sequence[Step], by: Step | None, features: Features, policy: Policy) -> Composed:
    """The first step that can, advised by `by` when the run is at one of its points; the others stand in for it.

    Before the work: at the start (`start`), after `failures` failed tool results in a row, after `repeats` repetitions
    of the same call, every `every` turns. After it: `final` shows the adviser each answer that calls no tool.
    """
    worker, used = steps[0], tuple(steps)
    alone = Plan(kind="first", steps=tuple(step.plan for step in used), step=ITSELF)
    if by is None:
        return Composed(plan=alone, because=f"{worker.name} works; nobody can advise", used=used)
    point = _point(features.loop, policy)
    final = bool(policy.options.get("final", False))
    if not point and not final:
        return Composed(plan=alone, because=f"{worker.name} works; no point to advise at", used=used)
    told = f"{by.name} advises first, because {point}" if point else ""
    if final:
        told += f"{', and' if told else by.name} approves an answer that calls no tool"
    # A turn with advice has the same stand-ins as one without.
    working = worker.plan if len(used) == 1 else alone
    plan = Plan(kind="advisor", steps=(working,), by=by.plan, settings={"point": point, "final": final})
    return Composed(plan=plan, because=f"{worker.name} works; {told}", used=(*used, by))


def _point(loop: ToolLoop | None, policy: Policy) -> str:
    """Why this is a point to advise at; "" when it is none."""
    if loop is None:
        return "the run begins" if policy.options.get("start", False) else ""
    failures, repeats = int(number(policy, "failures", FAILURES)), int(number(policy, "repeats", REPEATS))
    every = int(number(policy, "every", 0))
    if failures and loop.failures and loop.failures % failures == 0:
        return f"{loop.failures} tool results in a row were failures"
    if repeats and loop.repeats >= repeats:
        return f"the last tool call repeats an earlier one ({loop.repeats} before it)"
    if every and loop.turns % every == 0:
        return f"the run is at turn {loop.turns}"
    return ""


STRATEGY = Strategy(
    unranked,
    tasks=False,
    summary="A stronger model advises or approves at set points of an agent's run.",
    options={
        "start": "true: advise before the first turn",
        "failures": "advise after so many failed tool results in a row; 2, 0 never",
        "repeats": "advise when the last call was made so many times before; 1, 0 never",
        "every": "advise every so many turns; 0 never",
        "final": "true: approve each answer that calls no tool, before the client gets it",
    },
    counts=("failures", "repeats", "every"),
    compose=compose,
    by="advise",
    loop=True,
)
