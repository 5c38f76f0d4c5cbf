"""Where a request of this dialect goes: the model and whether to stream are in the path, not in the body.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and ..._ConverseStream.html
(POST /model/{modelId}/converse and /model/{modelId}/converse-stream).
"""

from __future__ import annotations

import msgspec

from meshwright.types.request import Request

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def path(model: str, stream: bool) -> str:
    """What follows the provider's base address. An ARN's ":" and "/" are percent-encoded (RFC 3986)."""
    name = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in model.encode())
    return f"/model/{name}/{'converse-stream' if stream else 'converse'}"


def of_path(path: str, query: str) -> tuple[str, bool] | None:
    """The inverse: (model, whether to stream) of a decoded path, None when it is another call's."""
    name, _, method = path.rpartition("/")
    model = name.removeprefix("/model/")
    if model in ("", name) or method not in ("converse", "converse-stream"):
        return None
    return model, method == "converse-stream"


def with_model(request: Request, model: str, stream: bool) -> Request:
    """A decoded request with what its path says. It keeps its source: the body says neither."""
    return msgspec.structs.replace(request, model=model, stream=stream, stream_usage=stream)
