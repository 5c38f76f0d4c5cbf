"""From features to a Decision: hard filters, predictions, strategy, plan. Deciding again begins here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from meshwright.routing.filters import ONLY, UNPRICED, UNSERVED, WINDOW, rejection
from meshwright.routing.policy import UNSEEN, Policy, Signal
from meshwright.routing.predict import Prediction, hopeless
from meshwright.routing.strategies import STRATEGIES
from meshwright.routing.strategies.strategy import Compose, Step
from meshwright.types.decision import Candidate, Decision, Features, Plan
from meshwright.types.errors import ContextTooLong, NoCandidate
from meshwright.types.model import Model
from meshwright.types.money import dollars


def choose(
    seen: Features,
    policy: Policy,
    models: Sequence[Model],
    signals: Mapping[str, Signal],
    *,
    asked: str,
    snapshot: int,
) -> Decision:
    """The decision for a request of which `seen` is known. Pure. Raises NoCandidate, ContextTooLong."""
    decision, rejected = _decided(seen, policy, models, signals, asked)
    if decision is not None:
        known = {model.name: _kept(signal, seen) for model in models if (signal := signals.get(model.name)) is not None}
        return msgspec.structs.replace(decision, features=seen, snapshot=snapshot, signals=known)
    reasons = set(rejected.values()) - {UNSERVED}
    if reasons and all(WINDOW in reason for reason in reasons):
        error = ContextTooLong(f"This is too long for {_reasons(rejected)}.", field="messages", fix=_fix(rejected))
        error.rejected = rejected
        raise error
    told = f'No model of "{asked}" can serve this request: {_reasons(rejected)}.'
    nobody = NoCandidate(told, rejected, fix=_fix(rejected))
    nobody.lasting = not any(OF_LATE in reason or _rests(signals, name) for name, reason in rejected.items())
    raise nobody


def ineligible(model: Model, seen: Features, policy: Policy, signal: Signal) -> str:
    """Why the model may not be asked (now), by the bounds of the route and of those around it; "" when it may be."""
    return _examined(model, seen, policy, signal, Prediction(seen))[1]


def _rests(signals: Mapping[str, Signal], name: str) -> bool:
    return bool(signals.get(name, UNSEEN).resting)


def _kept(signal: Signal, seen: Features) -> Signal:
    """What deciding again needs of a signal: lengths of answers to other tasks say nothing here."""
    if len(signal.longer) < 3:
        return signal
    longer = {task: ratio for task, ratio in signal.longer.items() if task in ("", seen.task)}
    return msgspec.structs.replace(signal, longer=longer)


def _decided(
    seen: Features, policy: Policy, models: Sequence[Model], signals: Mapping[str, Signal], asked: str
) -> tuple[Decision | None, Mapping[str, str]]:
    """The decision, None when nobody can serve the request, and who was rejected and why."""
    strategy = STRATEGIES[policy.strategy]
    if strategy.compose is not None:
        return _composed(strategy.compose, seen, policy, models, signals, asked)
    candidates, rejected = _eligible(models, seen, policy, signals)
    if not candidates:
        return None, rejected
    drawn = strategy.draw(candidates, seen, policy) if strategy.draw is not None else None
    if drawn is not None:
        ranked, because = drawn.ranked, drawn.because
    else:
        ranked, because = strategy.rank(candidates, seen, policy)
    chain = ranked
    # Failing over to a model that is not expected to answer would be a lie; the order of a list is its owner's wish.
    if strategy.tasks and not hopeless(ranked[0]):
        chain = [candidate for candidate in ranked if not hopeless(candidate)]
    if strategy.tasks and ranked[0].saved:
        because += f"; {_warmth(ranked[0])}"
    decision = Decision(
        asked=asked,
        route=policy.name,
        strategy=policy.strategy,
        plan=Plan(tuple([candidate.model for candidate in chain[: max(1, policy.attempts)]])),
        because=because,
        candidates=tuple(ranked),
        rejected=rejected,
        propensity=drawn.propensity if drawn is not None else None,
        extra=drawn.extra if drawn is not None else 0,
    )
    return decision, rejected


def _warmth(candidate: Candidate) -> str:
    """That its prompt cache is warm, and what that is worth."""
    saved = dollars(round(candidate.saved))
    return (
        f"its prompt cache should still hold {candidate.cached:,} tokens of this conversation, which saves {saved} USD"
    )


def _composed(
    compose: Compose,
    seen: Features,
    policy: Policy,
    models: Sequence[Model],
    signals: Mapping[str, Signal],
    asked: str,
) -> tuple[Decision | None, Mapping[str, str]]:
    """Decide each step by itself, then let the strategy put the plans together."""
    named = {model.name: model for model in models}
    able: list[Step] = []
    rejected: dict[str, str] = {}
    by: Step | None = None
    for at, step in enumerate(policy.below):
        pool = [named[name] for name in step.pool if name in named]
        decision, reasons = _decided(seen, step, pool, signals, step.name)
        if decision is None:
            rejected |= reasons
        elif at < len(policy.steps):
            able.append(Step(at, decision))
        else:
            by = Step(at, decision)
    if not able:
        return None, rejected
    made = compose(able, by, seen, policy)
    decision = Decision(
        asked=asked,
        route=policy.name,
        strategy=policy.strategy,
        plan=made.plan,
        because=made.because,
        rejected=rejected,
        parts=tuple(step.decision for step in made.used),
        propensity=made.propensity,
    )
    return decision, rejected


def _eligible(
    models: Sequence[Model], seen: Features, policy: Policy, signals: Mapping[str, Signal]
) -> tuple[list[Candidate], dict[str, str]]:
    candidates, rejected = [], {}
    prediction = Prediction(seen)
    for model in models:
        candidate, reason = _examined(model, seen, policy, signals.get(model.name, UNSEEN), prediction)
        if candidate is None:
            rejected[model.name] = reason
        else:
            candidates.append(candidate)
    if policy.missing:
        rejected.update(dict.fromkeys(policy.missing, UNSERVED))
    return candidates, rejected


def _examined(
    model: Model, seen: Features, policy: Policy, signal: Signal, prediction: Prediction
) -> tuple[Candidate | None, str]:
    """The model's predictions, or why it is rejected."""
    if reason := rejection(model, seen, policy, signal):
        return None, reason
    for around in policy.within:
        if reason := rejection(model, seen, around, signal):
            return None, f'{reason} (by "{around.name}")'
    candidate = prediction.of(model, signal)
    if seen.max_cost is not None and (reason := _too_dear(candidate, seen.max_cost)):
        return None, reason
    if reason := _beyond(candidate, policy):
        return None, reason
    for around in policy.within:
        if reason := _beyond(candidate, around):
            return None, f'{reason} (by "{around.name}")'
    return candidate, ""


