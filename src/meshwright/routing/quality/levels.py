"""From what was learned to a model's quality on one question: measured, or by its card and its nearest relative."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from meshwright.types.decision import Expected, Interval

NINE_IN_TEN = 1.645
"""Standard deviations between a prediction and its bounds."""
LEAST, MOST = 0.01, 0.99
BORROWED = 0.5
"""How much of a relative's ups and downs a model without data is expected to share."""
ALIKE = 2
"""Parts of a name that must be the same, from its beginning, for two models to be relatives."""
REMEMBERED = 8_192
TOLD = 0.005
"""What would be told as 0.00 is not told."""
PLAIN = 0.02
"""A difference from the level that is worth telling."""


class Learned:
    """What was learned, asked about one candidate after the other; a model that many providers serve is told once."""

    __slots__ = ("_expected", "_moved", "_relatives", "_told")

    def __init__(self, expected: Mapping[str, Expected]) -> None:
        self._expected = expected
        self._relatives = _relatives(tuple(expected))
        self._told: dict[str, tuple[Interval, str]] = {}
        self._moved: dict[str, tuple[float, str]] = {}

    def measured(self, name: str) -> tuple[Interval, str] | None:
        """The quality of a model that outcomes are known of, and where it comes from in words; else None."""
        told = self._told.get(name)
        if told is None and (found := self._expected.get(name)) is not None:
            value = found.level + found.common + found.own
            told = self._told[name] = bounded(_kept(value), NINE_IN_TEN * found.spread), _words(found)
        return told

    def unmeasured(self, name: str, value: float, margin: float, why: str) -> tuple[Interval, str]:
        """The same of a model without outcomes; its card alone would say `value` ± `margin`, because of `why`."""
        relative = self._relatives.get(name)
        if relative is None:
            relative = _found(name, self._expected, self._relatives)
        found = self._moved.get(relative)
        if found is None:
            found = self._moved[relative] = self._moved_by(relative)
        moved, told = found
        return bounded(_kept(value + moved), margin), why + told

    def _moved_by(self, relative: str) -> tuple[float, str]:
        """How far the question moves whoever has this relative, or none; and that in words."""
        if relative:
            of = self._expected[relative]
            moved = BORROWED * (of.common + of.own)
            said = f", half of what is expected of its relative {relative}"
        else:
            moved = BORROWED * sum([one.common for one in self._expected.values()]) / len(self._expected)
            said = " for how hard such questions are"
        return moved, f"; moved by {moved:+.2f}{said}" if abs(moved) >= TOLD else ""


def bounded(value: float, margin: float) -> Interval:
    """Around a probability, to four digits."""
    low, high = value - margin, value + margin
    # `round` takes three times as long, and there are three of them for each candidate.
    return Interval(
        int(value * 10_000 + 0.5) / 10_000,
        int(low * 10_000 + 0.5) / 10_000 if low > 0 else 0.0,
        int(high * 10_000 + 0.5) / 10_000 if high < 1 else 1.0,
    )


def _kept(value: float) -> float:
    """Never quite impossible, never quite certain."""
    return LEAST if value < LEAST else min(value, MOST)


def _words(found: Expected) -> str:
    told = f"measured on {found.rows:,} questions: {found.level:.2f} on average"
    if abs(found.common) >= PLAIN:
        told += f", {found.common:+.2f} because such questions are {'easier' if found.common > 0 else 'harder'} for all"
    if abs(found.own) >= PLAIN:
        told += f", {found.own:+.2f} because it is {'better' if found.own > 0 else 'worse'} at them than its peers"
    return told


@lru_cache(maxsize=64)
def _relatives(measured: tuple[str, ...]) -> dict[str, str]:
    """The nearest relative of each name that was looked for among these models; "" when none is near."""
    return {}


def _found(name: str, measured: Mapping[str, Expected], known: dict[str, str]) -> str:
    if len(known) >= REMEMBERED:
        known.clear()
    found = known[name] = _nearest(name, tuple(measured))
    return found


def _nearest(name: str, measured: tuple[str, ...]) -> str:
    """The measured model whose name begins with the most parts of this one's."""
    parts = name.split("-")

    def shared(other: str) -> int:
        count = 0
        for mine, theirs in zip(parts, other.split("-"), strict=False):
            if mine != theirs:
                break
            count += 1
        return count

    best = max(measured, key=lambda other: (shared(other), other), default="")
    return best if best and shared(best) >= ALIKE else ""
