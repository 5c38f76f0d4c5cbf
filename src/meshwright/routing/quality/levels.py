"""From what was learned to a model's quality on one question: measured, or by its card and its nearest relative."""

from __future__ import annotations

from functools import lru_cache

from meshwright.types.decision import Expected, Features, Interval
from meshwright.types.model import Model

NINE_IN_TEN = 1.645
"""Standard deviations."""
LEAST, MOST = 0.01, 0.99
BORROWED = 0.5
"""How much of a relative's ups and downs a model without data is expected to share."""
ALIKE = 2
"""Parts of a name that must be the same, from its beginning, for two models to be relatives."""
PLAIN = 0.02
"""A difference from the level that is worth telling."""


def learned(model: Model, features: Features, card: Interval, why: str) -> tuple[Interval, str]:
    """The quality, and where it comes from in words. `card` is what the card alone would say, and `why`."""
    name = model.upstream.rpartition("/")[2].lower() or model.name.rpartition("/")[2].lower()
    found = features.expected.get(name)
    if found is not None:
        value = found.level + found.common + found.own
        return _interval(value, NINE_IN_TEN * found.spread), _told(found)
    relative = _relative(name, tuple(features.expected))
    if relative:
        of = features.expected[relative]
        moved = BORROWED * (of.common + of.own)
        said = f"{why}; moved by {moved:+.2f}, half of what is expected of its relative {relative}"
    else:
        every = features.expected.values()
        moved = BORROWED * sum(one.common for one in every) / len(every)
        said = f"{why}; moved by {moved:+.2f} for how hard such questions are"
    return _interval(card.value + moved, (card.high - card.low) / 2), said


def _interval(value: float, margin: float) -> Interval:
    value = min(MOST, max(LEAST, value))
    return Interval(round(value, 4), round(max(0.0, value - margin), 4), round(min(1.0, value + margin), 4))


def _told(found: Expected) -> str:
    told = f"measured on {found.rows:,} questions: {found.level:.2f} on average"
    if abs(found.common) >= PLAIN:
        told += f", {found.common:+.2f} because such questions are {'easier' if found.common > 0 else 'harder'} for all"
    if abs(found.own) >= PLAIN:
        told += f", {found.own:+.2f} because it is {'better' if found.own > 0 else 'worse'} at them than its peers"
    return told


@lru_cache(maxsize=8_192)
def _relative(name: str, measured: tuple[str, ...]) -> str:
    """The measured model whose name begins with the most parts of this one's; "" when none is near."""
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
