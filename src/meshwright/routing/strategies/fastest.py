"""Fastest: the shortest time to a whole answer, as seen here."""

from __future__ import annotations

from meshwright.routing.policy import Policy
from meshwright.routing.predict import hopeless, quality
from meshwright.routing.strategies.strategy import Strategy, kind
from meshwright.types.decision import Candidate, Features


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """By the time seen of late; models not seen yet come after, by predicted quality, then in the pool's order.

    A model that is not expected to answer at all is not fast: it comes after all others.
    """
    ordered = sorted(candidates, key=_key)
    first = ordered[0]
    if hopeless(first):
        return ordered, f"no model here is expected to answer well: {kind(features)}"
    fit = [candidate for candidate in ordered if not hopeless(candidate)]
    if len(fit) == 1:
        return ordered, f"the only model here that is expected to answer: {kind(features)}"
    if first.latency is None:
        return (
            ordered,
            f"none of {len(fit)} models has been timed yet; it is the likeliest to answer well: {kind(features)}",
        )
    untimed = sum(candidate.latency is None for candidate in fit)
    missing = f", {untimed} of them not timed yet" if untimed else ""
    return (
        ordered,
        f"the shortest time seen of late of {len(fit)} models{missing}: {first.latency.value:.3g} s; {kind(features)}",
    )


def _key(candidate: Candidate) -> tuple[bool, bool, float, float]:
    latency = candidate.latency
    return hopeless(candidate), latency is None, latency.value if latency else 0.0, -quality(candidate)


STRATEGY = Strategy(
    rank, tasks=True, summary="The shortest time seen of late among models that are expected to answer."
)
