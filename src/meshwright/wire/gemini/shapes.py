"""The JSON of generateContent as private structs, strict: an unknown member sends the reader to the patient path.

Source: https://ai.google.dev/api/generate-content, https://ai.google.dev/api/caching (Content, Part, Tool) and the
types of the official Python client. A part's kind is the one data member that it has.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw

from meshwright.wire.verbatim import NOTHING

NAME = "gemini"
"""This dialect's name."""


class Strict(msgspec.Struct, forbid_unknown_fields=True, rename="camel", gc=False):
    """A struct that refuses members it does not know, so that none is lost."""


class Blob(Strict):
    """`inlineData`: base64 bytes."""

    data: str
    mime_type: str = ""
    display_name: str | None = None


class FileData(Strict):
    file_uri: str
    mime_type: str = ""
    display_name: str | None = None


class FunctionCall(Strict):
    name: str
    id: str | None = None
    args: Raw = NOTHING


class Media(Strict):
    """One of a function response's `parts`."""

    inline_data: Blob | None = None
    file_data: FileData | None = None


class FunctionResponse(Strict):
    name: str = ""
    id: str | None = None
    response: Raw = NOTHING
    parts: list[Raw] | None = None


class Part(Strict):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None


DATA: dict[str, type[Strict]] = {
    "functionCall": FunctionCall,
    "functionResponse": FunctionResponse,
    "inlineData": Blob,
    "fileData": FileData,
}
"""The data members that are objects which a part of ours can hold."""

ABOUT = frozenset(
    {
        "thought", "thoughtSignature", "partMetadata", "mediaResolution", "videoMetadata", "mediaProcessing",
        "speechMetadata", "documentMetadata", "spreadsheetMetadata", "audioMetadata", "audioTranscription",
    }
)  # fmt: skip
"""Members that stand beside the data and tell of it."""


class Content(Strict):
    """One turn; no role means the user."""

    parts: list[Part] | None = None
    role: str | None = None


class PlainPart(Strict):
    text: str


class PlainContent(Strict):
    """A turn of words alone, as most are."""

    parts: list[PlainPart]
    role: Literal["user", "model"] | None = None


Finite = Annotated[float, Meta(ge=-(2**60), le=2**60)]
NonNegative = Annotated[float, Meta(ge=0, le=2**60)]
Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[int, Meta(ge=1, le=2**53)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class Generation(msgspec.Struct, rename="camel", gc=False):
    """`generationConfig`: its members that have a place in `types`. The Python client writes `topK` as 40.0."""

    temperature: NonNegative | None = None
    top_p: Share | None = None
    top_k: NonNegative | None = None
    candidate_count: Positive | None = None
    max_output_tokens: Positive | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    presence_penalty: Finite | None = None
    frequency_penalty: Finite | None = None
    response_logprobs: bool | None = None
    logprobs: Count | None = None
    response_mime_type: str | None = None
    response_schema: Raw = NOTHING
    response_json_schema: Raw = NOTHING
    response_modalities: list[str] | None = None
    speech_config: Raw = NOTHING
    thinking_config: Raw = NOTHING


CONFIGURED = frozenset(Generation.__struct_encode_fields__)

REQUESTED = frozenset(
    {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "serviceTier", "model"}
)
"""Members of a request that have a place in `types`."""

KNOWN = REQUESTED | {"safetySettings", "cachedContent", "labels", "store"}
"""Those whose other spelling is known."""


class Candidate(Strict):
    """One answer, or in a stream the next piece of one."""

    content: Raw = NOTHING
    index: Count | None = None
    finish_reason: str | None = None
    citation_metadata: Raw = NOTHING
    grounding_metadata: Raw = NOTHING
    logprobs_result: Raw = NOTHING


CHOSEN = frozenset(Candidate.__struct_encode_fields__)


class Answer(Strict):
    """A GenerateContentResponse, or in its place an error."""

    candidates: list[Raw] | None = None
    prompt_feedback: Raw = NOTHING
    usage_metadata: Raw = NOTHING
    model_version: str = ""
    response_id: str = ""
    create_time: Raw = NOTHING
    error: Raw = NOTHING


ANSWERED = frozenset(Answer.__struct_encode_fields__)
