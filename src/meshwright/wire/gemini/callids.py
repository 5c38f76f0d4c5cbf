"""Ids for calls that came without one: other dialects need them, this one leaves them out again.

Source: https://ai.google.dev/api/caching (FunctionCall.id is optional; older models and Vertex AI give none, and match
results to calls by name and order).
"""

from __future__ import annotations

import re
import zlib

_MADE = re.compile(r"call_unnamed_[0-9a-f]+_\d+")


def made(seed: str, number: int) -> str:
    """The id of the call `number` of an answer; `seed` tells the answer from the others of its conversation."""
    return f"call_unnamed_{zlib.crc32(seed.encode()):08x}_{number}"


def is_made(id: str) -> bool:
    """Whether we made the id up: nobody upstream knows it."""
    return _MADE.fullmatch(id) is not None
