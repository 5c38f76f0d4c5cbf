"""An answer, whole or as a stream of deltas."""

from __future__ import annotations

from typing import Literal

import msgspec

from meshwright.types.content import Citation, Message, Opaque
from meshwright.types.request import Source
from meshwright.types.usage import Usage

Finish = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "context", "error", "unknown"]


class TokenProbability(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One token with the natural logarithm of its probability, and the likeliest others in its place."""

    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top: tuple[TokenProbability, ...] = ()


class Choice(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One of the n answers. `finish` None: it did not say. `stop` is the stop sequence that ended it, if it says so."""

    message: Message
    index: int = 0
    finish: Finish | None = None
    stop: str = ""
    logprobs: tuple[TokenProbability, ...] | None = None
    refusal_logprobs: tuple[TokenProbability, ...] | None = None


class Response(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A whole answer. `created` is in seconds since 1970. `model` is the name that the provider gave itself.

    `extra` holds members of the dialect that have no place here. `source` is gone as soon as anything changes it.
    """

    id: str = ""
    model: str = ""
    created: int = 0
    choices: tuple[Choice, ...] = ()
    usage: Usage | None = None
    service_tier: str = ""
    extra: tuple[Opaque, ...] = ()
    source: Source | None = msgspec.field(default=None)

    @property
    def text(self) -> str:
        """The words of the first choice."""
        return self.choices[0].message.text if self.choices else ""


class Began(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="began"):
    """The stream's head: sent once, first. `usage` is what is known already (Anthropic tells the input here)."""

    id: str = ""
    model: str = ""
    created: int = 0
    usage: Usage | None = None
    service_tier: str = ""


class TextDelta(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="text"):
    """More words of part `part` of choice `choice`; parts are numbered from 0 in order of appearance, of any kind."""

    text: str
    part: int
    choice: int = 0
    refusal: bool = False
    logprobs: tuple[TokenProbability, ...] = ()


class ReasoningDelta(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="reasoning"):
    """More thought. `summary` is the number of the summary that `text` adds to, None when it is the thought itself.

    `origin` is the deployment that `signature` or `encrypted` is bound to; it comes with each piece of them.
    """

    part: int
    choice: int = 0
    text: str = ""
    summary: int | None = None
    signature: str = ""
    encrypted: str = ""
    id: str = ""
    origin: str = ""


class ToolCallDelta(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="tool_call"):
    """More of a tool call. The first delta of a part brings `id` and `name`; all bring a piece of `arguments`."""

    part: int
    choice: int = 0
    id: str = ""
    name: str = ""
    arguments: str = ""
    kind: Literal["function", "custom"] = "function"
    item_id: str = ""


class AudioDelta(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="audio"):
    """More sound (base64 of whole samples) or more of its transcript."""

    part: int
    choice: int = 0
    id: str = ""
    data: str = ""
    transcript: str = ""
    expires_at: int | None = None


class CitationDelta(msgspec.Struct, frozen=True, kw_only=True, tag="citation"):
    """A citation for the text part `part`."""

    citation: Citation
    part: int
    choice: int = 0


class OpaqueDelta(msgspec.Struct, frozen=True, kw_only=True, tag="opaque"):
    """A part or event that only one dialect understands, whole and verbatim. `part` None: it is not a part."""

    value: Opaque
    part: int | None = None
    choice: int = 0


class PartEnded(msgspec.Struct, frozen=True, omit_defaults=True, tag="part_ended"):
    """Part `part` is complete. Dialects without such a mark leave it out; a new part or a finish implies it."""

    part: int
    choice: int = 0


class Finished(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="finished"):
    """A choice is complete. A stream without this for each of its choices was cut."""

    finish: Finish
    choice: int = 0
    stop: str = ""


class UsageDelta(msgspec.Struct, frozen=True, tag="usage"):
    """The usage so far: each replaces the one before."""

    usage: Usage


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """The dialect's own end mark ([DONE], message_stop, response.completed): nothing follows."""


class Failed(msgspec.Struct, frozen=True, omit_defaults=True, tag="failed"):
    """The stream reports an error in-band. `kind` is the dialect's word for it."""

    message: str
    kind: str = ""
    code: str = ""


Delta = (
    Began
    | TextDelta
    | ReasoningDelta
    | ToolCallDelta
    | AudioDelta
    | CitationDelta
    | OpaqueDelta
    | PartEnded
    | Finished
    | UsageDelta
    | Ended
    | Failed
)
