"""Claude on Google's Vertex AI: the model is in the path, and the body says the version that is a header elsewhere.

Source: https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai (POST
.../publishers/anthropic/models/{model}:rawPredict, and :streamRawPredict with `"stream": true`).
"""

from __future__ import annotations

from msgspec import Raw

QUIRK = "vertex"
DIALECT = "anthropic_messages"
VERSION = "vertex-2023-10-16"
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@")


def path(model: str, stream: bool) -> str:
    """What follows the publisher's address, percent-encoded."""
    name = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in model.encode())
    return f"/models/{name}:{'streamRawPredict' if stream else 'rawPredict'}"


def members() -> dict[str, Raw | None]:
    """The changes to a body's members."""
    return {"model": None, "anthropic_version": Raw(b'"' + VERSION.encode() + b'"')}
