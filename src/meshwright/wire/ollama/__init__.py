"""Ollama's own API: POST /api/chat, whose streams are lines of JSON (https://docs.ollama.com/api/chat)."""

from __future__ import annotations

from meshwright.wire.dialect import Dialect
from meshwright.wire.ollama.errors import decode_error, encode_error
from meshwright.wire.ollama.request_in import decode_request
from meshwright.wire.ollama.request_out import encode_request
from meshwright.wire.ollama.response import decode_response, encode_response
from meshwright.wire.ollama.stream_in import Decoder
from meshwright.wire.ollama.stream_out import Encoder
from meshwright.wire.ollama.tap import Listener
from meshwright.wire.whole_numbers import taking_whole_floats

__all__ = ["DIALECT"]

# The provider's base address is that of the server, without the /v1 of its other, OpenAI-like API.
DIALECT = Dialect(
    name="ollama",
    path="/api/chat",
    event_stream="application/x-ndjson",
    decode_request=taking_whole_floats(decode_request),
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    stream_decoder=Decoder,
    stream_encoder=Encoder,
    tap=Listener,
    encode_error=encode_error,
    decode_error=decode_error,
)
