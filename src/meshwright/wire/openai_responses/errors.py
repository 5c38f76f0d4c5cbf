"""Errors in the shape of the API, both ways.

Source: https://platform.openai.com/docs/guides/error-codes and the schemas Error, ResponseErrorCode and
ResponseErrorEvent of the API's OpenAPI document.
"""

from __future__ import annotations

import msgspec

from meshwright.types.errors import LimitReached, MeshError, UpstreamStatus
from meshwright.wire.complaints import LONGEST, SPENT, complaint, headline

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
}
_STATUS = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "invalid_prompt": 400,
    "context_length_exceeded": 400,
    "bio_policy": 400,
    "data_residency_mismatch": 400,
    "image_content_policy_violation": 400,
}
"""The HTTP status that an error inside an answer would have had; everything about an image is 400, the rest 500."""

_ANY: msgspec.json.Decoder[object] = msgspec.json.Decoder()


def encode_error(error: MeshError) -> bytes:
    """The body of an error answer."""
    kind = _TYPES.get(error.status) or ("invalid_request_error" if error.status < 500 else "server_error")
    kind = SPENT if error.code == SPENT else kind
    words = complaint(error)
    return msgspec.json.encode({"error": {"message": words, "type": kind, "param": error.field, "code": error.code}})


def code_of(error: MeshError) -> str:
    """The word for an error inside an answer; the API has a closed list of them."""
    if isinstance(error, LimitReached) or error.status == 429:
        return "rate_limit_exceeded"
    return "invalid_prompt" if error.status == 400 else "server_error"


def decode_error(status: int, body: bytes, retry_after: float | None) -> UpstreamStatus:
    """A provider's error answer, whatever its shape: its own, another's, a page, plain words, or nothing."""
    text = body[: 4 * LONGEST].decode("utf-8", "replace").strip()
    message, code = "", ""
    try:
        message, code = _read(_ANY.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        message = ""  # no JSON: the words as they are
    if not message:
        message = headline(text)
    message = message[:LONGEST] or f"The provider answered with status {status} and no explanation."
    if status in (401, 403):
        code = ""  # the provider's word for *our* key would read as one for the caller's
    return UpstreamStatus(message, status, code=code or None, body=body[:LONGEST], retry_after=retry_after)


def failure(message: str, code: str) -> UpstreamStatus:
    """An error that came inside an answer, as if it had come with a status."""
    status = _STATUS.get(code) or (400 if "image" in code and "download" not in code else 500)
    return UpstreamStatus(message[:LONGEST], status, code=code or None)


def _read(value: object) -> tuple[str, str]:
    """(message, code) of an error in any of the usual shapes."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str):
        return value, ""
    if not isinstance(value, dict):
        return "", ""
    error = value.get("error", value)
    if isinstance(error, str):
        return error, _word(value.get("code"))
    if not isinstance(error, dict):
        error = value
    for name in ("message", "detail", "error_description", "title", "msg"):
        said = error.get(name) or value.get(name)
        if said:
            message = said if isinstance(said, str) else msgspec.json.encode(said).decode()
            return message, _word(error.get("code")) or _word(error.get("type"))
    return "", _word(error.get("code"))


def _word(code: object) -> str:
    return code if isinstance(code, str) else ""
