"""The JSON of Cohere's chat as private structs; unknown members are found by name and kept.

Source: https://docs.cohere.com/reference/chat and the types of the official Python client.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw

from meshwright.wire.verbatim import NOTHING

NAME = "cohere"
"""This dialect's name."""


class Strict(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A struct that refuses members it does not know, so that none is lost."""


class TextBlock(Strict, tag="text", tag_field="type"):
    text: str


class ThinkingBlock(Strict, tag="thinking", tag_field="type"):
    thinking: str


class Address(Strict):
    url: str
    detail: str | None = None


class ImageBlock(Strict, tag="image_url", tag_field="type"):
    image_url: Address


class Paper(Strict):
    """A document: an object of its members, or the text alone, which the API takes as well."""

    data: Raw
    id: str | None = None


class DocumentBlock(Strict, tag="document", tag_field="type"):
    document: Paper


Block = TextBlock | ThinkingBlock | ImageBlock | DocumentBlock
BLOCKS: dict[str, type[Block]] = {
    "text": TextBlock,
    "thinking": ThinkingBlock,
    "image_url": ImageBlock,
    "document": DocumentBlock,
}


class Function(Strict):
    name: str = ""
    arguments: str | None = None


class Call(Strict):
    id: str
    function: Function
    type: Literal["function"] | None = None


class Turn(Strict):
    """One of `messages`, and the message of an answer."""

    role: Literal["system", "developer", "user", "assistant", "tool"] | None = None
    content: str | list[Block] | None = None
    tool_calls: list[Call] | None = None
    tool_plan: str | None = None
    tool_call_id: str | None = None
    citations: list[Raw] | None = None


NonNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Positive = Annotated[int, Meta(ge=1, le=2**53)]


class Body(msgspec.Struct):
    """A request's members that have a place in `types`; the others are found by name in its source."""

    model: str
    messages: list[Raw]
    stream: bool | None = None
    tools: list[Raw] | None = None
    strict_tools: bool | None = None
    documents: list[Raw] | None = None
    response_format: Raw = NOTHING
    max_tokens: Positive | None = None
    stop_sequences: list[str] | None = None
    temperature: NonNegative | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    k: Count | None = None
    p: Share | None = None
    logprobs: bool | None = None
    tool_choice: str | None = None
    thinking: Raw = NOTHING


KNOWN = frozenset(Body.__struct_fields__)


class Chunk(msgspec.Struct, gc=False):
    """A piece of an answer with the probabilities of its tokens."""

    text: str | None = None
    token_ids: list[int] | None = None
    logprobs: list[float] | None = None


class Answer(msgspec.Struct):
    """A whole answer. `model` is ours: the API does not tell it, and its clients let it stand."""

    message: Raw
    id: str = ""
    model: str | None = None
    finish_reason: str | None = None
    usage: Raw = NOTHING
    logprobs: list[Chunk] | None = None


ANSWERED = frozenset(Answer.__struct_fields__)
