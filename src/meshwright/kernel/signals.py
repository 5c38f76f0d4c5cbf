"""How each model has been doing: latencies and rests, kept in memory by one event loop, read by the router."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from meshwright.kernel.habits import Habits
from meshwright.routing.policy import UNSEEN, Signal
from meshwright.types.decision import Trace
from meshwright.types.errors import UpstreamError, UpstreamStatus
from meshwright.types.model import Model, Provider

SMOOTHING = 0.2
TOLERATED = 3
REST_SECONDS = 15.0
LONGEST_REST = 300.0


class Signals:
    """Exponentially weighted latencies; a rest after `TOLERATED` failures in a row, or as a 429 asks for.

    What traces tell besides (paces, lengths, warm caches) is learned by `habits`.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[str, Signal] = {}
        self._failures: dict[str, int] = {}
        self._rests: dict[str, tuple[float, str]] = {}
        self.habits = Habits(clock)

    def read(self) -> Mapping[str, Signal]:
        """The signals now; a rest that is over is forgotten. The mapping must not be kept."""
        if self._rests:
            now = self._clock()
            for name in [name for name, (until, _) in self._rests.items() if until <= now]:
                del self._rests[name]
                self._seen[name] = _with(self._seen.get(name, UNSEEN), resting="")
        return self._seen

    def answered(self, name: str, first_byte: float | None, total: float) -> None:
        """One success: seconds to the first byte and in all."""
        before = self._seen.get(name, UNSEEN)
        self._seen[name] = msgspec.structs.replace(
            before, first_byte=_mix(before.first_byte, first_byte), total=_mix(before.total, total), resting=""
        )
        self._failures.pop(name, None)
        self._rests.pop(name, None)

    def learn(self, trace: Trace, model: Model, provider: Provider) -> None:
        """What the trace of a good answer tells of the model that gave it."""
        self._seen[model.name] = self.habits.learn(trace, model, provider, self._seen.get(model.name, UNSEEN))

    def failed(self, name: str, error: UpstreamError) -> None:
        """One failure. Those that say nothing about the model's health (400, 404, a decline) do not count."""
        if not error.retryable:
            return
        count = self._failures[name] = self._failures.get(name, 0) + 1
        asked = error.retry_after if isinstance(error, UpstreamStatus) else None
        if asked is None and count < TOLERATED:
            return
        rest = min(asked if asked is not None else REST_SECONDS, LONGEST_REST)
        reason = f"resting {rest:.0f} s after {count} failures in a row (last: {error.code})"
        self._rests[name] = (self._clock() + rest, reason)
        self._seen[name] = _with(self._seen.get(name, UNSEEN), resting=reason)


def _mix(before: float | None, new: float | None) -> float | None:
    if new is None:
        return before
    return new if before is None else before + SMOOTHING * (new - before)


def _with(signal: Signal, *, resting: str) -> Signal:
    return msgspec.structs.replace(signal, resting=resting)
