"""The Responses API of OpenAI (https://platform.openai.com/docs/api-reference/responses)."""

import re

from meshwright.wire.dialect import Dialect
from meshwright.wire.openai_responses.errors import decode_error, encode_error
from meshwright.wire.openai_responses.members import NAME
from meshwright.wire.openai_responses.request_in import decode_request
from meshwright.wire.openai_responses.request_out import encode_request
from meshwright.wire.openai_responses.response_in import decode_response
from meshwright.wire.openai_responses.response_out import encode_response
from meshwright.wire.openai_responses.stream_in import ResponsesDecoder
from meshwright.wire.openai_responses.stream_out import ResponsesEncoder
from meshwright.wire.openai_responses.tap import ResponsesTap, following
from meshwright.wire.whole_numbers import taking_whole_floats

DIALECT = Dialect(
    name=NAME,
    path="/responses",
    decode_request=taking_whole_floats(decode_request),
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    stream_decoder=ResponsesDecoder,
    stream_encoder=ResponsesEncoder,
    tap=ResponsesTap,
    following=following,
    encode_error=encode_error,
    decode_error=decode_error,
    useful=re.compile(rb'\.delta"|response\.(?:output_item\.done|completed|incomplete|failed)'),
)
