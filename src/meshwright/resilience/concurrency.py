"""How many calls one deployment takes at once, found out by asking: more while it is as quick as ever, else fewer."""

from __future__ import annotations

import msgspec

SLOW = 0.0005
"""How fast what counts as unhurried grows; it falls at once. So an overload that lasts is not taken for the usual."""
QUICK = 0.3


class Bounds(msgspec.Struct, frozen=True):
    """`first` is the limit to begin with (Envoy's default: who has room for fewer says so).

    Calls may become `tolerance` times as slow before the limit shrinks; and for slowness alone it shrinks no further
    than to `calm`: slow calls are a guess at why, a refusal is not.
    """

    first: float = 1024.0
    least: float = 4.0
    calm: float = 32.0
    most: float = 5000.0
    tolerance: float = 2.0
    drop: float = 0.9


USUAL = Bounds()


def lateness(seconds: float, read: int = 0, written: int = 0) -> float:
    """How many times as long as calls of its size may take without anybody's wondering; 1 at least.

    A second, and what `read` tokens of a prompt and `written` ones (an answer's, or a stream's thinking before its
    first words) take at 5,000 and 50 a second. So a long question or answer is no sign of crowding, nor are
    milliseconds that this gateway's own work adds.
    """
    return max(1.0, seconds / (1.0 + read / 5000 + written / 50))


class Concurrency:
    """A limit that moves with how late answers come (after Netflix's concurrency-limits, Gradient and Vegas).

    The gradient is how much slower calls are of late than when nothing hurries; the limit follows it, plus room for a
    queue of its square root. A refusal for too many calls (`crowded`) takes a part at once, and once only, however many
    calls were refused together. It does not grow while less than half of it is used: nothing was learned then.
    """

    __slots__ = ("_bounds", "_short", "_taken", "_unhurried", "limit", "running")

    def __init__(self, bounds: Bounds = USUAL) -> None:
        self._bounds = bounds
        self._unhurried: float | None = None
        self._short: float | None = None
        self._taken = float("-inf")
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

    def answered(self, late: float) -> None:
        """An answer came so late: in times of what is usual for its size, see `lateness`."""
        if late == self._short == self._unhurried and self.running < self.limit / 2:
            return  # in time as ever, and nobody waits
        bounds = self._bounds
        short, usual = self._short, self._unhurried
        self._short = short = late if short is None else short + QUICK * (late - short)
        self._unhurried = usual = short if usual is None else min(short, usual + SLOW * (short - usual))
        gradient = max(0.5, min(1.0, bounds.tolerance * usual / short)) if short > 0 else 1.0
        if gradient == 1.0 and self.running < self.limit / 2:
            return
        wanted = self.limit * gradient + self.limit**0.5
        moved = self.limit + 0.2 * (wanted - self.limit)
        self.limit = min(bounds.most, max(moved, min(self.limit, max(bounds.least, bounds.calm))))

    def crowded(self, began: float, now: float) -> None:
        """It refused a call, or let it wait too long, because there were too many. The call is not `running` any more.

        What began before a part was taken says nothing new (as for TCP a window full of lost packets is one loss). Nor
        does one in small company say anything of company: a quota was used up, which is for a circuit to know.
        """
        company = self.running + 1
        if began < self._taken or company <= self._bounds.least:
            return
        self._taken = now
        self.limit = max(self._bounds.least, min(self.limit, company * 1.5) * self._bounds.drop)
