"""Error bodies, both ways (https://platform.openai.com/docs/guides/error-codes)."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.errors import MeshError, UpstreamStatus
from meshwright.wire.complaints import kept_words, openai_error, plain, word
from meshwright.wire.verbatim import is_object

_ANY: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


def encode_error(error: MeshError) -> bytes:
    """The body of an error answer."""
    return msgspec.json.encode(openai_error(error))


def decode_error(status: int, body: bytes, retry_after: float | None) -> UpstreamStatus:
    """What a provider's error answer says, whatever its shape."""
    words, code = _said(body[: 64 * 1024])
    return UpstreamStatus(
        kept_words(words, status),
        status,
        code=code[:100] if code and status not in (401, 403) else None,  # their word about our key is not the caller's
        body=body,
        retry_after=retry_after,
    )


def _said(body: bytes) -> tuple[str, str]:
    """(message, code) of an error body."""
    try:
        outer = _ANY.decode(body)
        inner = _ANY.decode(outer["error"]) if is_object(outer.get("error", Raw())) else outer
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return plain(body), ""
    words = next((found for name in ("message", "error", "detail") if (found := word(inner.get(name)))), plain(body))
    return words, word(inner.get("code")) or word(inner.get("type"))
