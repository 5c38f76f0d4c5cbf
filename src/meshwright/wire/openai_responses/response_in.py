"""A provider's answer as a Response.

Source: https://platform.openai.com/docs/api-reference/responses/object.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque, Reasoning, ToolCall
from meshwright.types.errors import UpstreamProtocol, UpstreamStatus
from meshwright.types.response import Choice, Response
from meshwright.wire.dialect import Target
from meshwright.wire.openai_responses.errors import failure
from meshwright.wire.openai_responses.items_in import Turns
from meshwright.wire.openai_responses.members import NAME, NULL, Members
from meshwright.wire.openai_responses.usage import finish_in, usage_in
from meshwright.wire.reading import provider_json, provider_source
from meshwright.wire.verbatim import raw_of

REPEATED = frozenset(
    [
        "object", "background", "completed_at", "frequency_penalty", "instructions", "max_output_tokens",
        "max_tool_calls", "metadata", "parallel_tool_calls", "presence_penalty", "previous_response_id", "prompt",
        "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning", "safety_identifier", "store",
        "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user",
    ]
)  # fmt: skip
"""Members in which the API repeats the request: no part of the answer, and made again from the request itself."""


class Head(msgspec.Struct):
    """The members of a response object that have a place in a Response."""

    id: str = ""
    model: str = ""
    created_at: float = 0
    status: str | None = None
    incomplete_details: Raw = NULL
    error: Raw = NULL
    output: list[Raw] | None = None
    usage: Raw = NULL
    service_tier: str | None = None


HEAD: msgspec.json.Decoder[Head] = msgspec.json.Decoder(Head)
_KNOWN = frozenset(Head.__struct_fields__)


def decode_response(body: bytes, target: Target) -> Response:
    """The answer with its source. Raises UpstreamProtocol, and UpstreamStatus when it says that the model failed."""
    source = provider_source(NAME, body)
    head = provider_json(HEAD, body, "answer")
    if head.output is None and head.error == NULL:
        raise UpstreamProtocol("The provider's answer is not what its dialect promises: it has no output.")
    if head.status == "failed" or (head.error != NULL and head.output is None):
        raise failed(head)
    try:
        turns = Turns(answer=True)
        for place, raw in enumerate(head.output or ()):
            turns.add(raw, f"output[{place}]")
        message = bound(turns.turn(), target.origin)
        extra = extras(source.fields)
        usage = None
        if head.usage != NULL:
            usage, kept = usage_in(head.usage, "usage")
            if kept is not None:
                extra.append(Opaque(NAME, "usage", kept))
        finish = finish_in(head.status or "", reason_of(head), calls=calls_of(message))
        if head.status in ("queued", "cancelled") or (head.status == "incomplete" and finish == "unknown"):
            extra.append(Opaque(NAME, "status", raw_of(head.status)))
            if head.incomplete_details != NULL:
                extra.append(Opaque(NAME, "incomplete_details", head.incomplete_details))
    except msgspec.ValidationError as error:
        raise UpstreamProtocol(f"The provider's answer is not what its dialect promises: {error}.") from None
    choice = Choice(message=message, finish=finish, logprobs=tuple(turns.heard) or None)
    return Response(
        id=head.id,
        model=head.model,
        created=int(head.created_at),
        choices=(choice,),
        usage=usage,
        service_tier=head.service_tier or "",
        extra=tuple(extra),
        source=source,
    )


def extras(fields: dict[str, Raw]) -> list[Opaque]:
    """Members of a response object that are neither known nor the request's."""
    return [
        Opaque(NAME, name, raw)
        for name, raw in fields.items()
        if name not in _KNOWN and name not in REPEATED and raw != NULL
    ]


def reason_of(head: Head) -> str:
    """Why an answer is incomplete, "" if it does not say. Raises ValidationError."""
    if head.incomplete_details == NULL:
        return ""
    return Members(head.incomplete_details, "incomplete_details").text("reason")


def failed(head: Head) -> UpstreamStatus:
    """The error of a response object that says that the model failed."""
    message, code = "The provider says that the model failed.", ""
    if head.error != NULL:
        try:
            error = Members(head.error, "error")
            message, code = error.text("message") or message, error.text("code")
        except msgspec.ValidationError:
            message = f"{message} ({bytes(head.error)[:500].decode('utf-8', 'replace')})"
    return failure(message, code)


def calls_of(message: Message) -> bool:
    """Whether the turn calls tools."""
    return any(isinstance(part, ToolCall) for part in message.parts)


def bound(message: Message, origin: str) -> Message:
    """The message with its sealed thoughts bound to who made them."""
    if not any(isinstance(part, Reasoning) and part.encrypted for part in message.parts):
        return message
    parts = tuple(
        msgspec.structs.replace(part, origin=origin) if isinstance(part, Reasoning) and part.encrypted else part
        for part in message.parts
    )
    return msgspec.structs.replace(message, parts=parts)
