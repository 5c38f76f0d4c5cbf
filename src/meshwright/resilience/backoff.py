"""How long to wait before trying again: exponential, with full jitter, and never shorter than we were told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

FIRST = 0.25
LONGEST = 8.0
FURTHEST = 40
"""Doublings that are counted; no wait is that long, and no sum overflows."""


def backoff(tries: int, draw: Callable[[], float], first: float = FIRST, longest: float = LONGEST) -> float:
    """Seconds before try number `tries` (from 1) after the first: anything from 0 to a bound that doubles.

    Full jitter spreads those who failed together over the whole time (M. Brooker, "Exponential Backoff And Jitter",
    AWS Architecture Blog, 2015). `draw` gives numbers in [0, 1).
    """
    return draw() * float(min(longest, first * 2 ** min(tries - 1, FURTHEST)))


def told_to_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that an answer's headers ask to wait; None when they do not say, or in words that are no time.

    `retry-after-ms` (OpenAI's and Azure's), `retry-after` in seconds or as a date (RFC 9110, 10.2.3). `now` is seconds
    since 1970.
    """
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    if not value or (seconds := _number(value)) is not None:
        return seconds if value else None
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None


def _number(text: str) -> float | None:
    """A number that is neither negative nor endless."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < 1e9 else None
