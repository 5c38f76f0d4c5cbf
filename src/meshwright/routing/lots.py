"""Drawing lots without chance: a number from a digest, so that the same conversation always draws the same."""

from __future__ import annotations

from hashlib import blake2b

from meshwright.types.content import Text
from meshwright.types.request import Request

END = 2_000
"""Characters of each end of a long text."""
DIGITS = 8
"""Of hex: enough to share out traffic, too few to tell conversations apart by."""


def conversation(request: Request) -> str:
    """Eight hex digits that a conversation keeps as it goes on.

    From the caller's own key where he gives one (`prompt_cache_key`), else from his name and all text up to and with
    the first user message; of a long text its ends and its length.
    """
    digest = blake2b(digest_size=DIGITS // 2)
    if request.cache_key:
        digest.update(request.cache_key.encode(errors="replace"))
        return digest.hexdigest()
    digest.update(request.user.encode(errors="replace"))
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, Text):
                digest.update(b"\0" + _ends(part.text).encode(errors="replace"))
        if message.role == "user":
            break
    return digest.hexdigest()


def _ends(text: str) -> str:
    """All of a text, or what it costs little to look at."""
    return text if len(text) <= 2 * END else f"{text[:END]}{len(text)}{text[-END:]}"


def draw(conversation: str, purpose: str) -> float:
    """A number in [0, 1), evenly spread over conversations; draws for different purposes are independent."""
    digest = blake2b(f"{purpose}\0{conversation}".encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
