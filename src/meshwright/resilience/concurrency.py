"""How many calls one deployment takes at once, found out by asking: more while it is as quick as ever, else fewer."""

from __future__ import annotations

import msgspec

SLOW = 0.0005
"""How fast what counts as unhurried grows; it falls at once. So an overload that lasts is not taken for the usual."""
QUICK = 0.3


class Bounds(msgspec.Struct, frozen=True):
    """`first` is the limit to begin with. Calls may become `tolerance` times as slow before the limit shrinks."""

    first: float = 200.0
    least: float = 4.0
    most: float = 5000.0
    tolerance: float = 2.0
    drop: float = 0.9


USUAL = Bounds()


class Concurrency:
    """A limit that moves with the time to the first byte (after Netflix's concurrency-limits, Gradient and Vegas).

    The gradient is how much slower calls are of late than when nothing hurries; the limit follows it, plus room for a
    queue of its square root. A refusal for too many calls (`crowded`) takes a part at once. It does not grow while less
    than half of it is used: nothing was learned then.
    """

    __slots__ = ("_bounds", "_short", "_unhurried", "limit", "running")

    def __init__(self, bounds: Bounds = USUAL) -> None:
        self._bounds = bounds
        self._unhurried: float | None = None
        self._short: float | None = None
        self.limit = bounds.first
        self.running = 0

    def fix(self, limit: float) -> None:
        """Somebody knows it: it moves no more."""
        self._bounds = Bounds(first=limit, least=limit, most=limit)
        self.limit = limit

    @property
    def full(self) -> bool:
        """Whether as many calls are under way as it takes."""
        return self.running + 1 > self.limit

    def begin(self) -> None:
        """One call more."""
        self.running += 1

    def end(self) -> None:
        """One call fewer."""
        self.running -= 1

    def answered(self, seconds: float) -> None:
        """A first byte came after that time."""
        bounds = self._bounds
        short, usual = self._short, self._unhurried
        self._short = short = seconds if short is None else short + QUICK * (seconds - short)
        self._unhurried = usual = short if usual is None else min(short, usual + SLOW * (short - usual))
        gradient = max(0.5, min(1.0, bounds.tolerance * usual / short)) if short > 0 else 1.0
        if gradient == 1.0 and self.running < self.limit / 2:
            return
        wanted = self.limit * gradient + self.limit**0.5
        self.limit = min(bounds.most, max(bounds.least, self.limit + 0.2 * (wanted - self.limit)))

    def crowded(self) -> None:
        """It refused a call, or let it wait too long, because there were too many."""
        self.limit = max(self._bounds.least, min(self.limit, max(self.running, 1.0) * 1.5) * self._bounds.drop)
