"""Predictions: quality as learned, or else by declared skill or price class; cost by list price; latency as seen."""

from __future__ import annotations

from math import log10

from meshwright.routing.filters import unknown_needs
from meshwright.routing.policy import Signal
from meshwright.routing.quality.levels import learned
from meshwright.routing.tasks import TASKS
from meshwright.types.decision import Candidate, Features, Interval
from meshwright.types.model import Model, Price

SPREAD = 3.0
"""Output lengths vary by about this factor around their prior, nine times of ten."""
HOPELESS = 0.05
"""A model predicted below this is not expected to answer: it comes last, and never stands in for one that is."""
EVEN = 0.5
"""The quality of a model of which nothing is known."""
UNPROVEN = 0.85
"""How much of the predicted quality is left per needed ability that nobody vouches for."""
PER_MILLION = 1_000_000
USUAL_ANSWER = 250
"""Tokens, when the task is not known."""
UNLIMITED = 1_000_000_000


def predict(model: Model, features: Features, signal: Signal) -> Candidate:
    """What to expect of the model on this request. Unknown stays None."""
    quality, why = _quality(model, features)
    if features.expected:
        quality, why = learned(model, features, quality, why)
    return Candidate(
        model=model.name,
        quality=quality,
        cost=_cost(model, features),
        latency=None if signal.total is None else Interval(signal.total, signal.total / SPREAD, signal.total * SPREAD),
        why=why,
    )


def quality(candidate: Candidate) -> float:
    """The predicted quality; even odds when there is none."""
    return candidate.quality.value if candidate.quality else EVEN


def hopeless(candidate: Candidate) -> bool:
    """It is not expected to answer this request well, if at all."""
    return quality(candidate) < HOPELESS


def _quality(model: Model, features: Features) -> tuple[Interval, str]:
    if model.skills:
        rest = model.skills.get("*", EVEN)
        value = rest
        if features.tasks:
            value = sum(share * model.skills.get(task, rest) for task, share in features.tasks.items())
        margin, why = 0.1, "skills declared on its card, weighed by the likelihood of each task"
    else:
        price = base_price(model)
        per_million = None if price is None or price.output is None else price.output / 1e9
        if per_million is None or per_million <= 0:
            value, margin, why = EVEN, 0.4, "nothing is known of its quality"
        else:
            value = min(0.9, max(0.5, 0.68 + 0.12 * log10(per_million)))
            margin, why = 0.25, f"nothing measured; a guess from its price, {per_million:g} USD per million tokens out"
    if unknown := unknown_needs(model, features):
        value *= UNPROVEN ** len(unknown)
        why += f"; less because nobody says whether it has {' and '.join(unknown)}"
    return Interval(round(value, 4), round(max(0.0, value - margin), 4), round(min(1.0, value + margin), 4)), why


def base_price(model: Model, tokens: int = 0) -> Price | None:
    """The tier that holds for that many input tokens."""
    found = None
    for price in model.prices:
        if price.above <= tokens:
            found = price
    return found


def _cost(model: Model, features: Features) -> Interval | None:
    """Nano-dollars: all of the input at its price, an answer of the task's usual length, and the fee per request."""
    price = base_price(model, features.input_tokens)
    if price is None or price.input is None or price.output is None:
        return None
    likely = TASKS[features.task][1] if features.task else USUAL_ANSWER
    limit = min(features.max_tokens or UNLIMITED, model.max_output or UNLIMITED)
    fixed, out = price.request + features.input_tokens * price.input / PER_MILLION, price.output / PER_MILLION
    return Interval(
        float(round(fixed + min(likely, limit) * out)),
        float(round(fixed + min(likely / SPREAD, limit) * out)),
        float(round(fixed + min(likely * SPREAD, limit) * out)),
    )
