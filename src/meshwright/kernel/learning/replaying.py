"""The log's decisions made again by another snapshot: the rows that `routing.what_if` judges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from meshwright.kernel.decide import again
from meshwright.kernel.snapshot import Snapshot
from meshwright.ledger.feedback import candidate_of
from meshwright.routing.route import unseen
from meshwright.routing.what_if import Choice, Row
from meshwright.types.decision import Decision, Plan, Trace
from meshwright.types.errors import MeshError

BY_FIRST = ("first", "shadow")
"""Kinds of plans of which the first step answers; the others stand in, or are sent copies."""
DRAWS = 8
"""Lots drawn for each request when the other policy draws lots."""


class Replayed(msgspec.Struct, frozen=True):
    """Rows for the estimate, how often each model would come first now and then, and what was left out and why."""

    rows: list[Row]
    shares: Mapping[str, tuple[int, int]]
    left_out: Mapping[str, int]


def replay(traces: Iterable[Trace], other: Snapshot, scores: Mapping[str, float] | None = None) -> Replayed:
    """What `other` would have chosen for each request of the log.

    `scores` are qualities (0..1) by decision id, from feedback; without one, a request that failed counts 0, and one
    that a gate judged what the gate said. Copies, requests that their client left, and models that were asked for by
    name are left out.
    """
    rows: list[Row] = []
    shares: dict[str, tuple[int, int]] = {}
    left_out: dict[str, int] = {}
    for trace in traces:
        decision = trace.decision
        if reason := _left_out(trace, other):
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        assert decision is not None
        then = _then(other, decision)
        rows.append(
            Row(
                chosen=_chosen(decision),
                other=None if then is None else _chosen(then),
                propensity=propensity(decision),
                cost=trace.cost,
                quality=_quality(trace, scores or {}),
                judged=trace.id in (scores or {}),
                draws=() if then is None else _draws(other, decision, then),
            )
        )
        for at, one in enumerate((decision, then)):
            if one is not None:
                first = next(one.plan.contacts())
                now = shares.get(first, (0, 0))
                shares[first] = (now[0] + (at == 0), now[1] + (at == 1))
    return Replayed(rows, shares, left_out)


def _left_out(trace: Trace, other: Snapshot) -> str:
    decision = trace.decision
    if trace.of:
        return "copies of other requests"
    if decision is None or decision.features is None:
        return "never decided"
    if trace.outcome in ("cancelled", "interrupted"):
        return "broken off by their client or by a stop"
    policy = other.names.get(decision.asked)
    if (policy is not None and policy.named) or (policy is None and other.deployment(decision.asked) is not None):
        return "asked for a model by its name"
    return unseen(decision.features, policy) if policy is not None else ""


def _then(other: Snapshot, decision: Decision) -> Decision | None:
    try:
        return again(other, decision)
    except MeshError:
        return None


def _draws(other: Snapshot, decision: Decision, then: Decision) -> tuple[Choice, ...]:
    """What the other policy chooses by lots that have nothing to do with the log's; () when it draws none."""
    if propensity(then) == 1 or decision.features is None:
        return ()
    found = []
    for at in range(DRAWS):
        features = msgspec.structs.replace(decision.features, conversation=f"{decision.features.conversation} {at}")
        drawn = _then(other, msgspec.structs.replace(decision, features=features))
        if drawn is not None:
            found.append(_chosen(drawn))
    return tuple(found)


def _chosen(decision: Decision) -> Choice:
    return Choice(choice(decision.plan), *_predicted(decision))


def choice(plan: Plan) -> str:
    """What was chosen, in words that are equal when it is: the first model of a chain, the whole of any other plan.

    Copies of a request change nothing of its answer.
    """
    if plan.kind in BY_FIRST and len(plan.steps) > 0:
        return choice(plan.steps[0])
    if plan.kind == "chain":
        return plan.models[0]
    inner = ", ".join(choice(step) for step in (*plan.steps, *((plan.by,) if plan.by is not None else ())))
    settings = ", ".join(f"{name}={value}" for name, value in sorted(plan.settings.items()))
    return f"{plan.kind}({inner}; {settings})"


def propensity(decision: Decision) -> float:
    """How likely the whole choice was: the product over all lots that led to it."""
    own = 1.0 if decision.propensity is None else decision.propensity
    if decision.plan.kind in BY_FIRST:
        # Only the step that was chosen first is the choice; the others are stand-ins.
        return own * (propensity(decision.parts[0]) if decision.parts else 1.0)
    # Nor is whoever stands in for an advised worker.
    parts = decision.parts if decision.plan.kind != "advisor" else (decision.parts[0], decision.parts[-1])
    for part in parts:
        own *= propensity(part)
    return own


def _quality(trace: Trace, scores: Mapping[str, float]) -> float | None:
    if trace.id in scores:
        return scores[trace.id]
    if trace.outcome != "ok":
        return 0.0
    judged = [note.value for note in trace.notes if note.kind == "gate" and note.about == trace.served]
    return judged[-1] if judged else None


def _predicted(decision: Decision) -> tuple[float | None, float | None]:
    """(cost, quality) as predicted for the first choice; unknown for plans of several models."""
    if decision.plan.kind in BY_FIRST and decision.parts:
        return _predicted(decision.parts[0])
    if decision.plan.kind != "chain":
        return None, None
    first = candidate_of(decision, decision.plan.models[0])
    if first is None:
        return None, None
    return first.cost.value if first.cost else None, first.quality.value if first.quality else None
