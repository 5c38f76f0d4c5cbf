"""What guards find in texts and what is done about it; never the thing itself, only its kind and its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Place = Literal["system", "user", "assistant", "tool", "answer"]
"""Whose words: the instructions and tool descriptions, the caller's, an earlier answer's, a tool's, the answer's."""
Action = Literal["flag", "mask", "block", "repair"]
Outcome = Literal["allow", "flag", "mask", "unmask", "block"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that a guard found: its kind, and where it begins and ends in the text, in characters."""

    kind: str
    start: int
    end: int


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one rule decided of one text or several. `found` counts by kind; `why` is the reason in words.

    `rule` is its name in the configuration, `guard` the guard that it uses. "unmask" tells that the person's own words
    were put back into the answer.
    """

    rule: str
    guard: str
    action: Outcome
    place: Place
    why: str
    found: Mapping[str, int] = {}
    message: int | None = None
    """Which message of the request, from 0; None for several, and for the answer."""
