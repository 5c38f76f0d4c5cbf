"""Error bodies, both ways.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (errors) and
https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html: the error's name is in the header `x-amzn-errortype` or
in the body as `__type` or `code`, maybe with a namespace before "#" or an address after ":"; its words are `message`.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from meshwright.types.errors import MeshError, UpstreamStatus
from meshwright.wire.complaints import complaint, kept_words, legible, plain, word
from meshwright.wire.verbatim import is_object

_TYPES = {
    400: "ValidationException",
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}
_IN_STREAM = {
    400: "validationException",
    424: "modelStreamErrorException",
    429: "throttlingException",
    503: "serviceUnavailableException",
}
IN_STREAM = frozenset({*_IN_STREAM.values(), "internalServerException"})
"""The exceptions that a stream may end with."""

_TOO_LONG = re.compile(r"input is too long|prompt is too long|maximum context|too many input tokens", re.IGNORECASE)
_ANY: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


def error_object(error: MeshError) -> dict[str, object]:
    """The error as the API would tell it, with our code, the field and the fix beside it."""
    words = complaint(error)
    found: dict[str, object] = {"message": words, "error_code": error.code}
    if error.field:
        found["param"] = error.field
    if error.fix:
        found["fix"] = error.fix
    return found


def encode_error(error: MeshError) -> bytes:
    """The body of an error answer; its `__type` is what the API's clients raise."""
    status = error.status
    kind = _TYPES.get(status) or ("ValidationException" if status < 500 else "InternalServerException")
    return msgspec.json.encode({"__type": kind, **error_object(error)})


def exception_name(error: MeshError) -> str:
    """The name of the exception that ends a stream."""
    status = error.status
    return _IN_STREAM.get(status) or ("validationException" if status < 500 else "internalServerException")


def decode_error(status: int, body: bytes, retry_after: float | None) -> UpstreamStatus:
    """What a provider's error answer says, whatever its shape: the API's JSON, another's, HTML, plain text, nothing."""
    words, kind = said(legible(body[: 64 * 1024]))
    words = kept_words(words, status)
    # A provider's refusal of our key keeps our own code: the caller's key is not what was refused.
    code = kind[:100] if kind and status not in (401, 403) else None
    if status == 400 and _TOO_LONG.search(words):  # the API has no word of its own for it
        code = "context_length_exceeded"
    return UpstreamStatus(words, status, code=code, body=body, retry_after=retry_after)


def said(body: bytes) -> tuple[str, str]:
    """(message, name) of an error body."""
    try:
        outer = _ANY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return plain(body), ""
    kind = word(outer.get("error_code")) or word(outer.get("__type")) or word(outer.get("code"))
    kind = kind.rpartition("#")[2].partition(":")[0]
    error = outer.get("error")
    if error is not None and is_object(error):  # what stands before the API may have its own way
        outer = _ANY.decode(error)
        kind = kind or word(outer.get("code")) or word(outer.get("type"))
    for name in ("message", "Message", "error", "detail", "originalMessage"):
        words = word(outer.get(name))
        if words:
            return words, kind
    return body.decode(errors="replace"), kind
