"""Predictions: quality as learned, or else by declared skill or price class; length, cost and time of the answer."""

from __future__ import annotations

from meshwright.routing.filters import unknown_needs
from meshwright.routing.lengths import answer_tokens, limit
from meshwright.routing.policy import Signal
from meshwright.routing.quality.here import moved
from meshwright.routing.quality.levels import Learned, bounded
from meshwright.routing.reading import read
from meshwright.routing.standing import EVEN, base_price, standing
from meshwright.types.decision import Candidate, Features, Interval
from meshwright.types.model import Model

SPREAD = 3.0
"""Output lengths vary by about this factor around their prior, nine times of ten."""
HOPELESS = 0.05
"""A model predicted below this is not expected to answer: it comes last, and never stands in for one that is."""
UNPROVEN = 0.85
"""How much of the predicted quality is left per needed ability that nobody vouches for."""
PER_MILLION = 1_000_000
SKILLED = 0.1, "skills declared on its card, weighed by the likelihood of each task"


class Prediction:
    """What to expect of one model after the other on one request; what holds for all of them is worked out once."""

    __slots__ = ("_features", "_learned", "_lengths", "_tasks")

    def __init__(self, features: Features) -> None:
        self._features = features
        self._lengths: dict[tuple[bool, bool, int | None], Interval] = {}
        self._tasks = tuple(features.tasks.items())
        self._learned = Learned(features.expected) if features.expected else None

    def of(self, model: Model, signal: Signal) -> Candidate:
        """The prediction for one model. Unknown stays None."""
        features = self._features
        quality, why = self._quality(model)
        if features.gained:
            quality, why = moved(model, features, quality, why)
        unknown = unknown_needs(model, features)
        tokens = self._tokens(model, signal)
        cost, cached, saved = _cost(model, features, tokens)
        if saved:
            why += f"; its prompt cache should still hold {cached:,} of {features.input_tokens:,} tokens"
        return Candidate(
            model=model.name,
            quality=quality,
            cost=cost,
            latency=None if signal.total is None else _latency(signal, tokens, signal.total),
            why=why,
            unproven=unknown,
            tokens=tokens,
            first=signal.first,
            cached=cached,
            saved=saved,
        )

    def _tokens(self, model: Model, signal: Signal) -> Interval:
        """Few lengths are expected of many models that nothing was seen of yet."""
        known = standing(model)
        alike = known.thinks, known.unasked, model.max_output
        if not signal.longer and (found := self._lengths.get(alike)) is not None:
            return found
        likely = answer_tokens(model, self._features, signal)
        most = limit(model, self._features) * self._features.answers
        low, high = min(likely / SPREAD, most), min(likely * SPREAD, most)
        found = Interval(float(round(likely)), float(round(low)), float(round(high)))
        if not signal.longer:
            self._lengths[alike] = found
        return found

    def _quality(self, model: Model) -> tuple[Interval, str]:
        known = standing(model)
        if self._learned is not None and (found := self._learned.measured(known.bare)) is not None:
            return found
        if model.skills:
            skills = model.skills
            value = rest = skills.get("*", EVEN)
            if self._tasks:
                value = sum([share * skills.get(task, rest) for task, share in self._tasks])
            margin, why = SKILLED
        else:
            value, margin, why = known.value, known.margin, known.why
        if self._features.needs and (unknown := unknown_needs(model, self._features)):
            value *= UNPROVEN ** len(unknown)
            why += f"; less because nobody says whether it has {' and '.join(unknown)}"
        if self._learned is not None:
            return self._learned.unmeasured(known.bare, value, margin, why)
        return bounded(value, margin), why


def predict(model: Model, features: Features, signal: Signal) -> Candidate:
    """What to expect of a single model on this request."""
    return Prediction(features).of(model, signal)


def quality(candidate: Candidate) -> float:
    """The predicted quality; even odds when there is none."""
    return candidate.quality.value if candidate.quality else EVEN


def hopeless(candidate: Candidate) -> bool:
    """It is not expected to answer this request well, if at all."""
    return quality(candidate) < HOPELESS


def _latency(signal: Signal, tokens: Interval, total: float) -> Interval:
    """Seconds to the whole answer: by its pace where that is known, else what it took of late."""
    if signal.first is None or signal.pace is None:
        return Interval(total, total / SPREAD, total * SPREAD)
    first, pace = signal.first, signal.pace
    return Interval(
        round(first.value + pace.value * tokens.value, 4),
        round(first.low + pace.low * tokens.low, 4),
        round(first.high + pace.high * tokens.high, 4),
    )


def _cost(model: Model, features: Features, tokens: Interval) -> tuple[Interval | None, int, float]:
    """Nano-dollars: the input at its price, less for what a cache holds, the answer, and the fee per request.

    Also how many tokens are read from a cache, and what that saves.
    """
    length = read(model, features)
    price = base_price(model, length)
    if price is None or price.input is None or price.output is None:
        return None, 0, 0.0
    fixed, out = price.request + length * price.input / PER_MILLION, price.output / PER_MILLION
    cached, saved = 0, 0.0
    if features.warm and price.cache_read is not None and price.cache_read < price.input:
        cached = min(features.warm.get(model.name, 0), length)
        saved = cached * (price.input - price.cache_read) / PER_MILLION
    warm = fixed - saved
    return (
        # The cache may be gone after all: the upper bound does not count on it.
        Interval(
            float(round(warm + tokens.value * out)),
            float(round(warm + tokens.low * out)),
            float(round(fixed + tokens.high * out)),
        ),
        cached,
        float(round(saved)),
    )
