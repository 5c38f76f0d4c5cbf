"""The JSON of the Messages API as private structs, strict: an unknown member sends the reader to the patient path.

Source: https://platform.claude.com/docs/en/api/messages/create and the types of the official Python client.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw

from meshwright.wire.verbatim import NOTHING

NAME = "anthropic_messages"
"""This dialect's name."""


class Strict(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A struct that refuses members it does not know, so that none is lost."""


class CacheMark(Strict):
    """`cache_control`; no ttl means five minutes."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class Base64Source(Strict, tag="base64", tag_field="type"):
    data: str
    media_type: str = ""


class UrlSource(Strict, tag="url", tag_field="type"):
    url: str


class FileSource(Strict, tag="file", tag_field="type"):
    file_id: str


class TextSource(Strict, tag="text", tag_field="type"):
    data: str
    media_type: str = "text/plain"


class CitationsSwitch(Strict):
    enabled: bool = False


class TextBlock(Strict, tag="text", tag_field="type"):
    text: str
    cache_control: CacheMark | None = None
    citations: list[Raw] | None = None


class ImageBlock(Strict, tag="image", tag_field="type"):
    source: Base64Source | UrlSource | FileSource
    cache_control: CacheMark | None = None


class DocumentBlock(Strict, tag="document", tag_field="type"):
    source: Base64Source | UrlSource | FileSource | TextSource
    cache_control: CacheMark | None = None
    citations: CitationsSwitch | None = None
    context: str | None = None
    title: str | None = None


class ToolUseBlock(Strict, tag="tool_use", tag_field="type"):
    """`caller` stands here because every answer of today's models has it; only "direct" says nothing."""

    id: str
    name: str
    input: Raw
    cache_control: CacheMark | None = None
    caller: Raw = NOTHING


class ToolResultBlock(Strict, tag="tool_result", tag_field="type"):
    tool_use_id: str
    content: str | list[TextBlock | ImageBlock | DocumentBlock] | None = None
    is_error: bool | None = None
    cache_control: CacheMark | None = None


class ThinkingBlock(Strict, tag="thinking", tag_field="type"):
    thinking: str
    signature: str = ""


class RedactedThinkingBlock(Strict, tag="redacted_thinking", tag_field="type"):
    data: str


Block = TextBlock | ImageBlock | DocumentBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock | RedactedThinkingBlock
BLOCKS: dict[str, type[Block]] = {
    "text": TextBlock,
    "image": ImageBlock,
    "document": DocumentBlock,
    "tool_use": ToolUseBlock,
    "tool_result": ToolResultBlock,
    "thinking": ThinkingBlock,
    "redacted_thinking": RedactedThinkingBlock,
}


class Turn(Strict):
    """One of `messages`. Models from Claude Opus 4.8 on know the role `system` here."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block] | None


class Tool(Strict):
    name: str
    input_schema: Raw
    type: Literal["custom"] | None = None
    description: str | None = None
    strict: bool | None = None
    cache_control: CacheMark | None = None


class Choice(Strict):
    """`tool_choice`."""

    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


NonNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class Body(msgspec.Struct):
    """A request's members that have a place in `types`; the others are found by name in its source."""

    model: str
    messages: list[Raw]
    max_tokens: Count | None = None
    system: Raw = NOTHING
    stream: bool | None = None
    temperature: NonNegative | None = None
    top_p: Share | None = None
    top_k: Count | None = None
    stop_sequences: list[str] | None = None
    tools: list[Raw] | None = None
    tool_choice: Raw = NOTHING
    thinking: Raw = NOTHING
    output_config: Raw = NOTHING
    output_format: Raw = NOTHING
    metadata: Raw = NOTHING
    cache_control: Raw = NOTHING
    service_tier: str | None = None


KNOWN = frozenset(Body.__struct_fields__)


class Answer(msgspec.Struct):
    """A whole answer (`type: message`)."""

    content: list[Raw] | None
    id: str = ""
    model: str = ""
    type: str = "message"
    role: str = "assistant"
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Raw = NOTHING


ANSWERED = frozenset(Answer.__struct_fields__)
