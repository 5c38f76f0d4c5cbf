"""From a request to a Decision: features, hard filters, predictions, strategy, plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meshwright.routing.features import features
from meshwright.routing.filters import WINDOW, rejection
from meshwright.routing.policy import UNSEEN, Policy, Signal
from meshwright.routing.predict import hopeless, predict
from meshwright.routing.strategies import STRATEGIES
from meshwright.types.decision import Candidate, Decision, Features, Plan
from meshwright.types.errors import ContextTooLong, NoCandidate
from meshwright.types.model import Model
from meshwright.types.money import dollars
from meshwright.types.request import Request


def route(
    request: Request,
    policy: Policy,
    models: Sequence[Model],
    signals: Mapping[str, Signal],
    *,
    asked: str,
    snapshot: int,
) -> Decision:
    """The decision. Pure: equal arguments give equal decisions. Raises NoCandidate with every rejection.

    Raises ContextTooLong when every model was rejected for its window.
    """
    strategy = STRATEGIES[policy.strategy]
    # Bounds on quality and cost ask for the task too: skills and lengths of answers go by task.
    seen = features(request, strategy.tasks or policy.floor > 0 or policy.max_cost is not None)
    candidates, rejected = _eligible(models, seen, policy, signals)
    if not candidates:
        if rejected and all(WINDOW in reason for reason in rejected.values()):
            raise ContextTooLong(f"This is too long for {_reasons(rejected)}.", field="messages", fix=_fix(rejected))
        raise NoCandidate(
            f'No model of "{asked}" can serve this request: {_reasons(rejected)}.', rejected, fix=_fix(rejected)
        )
    ranked, because = strategy.rank(candidates, seen, policy)
    chain = ranked
    # Failing over to a model that is not expected to answer would be a lie; the order of a list is its owner's wish.
    if strategy.tasks and not hopeless(ranked[0]):
        chain = [candidate for candidate in ranked if not hopeless(candidate)]
    return Decision(
        asked=asked,
        route=policy.name,
        strategy=policy.strategy,
        plan=Plan(tuple(candidate.model for candidate in chain[: max(1, policy.attempts)])),
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
        if reason := rejection(model, seen, policy, signal):
            rejected[model.name] = reason
            continue
        candidate = predict(model, seen, signal)
        if reason := _beyond(candidate, policy):
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
            high = dollars(round(candidate.cost.high))
            return f"up to {high} USD predicted, max_cost is {dollars(policy.max_cost)} USD"
    if policy.floor and candidate.quality and candidate.quality.value < policy.floor:
        return f"predicted quality {candidate.quality.value:.4g} is below the floor of {policy.floor:.4g}"
    return ""


def _reasons(rejected: Mapping[str, str], most: int = 5) -> str:
    """The first few rejections in words."""
    told = [f"{name}: {reason}" for name, reason in list(rejected.items())[:most]]
    more = len(rejected) - most
    return "; ".join(told) + (f"; and {more:,} more" if more > 0 else "") if told else "its pool is empty"


FIXES = (
    ("resting", "Ask again when a model has rested."),
    (WINDOW, "Shorten the request, lower max_tokens, or add a model with a larger window."),
    ("the request needs", "Leave out what no model here can do, or add a model that can."),
    (
        "max_cost",
        "Raise the route's max_cost, lower max_tokens, or state the price of a model whose price is not known.",
    ),
    ("below the floor", "Lower the route's floor, or add a better model."),
    ("required", "Add a model that meets the route's requirements, or state what is not known of one in [models]."),
)
"""Words of a rejection, and what helps against it: the first that is found in any of the rejections is told first."""


def _fix(rejected: Mapping[str, str]) -> str:
    """What would help, at most two ways."""
    if not rejected:
        return "Set a provider's key or start a local engine; `mesh doctor` says what is missing."
    reasons = set(rejected.values())
    return " ".join([fix for words, fix in FIXES if any(words in reason for reason in reasons)][:2])
