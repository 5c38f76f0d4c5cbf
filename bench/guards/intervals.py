"""Shares with their intervals, and which half of the rows may be looked at."""

from __future__ import annotations

import hashlib
import math


def wilson(hits: int, of: int) -> tuple[float, float, float]:
    """A share and the bounds that it lies in 19 times of 20 (Wilson 1927)."""
    if not of:
        return math.nan, math.nan, math.nan
    z, share = 1.96, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return share, max(0.0, middle - half), min(1.0, middle + half)


def told(hits: int, of: int) -> str:
    """A share in words: "0.97 (0.93-0.99) of 136"."""
    share, low, high = wilson(hits, of)
    return f"{share:.3f} ({low:.3f}–{high:.3f}) of {of}" if of else "—"


def is_test(text: str) -> bool:
    """Whether a row is of the half that nobody looks at before he measures: by its hash, so that it stays there."""
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 1
