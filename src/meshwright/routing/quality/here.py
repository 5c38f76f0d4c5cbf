"""What was learned from answers given here, on top of a prediction, whatever that came from."""

from __future__ import annotations

from functools import lru_cache

from meshwright.routing.quality.levels import LEAST, MOST, NINE_IN_TEN, PLAIN, TOLD, bounded
from meshwright.types.decision import Gain, Interval


def moved(found: Gain, before: Interval, why: str) -> tuple[Interval, str]:
    """The quality by what was learned here as well, and why in words."""
    if not (found.outcomes or found.trouble):
        return before, why
    value = before.value + found.value
    margin = (before.high - before.low) / 2
    if found.outcomes and NINE_IN_TEN * found.spread < margin:
        margin = NINE_IN_TEN * found.spread
    return bounded(LEAST if value < LEAST else min(value, MOST), margin), f"{why}; {_told(found)}"


def _told(found: Gain) -> str:
    value = found.value
    told = f"{_outcomes(found.outcomes)}: {value:+.2f}" if abs(value) >= PLAIN else _outcomes(found.outcomes)
    if found.trouble >= TOLD:
        why = "that were cut off, refused, wrong in form or asked for again, or whose calls failed"
        told += f" (-{found.trouble:.2f} for answers {why})"
    return f"{told}; {found.drifted}" if found.drifted else told


@lru_cache(maxsize=1_024)
def _outcomes(count: int) -> str:
    """The same from one question to the next, until more is learned."""
    return f"{count:,} outcomes here"
