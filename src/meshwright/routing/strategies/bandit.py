"""Bandit: as `learned`, but what little is known of gets its chance, within a budget; the chance is on the decision."""

from __future__ import annotations

from math import inf

from meshwright.routing.exploring import MOST, Drawn, best_chances, fallen
from meshwright.routing.lots import draw
from meshwright.routing.policy import Policy
from meshwright.routing.predict import hopeless, quality
from meshwright.routing.quality.levels import NINE_IN_TEN
from meshwright.routing.strategies.strategy import Strategy, cost_share, dearest, dial, number
from meshwright.types.decision import Candidate, Features
from meshwright.types.money import dollars

HEAVIEST = 1e6
"""What the dearest loses where nothing but cost counts: quality still parts those of one price."""


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """The order and the reason of the draw."""
    drawn = lot(candidates, features, policy)
    return drawn.ranked, drawn.because


def lot(candidates: list[Candidate], features: Features, policy: Policy) -> Drawn:
    """The model that the lot falls on, each as likely as it is to have the highest quality - λ·cost.

    The lot is the conversation's, so that the same request is decided the same way again. What costs more than the
    best by expectation takes part as far as today's budget allows; `least` is the smallest chance of whoever does.
    """
    worth = _worth(candidates, policy)
    ordered = sorted(candidates, key=lambda one: -worth[one.model])
    fit = [one for one in ordered if not hopeless(one)]
    if not fit:
        return Drawn(ranked=ordered, because="no model here is expected to answer well", propensity=1.0)
    if len(fit) < len(ordered):
        ordered = fit + [one for one in ordered if hopeless(one)]
    best = fit[0]
    left = features.purse.get(policy.name.removeprefix("route/"), 0)
    able = [one for one in fit if one is best or _extra(one, best) <= left]
    spreads = {one.model: _spread(one) for one in able}
    among = sorted(able, key=lambda one: -(worth[one.model] + 2 * spreads[one.model]))[:MOST]
    if best not in among:
        among[-1] = best
    chances = best_chances([worth[one.model] for one in among], [spreads[one.model] for one in among])
    least = min(number(policy, "least", 0.0), 1 / len(among))
    chances = [least + (1 - least * len(among)) * chance for chance in chances]
    at = fallen(draw(features.conversation, f"bandit {policy.name}"), chances)
    chosen, chance = among[at], round(chances[at], 9)
    ranked = [chosen, *(one for one in ordered if one is not chosen)]
    extra = _extra(chosen, best) if chosen is not best else 0
    because = _told(chosen, best, policy, chance, len(among), extra)
    if "budget" in policy.options:
        because += _purse(left, len(fit) - len(able))
    return Drawn(ranked=ranked, because=because, propensity=chance, extra=extra)


def _worth(candidates: list[Candidate], policy: Policy) -> dict[str, float]:
    """Quality less what the cost weighs at the dial `thrift`, as `learned` has it."""
    _, weight = dial(policy)
    most = dearest(candidates)
    weight = HEAVIEST if weight == inf else weight
    if not weight:
        return {one.model: quality(one) for one in candidates}
    return {one.model: quality(one) - weight * cost_share(one, most) for one in candidates}


def _spread(candidate: Candidate) -> float:
    found = candidate.quality
    return (found.high - found.low) / 2 / NINE_IN_TEN if found is not None else 0.25


def _extra(one: Candidate, best: Candidate) -> int:
    """What it is predicted to cost above the best; a price that nobody knows is above any budget."""
    if one.cost is None or best.cost is None:
        return 0 if one.cost is best.cost else _UNKNOWN
    return max(0, round(one.cost.value - best.cost.value))


_UNKNOWN = int(1e18)


def _told(chosen: Candidate, best: Candidate, policy: Policy, chance: float, many: int, extra: int) -> str:
    of = f"drawn with a chance of {chance:.3g} among {many}, each as likely as it is to be the best"
    thrift, _ = dial(policy)
    dialled = f" at thrift {thrift:g}" if thrift else ""
    if many == 1:
        return f"nothing else may be tried{dialled}: {chosen.why}"
    if chosen is best:
        return f"the best{dialled} by what is expected ({quality(best):.2f}), {of}: {best.why}"
    paid = f", for about {dollars(extra)} USD more" if extra else ""
    return (
        f"tried, to learn of it: {quality(chosen):.2f} is expected, {quality(best):.2f} of {best.model}, the best"
        f"{dialled}; {of}{paid}: {chosen.why}"
    )


def _purse(left: int, beyond: int) -> str:
    """What today's budget leaves for trying, and how many models cost more than that beside the best."""
    told = f"; {dollars(left)} USD left today for trying"
    return (
        f"{told}, which {beyond} {'model costs' if beyond == 1 else 'models cost'} more than the best by"
        if beyond
        else told
    )


STRATEGY = Strategy(
    rank,
    tasks=True,
    summary="As `learned`, but models of which little is known get their chance, within a budget.",
    options={
        "thrift": "from 0, the best, to 1, the cheapest; 0",
        "budget": "dollars a day that trying models may cost more than taking the best; 0",
        "least": "the smallest chance of a model that may be tried; 0",
    },
    lots=True,
    learned=True,
    draw=lot,
)
