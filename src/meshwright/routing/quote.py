"""What a request will cost: for each candidate and for the plan chosen, between what bounds, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from meshwright.catalog.media.measure import assumptions
from meshwright.routing.calibrate import NOMINAL, candidates
from meshwright.routing.planned import planned
from meshwright.routing.reading import read
from meshwright.types.calibration import ALL, Calibration, bound
from meshwright.types.decision import Candidate, Decision, Features, Interval, Plan
from meshwright.types.model import Model

PRIOR = "not seen here yet: a rough interval, not measured"


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate: tokens of its answer, and nano-dollars of the request; None when its price is not known.

    `basis` says what the interval was learned from. `read` are tokens of the request, as `counted` counts them: the
    file of a tokenizer, or "" where they are estimated.
    """

    model: str
    tokens: Interval | None
    cost: Interval | None
    basis: str
    read: int | None = None
    counted: str = ""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """The plan's cost in nano-dollars, None when a price is not known; and its candidates, those of the plan first.

    `nominal` is how often an interval is meant to hold the truth; `measured` how often those on cost did, over `rows`
    answers, None when none was seen.
    """

    asked: str
    route: str
    strategy: str
    plan: Plan
    cost: Interval | None
    candidates: tuple[Priced, ...]
    nominal: float
    measured: float | None
    rows: int
    assumed: tuple[str, ...] = ()
    """What was assumed of pictures, documents, sounds and films whose size nobody tells."""


def quote(
    decision: Decision, calibration: Calibration | None, card: Callable[[str], Model | None] = lambda _: None
) -> Quote:
    """The quote for a decision, by what was learned of predictions. Pure. `card` gives what is known of a model."""
    task, most = "", None
    if (seen := decision.features) is not None:
        task, most = seen.task, seen.max_tokens * seen.answers if seen.max_tokens else None
    found = {one.model: _priced(one, task, most, calibration) for one in candidates(decision)}
    if seen is not None:
        found = {name: _reading(one, card(name), seen) for name, one in found.items()}
    order = dict.fromkeys((*decision.plan.contacts(), *found))
    costs = {name: one.cost for name, one in found.items()}
    nominal = calibration.nominal if calibration is not None else NOMINAL
    kept = calibration.kept_cost if calibration is not None else None
    return Quote(
        asked=decision.asked,
        route=decision.route,
        strategy=decision.strategy,
        plan=decision.plan,
        cost=planned(decision.plan, costs.get, calibration, nominal),
        candidates=tuple(found[name] for name in order if name in found),
        nominal=nominal,
        measured=kept.share if kept is not None else None,
        rows=kept.rows if kept is not None else 0,
        assumed=assumptions(seen.media) if seen is not None else (),
    )


def _priced(candidate: Candidate, task: str, most: int | None, calibration: Calibration | None) -> Priced:
    tokens, cost, basis = candidate.tokens, candidate.cost, PRIOR
    if calibration is not None:
        if tokens is not None and (known := bound(calibration.tokens, candidate.model, task)) is not None:
            tokens = _scaled(tokens, known[0].low, known[0].high)
            if most is not None:
                tokens = Interval(tokens.value, min(tokens.low, most), min(tokens.high, most))
            basis = _basis(known[1], known[0].rows)
        if cost is not None and (known := bound(calibration.cost, candidate.model, task)) is not None:
            cost = _scaled(cost, known[0].low, known[0].high)
            basis = _basis(known[1], known[0].rows)
    return Priced(model=candidate.model, tokens=tokens, cost=cost, basis=basis)


def _reading(priced: Priced, model: Model | None, seen: Features) -> Priced:
    if model is None:
        return priced
    counted = model.tokenizer if model.tokenizer in seen.counted else ""
    return msgspec.structs.replace(priced, read=read(model, seen), counted=counted)


def _scaled(interval: Interval, low: float, high: float) -> Interval:
    value = interval.value
    return Interval(value, float(round(value * low)), float(round(value * high)))


def _basis(name: str, rows: int) -> str:
    model, _, task = name.rpartition(" ")
    where = "of all models" if model == ALL else "of this model"
    at = "" if task == ALL else f" at {task}" if task else " without a task"
    return f"the latest {rows} answers {where}{at}"
