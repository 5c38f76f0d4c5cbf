"""Ollama's own API: POST /api/chat, whose streams are lines of JSON (https://docs.ollama.com/api/chat)."""

from __future__ import annotations

import re

import msgspec

from meshwright.wire.dialect import Dialect
from meshwright.wire.ollama.errors import decode_error, encode_error
from meshwright.wire.ollama.generate import (
    GENERATE,
    decode_generate_request,
    encode_generate_request,
    encode_generate_response,
    generate_encoder,
)
from meshwright.wire.ollama.models import TAGS, encode_names
from meshwright.wire.ollama.request_in import decode_request
from meshwright.wire.ollama.request_out import encode_request
from meshwright.wire.ollama.response import decode_response, encode_response
from meshwright.wire.ollama.stream_in import Decoder
from meshwright.wire.ollama.stream_out import Encoder
from meshwright.wire.ollama.tap import Listener
from meshwright.wire.whole_numbers import taking_whole_floats

__all__ = ["DIALECT", "ONE_PROMPT"]


# The provider's base address is that of the server, without the /v1 of its other, OpenAI-like API.
_CHAT = Dialect(
    name="ollama",
    path="/api/chat",
    event_stream="application/x-ndjson",
    root="",
    models=TAGS,
    encode_models=encode_names,
    decode_request=taking_whole_floats(decode_request),
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    stream_decoder=Decoder,
    stream_encoder=Encoder,
    tap=Listener,
    encode_error=encode_error,
    decode_error=decode_error,
    useful=re.compile(rb'"(?:content|thinking|response)": ?"[^"]|"tool_calls": ?\[|"done": ?true'),
)

ONE_PROMPT = msgspec.structs.replace(
    _CHAT,
    name=GENERATE,
    path="/api/generate",
    decode_request=taking_whole_floats(decode_generate_request),
    encode_request=encode_generate_request,
    encode_response=encode_generate_response,
    stream_encoder=generate_encoder,
)
DIALECT = msgspec.structs.replace(_CHAT, also=(ONE_PROMPT,))
