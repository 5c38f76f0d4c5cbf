"""A request as every dialect's clients mean it, and the note that is made when something cannot be carried over."""

from __future__ import annotations

from typing import Literal

import msgspec

from meshwright.types.content import Message, Opaque, Ttl

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class ToolSpec(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A tool that the model may call. `schema` is the JSON Schema of its arguments, verbatim; None: none was given.

    `kind` "custom" takes free text (`grammar` verbatim, if any). `hosted` is a provider's own tool (web search, code
    interpreter, ...), verbatim: only its dialect can carry it; `name` is then the provider's type name.
    """

    name: str
    description: str = ""
    schema: msgspec.Raw | None = None
    strict: bool | None = None
    kind: Literal["function", "custom", "hosted"] = "function"
    grammar: msgspec.Raw | None = None
    hosted: Opaque | None = None
    cache: Ttl | None = None
    extra: tuple[Opaque, ...] = ()


class ToolChoice(msgspec.Struct, frozen=True, omit_defaults=True):
    """`auto`, `none`, `required` (any of `names`, or any at all when empty), or `tool`: exactly the one in `names`."""

    mode: Literal["auto", "none", "required", "tool"]
    names: tuple[str, ...] = ()


class OutputFormat(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The form of the answer: free text, any JSON object, or JSON by `schema` (JSON Schema, verbatim)."""

    kind: Literal["text", "json", "schema"] = "text"
    name: str = ""
    description: str = ""
    schema: msgspec.Raw | None = None
    strict: bool | None = None


class ReasoningControl(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How much to think: an `effort`, or a budget in tokens. `summary` asks for a digest; `hidden` for no thoughts.

    `mode` "off" forbids it, "adaptive" leaves it to the model.
    """

    effort: Effort | None = None
    budget: int | None = None
    summary: str = ""
    mode: Literal["", "off", "on", "adaptive"] = ""
    hidden: bool = False


class SpokenOutput(msgspec.Struct, frozen=True):
    """The voice and the format of a spoken answer."""

    voice: msgspec.Raw
    format: str


class Source(msgspec.Struct, frozen=True, eq=False):
    """The bytes that a value was decoded from. `fields` are the body's top-level members, verbatim and in order.

    While a value still has its source and goes out in the same dialect, those bytes are sent again, not a re-encoding.
    """

    dialect: str
    body: bytes
    fields: dict[str, msgspec.Raw]


class Request(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One request for an answer. None (or empty) means that the caller did not say.

    `extra` holds top-level members that the caller's dialect has and this struct has no place for: verbatim for that
    dialect, an Adaptation for any other. `source` is gone as soon as anything changes the request.
    """

    model: str
    messages: tuple[Message, ...] = ()
    stream: bool = False
    stream_usage: bool = False
    """The caller of a stream asked to be told its usage at the end."""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    n: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: msgspec.Raw | None = None
    logprobs: bool = False
    top_logprobs: int | None = None
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    output: OutputFormat | None = None
    reasoning: ReasoningControl | None = None
    modalities: tuple[str, ...] = ()
    speech: SpokenOutput | None = None
    verbosity: str = ""
    user: str = ""
    metadata: msgspec.Raw | None = None
    cache: Ttl | None = None
    """The provider should cache as much of the prefix as it can (Anthropic's top-level `cache_control`)."""
    cache_key: str = ""
    service_tier: str = ""
    store: bool | None = None
    previous_response_id: str = ""
    max_cost: int | None = None
    """Nano-dollars that its answer may cost at the very most; this gateway's own, no provider is told."""
    extra: tuple[Opaque, ...] = ()
    source: Source | None = msgspec.field(default=None)


class Adaptation(msgspec.Struct, frozen=True):
    """Something of a request or an answer that could not be carried over as it was: what, why, and what was done.

    `action` is "dropped" (it is gone), "changed" (something near to it was sent) or "moved" (same meaning, other
    place).
    """

    field: str
    action: Literal["dropped", "changed", "moved"]
    reason: str

    @property
    def lossy(self) -> bool:
        """Whether something is not said any more, or not as it was meant."""
        return self.action != "moved"
