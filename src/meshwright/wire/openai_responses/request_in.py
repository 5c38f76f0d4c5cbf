"""The body of a Responses call as a Request.

Source: https://platform.openai.com/docs/api-reference/responses/create.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque, Role, Text
from meshwright.types.errors import InvalidRequest
from meshwright.types.request import OutputFormat, ReasoningControl, Request, ToolChoice
from meshwright.wire.openai_responses.items_in import Turns
from meshwright.wire.openai_responses.members import ARRAY, NAME, NULL, STRING, is_array, read, wrong
from meshwright.wire.openai_responses.options import choice_in, reasoning_in, text_in, tool_in
from meshwright.wire.reading import client_json, client_source, explain
from meshwright.wire.verbatim import is_object, raw_of

LOGPROBS = "message.output_text.logprobs"
INSTRUCTIONS = Opaque(NAME, "instructions", NULL)
"""Marks the leading system message that came as `instructions`, so that it goes out as such again.

Its value is null: to another dialect, where instructions are a system message anyway, it says nothing and is no loss.
"""

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Least1 = Annotated[int, msgspec.Meta(ge=1)]


class _Easy(msgspec.Struct, forbid_unknown_fields=True):
    """A message as nearly all of them come: a role and a string."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str
    type: Literal["message"] = "message"


class _Body(msgspec.Struct):
    model: str
    input: Raw = NULL
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: _Least1 | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: _Share | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    tools: list[Raw] | None = None
    tool_choice: Raw = NULL
    parallel_tool_calls: bool | None = None
    text: Raw = NULL
    reasoning: Raw = NULL
    include: list[Raw] | None = None
    metadata: Raw = NULL
    user: str | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    prompt_cache_key: str | None = None
    service_tier: str | None = None


_BODY: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)
_EASY: msgspec.json.Decoder[str | list[_Easy]] = msgspec.json.Decoder(str | list[_Easy])
_KNOWN = frozenset(_Body.__struct_fields__)
_STATE = ("previous_response_id", "conversation", "prompt")
"""Where the conversation may come from when `input` is empty."""


def decode_request(body: bytes) -> Request:
    """A client's request with its source. Raises InvalidRequest that names the field and TooLarge.

    The source is left out when the client sends something back that was only meant for us (ids of items, sealed
    thoughts): such a request must not go on as its own bytes.
    """
    source = client_source(NAME, body)
    sent = client_json(_BODY, body)
    extra = [Opaque(NAME, name, raw) for name, raw in source.fields.items() if name not in _KNOWN and raw != NULL]
    try:
        messages, changed = _messages(sent)
        if not messages and not any(_given(source.fields.get(name)) for name in _STATE):
            raise InvalidRequest("There is no input.", field="input", fix="Send a string or a list of items.")
        logprobs = _include(sent, extra)
        output, verbosity = _text(sent, extra)
        return Request(
            model=sent.model,
            messages=_instructed(sent, messages),
            stream=bool(sent.stream),
            stream_usage=bool(sent.stream),
            max_tokens=sent.max_output_tokens,
            temperature=sent.temperature,
            top_p=sent.top_p,
            logprobs=logprobs,
            top_logprobs=sent.top_logprobs,
            tools=tuple([tool_in(raw, f"tools[{place}]") for place, raw in enumerate(sent.tools or ())]),
            tool_choice=_choice(sent, extra),
            parallel_tools=sent.parallel_tool_calls,
            output=output,
            reasoning=_reasoning(sent, extra),
            verbosity=verbosity,
            user=sent.user or "",
            metadata=_metadata(sent),
            cache_key=sent.prompt_cache_key or "",
            service_tier=sent.service_tier or "",
            store=sent.store,
            previous_response_id=sent.previous_response_id or "",
            extra=tuple(extra),
            source=None if changed else source,
        )
    except msgspec.ValidationError as error:
        what, field = explain(error)
        raise InvalidRequest(f"{what}.", field=field or None) from None


def _given(raw: Raw | None) -> bool:
    return raw is not None and raw != NULL


def _messages(sent: _Body) -> tuple[tuple[Message, ...], bool]:
    """The conversation, and whether something in it was meant for us alone."""
    if sent.input == NULL:
        return (), False
    try:
        easy = _EASY.decode(sent.input)
    except msgspec.ValidationError:
        pass  # not as plain as most: item by item, which also finds out what is wrong
    else:
        if isinstance(easy, str):
            return ((_message("user", easy),) if easy else ()), False
        if not any(one.role == "assistant" for one in easy):
            return tuple([_message(one.role, one.content) for one in easy]), False
    if not is_array(sent.input):
        raise wrong("Expected `str | array`", "input")
    turns = Turns()
    for place, raw in enumerate(ARRAY.decode(sent.input)):
        turns.add(raw, f"input[{place}]")
    return turns.messages(), turns.changed


def _message(role: Role, text: str) -> Message:
    return Message(role, (Text(text),) if text else ())


def _instructed(sent: _Body, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    if not sent.instructions:
        return messages
    return (Message("system", (Text(sent.instructions),), extra=(INSTRUCTIONS,)), *messages)


def _include(sent: _Body, extra: list[Opaque]) -> bool:
    """Whether probabilities are asked for; what else is to be included stays with the dialect."""
    if not sent.include:
        return False
    words = [read(STRING, raw, f"include[{place}]") for place, raw in enumerate(sent.include)]
    others = [word for word in words if word != LOGPROBS]
    if others:
        extra.append(Opaque(NAME, "include", raw_of(others)))
    return len(others) < len(words)


def _text(sent: _Body, extra: list[Opaque]) -> tuple[OutputFormat | None, str]:
    if sent.text == NULL:
        return None, ""
    output, verbosity, left = text_in(sent.text)
    if left:
        extra.append(Opaque(NAME, "text", raw_of(left)))
    return output, verbosity


def _reasoning(sent: _Body, extra: list[Opaque]) -> ReasoningControl | None:
    if sent.reasoning == NULL:
        return None
    control, left = reasoning_in(sent.reasoning)
    if left:
        extra.append(Opaque(NAME, "reasoning", raw_of(left)))
    return control


def _choice(sent: _Body, extra: list[Opaque]) -> ToolChoice | None:
    if sent.tool_choice == NULL:
        return None
    choice = choice_in(sent.tool_choice)
    if choice is None:
        extra.append(Opaque(NAME, "tool_choice", sent.tool_choice))
    return choice


def _metadata(sent: _Body) -> Raw | None:
    if sent.metadata == NULL:
        return None
    if not is_object(sent.metadata):
        raise wrong("Expected `object | null`", "metadata")
    return sent.metadata
