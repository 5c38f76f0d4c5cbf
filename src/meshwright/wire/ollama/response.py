"""Whole answers, both ways.

Source: https://docs.ollama.com/api/chat. Answers have no id; durations and other members without a place are kept.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque, ToolCall
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Choice, Response
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.notes import Notes
from meshwright.wire.ollama.answer import (
    FINISHES,
    finish_in,
    reason_out,
    seconds,
    time_out,
    tokens_in,
    tokens_out,
    usage_in,
    usage_out,
)
from meshwright.wire.ollama.errors import decode_error
from meshwright.wire.ollama.shapes import ANSWERED, NAME, Line, Turn
from meshwright.wire.ollama.turns_in import Aside, parts_in, read_turn
from meshwright.wire.ollama.turns_out import Writer
from meshwright.wire.reading import provider_source
from meshwright.wire.verbatim import below, present

_LINE: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def read_line(fields: dict[str, Raw]) -> tuple[Line, list[Aside], list[Opaque]]:
    """An answer or a line by its members: (what is known, the message's other members, all others).

    Raises ValidationError.
    """
    known = {name: raw for name, raw in fields.items() if name in ANSWERED and present(raw)}
    extra = [Opaque(NAME, name, raw) for name, raw in fields.items() if name not in ANSWERED and present(raw)]
    message = known.pop("message", None)
    line = _LINE.decode(msgspec.json.encode(known))
    asides: list[Aside] = []
    if message is not None:
        try:
            line.message, asides = read_turn(message)
        except msgspec.ValidationError as error:
            raise below(error, "message") from None
    if line.done_reason and line.done_reason not in FINISHES:
        extra.append(Opaque(NAME, "done_reason", fields["done_reason"]))
    return line, asides, extra


def turn_of(line: Line) -> Turn:
    """What the line says, in the form of the chat: /api/generate says it without a message."""
    return line.message or Turn(content=line.response, thinking=line.thinking)


def decode_response(body: bytes, target: Target) -> Response:
    """A provider's answer. Raises UpstreamProtocol when it is none (an error that came with a good status, too)."""
    source = provider_source(NAME, body)
    if present(source.fields.get("error", Raw())):
        raise UpstreamProtocol(f"The provider answered with an error: {decode_error(502, body, None).message}")
    if source.fields.keys().isdisjoint(("message", "response")):
        raise UpstreamProtocol("The provider's answer is not what its dialect promises: it has no message.")
    try:
        line, asides, extra = read_line(source.fields)
        parts = parts_in(turn_of(line), line.created_at, 0, asides)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UpstreamProtocol(f"The provider's answer is not what its dialect promises: {error}.") from None
    called = any(isinstance(part, ToolCall) for part in parts)
    choice = Choice(
        message=Message("assistant", tuple(parts), extra=tuple(Opaque(NAME, *aside) for aside in asides)),
        finish=finish_in(line.done_reason, called) if line.done else None,
        logprobs=tokens_in(line.logprobs) or None,
    )
    return Response(
        model=line.model,
        created=seconds(line.created_at),
        choices=(choice,),
        usage=usage_in(line),
        extra=tuple(extra),
        source=source,
    )


def encode_response(response: Response, request: Request) -> Encoded:
    """The answer for a client of this dialect. Its id has no place and is not noted: every answer would say so."""
    if response.source is not None and response.source.dialect == NAME:
        return Encoded(response.source.body)
    notes = Notes()
    body = answer_out(response, request, notes)
    return Encoded(msgspec.json.encode(body), tuple(notes.found))


def answer_out(response: Response, request: Request, notes: Notes) -> dict[str, Any]:
    """The body built from the values; every loss goes to `notes`."""
    choice = response.choices[0] if response.choices else Choice(message=Message("assistant"))
    if len(response.choices) > 1:
        notes.dropped("choices", "The dialect has one answer: the first was sent.")
    if choice.index:
        notes.changed("choices.index", "The dialect has one answer, without a number.")
    message = choice.message
    for name in ("name", "id"):
        if getattr(message, name):
            notes.dropped(f"choices.{name}", "The turn has no name and no id of its own here.")
    if choice.stop:
        notes.dropped("choices.stop", "Which stop sequence ended the answer is not told here.")
    if choice.refusal_logprobs is not None:
        notes.dropped("choices.refusal_logprobs", "A refusal has no probabilities here.")
    if response.service_tier:
        notes.dropped("service_tier", "The dialect has no service tiers.")
    turn = Writer(notes, None).turn(message, "assistant")
    body: dict[str, Any] = {
        "model": response.model or request.model,
        "created_at": time_out(response.created),
        "message": turn,
        "done": True,
        "done_reason": reason_out(choice.finish, "tool_calls" in turn, notes),
        **usage_out(response.usage, notes),
    }
    if choice.logprobs:
        body["logprobs"] = tokens_out(choice.logprobs)
    extra_out(body, response.extra, choice.finish == "unknown", notes)
    return body


def extra_out(body: dict[str, Any], extra: tuple[Opaque, ...], unknown: bool, notes: Notes) -> None:
    """Put the members back that `types` has no place for. `unknown`: why it ended is known to this dialect only."""
    for one in extra:
        if one.dialect != NAME:
            notes.foreign(one.kind, one)
        elif one.kind == "done_reason" and not unknown:
            notes.dropped("done_reason", "The answer now ends for another reason.")
        else:
            body[one.kind] = one.raw
