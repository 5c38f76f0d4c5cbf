"""One budget for every second attempt, be it a retry, a fallback or a hedge: a share of what is under way."""

from __future__ import annotations

SHARE = 0.2
LEAST = 3


class Budget:
    """Counts requests under way, and the attempts among them that are not a request's first.

    Whoever holds one for long may give it back before it is over: then it bounds how fast they come (see kernel.doors).
    Extra attempts are at most `share` of the active requests, and `least` are always allowed: when everything fails, a
    fifth more load reaches the providers and not three times as much (as in Envoy's retry budgets and Finagle's).
    """

    __slots__ = ("_least", "_share", "active", "extra", "refused")

    def __init__(self, share: float = SHARE, least: int = LEAST) -> None:
        self._share = share
        self._least = least
        self.active = 0
        self.extra = 0
        self.refused = 0
        """How often there was nothing left."""

    def bound(self, share: float, least: int) -> None:
        """Other bounds from now on; what is under way stays."""
        self._share = share
        self._least = least

    @property
    def most(self) -> int:
        """Extra attempts that may be under way now."""
        return max(self._least, int(self._share * self.active))

    def begin(self) -> None:
        """A request is under way."""
        self.active += 1

    def end(self) -> None:
        """It is over."""
        self.active -= 1

    def take(self) -> bool:
        """Begin an extra attempt; False when there are too many. Each that is taken is given back once."""
        if self.extra >= self.most:
            self.refused += 1
            return False
        self.extra += 1
        return True

    def give(self) -> None:
        """An extra attempt is over."""
        self.extra -= 1
