"""Predictions: quality as learned, or else by declared skill or price class; length, cost and time of the answer."""

from __future__ import annotations

from meshwright.routing.filters import unknown_needs
from meshwright.routing.lengths import answer_tokens, limit, longer_here
from meshwright.routing.policy import Signal
from meshwright.routing.quality.here import moved
from meshwright.routing.quality.levels import Learned, bounded
from meshwright.routing.reading import read
from meshwright.routing.standing import EVEN, Standing, base_price, standing
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

    __slots__ = ("_features", "_gained", "_learned", "_lengths", "_measured", "_tasks")

    def __init__(self, features: Features) -> None:
        self._features = features
        self._lengths: dict[tuple[bool, bool, int | None, float], Interval] = {}
        self._tasks = tuple(features.tasks.items())
        self._learned = Learned(features.expected) if features.expected else None
        self._gained = features.gained
        self._measured: dict[tuple[str, str], tuple[Interval, str]] = {}

    def of(self, model: Model, signal: Signal) -> Candidate:
        """The prediction for one model. Unknown stays None."""
        features, known = self._features, standing(model)
        unknown = unknown_needs(model, features) if features.needs else ()
        quality, why = self._quality(model, known, unknown)
        tokens = self._tokens(model, known, signal)
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

    def _tokens(self, model: Model, known: Standing, signal: Signal) -> Interval:
        """Few different lengths are expected, of however many models."""
        longer = longer_here(signal, self._features.task) if signal.longer else 1.0
        alike = known.thinks, known.unasked, model.max_output, longer
        found = self._lengths.get(alike)
        if found is None:
            likely = answer_tokens(model, self._features, signal)
            most = limit(model, self._features) * self._features.answers
            low, high = min(likely / SPREAD, most), min(likely * SPREAD, most)
            found = self._lengths[alike] = Interval(float(round(likely)), float(round(low)), float(round(high)))
        return found

    def _quality(self, model: Model, known: Standing, unknown: tuple[str, ...]) -> tuple[Interval, str]:
        """What was measured is worked out once, however many providers serve the model."""
        if self._learned is None:
            return self._here(known, self._by_card(model, known, unknown))
        alike = known.bare, known.name
        found = self._measured.get(alike)
        if found is None:
            measured = self._learned.measured(known.bare)
            found = self._here(known, measured or self._by_card(model, known, unknown))
            if measured is not None:
                self._measured[alike] = found
        return found

    def _here(self, known: Standing, before: tuple[Interval, str]) -> tuple[Interval, str]:
        """With what was learned here as well."""
        gain = self._gained.get(known.name) if self._gained else None
        return moved(gain, *before) if gain is not None else before

    def _by_card(self, model: Model, known: Standing, unknown: tuple[str, ...]) -> tuple[Interval, str]:
        if model.skills:
            skills = model.skills
            value = rest = skills.get("*", EVEN)
            if self._tasks:
                value = sum([share * skills.get(task, rest) for task, share in self._tasks])
            margin, why = SKILLED
        else:
            value, margin, why = known.value, known.margin, known.why
        if unknown:
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
        _to_four(first.value + pace.value * tokens.value),
        _to_four(first.low + pace.low * tokens.low),
        _to_four(first.high + pace.high * tokens.high),
    )


def _to_four(seconds: float) -> float:
    """To four digits; `round` takes three times as long."""
    return int(seconds * 10_000 + 0.5) / 10_000


def _cost(model: Model, features: Features, tokens: Interval) -> tuple[Interval | None, int, float]:
    """Nano-dollars: the input at its price, less for what a cache holds, the answer, and the fee per request.

    Also how many tokens are read from a cache, and what that saves.
    """
    length, prices = read(model, features), model.prices
    price = prices[0] if len(prices) == 1 and prices[0].above <= length else base_price(model, length)
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
