"""Whole answers, both ways.

Source: https://platform.claude.com/docs/en/api/messages/create (returns) and
https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Choice, Finish, Response
from meshwright.types.usage import Usage
from meshwright.wire.anthropic_messages.blocks_in import read_part
from meshwright.wire.anthropic_messages.blocks_out import Writer
from meshwright.wire.anthropic_messages.errors import decode_error
from meshwright.wire.anthropic_messages.shapes import ANSWERED, NAME, Answer
from meshwright.wire.anthropic_messages.usage import COUNTS, counts_extra, usage_out
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.notes import Notes
from meshwright.wire.reading import provider_json, provider_source
from meshwright.wire.verbatim import below, present

_ANSWER: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)

FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
    "model_context_window_exceeded": "context",
}
"""What each `stop_reason` means; any other is "unknown" and kept verbatim beside it."""

REASONS: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "refusal": "refusal",
    "pause": "pause_turn",
    "context": "model_context_window_exceeded",
    "content_filter": "refusal",
    "error": "end_turn",
    "unknown": "end_turn",
}


def decode_response(body: bytes, target: Target) -> Response:
    """A provider's answer. Raises UpstreamProtocol when it is none (an error that came with a good status, too)."""
    source = provider_source(NAME, body)
    if bytes(source.fields.get("type", b"")) == b'"error"':
        raise UpstreamProtocol(f"The provider answered with an error: {decode_error(502, body, None).message}")
    wire = provider_json(_ANSWER, body, "answer")
    extra: list[Opaque] = []
    if not ANSWERED.issuperset(source.fields):
        extra += [
            Opaque(NAME, name, raw) for name, raw in source.fields.items() if name not in ANSWERED and present(raw)
        ]
    usage: Usage | None = None
    tier = ""
    try:
        message = _message(wire, target.origin)
        if present(wire.usage):
            counts = COUNTS.decode(wire.usage)
            usage, tier = counts.usage(), counts.service_tier or ""
            extra += counts_extra(wire.usage)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UpstreamProtocol(f"The provider's answer is not what its dialect promises: {error}.") from None
    if wire.stop_reason is not None and wire.stop_reason not in FINISHES:
        extra.append(Opaque(NAME, "stop_reason", source.fields["stop_reason"]))
    choice = Choice(
        message=message,
        finish=None if wire.stop_reason is None else FINISHES.get(wire.stop_reason, "unknown"),
        stop=wire.stop_sequence or "",
    )
    return Response(
        id=wire.id,
        model=wire.model,
        choices=(choice,),
        usage=usage,
        service_tier=tier,
        extra=tuple(extra),
        source=source,
    )


def _message(wire: Answer, origin: str) -> Message:
    parts, extra = [], []
    for index, raw in enumerate(wire.content or ()):
        try:
            part, asides = read_part(raw, origin)
        except msgspec.ValidationError as error:
            raise below(error, f"content[{index}]") from None
        parts.append(part)
        extra += [Opaque(NAME, f"content[{index}].{path}", aside) for path, aside in asides]
    return Message("assistant", tuple(parts), extra=tuple(extra))


def encode_response(response: Response, request: Request) -> Encoded:
    """The answer for a client of this dialect. `created` has no place and is not noted: every answer would say so."""
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
    extra = [one for one in response.extra if one.kind.startswith("usage.")]
    usage = usage_out(response.usage, response.service_tier, extra, notes)
    body: dict[str, Any] = {
        "id": response.id,
        "type": "message",
        "role": "assistant",
        "model": response.model or request.model,
        "content": Writer(notes, None).blocks(message),
        "stop_reason": stop_reason(choice.finish, choice.stop, response.extra, notes),
        "stop_sequence": choice.stop or None,
        "usage": usage,
    }
    _extra(body, response.extra, choice.finish, notes)
    return Encoded(msgspec.json.encode(body), tuple(notes.found))


def stop_reason(finish: Finish | None, stop: str, extra: Sequence[Opaque], notes: Notes) -> str | Raw | None:
    """The API's word for why the answer ended; one without a meaning in `types` waits verbatim in `extra`."""
    if finish is None:
        return None
    verbatim = next((one.raw for one in extra if one.dialect == NAME and one.kind == "stop_reason"), None)
    if finish == "unknown" and verbatim is not None:
        return verbatim
    if finish == "content_filter":
        notes.changed("choices.finish", "An answer that a filter ended counts as a refusal here.")
    elif finish in ("error", "unknown"):
        notes.changed("choices.finish", "Why the answer ended has no word here.")
    return "stop_sequence" if stop and finish == "stop" else REASONS[finish]


def _extra(body: dict[str, Any], extra: tuple[Opaque, ...], finish: Finish | None, notes: Notes) -> None:
    for one in extra:
        if one.dialect != NAME:
            notes.foreign(one.kind, one)
        elif one.kind.startswith(("event.", "delta.")):
            notes.dropped(one.kind, "An event of a stream has no place in a whole answer.")
        elif one.kind == "stop_reason" and finish != "unknown":
            notes.dropped("stop_reason", "The answer now ends for another reason.")
        elif one.kind != "stop_reason" and not one.kind.startswith("usage."):
            body[one.kind] = one.raw
