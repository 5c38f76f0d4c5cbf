"""The JSON of Converse as private structs, strict: an unknown member sends the reader to the patient path.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and the service model that the
official Python client ships. A block's kind is the one member that it has.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw

from meshwright.wire.verbatim import NOTHING

NAME = "bedrock_converse"
"""This dialect's name."""


class Strict(msgspec.Struct, forbid_unknown_fields=True, rename="camel", gc=False):
    """A struct that refuses members it does not know, so that none is lost."""


class Place(Strict):
    """`s3Location` without an owner."""

    uri: str


class Source(Strict):
    """Where the bytes of an image, a document or a sound are."""

    data: str | None = msgspec.field(default=None, name="bytes")
    s3_location: Place | None = None
    text: str | None = None


class ImageBlock(Strict):
    format: str
    source: Source


class AudioBlock(Strict):
    format: str
    source: Source


class CitationsSwitch(Strict):
    enabled: bool = False


class DocumentBlock(Strict):
    name: str
    source: Source
    format: str | None = None
    context: str | None = None
    citations: CitationsSwitch | None = None


class ToolUseBlock(Strict):
    tool_use_id: str
    name: str
    input: Raw


class Inner(Strict):
    """A block of a tool's result."""

    text: str | None = None
    json: Raw = NOTHING
    image: ImageBlock | None = None
    document: DocumentBlock | None = None


class ToolResultBlock(Strict):
    tool_use_id: str
    content: list[Inner]
    status: Literal["success", "error"] | None = None


class ReasoningText(Strict):
    text: str
    signature: str | None = None


class ReasoningBlock(Strict):
    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class CachePoint(Strict):
    """No ttl means five minutes."""

    type: Literal["default"]
    ttl: Literal["5m", "1h"] | None = None


class Block(Strict):
    """A content block: exactly one of these, or one that the patient path reads."""

    text: str | None = None
    image: ImageBlock | None = None
    document: DocumentBlock | None = None
    audio: AudioBlock | None = None
    tool_use: ToolUseBlock | None = None
    tool_result: ToolResultBlock | None = None
    reasoning_content: ReasoningBlock | None = None
    cache_point: CachePoint | None = None


class Turn(Strict):
    """One of `messages`."""

    role: Literal["user", "assistant", "system"]
    content: list[Block]


class InputSchema(Strict):
    json: Raw


class ToolSpecification(Strict):
    name: str
    input_schema: InputSchema
    description: str | None = None
    strict: bool | None = None


class Tool(Strict):
    tool_spec: ToolSpecification | None = None
    cache_point: CachePoint | None = None


Share = Annotated[float, Meta(ge=0, le=1)]
NonNegative = Annotated[float, Meta(ge=0, le=2**60)]
Positive = Annotated[int, Meta(ge=1, le=2**53)]


class Inference(msgspec.Struct, rename="camel", gc=False):
    """`inferenceConfig`. A temperature over 1 is the API's to refuse, or not."""

    max_tokens: Positive | None = None
    temperature: NonNegative | None = None
    top_p: Share | None = None
    stop_sequences: list[str] | None = None


INFERRED = frozenset(Inference.__struct_encode_fields__)


class Body(msgspec.Struct, rename="camel"):
    """A request's members that have a place in `types`; the others are found by name in its source."""

    messages: list[Raw] | None = None
    system: list[Raw] | None = None
    inference_config: Raw = NOTHING
    tool_config: Raw = NOTHING
    additional_model_request_fields: Raw = NOTHING
    output_config: Raw = NOTHING
    request_metadata: Raw = NOTHING
    service_tier: Raw = NOTHING


KNOWN = frozenset(Body.__struct_encode_fields__)


class Tier(Strict):
    """`serviceTier`."""

    type: str


class SaidMessage(msgspec.Struct):
    """`output.message` of an answer."""

    content: list[Raw] | None = None
    role: str = "assistant"


class Output(msgspec.Struct):
    message: Raw = NOTHING


class Answer(msgspec.Struct, rename="camel"):
    """A whole answer."""

    output: Output
    stop_reason: str | None = None
    usage: Raw = NOTHING
    metrics: Raw = NOTHING
    service_tier: Raw = NOTHING


ANSWERED = frozenset(Answer.__struct_encode_fields__)