def _too_dear(candidate: Candidate, most: int) -> str:
    """Why the caller's own bound leaves it out: what it should cost is above, or not known."""
    if candidate.cost is None:
        return "max_cost is set and its price is not known"
    if candidate.cost.value > most:
        return f"about {dollars(round(candidate.cost.value))} USD predicted, max_cost is {dollars(most)} USD"
    return ""


def _beyond(candidate: Candidate, policy: Policy) -> str:
    """Why a prediction is outside the policy's bounds."""
    if policy.max_cost is not None:
        if candidate.cost is None:
            return "max_cost is set and its price is not known"
        if candidate.cost.high > policy.max_cost:
            high = dollars(round(candidate.cost.high))
            return f"up to {high} USD predicted, max_cost is {dollars(policy.max_cost)} USD"
    if policy.max_seconds is not None and candidate.latency and candidate.latency.value > policy.max_seconds:
        # Not timed yet passes: else nothing would ever be timed.
        return f"about {candidate.latency.value:.3g} s {OF_LATE}, max_seconds is {policy.max_seconds:g}"
    if policy.floor and candidate.quality and candidate.quality.value < policy.floor:
        return f"predicted quality {candidate.quality.value:.4g} is below the floor of {policy.floor:.4g}"
    return ""


def _reasons(rejected: Mapping[str, str], most: int = 5) -> str:
    """The first few rejections in words."""
    told = [f"{name}: {reason}" for name, reason in list(rejected.items())[:most]]
    more = len(rejected) - most
    return "; ".join(told) + (f"; and {more:,} more" if more > 0 else "") if told else "its pool is empty"


OF_LATE = "of late"
"""Words of a rejection for what was timed."""
FIXES = (
    ("resting", "Ask again when a model has rested."),
    ("min_window", "Lower the route's min_window, or state the window of a model whose window is not known."),
    (WINDOW, "Shorten the request, lower max_tokens, or add a model with a larger window."),
    ("the request needs", "Leave out what no model here can do, or add a model that can."),
    (
        "max_cost",
        "Raise max_cost, lower max_tokens, or state the price of a model whose price is not known.",
    ),
    (UNPRICED, "State the price of a model in [models] of mesh.toml, or set budgets.unpriced there."),
    (ONLY, "Ask for what this key may use: GET /v1/models lists it."),
    (UNSERVED, "Correct the name in the route (`mesh models` lists them), or set up its provider (`mesh doctor`)."),
    ("max_seconds", "Raise the route's max_seconds, or add a faster model."),
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
