"""The JSON of Ollama's chat as private structs, strict: an unknown member sends the reader to the patient path.

Source: https://docs.ollama.com/api/chat, `docs/openapi.yaml` of the project, and the types of its Python client. `id`
of a call and `tool_call_id` of a result are newer than that file; servers of before leave them out and ignore them.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw

from meshwright.wire.verbatim import NOTHING

NAME = "ollama"
"""This dialect's name."""


class Strict(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A struct that refuses members it does not know, so that none is lost."""


class Function(Strict):
    """What a call calls. `index` counts the calls of an answer."""

    name: str
    arguments: Raw = NOTHING
    index: int | None = None


class Call(Strict):
    function: Function
    id: str | None = None
    type: Literal["function"] | None = None


class Turn(Strict):
    """One message, of a request or an answer."""

    role: Literal["system", "developer", "user", "assistant", "tool"] | None = None
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[Call] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


NonNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Whole = Annotated[int, Meta(ge=-(2**53), le=2**53)]


class Options(msgspec.Struct):
    """The members of `options` that have a place in `types`."""

    temperature: NonNegative | None = None
    top_p: Share | None = None
    top_k: Whole | None = None
    num_predict: Whole | None = None
    stop: str | list[str] | None = None
    seed: Whole | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


OPTIONS = frozenset(Options.__struct_fields__)


class Body(msgspec.Struct):
    """A request's members that have a place in `types`; the others are found by name in its source."""

    model: str
    messages: list[Raw]
    stream: bool | None = None
    tools: list[Raw] | None = None
    format: Raw = NOTHING
    think: Raw = NOTHING
    options: Raw = NOTHING
    logprobs: bool | None = None
    top_logprobs: Count | None = None


KNOWN = frozenset(Body.__struct_fields__)


class Token(msgspec.Struct, gc=False):
    """A token with its probability and, in its place, the likeliest others."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list[Token] | None = None


class Line(Strict):
    """A whole answer, or one line of a stream; /api/generate says `response` where the chat has `message`."""

    model: str = ""
    created_at: str = ""
    message: Turn | None = None
    response: str | None = None
    thinking: str | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    logprobs: list[Token] | None = None


ANSWERED = frozenset(Line.__struct_fields__)
