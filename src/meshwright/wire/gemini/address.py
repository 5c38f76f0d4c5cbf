"""Where a request of this dialect goes: model and method are in the path, not in the body.

Source: https://ai.google.dev/api/generate-content (POST {base}/models/{model}:generateContent and
:streamGenerateContent?alt=sse); Vertex AI has the same below .../publishers/google.
"""

from __future__ import annotations

import msgspec

from meshwright.types.request import Request

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@")
_COLLECTIONS = ("models", "tunedModels", "endpoints")


def path(model: str, stream: bool) -> str:
    """What follows the provider's base address, percent-encoded (RFC 3986): "/models/gemini-x:generateContent".

    `model` is a name, or a name with its collection: "models/x", "tunedModels/x", "endpoints/7".
    """
    collection, slash, name = model.partition("/")
    if not slash or collection not in _COLLECTIONS:
        collection, name = "models", model
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/{collection}/{_encoded(name)}:{method}"


def of_path(path: str, query: str) -> tuple[str, bool] | None:
    """The inverse: (model, whether to stream) of a decoded path below the base address, None when it is another call's.

    A stream that is not one of events is another call: providers are never asked for it.
    """
    name, colon, method = path.rpartition(":")
    collection, _, model = name.removeprefix("/").partition("/")
    if not colon or collection not in _COLLECTIONS or not model:
        return None
    model = model if collection == "models" else f"{collection}/{model}"
    if method == "generateContent":
        return model, False
    return (model, True) if method == "streamGenerateContent" and as_events(query) else None


def as_events(query: str) -> bool:
    """Whether a stream is asked for as server-sent events; else it is one JSON list that grows."""
    return "alt=sse" in query.split("&")


def with_model(request: Request, model: str, stream: bool) -> Request:
    """A decoded request with what its path says. It keeps its source: the body says neither."""
    return msgspec.structs.replace(request, model=model.removeprefix("models/"), stream=stream, stream_usage=stream)


def _encoded(name: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in name.encode())
