"""Error bodies, both ways.

Source: https://ai.google.dev/gemini-api/docs/troubleshooting and https://cloud.google.com/apis/design/errors:
`{"error": {"code", "message", "status", "details"}}`; `details` holds an ErrorInfo with a stable reason, a BadRequest
with the field, a RetryInfo with the time to wait. A stream that is not of events is a list, and so is its error.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.errors import MeshError, UpstreamStatus
from meshwright.wire.complaints import complaint, kept_words, legible, plain, word
from meshwright.wire.verbatim import is_object

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_FIELD = "type.googleapis.com/google.rpc.BadRequest"
_RETRY = "type.googleapis.com/google.rpc.RetryInfo"
_DOMAIN = "meshwright"
_BAD_KEYS = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED"})
_TOO_LONG = re.compile(r"input token count.{0,40}exceeds the maximum", re.IGNORECASE | re.DOTALL)
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")
_ANY: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_LIST: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])


def error_status(status: int) -> str:
    """The API's word for a status."""
    return _STATUSES.get(status) or ("INVALID_ARGUMENT" if status < 500 else "INTERNAL")


def error_object(error: MeshError) -> dict[str, Any]:
    """The error as the API would tell it, with our code, the field and the fix among its details."""
    words = complaint(error)
    details: list[dict[str, Any]] = [
        {"@type": _INFO, "reason": error.code, "domain": _DOMAIN, "metadata": {"fix": error.fix} if error.fix else {}}
    ]
    if error.field:
        details.append({"@type": _FIELD, "fieldViolations": [{"field": error.field, "description": error.message}]})
    wait = getattr(error, "retry_after", None)
    if isinstance(wait, int | float):
        details.append({"@type": _RETRY, "retryDelay": f"{wait:g}s"})
    return {
        "error": {
            "code": error.status,
            "message": words,
            "status": error_status(error.status),
            "details": details,
        }
    }


def encode_error(error: MeshError) -> bytes:
    """The body of an error answer."""
    return msgspec.json.encode(error_object(error))


def decode_error(status: int, body: bytes, retry_after: float | None) -> UpstreamStatus:
    """What a provider's error answer says, whatever its shape: the API's JSON, another's, HTML, plain text, nothing."""
    words, kind, reason, wait = _said(legible(body[: 64 * 1024]))
    words = kept_words(words, status)
    if reason in _BAD_KEYS and status == 400:
        status = 401  # the API calls a wrong key a wrong argument; the caller's argument it is not
    # A provider's refusal of our key keeps our own code: the caller's key is not what was refused.
    code = (reason or kind)[:100] or None if status not in (401, 403) else None
    if status == 400 and _TOO_LONG.search(words):
        code = "context_length_exceeded"
    return UpstreamStatus(words, status, code=code, body=body, retry_after=wait if retry_after is None else retry_after)


def _said(body: bytes) -> tuple[str, str, str, float | None]:
    """(message, status, reason, seconds to wait) of an error body."""
    try:
        outer = _ANY.decode(_LIST.decode(body)[0] if body.lstrip()[:1] == b"[" else body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, IndexError):
        return plain(body), "", "", None
    inner = _object(outer.get("error")) or outer
    reason, wait = _details(inner.get("details"))
    for name in ("message", "error", "detail", "error_message", "msg"):
        words = word(inner.get(name))
        if words:
            return words, word(inner.get("status")), reason, wait
    return plain(body), word(inner.get("status")), reason, wait


def _details(raw: Raw | None) -> tuple[str, float | None]:
    """(a stable reason, seconds to wait)."""
    reason, wait = "", None
    try:
        details = _LIST.decode(raw) if raw is not None else []
    except msgspec.DecodeError:
        return "", None
    for one in details:
        found = _object(one) or {}
        kind = word(found.get("@type"))
        if kind == _INFO:
            reason = word(found.get("reason"))
        elif kind == _RETRY and (match := _SECONDS.fullmatch(word(found.get("retryDelay")))):
            wait = float(match[1])
    return reason, wait


def _object(raw: Raw | None) -> dict[str, Raw] | None:
    if raw is None or not is_object(raw):
        return None
    return _ANY.decode(raw)
