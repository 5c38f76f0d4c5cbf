"""Panel: several are asked at once; they vote, or somebody judges or fuses their answers."""

from __future__ import annotations

from collections.abc import Sequence

from meshwright.routing.policy import Policy
from meshwright.routing.strategies.strategy import Composed, Step, Strategy, number, unranked
from meshwright.types.decision import Features, Plan

JOINS = ("vote", "judge", "fuse")


def compose(steps: Sequence[Step], by: Step | None, features: Features, policy: Policy) -> Composed:
    """All steps at once, joined by `join`. Without somebody to judge or fuse, they vote."""
    join = str(policy.options.get("join", "judge" if policy.by is not None else "vote"))
    used = tuple(steps)
    plans = tuple(step.plan for step in used)
    names = ", ".join(step.name for step in used)
    least = int(number(policy, "least", 1))
    if len(used) < least:
        told = f"only {names} can serve this request, and {least} answers must come: nobody is asked"
        plan = Plan(kind="panel", steps=plans, settings={"join": join, "least": least})
        return Composed(plan=plan, because=told, used=used)
    if len(used) == 1:
        return Composed(
            plan=Plan(kind="first", steps=plans), because=f"only {names} can serve this request; no panel", used=used
        )
    told = f"{len(used)} at once: {names}; "
    if join != "vote" and by is None:
        join, told = "vote", f"{told}nobody can {join}, so "
    settings: dict[str, str | int | float | bool] = {"join": join, "least": least}
    if join == "vote" or by is None:
        return Composed(plan=Plan(kind="panel", steps=plans, settings=settings), because=f"{told}they vote", used=used)
    verb = "judges which is best" if join == "judge" else "makes one of them"
    plan = Plan(kind="panel", steps=plans, by=by.plan, settings=settings)
    return Composed(plan=plan, because=f"{told}{by.name} {verb}", used=(*used, by))


STRATEGY = Strategy(
    unranked,
    tasks=False,
    summary="Several at once, then a vote, a judge or a fusion.",
    options={
        "join": "`vote`, `judge` (one of the answers, chosen by `by`) or `fuse` (a new one, written by `by`)",
        "least": "answers that must come before they are joined; 1",
    },
    counts=("least",),
    compose=compose,
    least=2,
    by="judge or fuse",
)
