"""First predictions, from cards alone: quality by declared skill or by price class, cost by list price, latency as seen.

The learned predictor takes this file's place in the table of strategies that ask for it; its interface is `predict`.
"""

from __future__ import annotations

from math import log10

from meshwright.routing.filters import unknown_needs
from meshwright.routing.policy import Signal
from meshwright.routing.tasks import TASKS
from meshwright.types.decision import Candidate, Features, Interval
from meshwright.types.model import Model, Price

SPREAD = 3.0
"""Output lengths vary by about this factor around their prior, nine times of ten."""
UNPROVEN = 0.85
"""How much of the predicted quality is left per needed ability that nobody vouches for."""
PER_MILLION = 1_000_000


def predict(model: Model, features: Features, signal: Signal) -> Candidate:
    """What to expect of the model on this request. Unknown stays None."""
    quality, why = _quality(model, features)
    return Candidate(
        model=model.name,
        quality=quality,
        cost=_cost(model, features),
        latency=None if signal.total is None else Interval(signal.total, signal.total / SPREAD, signal.total * SPREAD),
        why=why,
    )


def _quality(model: Model, features: Features) -> tuple[Interval, str]:
    if model.skills:
        rest = model.skills.get("*", 0.5)
        value = (
            sum(share * model.skills.get(task, rest) for task, share in features.tasks.items())
            if features.tasks
            else rest
        )
        margin, why = 0.1, "skills declared on its card, weighed by the likelihood of each task"
    else:
        price = base_price(model)
        per_million = None if price is None or price.output is None else price.output / 1e9
        if per_million is None or per_million <= 0:
            value, margin, why = 0.5, 0.4, "nothing is known of its quality"
        else:
            value = min(0.9, max(0.5, 0.68 + 0.12 * log10(per_million)))
            margin, why = 0.25, "nothing measured; a prior from its price class"
    for need in unknown_needs(model, features):
        value *= UNPROVEN
        why += f"; {need}: not known"
    return Interval(round(value, 4), round(max(0.0, value - margin), 4), round(min(1.0, value + margin), 4)), why


def base_price(model: Model, tokens: int = 0) -> Price | None:
    """The tier that holds for that many input tokens."""
    found = None
    for price in model.prices:
        if price.above <= tokens:
            found = price
    return found


def _cost(model: Model, features: Features) -> Interval | None:
    price = base_price(model, features.input_tokens)
    if price is None or price.input is None or price.output is None:
        return None
    likely = TASKS[features.task][1] if features.task else 250
    limit = min(features.max_tokens or 1_000_000_000, model.max_output or 1_000_000_000)
    read = features.input_tokens * price.input

    def total(tokens: float) -> float:
        return float(round((read + min(tokens, limit) * price.output) / PER_MILLION))  # type: ignore[operator]

    return Interval(total(likely), total(likely / SPREAD), total(likely * SPREAD))
