"""Google's generateContent: the Gemini API of AI Studio and of Vertex AI.

Source: https://ai.google.dev/api/generate-content.
"""

from __future__ import annotations

import re

from meshwright.wire.dialect import Dialect
from meshwright.wire.gemini.address import of_path, path, with_model
from meshwright.wire.gemini.catalogue import encode_models
from meshwright.wire.gemini.errors import decode_error, encode_error
from meshwright.wire.gemini.request_in import decode_request
from meshwright.wire.gemini.request_out import encode_request
from meshwright.wire.gemini.response_in import decode_response
from meshwright.wire.gemini.response_out import encode_response
from meshwright.wire.gemini.shapes import NAME
from meshwright.wire.gemini.stream_in import Decoder
from meshwright.wire.gemini.stream_out import Encoder
from meshwright.wire.gemini.tap import Listener
from meshwright.wire.whole_numbers import taking_whole_floats

DIALECT = Dialect(
    name=NAME,
    path="/models",
    path_of=path,
    of_path=of_path,
    with_path=with_model,
    root="/v1beta",
    encode_models=encode_models,
    decode_request=taking_whole_floats(decode_request),
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    stream_decoder=Decoder,
    stream_encoder=Encoder,
    tap=Listener,
    encode_error=encode_error,
    decode_error=decode_error,
    useful=re.compile(rb'"text": ?"[^"]|"(?:functionCall|inlineData|finishReason|executableCode)"'),
)

__all__ = ["DIALECT"]
