"""The Anthropic Messages API: POST /v1/messages, version 2023-06-01 (https://platform.claude.com/docs/en/api/messages)."""

from __future__ import annotations

import re

from meshwright.wire.anthropic_messages.errors import decode_error, encode_error
from meshwright.wire.anthropic_messages.request_in import decode_request
from meshwright.wire.anthropic_messages.request_out import encode_request
from meshwright.wire.anthropic_messages.response import decode_response, encode_response
from meshwright.wire.anthropic_messages.stream_in import Decoder
from meshwright.wire.anthropic_messages.stream_out import Encoder
from meshwright.wire.anthropic_messages.tap import Listener
from meshwright.wire.dialect import Dialect
from meshwright.wire.whole_numbers import taking_whole_floats

__all__ = ["DIALECT"]

# Version 2026-10-21 differs only in what it refuses (sampling parameters, documents of the assistant, citations of the
# user); 2023-06-01 lets the models that take them have them, and every compatible server knows it.
DIALECT = Dialect(
    name="anthropic_messages",
    path="/messages",
    headers=(("anthropic-version", "2023-06-01"),),
    decode_request=taking_whole_floats(decode_request),
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    stream_decoder=Decoder,
    stream_encoder=Encoder,
    tap=Listener,
    encode_error=encode_error,
    decode_error=decode_error,
    useful=re.compile(rb'content_block_delta|"type": ?"(?:tool_use|server_tool_use|redacted_thinking)"|message_delta'),
)
