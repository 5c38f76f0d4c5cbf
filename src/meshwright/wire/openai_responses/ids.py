"""Ids of items that we name ourselves.

Every output item of the API has an id, and clients send items back with it. Ids that came from us mean nothing to a
provider (which answers 400 or 404 to ids that it did not give), so they are recognisable and are taken off again. They
are derived from the answer's id and the item's place: the same answer is always encoded to the same bytes.
"""

from __future__ import annotations

import hashlib
import re

MESSAGE, REASONING, FUNCTION, CUSTOM = "msg", "rs", "fc", "ctc"

_OURS = re.compile(r"(?:msg|rs|fc|ctc)_mesh[0-9a-f]{28}")
_THEIRS = re.compile(r"(msg|rs|fc|ctc)[A-Za-z0-9_-]{1,60}")


def mint(prefix: str, answer: str, place: int) -> str:
    """The id of item `place` of the answer with this id."""
    return f"{prefix}_mesh{hashlib.blake2b(answer.encode(), digest_size=12).hexdigest()}{place & 0xFFFF:04x}"


def minted(id: str) -> bool:
    """Whether the id is one of ours."""
    return _OURS.fullmatch(id) is not None


def given(prefix: str, id: str) -> bool:
    """Whether a provider of this dialect may have given this id to an item of this kind: it refuses others."""
    match = _THEIRS.fullmatch(id)
    return match is not None and match[1] == prefix and not minted(id)
