"""Error bodies, both ways.

Source: https://platform.claude.com/docs/en/api/errors: `{"type": "error", "error": {"type", "message"}, "request_id"}`.
The Python client also reads `error.details.error_code`, a stable code; ours stands there.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.errors import MeshError, NotCarried, UpstreamStatus
from meshwright.wire.complaints import complaint, kept_words, plain, word
from meshwright.wire.verbatim import is_object

UNTHREADED = "thread_unsupported_request"
_TOO_LONG = "prompt is too long"
_UNPAID = (
    "Your credit balance is too low",
    "You have reached your specified API usage limits",
    "You have reached your specified workspace API usage limits",
)
"""How a 400 begins that is about money: the API has a status of its own for it (402), and does not use it."""
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_ANY: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


def error_type(status: int) -> str:
    """The API's word for a status."""
    return _TYPES.get(status) or ("invalid_request_error" if status < 500 else "api_error")


def error_object(error: MeshError) -> dict[str, object]:
    """The error as the API would tell it, with our code, the field and the fix beside it."""
    words = complaint(error)
    found: dict[str, object] = {
        "type": error_type(error.status),
        "message": words,
        "details": {"error_code": _code(error)},
    }
    if error.field:
        found["param"] = error.field
    if error.fix:
        found["fix"] = error.fix
    return {"type": "error", "error": found}


def _code(error: MeshError) -> str:
    """Our code; the API's own for a thread that cannot be held here: clients then send the whole conversation."""
    return UNTHREADED if isinstance(error, NotCarried) and error.field == "thread" else error.code


def encode_error(error: MeshError) -> bytes:
    """The body of an error answer."""
    return msgspec.json.encode(error_object(error))


def decode_error(status: int, body: bytes, retry_after: float | None) -> UpstreamStatus:
    """What a provider's error answer says, whatever its shape: the API's JSON, another's, HTML, plain text, nothing."""
    words, kind = _said(body[: 64 * 1024])
    words = kept_words(words, status)
    # A provider's refusal of our key keeps our own code: the caller's key is not what was refused.
    code = kind[:100] if kind and status not in (401, 403) else None
    if status == 400 and words.startswith(_TOO_LONG):  # the API has no word of its own for it
        code = "context_length_exceeded"
    if status == 400 and words.startswith(_UNPAID):
        status, code = 402, "credit_balance_too_low"
    return UpstreamStatus(words, status, code=code, body=body, retry_after=retry_after)


def _said(body: bytes) -> tuple[str, str]:
    """(message, type) of an error body."""
    body = body.decode(errors="replace").encode()
    try:
        outer = _ANY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return plain(body), ""
    inner = _object(outer.get("error")) or outer
    for name in ("message", "error", "detail", "error_message", "msg"):
        words = word(inner.get(name))
        if words:
            stable = word((_object(inner.get("details")) or {}).get("error_code"))
            return words, stable or word(inner.get("type")) or word(inner.get("code"))
    return plain(body), word(inner.get("type"))


def _object(raw: Raw | None) -> dict[str, Raw] | None:
    if raw is None or not is_object(raw):
        return None
    return _ANY.decode(raw)
