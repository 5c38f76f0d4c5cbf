"""OpenAI's Chat Completions API, as OpenAI's clients and the many compatible servers speak it."""

from __future__ import annotations

import re

from meshwright.wire.dialect import Dialect
from meshwright.wire.openai_chat.errors import decode_error, encode_error
from meshwright.wire.openai_chat.request_in import decode_request
from meshwright.wire.openai_chat.request_out import encode_request
from meshwright.wire.openai_chat.response import decode_response
from meshwright.wire.openai_chat.response_out import encode_response
from meshwright.wire.openai_chat.shape import NAME
from meshwright.wire.openai_chat.stream_in import stream_decoder
from meshwright.wire.openai_chat.stream_out import stream_encoder
from meshwright.wire.openai_chat.tap import tap
from meshwright.wire.whole_numbers import taking_whole_floats

DIALECT = Dialect(
    name=NAME,
    path="/chat/completions",
    decode_request=taking_whole_floats(decode_request),
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    stream_decoder=stream_decoder,
    stream_encoder=stream_encoder,
    tap=tap,
    encode_error=encode_error,
    decode_error=decode_error,
    useful=re.compile(
        rb'"(?:content|refusal|reasoning|reasoning_content|name|text)": ?"[^"]'
        rb'|"(?:tool_calls|function_call|audio)": ?[\[{]|"finish_reason": ?"'
    ),
)

__all__ = ["DIALECT"]
