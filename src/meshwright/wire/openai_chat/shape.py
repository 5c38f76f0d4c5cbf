"""The JSON of the Chat Completions API as strict structs; `loose` has the same for what is not strict.

Source: OpenAI's API reference, "Create chat completion" (https://platform.openai.com/docs/api-reference/chat), and
where named the documentation of DeepSeek, vLLM, OpenRouter and Mistral for what they add to it.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from meshwright.wire.openai_chat.sift import PLACE

NAME = "openai_chat"


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Refuses members that it does not know, so that none is lost without a word."""


class CacheControl(_Strict, frozen=True):
    """Anthropic's cache mark, as OpenRouter and other gateways take it on content parts and tools."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class TextIn(_Strict, frozen=True, tag_field="type", tag="text"):
    text: str
    cache_control: CacheControl | None = None


class ImageUrl(_Strict, frozen=True):
    url: str
    detail: str | None = None


class ImageIn(_Strict, frozen=True, tag_field="type", tag="image_url"):
    image_url: ImageUrl | str
    cache_control: CacheControl | None = None
    index: int | None = None


class InputAudio(_Strict, frozen=True):
    data: str
    format: str


class AudioIn(_Strict, frozen=True, tag_field="type", tag="input_audio"):
    input_audio: InputAudio


class FileBody(_Strict, frozen=True):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FileIn(_Strict, frozen=True, tag_field="type", tag="file"):
    file: FileBody
    cache_control: CacheControl | None = None


class RefusalIn(_Strict, frozen=True, tag_field="type", tag="refusal"):
    refusal: str


class ThinkingIn(_Strict, frozen=True, tag_field="type", tag="thinking"):
    """Mistral's thought: a list of text (or reference) chunks. `closed` says that no more of it follows."""

    thinking: Raw
    closed: bool | None = None


class Elsewhere(_Strict, frozen=True, tag_field="type", tag=PLACE):
    """Stands for an element of an unknown type, which `Found.opaque` holds."""

    number: int


ContentPart = TextIn | ImageIn | AudioIn | FileIn | RefusalIn | ThinkingIn | Elsewhere | str
Content = str | list[ContentPart] | None


class Function(_Strict, frozen=True):
    name: str
    arguments: str | None = None


class Custom(_Strict, frozen=True):
    name: str
    input: str | None = None


class FunctionCallIn(_Strict, frozen=True, tag_field="type", tag="function"):
    function: Function
    id: str | None = None
    index: int | None = None


class CustomCallIn(_Strict, frozen=True, tag_field="type", tag="custom"):
    custom: Custom
    id: str | None = None
    index: int | None = None


CallIn = FunctionCallIn | CustomCallIn | Elsewhere


class SpokenIn(_Strict, frozen=True):
    """The `audio` of an assistant's message: in a request only its `id` counts."""

    id: str | None = None
    data: str | None = None
    transcript: str | None = None
    expires_at: int | None = None


class _Plain(_Strict, frozen=True, tag_field="role"):
    content: Content
    name: str | None = None


class SystemIn(_Plain, frozen=True, tag="system"):
    pass


class DeveloperIn(_Plain, frozen=True, tag="developer"):
    pass


class UserIn(_Plain, frozen=True, tag="user"):
    pass


