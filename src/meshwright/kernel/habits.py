"""How models answer here, learned from traces: how fast, how long, and which prompt caches are still warm."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from math import exp, log

import msgspec

from meshwright.routing.lengths import answer_tokens
from meshwright.routing.policy import UNSEEN
from meshwright.routing.route import LEAST_CACHED
from meshwright.types.decision import Attempt, Features, Interval, Signal, Trace
from meshwright.types.model import Model, Provider
from meshwright.types.usage import Usage

LATEST = 48
"""Answers that quantiles are taken over."""
SELDOM = 8
"""Once so many have come, quantiles are taken at every eighth answer: sorting costs more than all the rest."""
DRAWN = 4.0
"""Answers that a length is drawn by: of all models to what was predicted unseen, of one to the others', of a task to
that of all tasks."""
FORGOTTEN = 0.98
"""What an answer counts when another has come."""
WILDEST = 3.0
"""A single answer moves the logarithm of a length by no more."""
CONVERSATIONS = 4_096
HOPE = 0.9
"""The share of what should be cached that is expected to be, before any was seen."""
HOUR = 3_600.0


class _Habit:
    """One model: its latest answers, and by task, "" being all, the weight and the sum of logarithms of its lengths."""

    __slots__ = ("answers", "first", "hit", "longer", "pace")

    def __init__(self) -> None:
        self.answers = 0
        self.first: deque[float] = deque(maxlen=LATEST)
        self.pace: deque[float] = deque(maxlen=LATEST)
        self.longer: dict[str, tuple[float, float]] = {}
        self.hit = HOPE


class _Warm(msgspec.Struct, frozen=True):
    tokens: int
    until: float


class Habits:
    """Belongs to one event loop. Other workers learn the same from their own traces."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._models: dict[str, _Habit] = {}
        self._warm: dict[str, dict[str, _Warm]] = {}
        self._longer = (0.0, 0.0)
        """Of all models together: the sum of their weights, and of their sums of logarithms of lengths."""

    def learn(self, trace: Trace, model: Model, provider: Provider, signal: Signal) -> Signal:
        """Learn from a good answer of this model; its signal with what is known now."""
        attempt = _good(trace, model.name)
        if attempt is None or attempt.usage is None or attempt.ended is None:
            return signal
        habit = self._models.get(model.name)
        if habit is None:
            habit = self._models[model.name] = _Habit()
        self._time(habit, trace, attempt, signal)
        seen = trace.decision.features if trace.decision is not None else None
        if seen is not None and seen.task:
            self._length(habit, seen, attempt.usage, model)
        if seen is not None and seen.conversation:
            self._cache(habit, seen, attempt.usage, provider, model)
        habit.answers += 1
        if habit.answers > LATEST and habit.answers % SELDOM:
            return signal
        return msgspec.structs.replace(
            signal, first=_quantiles(habit.first), pace=_quantiles(habit.pace), longer=self._lengths(habit)
        )

    def warm(self, conversation: str) -> Mapping[str, int]:
        """Tokens of this conversation that each model's prompt cache should still hold."""
        found = self._warm.get(conversation)
        if not found:
            return {}
        now = self._clock()
        return {name: round(warm.tokens * self._models[name].hit) for name, warm in found.items() if warm.until > now}

    def _time(self, habit: _Habit, trace: Trace, attempt: Attempt, signal: Signal) -> None:
        """Seconds to the first token, where they came one by one, and for each after it."""
        assert attempt.usage is not None
        assert attempt.ended is not None
        total = attempt.ended - attempt.began
        first = 0.0
        if trace.stream and trace.first_byte is not None:
            first = max(0.0, trace.first_byte - attempt.began)
            habit.first.append(first)
        elif signal.first is not None:
            first = min(total, signal.first.value)
        if tokens := attempt.usage.total_output:
            habit.pace.append(max(0.0, total - first) / tokens)

    def _length(self, habit: _Habit, seen: Features, usage: Usage, model: Model) -> None:
        """How long it was beside what would have been predicted of a model never seen."""
        if not usage.total_output:
            return
        ratio = log(usage.total_output / max(1.0, answer_tokens(model, seen, UNSEEN)))
        ratio = max(-WILDEST, min(WILDEST, ratio))
        before = habit.longer.get("", (0.0, 0.0))
        for task in ("", seen.task):
            weight, summed = habit.longer.get(task, (0.0, 0.0))
            habit.longer[task] = FORGOTTEN * weight + 1, FORGOTTEN * summed + ratio
        now, (weight, summed) = habit.longer[""], self._longer
        self._longer = weight + now[0] - before[0], summed + now[1] - before[1]

    def _lengths(self, habit: _Habit) -> dict[str, float]:
        """Its ratios; of a model that has hardly answered those of the others count: what is asked here is the same."""
        if "" not in habit.longer:
            return {}
        (weight, summed), (all_weights, all_sums) = habit.longer[""], self._longer
        others = (all_sums - summed) / (max(0.0, all_weights - weight) + DRAWN)
        return _longer(habit.longer, others)

    def _cache(self, habit: _Habit, seen: Features, usage: Usage, provider: Provider, model: Model) -> None:
        """What of the conversation its provider should have in its cache now, and whether it had what was expected."""
        # Its tokens are not counted as we estimate them: what is remembered is in ours, as the next request will be.
        ours = seen.input_tokens / max(1, usage.total_input)
        if expected := seen.warm.get(model.name):
            hit = min(1.0, usage.cache_read * ours / expected * habit.hit)
            habit.hit += 0.3 * (hit - habit.hit)
        # Who is paid for writing says what was written; the others keep what they read.
        tokens = usage.total_input
        if tokens >= LEAST_CACHED and any(price.cache_write for price in model.prices):
            tokens = usage.cache_read + usage.cache_write + usage.cache_write_1h
        if tokens < LEAST_CACHED:
            return
        held = self._warm.pop(seen.conversation, {})
        lasts = HOUR if usage.cache_write_1h else float(provider.cache_seconds)
        held[model.name] = _Warm(round(tokens * ours), self._clock() + lasts)
        if len(self._warm) >= CONVERSATIONS:
            del self._warm[next(iter(self._warm))]
        self._warm[seen.conversation] = held


def _good(trace: Trace, model: str) -> Attempt | None:
    """The last good answer of the model."""
    for one in reversed(trace.attempts):
        if one.model == model and one.outcome == "ok":
            return one
    return None


def _quantiles(values: deque[float]) -> Interval | None:
    """The middle, and what nine of ten lie between."""
    if not values:
        return None
    ordered = sorted(values)
    last = len(ordered) - 1
    middle, low, high = (ordered[round(last * part)] for part in (0.5, 0.05, 0.95))
    return Interval(round(middle, 5), round(low, 5), round(high, 5))


def _longer(sums: Mapping[str, tuple[float, float]], others: float) -> dict[str, float]:
    """Ratios, the more drawn to that of the others (a logarithm; of a task: to that of all tasks) the less was seen."""
    weight, summed = sums[""]
    over_all = (summed + DRAWN * others) / (weight + DRAWN)
    found = {"": round(exp(over_all), 3)}
    for task, (weight, summed) in sums.items():
        if task:
            found[task] = round(exp((summed + DRAWN * over_all) / (weight + DRAWN)), 3)
    return found
