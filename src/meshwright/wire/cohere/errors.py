"""Error bodies, both ways.

Source: https://docs.cohere.com/v2/reference/errors: `{"message": "...", "id": "..."}`. Our code, the field and the fix
stand beside the message. A stream that fails ends with `message-end` and an error in it.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from meshwright.types.errors import MeshError, UpstreamStatus
from meshwright.wire.cohere.verbatim import is_object, is_string

LONGEST = 2_000
"""Characters of a provider's words that are kept."""

_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_ANY: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


def error_words(error: MeshError) -> str:
    """What the caller reads: the field, what is wrong, and the fix."""
    words = str(error)
    return f"{error.field}: {words}" if error.field and error.field not in words else words


def encode_error(error: MeshError) -> bytes:
    """The body of an error answer."""
    found = {"message": error_words(error), "code": error.code}
    if error.field:
        found["param"] = error.field
    if error.fix:
        found["fix"] = error.fix
    return msgspec.json.encode(found)


def decode_error(status: int, body: bytes, retry_after: float | None) -> UpstreamStatus:
    """What a provider's error answer says, whatever its shape: the API's JSON, another's, HTML, plain text, nothing."""
    words, kind = _said(body[: 64 * 1024])
    words = words[:LONGEST] or f"The provider answered with status {status} and no words."
    # A provider's refusal of our key keeps our own code: the caller's key is not what was refused.
    code = kind[:100] if kind and status not in (401, 403) else None
    return UpstreamStatus(words, status, code=code, body=body, retry_after=retry_after)


def _said(body: bytes) -> tuple[str, str]:
    """(message, code) of an error body."""
    try:
        outer = _ANY.decode(body)
        inner = _ANY.decode(outer["error"]) if is_object(outer.get("error", Raw())) else outer
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _plain(body), ""
    for name in ("message", "error", "detail", "error_message", "msg"):
        words = _word(inner.get(name))
        if words:
            return words, _word(inner.get("code")) or _word(inner.get("type"))
    return _plain(body), _word(inner.get("code"))


def _word(raw: Raw | None) -> str:
    return _STRING.decode(raw) if raw is not None and is_string(raw) else ""


def _plain(body: bytes) -> str:
    return _SPACE.sub(" ", _TAGS.sub(" ", body.decode(errors="replace"))).strip()
