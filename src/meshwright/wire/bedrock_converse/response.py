"""A whole answer, both ways.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (response elements). An answer
has no id, no time and no model's name of its own; that is not noted, since every answer would say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque, ToolCall
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Choice, Finish, Response
from meshwright.types.usage import Usage
from meshwright.wire.bedrock_converse.blocks_in import Reading
from meshwright.wire.bedrock_converse.blocks_out import Writer
from meshwright.wire.bedrock_converse.request_in import put_aside
from meshwright.wire.bedrock_converse.shapes import ANSWERED, NAME, Answer, SaidMessage, Tier
from meshwright.wire.bedrock_converse.usage import usage_in, usage_out
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.notes import Notes
from meshwright.wire.reading import provider_json, provider_source
from meshwright.wire.verbatim import below, members, present

_ANSWER: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
_MESSAGE: msgspec.json.Decoder[SaidMessage] = msgspec.json.Decoder(SaidMessage)
_TIER: msgspec.json.Decoder[Tier] = msgspec.json.Decoder(Tier)
NO_METRICS = Raw(b'{"latencyMs":0}')
"""The metrics of an answer that nobody measured: the API's clients expect the member."""

FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
    "model_context_window_exceeded": "context",
}
"""What each `stopReason` means; any other is "unknown" and kept verbatim beside it."""

REASONS: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
    "error": "malformed_model_output",
    "context": "model_context_window_exceeded",
    "refusal": "content_filtered",
    "pause": "end_turn",
    "unknown": "end_turn",
}
_NEAR: dict[Finish, str] = {
    "refusal": "A model that declines counts as filtered here.",
    "pause": "An answer that pauses has ended here.",
    "unknown": "Why the answer ended has no word here.",
}


def decode_response(body: bytes, target: Target) -> Response:
    """A provider's answer. Raises UpstreamProtocol when it is none. `model` is the one that was asked."""
    source = provider_source(NAME, body)
    wire = provider_json(_ANSWER, body, "answer")
    extra: list[Opaque] = [
        Opaque(NAME, name, raw) for name, raw in source.fields.items() if name not in ANSWERED and present(raw)
    ]
    usage: Usage | None = None
    try:
        message = _message(wire, target.origin, extra)
        if present(wire.usage):
            usage, uncounted = usage_in(wire.usage)
            extra += uncounted
        extra += told_metrics(wire.metrics)
        tier = tier_in(wire.service_tier, extra)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamProtocol(f"The provider's answer is not what its dialect promises: {error}.") from None
    if wire.stop_reason is not None and wire.stop_reason not in FINISHES:
        extra.append(Opaque(NAME, "stopReason", source.fields["stopReason"]))
    finish = None
    if wire.stop_reason is not None:
        finish = finish_in(wire.stop_reason, called=any(isinstance(part, ToolCall) for part in message.parts))
    return Response(
        model=target.model,
        choices=(Choice(message=message, finish=finish),),
        usage=usage,
        service_tier=tier,
        extra=tuple(extra),
        source=source,
    )


def _message(wire: Answer, origin: str, extra: list[Opaque]) -> Message:
    if not present(wire.output.message):
        return Message("assistant")
    said = _MESSAGE.decode(wire.output.message)
    reading = Reading(origin)
    for index, raw in enumerate(said.content or ()):
        try:
            reading.add(raw)
        except msgspec.ValidationError as error:
            raise below(error, f"output.message.content[{index}]") from None
    extra += [
        Opaque(NAME, f"output.message.{name}", value)
        for name, value in members(wire.output.message).items()
        if name not in ("role", "content")
    ]
    return Message("assistant", tuple(part for part, _ in reading.parts), extra=tuple(put_aside(reading.parts)))


def told_metrics(raw: Raw) -> list[Opaque]:
    """`metrics`, when they tell something. Raises ValidationError."""
    if not present(raw) or bytes(raw).translate(None, b" \t\r\n") == bytes(NO_METRICS):
        return []
    return [Opaque(NAME, "metrics", raw)]


def tier_in(raw: Raw, extra: list[Opaque]) -> str:
    """`serviceTier`; one that we do not know goes to `extra`."""
    if not present(raw):
        return ""
    try:
        return _TIER.decode(raw).type
    except msgspec.ValidationError:
        extra.append(Opaque(NAME, "serviceTier", raw))
        return ""


def encode_response(response: Response, request: Request) -> Encoded:
    """The answer for a client of this dialect."""
    if response.source is not None and response.source.dialect == NAME:
        return Encoded(response.source.body)
    notes = Notes()
    choice = response.choices[0] if response.choices else Choice(message=Message("assistant"))
    if len(response.choices) > 1:
        notes.dropped("choices", "The dialect has one answer: the first was sent.")
    if choice.index:
        notes.changed("choices.index", "The dialect has one answer, without a number.")
    message = choice.message
    for name in ("name", "id"):
        if getattr(message, name):
            notes.dropped(f"choices.{name}", "The turn has no name and no id of its own here.")
    if choice.logprobs is not None or choice.refusal_logprobs is not None:
        notes.dropped("choices.logprobs", "The dialect tells no probabilities.")
    counted = [one for one in response.extra if one.kind.startswith("usage.")]
    said: dict[str, Any] = {"role": "assistant", "content": Writer(notes, None).blocks(message)}
    body: dict[str, Any] = {
        "output": {"message": said},
        "stopReason": stop_reason(choice.finish, choice.stop, response.extra, notes),
        "usage": usage_out(response.usage, counted, notes),
        "metrics": NO_METRICS,
    }
    if response.service_tier:
        body["serviceTier"] = {"type": response.service_tier}
    for one in response.extra:
        if one.dialect != NAME:
            notes.foreign(one.kind, one)
        elif one.kind.startswith("event."):
            notes.dropped(one.kind, "An event of a stream has no place in a whole answer.")
        elif one.kind == "stopReason" and choice.finish != "unknown":
            notes.dropped("stopReason", "The answer now ends for another reason.")
        elif one.kind.startswith("output.message."):
            said[one.kind.removeprefix("output.message.")] = one.raw
        elif one.kind != "stopReason" and not one.kind.startswith("usage."):
            body[one.kind] = one.raw
    if body["stopReason"] is None:
        del body["stopReason"]
    return Encoded(msgspec.json.encode(body), tuple(notes.found))


def finish_in(reason: str, *, called: bool) -> Finish:
    """Our word for a `stopReason`. OpenAI's models on Bedrock say that the turn ended where they called a tool."""
    return "tool_calls" if called and reason == "end_turn" else FINISHES.get(reason, "unknown")


def stop_reason(finish: Finish | None, stop: str, extra: Sequence[Opaque], notes: Notes) -> str | Raw | None:
    """The API's word for why the answer ended; one without a meaning in `types` waits verbatim in `extra`."""
    if stop:
        notes.dropped("choices.stop", "That a stop sequence ended it is said here, not which one.")
    if finish is None:
        return None
    verbatim = next((one.raw for one in extra if one.dialect == NAME and one.kind == "stopReason"), None)
    if finish == "unknown" and verbatim is not None:
        return verbatim
    if finish in _NEAR:
        notes.changed("choices.finish", _NEAR[finish])
    return "stop_sequence" if stop and finish == "stop" else REASONS[finish]
