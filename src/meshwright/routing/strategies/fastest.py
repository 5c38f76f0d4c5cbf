"""Fastest: the shortest time to a whole answer, or to its first token, as seen here."""

from __future__ import annotations

from meshwright.routing.policy import Policy
from meshwright.routing.predict import hopeless, quality
from meshwright.routing.strategies.strategy import Strategy, kind
from meshwright.types.decision import Candidate, Features


def rank(candidates: list[Candidate], features: Features, policy: Policy) -> tuple[list[Candidate], str]:
    """By the time predicted from what was seen of late; models not seen yet come after, by predicted quality.

    `first` = true goes by the time to the first token, which is known of those that have streamed.

    A model that is not expected to answer at all is not fast: it comes after all others.
    """
    by_first = bool(policy.options.get("first", False))
    ordered = sorted(candidates, key=lambda candidate: _key(candidate, by_first))
    first = ordered[0]
    seconds = _seconds(first, by_first)
    if hopeless(first):
        return ordered, f"no model here is expected to answer well: {kind(features)}"
    fit = [candidate for candidate in ordered if not hopeless(candidate)]
    if len(fit) == 1:
        can = "can serve this request" if len(ordered) == 1 else "is expected to answer"
        return ordered, f"the only model here that {can}: {kind(features)}"
    if seconds is None:
        return (
            ordered,
            f"none of {len(fit)} models has been timed yet; it is the likeliest to answer well: {kind(features)}",
        )
    untimed = sum(_seconds(candidate, by_first) is None for candidate in fit)
    missing = f", {untimed} of them not timed yet" if untimed else ""
    what = "time to a first token" if by_first else "time"
    return (
        ordered,
        f"the shortest {what} seen of late of {len(fit)} models{missing}: {seconds:.3g} s; {kind(features)}",
    )


def _seconds(candidate: Candidate, by_first: bool) -> float | None:
    known = candidate.first if by_first else candidate.latency
    return known.value if known else None


def _key(candidate: Candidate, by_first: bool) -> tuple[bool, bool, float, float]:
    seconds = _seconds(candidate, by_first)
    return hopeless(candidate), seconds is None, seconds or 0.0, -quality(candidate)


STRATEGY = Strategy(
    rank,
    tasks=True,
    summary="The shortest time seen of late among models that are expected to answer.",
    options={"first": "true: the time to the first token; false"},
)