class AssistantIn(_Strict, frozen=True, tag_field="role", tag="assistant"):
    """`reasoning_content` (DeepSeek) and `reasoning` (vLLM, OpenRouter) are plain thoughts, `images` OpenRouter's."""

    content: Content = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[CallIn] | None = None
    function_call: Function | None = None
    audio: SpokenIn | None = None
    annotations: list[Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    images: list[ImageIn] | None = None


class ToolIn(_Strict, frozen=True, tag_field="role", tag="tool"):
    tool_call_id: str
    content: Content = None
    name: str | None = None


class FunctionResultIn(_Strict, frozen=True, tag_field="role", tag="function"):
    """Before tools there were functions: their calls had no ids."""

    name: str
    content: Content = None


Turn = SystemIn | DeveloperIn | UserIn | AssistantIn | ToolIn | FunctionResultIn


class FunctionSpec(_Strict, frozen=True):
    name: str
    description: str | None = None
    parameters: Raw | UnsetType = UNSET
    strict: bool | None = None


class CustomSpec(_Strict, frozen=True):
    name: str
    description: str | None = None
    format: Raw | UnsetType = UNSET


class FunctionToolIn(_Strict, frozen=True, tag_field="type", tag="function"):
    function: FunctionSpec
    cache_control: CacheControl | None = None


class CustomToolIn(_Strict, frozen=True, tag_field="type", tag="custom"):
    custom: CustomSpec
    cache_control: CacheControl | None = None


Tool = FunctionToolIn | CustomToolIn | Elsewhere


class Body(msgspec.Struct, frozen=True):
    """The members of a request that mean something here. Unknown ones are found in its Source."""

    model: Annotated[str, Meta(min_length=1)]
    messages: list[Turn]
    stream: bool | None = None
    stream_options: Raw | UnsetType = UNSET
    max_tokens: Annotated[int, Meta(ge=0)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=0)] | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=-1)] | None = None
    n: Annotated[int, Meta(ge=1)] | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Raw | UnsetType = UNSET
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0)] | None = None
    tools: list[Tool] | None = None
    tool_choice: Raw | UnsetType = UNSET
    functions: list[FunctionSpec] | None = None
    function_call: Raw | UnsetType = UNSET
    parallel_tool_calls: bool | None = None
    response_format: Raw | UnsetType = UNSET
    reasoning_effort: Raw | UnsetType = UNSET
    reasoning: Raw | UnsetType = UNSET
    modalities: list[str] | None = None
    audio: Raw | UnsetType = UNSET
    verbosity: str | None = None
    user: str | None = None
    metadata: Raw | UnsetType = UNSET
    cache_control: Raw | UnsetType = UNSET
    prompt_cache_key: str | None = None
    service_tier: str | None = None
    store: bool | None = None


class Probability(msgspec.Struct, frozen=True):
    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top_logprobs: list[Probability] | None = None


class Logprobs(_Strict, frozen=True):
    content: list[Probability] | None = None
    refusal: list[Probability] | None = None


class MessageIn(_Strict, frozen=True):
    """An answer's message."""

    role: str | None = None
    content: Content = None
    refusal: str | None = None
    tool_calls: list[CallIn] | None = None
    function_call: Function | None = None
    audio: SpokenIn | None = None
    annotations: list[Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    images: list[ImageIn] | None = None


class ChoiceIn(_Strict, frozen=True):
    """`stop_reason` is vLLM's: the stop sequence (or token) that ended the answer. Azure's filter leaves no message."""

    message: MessageIn | None = None
    index: int | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | None = None
    stop_reason: str | None = None


class FunctionPiece(_Strict, frozen=True):
    name: str | None = None
    arguments: str | None = None


class CustomPiece(_Strict, frozen=True):
    name: str | None = None
    input: str | None = None


class CallPiece(_Strict, frozen=True):
    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: FunctionPiece | None = None
    custom: CustomPiece | None = None


class DeltaIn(_Strict, frozen=True):
    content: Content = None
    role: str | None = None
    refusal: str | None = None
    tool_calls: list[CallPiece] | None = None
    function_call: FunctionPiece | None = None
    audio: SpokenIn | None = None
    annotations: list[Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    images: list[ImageIn] | None = None


class ChoicePiece(_Strict, frozen=True):
    delta: DeltaIn | None = None
    index: int | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | None = None
    stop_reason: str | None = None


class Chunk(_Strict, frozen=True):
    """One event of a stream. `obfuscation` is padding against eavesdroppers and means nothing."""

    choices: list[ChoicePiece] | None = None
    id: str | None = None
    model: str | None = None
    created: float | None = None
    object: str | None = None
    service_tier: str | None = None
    usage: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET
    system_fingerprint: Raw | UnsetType = UNSET
    provider: Raw | UnsetType = UNSET
    obfuscation: str | None = None
