"""Outliers: one of several equal deployments that fails much more often than the others is left out for a while."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

MEMORY = 0.1


class Rules(msgspec.Struct, frozen=True):
    """An outlier fails at more than `share` of its calls of late and `apart` more than the others do on average.

    At least `least` calls must have been seen; it is left out for `seconds`, and at most `most` of all equals are.
    """

    share: float = 0.3
    apart: float = 0.2
    least: int = 10
    seconds: float = 30.0
    most: float = 0.5


USUAL = Rules()


class Record:
    """How often one deployment failed of late."""

    __slots__ = ("calls", "out_until", "rate")

    def __init__(self) -> None:
        self.rate = 0.0
        self.calls = 0
        self.out_until = float("-inf")

    def add(self, failed: bool) -> None:
        """One more call."""
        self.calls += 1
        self.rate += MEMORY * (float(failed) - self.rate)

    def out(self, now: float) -> bool:
        """Whether it is left out."""
        return now < self.out_until


def eject(one: Record, equals: Iterable[Record], now: float, rules: Rules = USUAL) -> bool:
    """Leave it out if it is an outlier among its equals; True if that was done now. It begins anew afterwards."""
    others = [other for other in equals if other is not one]
    if not others or one.out(now) or one.calls < rules.least or one.rate <= rules.share:
        return False
    if one.rate - sum(other.rate for other in others) / len(others) <= rules.apart:
        return False
    if sum(other.out(now) for other in others) + 1 > rules.most * (len(others) + 1):
        return False
    one.out_until = now + rules.seconds
    one.rate, one.calls = 0.0, 0
    return True
