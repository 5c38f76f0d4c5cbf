"""Learned: by the probability of a good answer to this very question, less what it costs."""

from __future__ import annotations

from math import inf

from meshwright.routing.exploring import Drawn, fallen
from meshwright.routing.lots import draw
from meshwright.routing.policy import Policy
from meshwright.routing.predict import HOPELESS, hopeless, quality
from meshwright.routing.strategies.strategy import Strategy, cost_share, dearest, dial, kind, number
from meshwright.types.decision import Candidate, Features
from meshwright.types.money import dollars


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """By learned quality - λ·cost, the highest first; what is equal by cost, then in the pool's order.

    The dial `thrift` t goes from 0, the best (default), to 1, the cheapest: the dearest candidate loses t/(1-t) of
    quality, the others in proportion. An unknown cost counts as the dearest that is known, never as nothing.
    """
    thrift, weight = dial(policy)
    most = dearest(candidates)

    def key(candidate: Candidate) -> tuple[bool, float, float]:
        share, good = cost_share(candidate, most), quality(candidate)
        if weight == inf:
            return good < HOPELESS, share, -good
        return good < HOPELESS, weight * share - good, share

    ordered = sorted(candidates, key=key)
    first = ordered[0]
    if hopeless(first):
        return ordered, f"no model here is expected to answer well: {kind(features)}"
    between = f", between {first.quality.low:.2f} and {first.quality.high:.2f}" if first.quality else ""
    told = f"a good answer is expected with probability {quality(first):.2f}{between} ({first.why})"
    if len(ordered) == 1:
        return ordered, f"the only model that can serve this request: {told}"
    if not thrift:
        return ordered, f"the likeliest of {len(ordered)} models to answer well: {told}"
    cost = f"about {dollars(round(first.cost.value))} USD" if first.cost else "an unknown price"
    best = max(candidates, key=quality)
    lost = quality(best) - quality(first)
    gave = f", {lost:.2f} less than {best.model}" if best.model != first.model else ""
    return ordered, f"the best of {len(ordered)} models at thrift {thrift:g}, for {cost}{gave}: {told}"


def lot(candidates: list[Candidate], features: Features, policy: Policy) -> Drawn | None:
    """With `explore`: so many conversations go to one of the others, each as likely; to learn of it."""
    share = number(policy, "explore", 0.0)
    if not share:
        return None
    ordered, because = rank(candidates, features, policy)
    others = [one for one in ordered[1:] if not hopeless(one)]
    if not others or hopeless(ordered[0]):
        return Drawn(ranked=ordered, because=because, propensity=1.0)
    chances = (
        [1 - share, *[share / len(others)] * len(others)] if share < 1 else [1 / (len(others) + 1)] * (len(others) + 1)
    )
    at = fallen(draw(features.conversation, f"explore {policy.name}"), chances)
    chance = round(chances[at], 9)
    if not at:
        return Drawn(ranked=ordered, because=because, propensity=chance)
    chosen, best = others[at - 1], ordered[0]
    extra = max(0, round(chosen.cost.value - best.cost.value)) if chosen.cost and best.cost else 0
    told = f"tried, to learn of it, as {share:.3g} of the conversations are: {quality(chosen):.2f} is expected"
    return Drawn(
        ranked=[chosen, *(one for one in ordered if one is not chosen)],
        because=f"{told}, {quality(best):.2f} of {best.model}: {chosen.why}",
        propensity=chance,
        extra=extra,
    )


STRATEGY = Strategy(
    rank,
    tasks=True,
    summary="The likeliest to answer this question well, by what was learned of each model, less what it costs.",
    options={
        "thrift": "from 0, the best, to 1, the cheapest; 0",
        "explore": "the share of conversations that go to another model, to learn of it; 0",
    },
    learned=True,
    draw=lot,
)
