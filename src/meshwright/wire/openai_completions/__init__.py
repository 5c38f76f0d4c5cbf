"""OpenAI's older API for one prompt: POST /v1/completions (https://platform.openai.com/docs/api-reference/completions)."""

from __future__ import annotations

from meshwright.wire.dialect import Dialect
from meshwright.wire.openai_completions.errors import decode_error, encode_error
from meshwright.wire.openai_completions.request import decode_request, encode_request
from meshwright.wire.openai_completions.response import decode_response, encode_response
from meshwright.wire.openai_completions.shape import NAME
from meshwright.wire.openai_completions.stream_in import Decoder
from meshwright.wire.openai_completions.stream_out import Encoder
from meshwright.wire.openai_completions.tap import Listener
from meshwright.wire.whole_numbers import taking_whole_floats

DIALECT = Dialect(
    name=NAME,
    path="/completions",
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

__all__ = ["DIALECT"]
