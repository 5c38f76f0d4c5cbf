"""The Converse API of Amazon Bedrock (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html)."""

from __future__ import annotations

import re

from meshwright.wire.bedrock_converse.address import of_path, path, with_model
from meshwright.wire.bedrock_converse.errors import decode_error, encode_error
from meshwright.wire.bedrock_converse.eventstream import MEDIA_TYPE
from meshwright.wire.bedrock_converse.request_in import decode_request
from meshwright.wire.bedrock_converse.request_out import encode_request
from meshwright.wire.bedrock_converse.response import decode_response, encode_response
from meshwright.wire.bedrock_converse.stream_in import Decoder
from meshwright.wire.bedrock_converse.stream_out import Encoder
from meshwright.wire.bedrock_converse.tap import Listener
from meshwright.wire.dialect import Dialect
from meshwright.wire.whole_numbers import taking_whole_floats

__all__ = ["DIALECT"]

DIALECT = Dialect(
    name="bedrock_converse",
    path="/model",
    path_of=path,
    of_path=of_path,
    with_path=with_model,
    root="",
    models="",
    event_stream=MEDIA_TYPE,
    decode_request=taking_whole_floats(decode_request),
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    stream_decoder=Decoder,
    stream_encoder=Encoder,
    tap=Listener,
    encode_error=encode_error,
    decode_error=decode_error,
    useful=re.compile(rb"contentBlockDelta|toolUse|messageStop"),
)
