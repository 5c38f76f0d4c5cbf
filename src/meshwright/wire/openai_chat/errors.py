"""Errors: ours as the API's error object, and a provider's, whatever its shape, as an UpstreamStatus."""

from __future__ import annotations

import html
from typing import Any

import msgspec

from meshwright.types.errors import MeshError, UpstreamStatus
from meshwright.types.response import Failed
from meshwright.wire.complaints import LONGEST, headline, openai_error

_ANY: msgspec.json.Decoder[object] = msgspec.json.Decoder()


def encode_error(error: MeshError) -> bytes:
    """The body of an error answer."""
    return msgspec.json.encode(openai_error(error))


def decode_error(status: int, body: bytes, retry_after: float | None = None) -> UpstreamStatus:
    """A provider's error by its status and words.

    Read are OpenAI's `{"error": {...}}`, a list of one such (Google), `{"error": "..."}` (Ollama), `{"message": "..."}`
    (Mistral), `{"detail": ...}` (FastAPI servers such as vLLM), a page of HTML, plain text, and nothing.
    """
    message, code = _words(body)
    if not message:
        message = f"The provider answered with status {status} and no explanation."
    refused_us = status in (401, 403)  # their word about our key must not look like one about the caller's
    return UpstreamStatus(
        message[:LONGEST], status, code=None if refused_us else code, body=body[:LONGEST], retry_after=retry_after
    )


def error_words(error: Any) -> tuple[str, str]:
    """(message, code) of an error as decoded JSON of any shape; the code falls back to its type."""
    if isinstance(error, list) and error:
        error = error[0]
    if isinstance(error, str):
        return error, ""
    if not isinstance(error, dict):
        return "", ""
    inner = error.get("error")
    if isinstance(inner, dict | str):
        message, code = error_words(inner)
        if message:
            return message, code
    code = next((one for one in (error.get("code"), error.get("type")) if isinstance(one, str) and one), "")
    for name in ("message", "detail", "msg", "error_description"):
        said = error.get(name)
        if isinstance(said, str) and said:
            return said, code
        if isinstance(said, list | dict) and said:
            return msgspec.json.encode(said).decode("utf-8"), code
    return "", code


def failure(name: bytes, payload: bytes) -> Failed | None:
    """The error that an event of a stream reports, if it is one.

    Besides OpenAI's `{"error": {...}}` these are an event named "error", vLLM's older `{"object": "error", ...}`, a
    bare message, and Google's list.
    """
    try:
        value = _ANY.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if name != b"error":
            return None
        value = payload.decode("utf-8", "replace")
    inner = value.get("error") if isinstance(value, dict) else None
    if name != b"error" and not inner:
        if isinstance(value, dict):
            if value.get("choices") or not (value.get("object") == "error" or isinstance(value.get("message"), str)):
                return None
        elif not isinstance(value, list) or not error_words(value)[0]:
            return None
    message, code = error_words(value)
    kind = inner.get("type") if isinstance(inner, dict) else None
    message = message or "The provider reported an error in its stream, without words."
    return Failed(message[:LONGEST], kind if isinstance(kind, str) else "", code)


def _words(body: bytes) -> tuple[str, str | None]:
    text = body[: 64 * LONGEST].decode("utf-8", "replace").strip()
    if text[:1] in ("{", "["):
        try:
            message, code = error_words(msgspec.json.decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return text, None
        return message or text, code or None
    if text[:1] == "<":
        text = " ".join(html.unescape(headline(text)).split())
    return text, None
