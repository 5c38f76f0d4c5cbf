"""Bars of a terminal chart, drawn in eighths of a character."""

from __future__ import annotations

from collections.abc import Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉"


def bars(amounts: Sequence[int], width: int = 24) -> list[str]:
    """A bar for each amount, the greatest `width` characters long; what is above nothing is never without one."""
    most = max(amounts, default=0)
    if most <= 0:
        return ["" for _ in amounts]
    return [_bar(max(1, round(amount * width * 8 / most))) if amount > 0 else "" for amount in amounts]


def _bar(eighths: int) -> str:
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")
