"""Distributions of times and rates, drawn from a generator that the caller seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Literal

import msgspec


class Spread(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A distribution of non-negative numbers (seconds, or tokens per second).

    fixed: always `value`. uniform: between `low` and `high`. lognormal: half of all draws are below `median`; `sigma`
    is the deviation of the logarithm. empirical: one of `values`, each as likely.
    """

    kind: Literal["fixed", "uniform", "lognormal", "empirical"] = "fixed"
    value: float = 0.0
    low: float = 0.0
    high: float = 0.0
    median: float = 0.0
    sigma: float = 0.0
    values: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        numbers = (self.value, self.low, self.high, self.median, self.sigma, *self.values)
        if not all(math.isfinite(number) and number >= 0 for number in numbers):
            raise ValueError("times and rates are finite and not negative")
        if self.kind == "empirical" and not self.values:
            raise ValueError('kind "empirical" needs `values`')
        if self.kind == "uniform" and self.low > self.high:
            raise ValueError("`low` is above `high`")

    def draw(self, random: Random) -> float:
        """The next number."""
        match self.kind:
            case "fixed":
                return self.value
            case "uniform":
                return random.uniform(self.low, self.high)
            case "lognormal":
                return self.median * math.exp(random.gauss(0.0, self.sigma))
            case "empirical":
                return random.choice(self.values)


def fixed(value: float) -> Spread:
    """Always the same."""
    return Spread(value=value)


def uniform(low: float, high: float) -> Spread:
    """Anything between the two, evenly."""
    return Spread(kind="uniform", low=low, high=high)


def lognormal(median: float, sigma: float) -> Spread:
    """Half below `median`, a long tail above it: how latencies of services usually look."""
    return Spread(kind="lognormal", median=median, sigma=sigma)


def empirical(values: Sequence[float]) -> Spread:
    """One of the values that were measured."""
    return Spread(kind="empirical", values=tuple(values))


def drawn(spread: Spread | float, random: Random) -> float:
    """A number from a distribution, or the number itself."""
    return spread.draw(random) if isinstance(spread, Spread) else spread
