"""Counting the tokens of a request: POST /v1/messages/count_tokens, both ways.

Source: https://platform.claude.com/docs/en/api/messages/count_tokens. The body is that of a request without the members
that only matter while answering; the answer is `{"input_tokens": N}`.
"""

from __future__ import annotations

import msgspec

from meshwright.types.request import Request
from meshwright.wire.anthropic_messages.request_in import read_request
from meshwright.wire.anthropic_messages.request_out import request_body
from meshwright.wire.anthropic_messages.shapes import NAME
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.faithful import rewritten
from meshwright.wire.notes import Notes
from meshwright.wire.reading import provider_json

PATH = "/messages/count_tokens"
"""Appended to a provider's base address."""

_ONLY_ANSWERING = (
    "container", "diagnostics", "inference_geo", "max_tokens", "metadata", "service_tier", "stop_sequences", "stream",
    "temperature", "top_k", "top_p",
)  # fmt: skip


class _Count(msgspec.Struct):
    input_tokens: int


_COUNT: msgspec.json.Decoder[_Count] = msgspec.json.Decoder(_Count)


def decode_count_request(body: bytes) -> Request:
    """A client's question for the tokens of a request. Raises InvalidRequest that names the field, TooLarge."""
    return read_request(body)


def encode_count_request(request: Request, target: Target) -> Encoded:
    """The same question for a provider; also of a request that was to be answered."""
    if request.source is not None and request.source.dialect == NAME:
        left_out = dict.fromkeys(name for name in _ONLY_ANSWERING if name in request.source.fields)
        model = msgspec.Raw(msgspec.json.encode(target.model))
        return Encoded(rewritten(request.source, {"model": model, **left_out}))
    notes = Notes()
    body = request_body(request, target, notes)
    counted = {name: value for name, value in body.items() if name not in _ONLY_ANSWERING}
    # The limit that an answer would need is no part of the question.
    adaptations = tuple(note for note in notes.found if note.field != "max_tokens")
    return Encoded(msgspec.json.encode(counted), adaptations)


def decode_count(body: bytes) -> int:
    """A provider's answer: input tokens, cached ones included. Raises UpstreamProtocol."""
    return provider_json(_COUNT, body, "token count").input_tokens


def encode_count(input_tokens: int) -> bytes:
    """The answer for a client."""
    return msgspec.json.encode({"input_tokens": input_tokens})
