"""Fastest: the shortest time to a whole answer, as seen here."""

from __future__ import annotations

from meshwright.routing.policy import Policy
from meshwright.routing.strategies.strategy import Strategy
from meshwright.types.decision import Candidate, Features


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """By the latency seen of late; models not seen yet come after, by predicted quality."""
    ordered = sorted(candidates, key=_key)
    first = ordered[0]
    if first.latency is None:
        return ordered, "no candidate has been timed yet; it is the likeliest to answer well"
    return ordered, f"the shortest time seen of late, {first.latency.value:.3f} s, of {len(ordered)} candidates"


def _key(candidate: Candidate) -> tuple[bool, bool, float, float, str]:
    quality = candidate.quality.value if candidate.quality else 0.5
    latency = candidate.latency
    return quality < 0.05, latency is None, latency.value if latency else 0.0, -quality, candidate.model


STRATEGY = Strategy(rank, tasks=True, summary="The shortest time seen of late among models expected to answer.")
