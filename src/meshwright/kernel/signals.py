"""How each model has been doing: latencies and rests, kept in memory by one event loop, read by the router."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from meshwright.routing.policy import UNSEEN, Signal
from meshwright.types.errors import UpstreamError, UpstreamStatus

SMOOTHING = 0.2
TOLERATED = 3
REST_SECONDS = 15.0
LONGEST_REST = 300.0


class Signals:
    """Exponentially weighted latencies; a rest after `TOLERATED` failures in a row, or as a 429 asks for."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[str, Signal] = {}
        self._failures: dict[str, int] = {}
        self._rests: dict[str, tuple[float, str]] = {}

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
        self._seen[name] = Signal(_mix(before.first_byte, first_byte), _mix(before.total, total))
        self._failures.pop(name, None)
        self._rests.pop(name, None)

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
    return Signal(signal.first_byte, signal.total, resting)
