"""What every dialect does with errors: our own words for a client, and a provider's words, whatever they come in."""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from meshwright.types.errors import MeshError
from meshwright.wire.verbatim import is_string

LONGEST = 2_000
"""Characters of a provider's words that are kept."""

SPENT = "insufficient_quota"
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
# No `<` within a tag, and a script without an end goes to the end: so each character is looked at once or twice.
_TAGS = re.compile(r"<(script|style)\b[^<>]*>.*?(?:</\1\s*>|\Z)|<[^<>]*>", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^<>]*>([^<]*)</title\s*>", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


def complaint(error: MeshError) -> str:
    """What the caller reads, because clients show nothing else: the field, what is wrong, and the fix."""
    words = str(error)
    return f"{error.field}: {words}" if error.field and error.field not in words else words


def openai_error(error: MeshError) -> dict[str, object]:
    """`{"error": {message, type, param, code}}` (OpenAI's API reference, "Errors"); the message says the fix."""
    kind = _OPENAI_TYPES.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
    if error.code == SPENT:  # of a spent quota the API's type and code are the same word
        kind = SPENT
    return {"error": {"message": complaint(error), "type": kind, "param": error.field, "code": error.code}}


def kept_words(words: str, status: int) -> str:
    """As much of a provider's words as is kept; that there were none, when there were none."""
    return words[:LONGEST] or f"The provider answered with status {status} and no words."


def word(raw: Raw | None) -> str:
    """A member that should be a string; "" when it is not there or something else."""
    return _STRING.decode(legible(bytes(raw))) if raw is not None and is_string(raw) else ""


def legible(body: bytes) -> bytes:
    """The same, with a mark in place of each byte that is no text: whoever complains is heard in any encoding."""
    return body.decode(errors="replace").encode()


def plain(body: bytes) -> str:
    """The words of a page of HTML, or of any other text."""
    return _stripped(body.decode(errors="replace"))


def headline(text: str) -> str:
    """The title of a page of HTML; its words where it has none."""
    title = _TITLE.search(text)
    return _stripped(title[1] if title else text)


def _stripped(text: str) -> str:
    return _SPACE.sub(" ", _TAGS.sub(" ", text)).strip()
