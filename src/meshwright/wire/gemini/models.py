"""What Gemini models take, by the version in their name; a name without one gets everything as it was asked for.

Source: https://ai.google.dev/gemini-api/docs/thinking (2.5 thinks by a budget, 3 by a level, 2.0 and older not at all;
which levels and budgets a model has; Pro models cannot be told not to think) and
https://ai.google.dev/gemini-api/docs/thought-signatures (3 refuses a call without its signature).
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

_VERSION = re.compile(r"gemini-(\d{1,2})(?:\.(\d{1,2}))?(?![\d])(-pro)?")


class Takes(msgspec.Struct, frozen=True):
    """What a model takes.

    `known`: the rules below are known to hold. `levels`: thinking by level. `budgets`: thinking by a budget in tokens,
    from `least` to `most`; a `least` of 0 is not to think. `signed`: calls must have their signature.
    """

    known: bool = False
    levels: frozenset[str] = frozenset({"minimal", "low", "medium", "high", "xhigh"})
    budgets: bool = True
    least: int = 0
    most: int = 24_576
    signed: bool = False


@lru_cache(maxsize=1024)
def takes(model: str) -> Takes:
    """What the model of this name takes (`gemini-2.5-flash`, `models/gemini-3-pro-preview`)."""
    match = _VERSION.search(model.lower())
    if match is None:
        return Takes()
    version, pro = (int(match[1]), int(match[2] or 0)), bool(match[3])
    if version >= (3, 0):
        levels = {"low", "high"} if pro else {"minimal", "low", "medium", "high"}
        if version >= (3, 1):
            levels.add("medium")
        return Takes(known=True, levels=frozenset(levels), least=128 if pro else 0, most=32_768, signed=True)
    if version >= (2, 5):
        return Takes(known=True, levels=frozenset(), least=128 if pro else 0, most=32_768 if pro else 24_576)
    return Takes(known=True, levels=frozenset(), budgets=False)
