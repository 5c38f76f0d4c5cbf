"""Error bodies, both ways.

Source: https://docs.cohere.com/v2/reference/errors: `{"message": "...", "id": "..."}`. Our code, the field and the fix
stand beside the message. A stream that fails ends with `message-end` and an error in it.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.errors import MeshError, UpstreamStatus
from meshwright.wire.complaints import complaint, kept_words, plain, word
from meshwright.wire.verbatim import is_object

_ANY: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


def encode_error(error: MeshError) -> bytes:
    """The body of an error answer."""
    found = {"message": complaint(error), "code": error.code}
    if error.field:
        found["param"] = error.field
    if error.fix:
        found["fix"] = error.fix
    return msgspec.json.encode(found)


def decode_error(status: int, body: bytes, retry_after: float | None) -> UpstreamStatus:
    """What a provider's error answer says, whatever its shape: the API's JSON, another's, HTML, plain text, nothing."""
    words, kind = _said(body[: 64 * 1024])
    words = kept_words(words, status)
    # A provider's refusal of our key keeps our own code: the caller's key is not what was refused.
    code = kind[:100] if kind and status not in (401, 403) else None
    return UpstreamStatus(words, status, code=code, body=body, retry_after=retry_after)


def _said(body: bytes) -> tuple[str, str]:
    """(message, code) of an error body."""
    try:
        outer = _ANY.decode(body)
        inner = _ANY.decode(outer["error"]) if is_object(outer.get("error", Raw())) else outer
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return plain(body), ""
    for name in ("message", "error", "detail", "error_message", "msg"):
        words = word(inner.get(name))
        if words:
            return words, word(inner.get("code")) or word(inner.get("type"))
    return plain(body), word(inner.get("code"))
