"""From a request to a Decision: features, hard filters, predictions, strategy, plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meshwright.routing.features import features
from meshwright.routing.filters import rejection
from meshwright.routing.policy import UNSEEN, Policy, Signal
from meshwright.routing.predict import predict
from meshwright.routing.strategies import STRATEGIES
from meshwright.types.decision import Candidate, Decision, Features, Plan
from meshwright.types.errors import NoCandidate
from meshwright.types.model import Model
from meshwright.types.request import Request

HOPELESS = 0.05
"""A model predicted below this never stands in for one above it: failing over to it would be a lie."""


def route(
    request: Request,
    policy: Policy,
    models: Sequence[Model],
    signals: Mapping[str, Signal],
    *,
    asked: str,
    snapshot: int,
) -> Decision:
    """The decision. Pure: equal arguments give equal decisions. Raises NoCandidate with every rejection."""
    strategy = STRATEGIES[policy.strategy]
    seen = features(request, strategy.tasks)
    candidates, rejected = _eligible(models, seen, policy, signals)
    if not candidates:
        raise NoCandidate(
            f'No model of "{asked}" can serve this request: {_reasons(rejected)}.',
            rejected,
            fix="Change the request, the route's constraints, or add a provider (`mesh doctor`).",
        )
    ranked, because = strategy.rank(candidates, seen, policy)
    best = max((candidate.quality.value for candidate in ranked if candidate.quality), default=0.0)
    if best >= HOPELESS and not policy.named:
        hopeful = [candidate for candidate in ranked if not candidate.quality or candidate.quality.value >= HOPELESS]
    else:
        hopeful = ranked
    return Decision(
        asked=asked,
        route=policy.name,
        strategy=policy.strategy,
        plan=Plan(tuple(candidate.model for candidate in hopeful[: max(1, policy.attempts)])),
        because=because,
        features=seen,
        candidates=tuple(ranked),
        rejected=rejected,
        snapshot=snapshot,
    )


def _eligible(
    models: Sequence[Model], seen: Features, policy: Policy, signals: Mapping[str, Signal]
) -> tuple[list[Candidate], dict[str, str]]:
    candidates, rejected = [], {}
    for model in models:
        signal = signals.get(model.name, UNSEEN)
        reason = rejection(model, seen, policy, signal)
        if not reason:
            candidate = predict(model, seen, signal)
            reason = _beyond(candidate, policy)
        if reason:
            rejected[model.name] = reason
        else:
            candidates.append(candidate)
    return candidates, rejected


def _beyond(candidate: Candidate, policy: Policy) -> str:
    """Why a prediction is outside the policy's bounds."""
    if policy.max_cost is not None:
        if candidate.cost is None:
            return "max_cost is set and its price is not known"
        if candidate.cost.high > policy.max_cost:
            return f"up to {candidate.cost.high / 1e9:.6f} USD predicted, max_cost is {policy.max_cost / 1e9:.6f} USD"
    if policy.floor and candidate.quality and candidate.quality.value < policy.floor:
        return f"predicted quality {candidate.quality.value:.2f} is below the floor of {policy.floor:.2f}"
    return ""


def _reasons(rejected: Mapping[str, str], most: int = 5) -> str:
    """The first few rejections in words."""
    told = [f"{name}: {reason}" for name, reason in list(rejected.items())[:most]]
    more = len(rejected) - most
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "") if told else "its pool is empty"
