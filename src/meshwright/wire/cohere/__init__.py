"""Cohere's Chat API, version 2: POST /v2/chat (https://docs.cohere.com/reference/chat)."""

from __future__ import annotations

import re

from meshwright.wire.cohere.errors import decode_error, encode_error
from meshwright.wire.cohere.request_in import decode_request
from meshwright.wire.cohere.request_out import encode_request
from meshwright.wire.cohere.response import decode_response, encode_response
from meshwright.wire.cohere.stream_in import Decoder
from meshwright.wire.cohere.stream_out import Encoder
from meshwright.wire.cohere.tap import Listener
from meshwright.wire.dialect import Dialect
from meshwright.wire.whole_numbers import taking_whole_floats

__all__ = ["DIALECT"]

# The provider's base address ends in /v2.
DIALECT = Dialect(
    name="cohere",
    path="/chat",
    root="/v2",
    models="",
    decode_request=taking_whole_floats(decode_request),
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    stream_decoder=Decoder,
    stream_encoder=Encoder,
    tap=Listener,
    encode_error=encode_error,
    decode_error=decode_error,
    useful=re.compile(rb"content-delta|tool-plan-delta|tool-call-start|message-end"),
)
