"""Lengths of time as people write them."""

from __future__ import annotations

import re

from meshwright.types.errors import InvalidRequest

_SPAN = re.compile(r"([1-9]\d{0,4})([smhdwy])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}


def span(text: str) -> float:
    """Seconds of "90s", "15m", "24h", "30d", "4w" or "1y". Raises InvalidRequest."""
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        raise InvalidRequest(f'"{text[:40]}" is no length of time.', fix="Write 90s, 15m, 24h, 30d, 4w or 1y.")
    return float(match[1]) * _SECONDS[match[2]]
